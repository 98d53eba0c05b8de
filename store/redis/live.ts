/** What operators see: calls that are up, and the counters. */
import type { Redis } from 'ioredis';
import type { Money } from '../../rating/money.ts';
import { OWN_FIELD } from './admit.ts';
import { callKey, LIVE, PREFIX } from './keys.ts';
import type { Units } from './units.ts';

export interface LiveCall {
  readonly callId: string;
  readonly startedMs: number;
  /** Way out taken at admission or after the last failover; -1: none. */
  readonly way: number;
  /** What a takeover needs to know of the call (engine/memo.ts); null: nothing is kept. */
  readonly memo: Uint8Array | null;
  readonly fields: Readonly<Record<string, string>>;
  /** Money on hold by user id. */
  readonly held: ReadonlyMap<number, Money>;
  /** Keys of the counters in which it has a place. */
  readonly counters: readonly string[];
}

const CALLS_A_TRIP = 500;

/** Oldest first; calls that end while the list is read are left out. */
export async function listCalls(redis: Redis, units: Units): Promise<readonly LiveCall[]> {
  const ids = await redis.zrange(LIVE, '0', '-1');
  const calls: LiveCall[] = [];
  for (let at = 0; at < ids.length; at += CALLS_A_TRIP) {
    const part = ids.slice(at, at + CALLS_A_TRIP);
    const hashes = await Promise.all(part.map((callId) => redis.hgetallBuffer(callKey(callId))));
    for (const [index, callId] of part.entries()) {
      const hash = hashes[index];
      if (hash !== undefined && Object.keys(hash).length > 0) calls.push(liveCall(callId, hash, units));
    }
  }
  return calls;
}

function liveCall(callId: string, hash: Readonly<Record<string, Buffer>>, units: Units): LiveCall {
  const { _memo: memo = null, _past: _, ...rest } = hash;
  const texts = Object.fromEntries(Object.entries(rest).map(([field, value]) => [field, value.toString()]));
  const fields: Record<string, string> = {};
  const held = new Map<number, Money>();
  for (const [field, value] of Object.entries(texts)) {
    if (field.startsWith('_hold:')) held.set(Number(field.slice('_hold:'.length)), units.toMoney(value));
    else if (!field.startsWith(OWN_FIELD)) fields[field] = value;
  }
  const counters = `${texts['_held'] ?? ''} ${texts['_way_held'] ?? ''}`.split(' ').filter((key) => key !== '');
  return { callId, startedMs: Number(texts['_started']), way: Number(texts['_way'] ?? -1), memo, fields, held, counters };
}

/** Every counter of concurrent calls that is not 0, by its key without prefix. */
export async function readCounters(redis: Redis): Promise<Readonly<Record<string, number>>> {
  const counters: Record<string, number> = {};
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', `${PREFIX}calls:*`, 'COUNT', 1000);
    const values = keys.length === 0 ? [] : await redis.mget(keys);
    for (const [index, key] of keys.entries()) counters[key.slice(PREFIX.length)] = Number(values[index] ?? 0);
    cursor = next;
  } while (cursor !== '0');
  return counters;
}
