/**
 * What a leg's end means: its disposition and hangup cause, and whether the next way is tried.
 * The SIP status decides where there is one, because Asterisk folds several into one Q.850 cause
 * (measured: 486 and 600 are both 17; a `Reason` header inside a 503 is ignored).
 */
import type { Way } from '../../routing/plan.ts';
import type { Disposition } from './admission.ts';
import type { Attempt, Gone } from './state.ts';

export interface Outcome {
  readonly disposition: Disposition;
  readonly cause: number;
  readonly sipCode: number | null;
}

/** Nothing came back for the INVITE: Q.850 18, "no user responding". */
export const SILENT: Outcome = { disposition: 'FAILED', cause: 18, sipCode: null };

/** Asterisk died under the call: "temporary failure", and neither side ended it. */
export const DIED_CAUSE = 41;

export function died(gone: Gone): boolean {
  return gone.source === 'estimate' && gone.cause === DIED_CAUSE;
}

const BUSY_SIP: ReadonlySet<number> = new Set([486, 600]);
const UNANSWERED_CAUSES: ReadonlySet<number> = new Set([18, 19, 20]);

/**
 * NO ANSWER means that it rang and nobody answered. The same causes without any ringing are failures of the
 * way (a 480 or 408 at once), so that the next one is tried.
 */
export function failedOutcome(attempt: Attempt, gone: Gone): Outcome {
  const sipCode = gone.techCause;
  if ((sipCode !== null && BUSY_SIP.has(sipCode)) || (sipCode === null && gone.cause === 17)) return { disposition: 'BUSY', cause: 17, sipCode };
  const cause = gone.cause === 0 ? 230 : gone.cause;
  if (attempt.rang !== null && UNANSWERED_CAUSES.has(cause)) return { disposition: 'NO ANSWER', cause, sipCode };
  return { disposition: 'FAILED', cause, sipCode };
}

/**
 * FAILED goes on; BUSY and NO ANSWER stop, unless the provider's are to be read as FAILED. Before that come the codes
 * that the provider has of its own, the SIP status before the cause, as several statuses are one cause.
 */
export function goesOn(way: Way, outcome: Outcome): boolean {
  for (const code of [outcome.sipCode, outcome.cause]) {
    if (code === null || outcome.disposition === 'ANSWERED') continue;
    if (way.goOnCodes.includes(code)) return true;
    if (way.stopCodes.includes(code)) return false;
  }
  switch (outcome.disposition) {
    case 'FAILED':
      return true;
    case 'BUSY':
      return way.busyAsFailed;
    case 'NO ANSWER':
      return way.noAnswerAsFailed;
    case 'ANSWERED':
      return false;
  }
}
