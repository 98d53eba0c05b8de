/** What a call that is up would cost if it ended now: for whoever looks on. */
import type { Money } from '../../rating/money.ts';
import { debits, prices } from './money.ts';
import type { Call } from './state.ts';

export interface SoFar {
  /** Index of the way that carries it. */
  readonly way: number;
  /** Wall clock of the answer; null: nobody has answered, and it costs nothing. */
  readonly answeredMs: number | null;
  readonly nowMs: number;
}

/** What it costs the caller's user, or, when there is none, the owner of the DID: all that he owes for it. */
export function priceSoFar(call: Call, { way, answeredMs, nowMs }: SoFar): Money {
  const { parties, ways } = call.plan;
  const userId = parties.userId ?? parties.dstUserId;
  if (answeredMs === null || userId === null) return 0n;
  const talkMs = Math.max(0, nowMs - answeredMs);
  const found = prices(call, ways[way]?.rate ?? null, { answeredMs, talkMs, arrivalToEndMs: Math.max(0, answeredMs - call.arrived.wallMs) + talkMs });
  return debits(call, null, found).reduce((sum, debit) => (debit.account === 'user' && debit.accountId === userId ? sum + debit.amount : sum), 0n);
}
