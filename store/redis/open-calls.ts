/** What Redis knows of calls that are up: enough for whoever takes them over from a process that died. */
import type { Redis } from 'ioredis';
import type { OpenCall } from '../../engine/call/admission.ts';
import type { Money } from '../../rating/money.ts';
import { callKey, doneKey, LIVE, refusedKey } from './keys.ts';
import type { Units } from './units.ts';

const CALLS_A_TRIP = 200;

/** Of one Asterisk, oldest first; `leftOut` are known already. */
export async function openCalls(redis: Redis, units: Units, serverId: number, leftOut: (callId: string) => boolean): Promise<readonly OpenCall[]> {
  const ids = (await redis.zrange(LIVE, '0', '-1')).filter((callId) => callId.startsWith(`${serverId}-`) && !leftOut(callId));
  const calls: OpenCall[] = [];
  for (let at = 0; at < ids.length; at += CALLS_A_TRIP) {
    const part = ids.slice(at, at + CALLS_A_TRIP);
    const hashes = await Promise.all(part.map((callId) => redis.hgetallBuffer(callKey(callId))));
    for (const [index, callId] of part.entries()) {
      const hash = hashes[index];
      if (hash !== undefined && Object.keys(hash).length > 0) calls.push(openCall(callId, hash, units));
    }
  }
  return calls;
}

function openCall(callId: string, hash: Readonly<Record<string, Buffer>>, units: Units): OpenCall {
  const { _memo: memo, _past: past, ...rest } = hash;
  const fields: Record<string, string> = {};
  const held = new Map<number, Money>();
  for (const [field, value] of Object.entries(rest)) {
    if (field.startsWith('_hold:')) held.set(Number(field.slice('_hold:'.length)), units.toMoney(value.toString()));
    else if (!field.startsWith('_')) fields[field] = value.toString();
  }
  return { callId, memo: memo ?? null, past: past ?? null, way: Number(rest['_way']?.toString() ?? 0), fields, held };
}

/** Which of these calls were finished, or refused, within the life of their marks. */
export async function finishedCalls(redis: Redis, callIds: readonly string[]): Promise<ReadonlySet<string>> {
  const marks = await Promise.all(callIds.map(async (callId) => redis.exists(doneKey(callId), refusedKey(callId))));
  return new Set(callIds.filter((_, index) => marks[index] !== 0));
}
