/** FinishRequest as script arguments, and as an entry of the stream that waits for the settler. */
import type { Cdr, Debit, FinishRequest } from '../../engine/call/admission.ts';
import type { Money } from '../../rating/money.ts';
import { encodeEntry } from '../cdr-row.ts';
import { callKey, CDR_STREAM, doneKey, flashKey, LIVE, refusedKey } from './keys.ts';
import { scoredFields } from './score-feed.ts';
import type { ScriptCall } from './scripts.ts';
import type { Units } from './units.ts';

/** How long a finished call is remembered; a repetition later than that is caught by the settling transaction. */
const DONE_LIFE_S = 900;
/** The hour that is counted and the one after it, for whoever compares. */
const FLASH_LIFE_S = 7200;

export function encodeFinish(request: FinishRequest, units: Units, scoring = false): ScriptCall {
  const { callId, cdrs, debits } = request;
  const entry = cdrs.length === 0 && debits.length === 0 ? [] : entryFields({ callId, cdrs, debits }, units, scoring);
  const counted = request.flash === undefined ? [] : [flashKey('src', request.flash.src, request.nowMs), flashKey('dst', request.flash.dst, request.nowMs)];
  return {
    keys: [callKey(callId), LIVE, doneKey(callId), CDR_STREAM, ...counted],
    args: [callId, DONE_LIFE_S, owedText(debits, units), FLASH_LIFE_S, ...entry],
  };
}

/**
 * Whoever was refused may stay for a moment, if the order that ends him is lost; whoever leads then must not refuse him again. A
 * flood of refusals leaves many of these marks.
 */
const REFUSED_LIFE_S = 60;

/** Of a call that held nothing. */
export function encodeRecord(cdrs: readonly Cdr[], units: Units, scoring: boolean): ScriptCall {
  const callId = cdrs[0]?.uniqueId ?? '';
  return { keys: [refusedKey(callId), CDR_STREAM], args: [REFUSED_LIFE_S, ...entryFields({ callId, cdrs, debits: [] }, units, scoring)] };
}

/** Gives back what a call holds without ending it for good. */
export function encodeRelease(callId: string): ScriptCall {
  return { keys: [callKey(callId), LIVE, doneKey(callId), CDR_STREAM], args: [callId, 0, '', 0] };
}

/** Field, value, … of the stream entry; `scoring`: with what the dynamic blacklist wants to know. */
export function entryFields({ callId, cdrs, debits }: Pick<FinishRequest, 'callId' | 'cdrs' | 'debits'>, units: Units, scoring = false): string[] {
  const owed = owedText(debits, units);
  try {
    return ['call', callId, 'owed', owed, ...Object.entries(encodeEntry(cdrs, debits)).flat(), ...(scoring ? scoredFields(cdrs) : [])];
  } catch (error) {
    // A call that cannot be written down must still give its places back; the settler puts the entry aside with this reason.
    const shown = JSON.stringify({ cdrs, debits }, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
    return ['call', callId, 'owed', owed, 'unwritable', error instanceof Error ? error.message : String(error), 'shown', shown];
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
