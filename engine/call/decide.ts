/**
 * The whole decision of a call: state and input in, state and orders out. No clock, no waiting, no input/output.
 * An input that does not belong to the state is late or doubled and changes nothing.
 */
import { hangupCause } from '../../routing/hangup-causes.ts';
import { attemptCdr, refusedCdr } from './cdr.ts';
import { decideDialling, startAttempt } from './dialling.ts';
import { payerClaims } from './money.ts';
import type { Call, CallAction, CallInput, CallState, Gone, Moment, Step } from './state.ts';
import { decideTalking } from './talking.ts';

/** The first step of a call that routing has a plan for: ask the store for places and money. */
export function begin(call: Call, live: Readonly<Record<string, string>>): Step {
  const { plan } = call;
  const request = {
    callId: call.id,
    nowMs: call.arrived.wallMs,
    counters: plan.counters,
    perSecond: plan.perSecond,
    payers: payerClaims(call),
    ways: plan.ways.map((way) => way.claims),
    live,
  };
  return { state: { phase: 'admitting', callerGone: null }, actions: [{ do: 'admit', request }] };
}

/** Refused before anything was dialled. The caller is answered first: he waits, the CDR does not. */
function refuse(call: Call, cause: number, now: Moment): Step {
  const cdr = refusedCdr(call, { parties: call.plan.parties, cause, catalogVersion: call.plan.catalogVersion, end: now });
  return {
    state: { phase: 'over' },
    actions: [{ do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(cause).q850 }, { do: 'record', cdrs: [cdr] }],
  };
}

/** The caller went while the store was asked: what it gave goes back at once. */
function cancelledWhileAdmitting(call: Call, gone: Gone): Step {
  const ended = { outcome: { disposition: 'FAILED', cause: 241, sipCode: 487 }, end: gone.moment, source: gone.source, terminatedBy: 'originator', answered: null, paidS: null } as const;
  const { cdr } = attemptCdr(call, null, ended);
  return { state: { phase: 'over' }, actions: [{ do: 'finish', request: { callId: call.id, nowMs: gone.moment.wallMs, debits: [], cdrs: [cdr] } }] };
}

function decideAdmitting(call: Call, state: Extract<CallState, { phase: 'admitting' }>, input: CallInput, now: Moment): Step {
  switch (input.type) {
    case 'admitted':
      if (state.callerGone !== null) return cancelledWhileAdmitting(call, state.callerGone);
      return startAttempt(call, { bridged: false, granted: input.answer.granted, past: [] }, input.answer.way, now);
    case 'admissionRefused': {
      const cause = state.callerGone === null ? input.cause : 241;
      return refuse(call, cause, now);
    }
    case 'callerGone':
      return { state: { ...state, callerGone: input.gone }, actions: [] };
    case 'hangupOrdered':
      return { state, actions: [{ do: 'hangUp', channelId: call.originator.channelId, q850: 16 }] };
    default:
      return { state, actions: [] };
  }
}

/** Whatever still appears after the end is hung up; nothing else happens any more. */
function decideOver(input: CallInput): readonly CallAction[] {
  return input.type === 'legReady' || input.type === 'answered' ? [{ do: 'hangUp', channelId: input.legId, q850: 16 }] : [];
}

export function decide(call: Call, state: CallState, input: CallInput, now: Moment): Step {
  switch (state.phase) {
    case 'admitting':
      return decideAdmitting(call, state, input, now);
    case 'dialling':
    case 'choosing':
      return decideDialling(call, state, input, now);
    case 'talking':
      return decideTalking(call, state, input, now);
    case 'over':
      return { state, actions: decideOver(input) };
  }
}

