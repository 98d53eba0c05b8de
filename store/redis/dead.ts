/** Providers that do not answer the periodic check, by Asterisk server: written by its engine, read by commands. */
import type { Redis } from 'ioredis';
import { deadKey } from './keys.ts';

/** An engine writes them every two seconds; what one that is gone has written says nothing any more. */
const LIFE_MS = 10_000;

export async function writeDead(redis: Redis, serverId: number, providerIds: readonly number[]): Promise<void> {
  const key = deadKey(serverId);
  const change = redis.multi().del(key);
  if (providerIds.length > 0) change.sadd(key, ...providerIds).pexpire(key, LIFE_MS);
  await change.exec();
}

export async function readDead(redis: Redis, serverId: number): Promise<ReadonlySet<number>> {
  return new Set((await redis.smembers(deadKey(serverId))).map(Number));
}
