/** The call store on an empty Redis, with balances given by hand. */
import type { Redis } from 'ioredis';
import { parseMoney } from '../../rating/money.ts';
import { makeCallStore } from '../../store/redis/calls.ts';
import type { CallStore, Spendable } from '../../store/redis/calls.ts';
import { connectRedis } from '../../store/redis/connect.ts';
import { makeUnits } from '../../store/redis/units.ts';
import type { Units } from '../../store/redis/units.ts';
import { until } from '../lab/wait.ts';
import { freshRedis, memoryLog } from './servers.ts';
import type { LoggedLine } from './servers.ts';

export interface TestCalls {
  readonly store: CallStore;
  readonly redis: Redis;
  readonly redisUrl: string;
  readonly units: Units;
  readonly lines: readonly LoggedLine[];
  /** What the memory of the process knows of balances. */
  readonly known: Map<number, Spendable>;
  readonly close: () => void;
}

export async function openCalls(priceDecimals = 6, scoring = false, events = 0): Promise<TestCalls> {
  const { log, lines } = memoryLog();
  const redisUrl = await freshRedis();
  const redis = connectRedis(redisUrl, log);
  await until(() => (redis.status === 'ready' ? undefined : `Redis is ${redis.status}`));
  const known = new Map<number, Spendable>();
  const units = makeUnits(priceDecimals);
  const store = makeCallStore({ redis, units, balanceOf: (userId) => known.get(userId), flashAlarm: 2, scoring, events, fenceOf: () => undefined, log });
  return { store, redis, redisUrl, units, lines, known, close: () => redis.disconnect() };
}

export function balance(userId: number, amount: string, parts: { credit?: string | null; version?: number; day?: Spendable['day'] } = {}): Spendable {
  const credit = parts.credit === undefined ? '0' : parts.credit;
  return { userId, balance: parseMoney(amount), credit: credit === null ? null : parseMoney(credit), version: parts.version ?? 1, day: parts.day ?? null };
}

/** Every key but the marks of finished calls, which expire by themselves. */
export async function keysLeft(redis: Redis): Promise<string[]> {
  return (await redis.keys('*')).filter((key) => !key.startsWith('tollgate:done:') && !key.startsWith('tollgate:cps:')).sort();
}
