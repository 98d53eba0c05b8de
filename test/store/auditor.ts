/**
 * A naive ledger of what calls were told: it adds up answers, knows nothing of Redis, and must agree with it to the
 * last digit.
 */
import type { Redis } from 'ioredis';
import type { AdmitAnswer, AdmitRequest, CounterClaim } from '../../engine/call/admission.ts';

/** Units of Redis are 10^-6 here, money is 10^-10. */
const UNIT = 10_000n;

interface Open {
  readonly request: AdmitRequest;
  way: readonly CounterClaim[];
  readonly held: Map<number, bigint>;
}

export class Auditor {
  readonly open = new Map<string, Open>();
  readonly pending = new Map<number, bigint>();
  /** Balance plus credit of each payer; undefined: without limit. */
  readonly funds = new Map<number, bigint | undefined>();

  admitted(request: AdmitRequest, answer: AdmitAnswer): void {
    if (answer.kind !== 'admitted') return;
    const held = new Map<number, bigint>();
    for (const [index, { userId, want, least }] of request.payers.entries()) {
      const granted = answer.granted[index] ?? 0n;
      if (granted > want || granted < least) throw new Error(`${request.callId}: granted ${granted}, asked for ${least} to ${want}`);
      held.set(userId, (held.get(userId) ?? 0n) + granted);
    }
    this.open.set(request.callId, { request, way: request.ways[answer.way] ?? [], held });
  }

  extended(callId: string, userId: number, amount: bigint): void {
    const before = this.open.get(callId)?.held.get(userId) ?? 0n;
    if (amount < before) throw new Error(`${callId}: a hold fell from ${before} to ${amount}`);
    this.open.get(callId)?.held.set(userId, amount);
  }

  wayTaken(callId: string, way: readonly CounterClaim[]): void {
    const call = this.open.get(callId);
    if (call !== undefined) call.way = way;
  }

  finished(callId: string, debits: readonly { readonly userId: number; readonly amount: bigint }[]): void {
    if (!this.open.delete(callId)) return;
    for (const { userId, amount } of debits) this.pending.set(userId, (this.pending.get(userId) ?? 0n) + amount);
  }

  counters(): Map<string, number> {
    const sums = new Map<string, number>();
    for (const { request, way } of this.open.values()) {
      for (const { key } of [...request.counters, ...way]) sums.set(key, (sums.get(key) ?? 0) + 1);
    }
    return sums;
  }

  reserved(userId: number): bigint {
    return [...this.open.values()].reduce((sum, call) => sum + (call.held.get(userId) ?? 0n), 0n);
  }

  /** undefined: without limit. */
  left(userId: number): bigint | undefined {
    const funds = this.funds.get(userId);
    return funds === undefined ? undefined : funds - this.reserved(userId) - (this.pending.get(userId) ?? 0n);
  }

  /** Everything in which Redis differs, or a limit does not hold. */
  async differences(redis: Redis, limits: ReadonlyMap<string, number>): Promise<string[]> {
    const wrong: string[] = [];
    const there = new Map<string, string>();
    for (const key of await redis.keys('tollgate:calls:*')) there.set(key.slice('tollgate:'.length), (await redis.get(key)) ?? '');
    const mine = this.counters();
    for (const key of new Set([...there.keys(), ...mine.keys()])) {
      if (String(mine.get(key)) !== there.get(key)) wrong.push(`${key}: Redis has ${there.get(key)}, the auditor ${mine.get(key)}`);
      const limit = limits.get(key) ?? 0;
      if (limit > 0 && (mine.get(key) ?? 0) > limit) wrong.push(`${key}: ${mine.get(key)} calls, the limit is ${limit}`);
    }
    for (const userId of this.funds.keys()) {
      const hash = await redis.hgetall(`tollgate:payer:${userId}`);
      const expected = { reserved: this.reserved(userId), pending: this.pending.get(userId) ?? 0n };
      for (const [field, amount] of Object.entries(expected)) {
        if (BigInt(hash[field] ?? '0') * UNIT !== amount) wrong.push(`${field} of ${userId}: Redis has ${hash[field]}, the auditor ${amount / UNIT}`);
      }
      const left = this.left(userId);
      if (left !== undefined && left < 0n && expected.reserved > 0n && this.pending.size === 0) wrong.push(`user ${userId} is overdrawn by ${-left}`);
    }
    const live = await redis.zcard('tollgate:live');
    if (live !== this.open.size) wrong.push(`${live} live calls, the auditor has ${this.open.size}`);
    return wrong;
  }
}
