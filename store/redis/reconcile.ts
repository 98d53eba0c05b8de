/**
 * Counters and holds are sums over the calls that are up. They are moved by scripts only, all or nothing, so that they are
 * right; here they are added up anew every now and then, and what is wrong all the same (a key set by hand, a Redis restored
 * from a file) is put right and counted.
 */
import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Log } from '../log.ts';
import { callKey, LIVE, payerKey, PREFIX, RECONCILER } from './keys.ts';
import { runScript } from './scripts.ts';

const CALLS_A_TRIP = 500;
/** A daemon that has died has its turns taken over after so many. */
const TURNS_KEPT = 2.5;
const COUNTERS = `${PREFIX}calls:`;
const PAYERS = payerKey('');

/** Keys of sums that look wrong: a call that comes or goes while they are read makes some look so. */
async function suspects(redis: Redis): Promise<ReadonlySet<string>> {
  const must = await sumsOfCalls(redis);
  const found = new Set<string>();
  const compare = (key: string, is: string | null | undefined): void => {
    if ((is ?? '0') !== (must.get(key) ?? 0n).toString()) found.add(key);
  };
  const keys = (pattern: string, known: readonly string[]): string[] => [...new Set([...known, ...[...must.keys()].filter((key) => key.startsWith(pattern))])];
  const counters = keys(COUNTERS, await scan(redis, `${COUNTERS}*`));
  const payers = keys(PAYERS, await scan(redis, `${PAYERS}*`));
  const values = counters.length === 0 ? [] : await redis.mget(counters);
  for (const [index, key] of counters.entries()) compare(key, values[index]);
  const reserved = await Promise.all(payers.map(async (key) => redis.hget(key, 'reserved')));
  for (const [index, key] of payers.entries()) compare(key, reserved[index]);
  return found;
}

/** Places and holds of all calls that are up, by the key of their sum. */
async function sumsOfCalls(redis: Redis): Promise<ReadonlyMap<string, bigint>> {
  const sums = new Map<string, bigint>();
  const add = (key: string, amount: bigint): unknown => sums.set(key, (sums.get(key) ?? 0n) + amount);
  const ids = await redis.zrange(LIVE, '0', '-1');
  for (let at = 0; at < ids.length; at += CALLS_A_TRIP) {
    const hashes = await Promise.all(ids.slice(at, at + CALLS_A_TRIP).map(async (callId) => {
      const [held, wayHeld, payers] = await redis.hmget(callKey(callId), '_held', '_way_held', '_payers');
      const users = (payers ?? '').split(' ').filter((user) => user !== '');
      const holds = users.length === 0 ? [] : await redis.hmget(callKey(callId), ...users.map((user) => `_hold:${user}`));
      return { counters: `${held ?? ''} ${wayHeld ?? ''}`.split(' ').filter((key) => key !== ''), users, holds };
    }));
    for (const { counters, users, holds } of hashes) {
      for (const key of counters) add(key, 1n);
      for (const [index, user] of users.entries()) add(payerKey(user), BigInt(holds[index] ?? '0'));
    }
  }
  return sums;
}

async function scan(redis: Redis, pattern: string): Promise<readonly string[]> {
  const found: string[] = [];
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
    found.push(...keys);
    cursor = next;
  } while (cursor !== '0');
  return found;
}

export interface ReconcilerParts {
  readonly redis: Redis;
  readonly usable: () => boolean;
  readonly everyMs: number;
  readonly log: Log;
}

export class Reconciler {
  readonly #parts: ReconcilerParts;
  #timer: NodeJS.Timeout | undefined;
  #before: ReadonlySet<string> = new Set();
  #repaired = 0;
  #busy = false;
  readonly #name = randomUUID();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** Sums that were wrong and are put right, since the start. */
  get repaired(): number {
    return this.#repaired;
  }

  start(): void {
    this.#timer = setInterval(() => {
      if (this.#parts.usable() && !this.#busy) void this.#turn();
    }, this.#parts.everyMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** A slow Redis is not asked again meanwhile. */
  async #turn(): Promise<void> {
    this.#busy = true;
    try {
      await this.#inTurn();
    } catch (error) {
      this.#parts.log.debug({ reason: String(error) }, 'Counters could not be added up');
    }
    this.#busy = false;
  }

  /** One daemon adds up for all of them: with many calls it is work for Redis. Whoever does it goes on doing it. */
  async #inTurn(): Promise<void> {
    const { redis, everyMs } = this.#parts;
    const lifeMs = Math.round(everyMs * TURNS_KEPT);
    const taken = await redis.set(RECONCILER, this.#name, 'PX', lifeMs, 'NX');
    if (taken === null) {
      if ((await redis.get(RECONCILER)) !== this.#name) return;
      await redis.pexpire(RECONCILER, lifeMs);
    }
    await this.once();
  }

  /** What looked wrong the last time too is added up once more, with Redis standing still. */
  async once(): Promise<void> {
    const { redis, log } = this.#parts;
    const now = await suspects(redis);
    const again = [...now].filter((key) => this.#before.has(key));
    this.#before = now;
    for (const key of again) {
      const user = key.startsWith(PAYERS) ? key.slice(PAYERS.length) : '';
      const [wrong, was, is] = (await runScript(redis, 'repair', { keys: [key, LIVE], args: [user] })) as [number, string, string];
      if (wrong !== 1) continue;
      this.#repaired += 1;
      log.warn({ key, was, is }, 'A sum in Redis did not agree with the calls that are up; it is put right');
    }
  }
}
