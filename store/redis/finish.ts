/** FinishRequest as script arguments. */
import type { Debit, FinishRequest } from '../../engine/call/admission.ts';
import type { Money } from '../../rating/money.ts';
import { encodeCall } from '../cdr-row.ts';
import { callKey, CDR_STREAM, doneKey, LIVE } from './keys.ts';
import type { ScriptCall } from './scripts.ts';
import type { Units } from './units.ts';

/** How long a finished call is remembered; a repetition later than that is caught by the settling transaction. */
const DONE_LIFE_S = 900;

export function encodeFinish(request: FinishRequest, units: Units): ScriptCall {
  const body = request.cdrs.length === 0 && request.debits.length === 0 ? '' : bodyText(request);
  return {
    keys: [callKey(request.callId), LIVE, doneKey(request.callId), CDR_STREAM],
    args: [request.callId, DONE_LIFE_S, owedText(request.debits, units), body],
  };
}

/** A call that cannot be written down must still give its places back; the settler puts the entry aside with this reason. */
function bodyText(request: FinishRequest): string {
  try {
    return encodeCall(request);
  } catch (error) {
    const shown = JSON.stringify(request, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
    return JSON.stringify({ unwritable: error instanceof Error ? error.message : String(error), request: shown });
  }
}

/** "user amount user amount": what each user owes in all; what he is given counts only when it is settled. */
export function owedText(debits: readonly Debit[], units: Units): string {
  const owed = new Map<number, Money>();
  for (const debit of debits) {
    if (debit.account === 'user') owed.set(debit.accountId, (owed.get(debit.accountId) ?? 0n) + debit.amount);
  }
  return [...owed].filter(([, amount]) => amount > 0n).map(([userId, amount]) => `${userId} ${units.owed(amount)}`).join(' ');
}
