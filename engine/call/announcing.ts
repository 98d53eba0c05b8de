/**
 * Before the first way is dialled the caller hears that his balance is low: as early media, so that it costs nothing. Whatever
 * becomes of the sound, the call goes on; he may hang up meanwhile.
 */
import { hangupCause } from '../../routing/hangup-causes.ts';
import type { Announcement } from '../../routing/plan.ts';
import type { AdmitAnswer } from './admission.ts';
import { startAttempt } from './attempt.ts';
import { unattemptedCdr } from './cdr.ts';
import type { Announcing, Call, CallAction, CallInput, EarlyEnd, Moment, Step } from './state.ts';

/** A sound also ends when its listener hangs up; his own end is told a little later, and waited for so long. */
const MISSED_MS = 300;

const CLEAR: CallAction = { do: 'clearTimer', timer: 'announce' };

export function startAnnouncing(call: Call, announcement: Announcement, { way, granted, left }: Extract<AdmitAnswer, { kind: 'admitted' }>): Step {
  return {
    state: { phase: 'announcing', way, granted, left, missed: false },
    actions: [{ do: 'announce', announcement }, { do: 'setTimer', timer: 'announce', afterMs: call.settings.announceMs }],
  };
}

function dial(call: Call, { way, granted, left }: Announcing, now: Moment, before: readonly CallAction[]): Step {
  const step = startAttempt(call, { bridged: false, granted, left, past: [] }, way, now);
  return { state: step.state, actions: [CLEAR, ...before, ...step.actions] };
}

function missed(state: Announcing): Step {
  return { state: { ...state, missed: true }, actions: [{ do: 'setTimer', timer: 'announce', afterMs: MISSED_MS }] };
}

/** Nothing was dialled: what was held goes back. */
function end(call: Call, ended: EarlyEnd, orders: readonly CallAction[]): Step {
  const request = { callId: call.id, nowMs: ended.gone.moment.wallMs, debits: [], cdrs: [unattemptedCdr(call, ended)] };
  return { state: { phase: 'over' }, actions: [...orders, { do: 'finish', request }, CLEAR] };
}

export function decideAnnouncing(call: Call, state: Announcing, input: CallInput, now: Moment): Step {
  switch (input.type) {
    case 'announced':
      if (state.missed) return { state, actions: [] };
      return input.failed ? missed(state) : dial(call, state, now, []);
    case 'orderFailed':
      return input.order === 'announce' && !state.missed ? missed(state) : { state, actions: [] };
    case 'timerFired':
      if (input.timer !== 'announce') return { state, actions: [] };
      return dial(call, state, now, state.missed ? [{ do: 'tellMissed', why: 'failed' }] : [{ do: 'stopAnnouncement' }, { do: 'tellMissed', why: 'too long' }]);
    case 'callerGone':
      return end(call, { gone: input.gone, by: 'originator' }, []);
    case 'hangupOrdered':
      return end(call, { gone: { moment: now, cause: 16, techCause: null, source: 'event' }, by: 'system' }, [{ do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(16).q850 }]);
    default:
      return { state, actions: [] };
  }
}
