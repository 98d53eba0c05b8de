/**
 * The whole decision of a call: state and input in, state and orders out. No clock, no waiting, no input/output.
 * An input that does not belong to the state is late or doubled and changes nothing.
 */
import { hangupCause } from '../../routing/hangup-causes.ts';
import { refusedCdr, unattemptedCdr } from './cdr.ts';
import { decideAnnouncing, startAnnouncing } from './announcing.ts';
import { startAttempt } from './attempt.ts';
import { decideDialling, endWhileAsked } from './dialling.ts';
import { payerClaims } from './money.ts';
import type { Call, CallAction, CallInput, CallState, EarlyEnd, Moment, Step } from './state.ts';
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
  return { state: { phase: 'admitting', ended: null }, actions: [{ do: 'admit', request }] };
}

/** Refused before anything was dialled. The caller is answered first: he waits, the CDR does not. */
function refuse(call: Call, cause: number, now: Moment): Step {
  const cdr = refusedCdr(call, { parties: call.plan.parties, cause, catalogVersion: call.plan.catalogVersion, end: now });
  return {
    state: { phase: 'over' },
    actions: [{ do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(cause).q850 }, { do: 'record', cdrs: [cdr] }],
  };
}

/** What the store gave goes back at once. */
function endedWhileAdmitting(call: Call, ended: EarlyEnd): Step {
  return { state: { phase: 'over' }, actions: [{ do: 'finish', request: { callId: call.id, nowMs: ended.gone.moment.wallMs, debits: [], cdrs: [unattemptedCdr(call, ended)] } }] };
}

function decideAdmitting(call: Call, state: Extract<CallState, { phase: 'admitting' }>, input: CallInput, now: Moment): Step {
  switch (input.type) {
    case 'admitted':
      if (state.ended !== null) return endedWhileAdmitting(call, state.ended);
      if (call.plan.announcement !== undefined) return startAnnouncing(call, call.plan.announcement, input.answer);
      return startAttempt(call, { bridged: false, granted: input.answer.granted, left: input.answer.left, past: [] }, input.answer.way, now);
    case 'admissionRefused':
      if (state.ended !== null) return { state: { phase: 'over' }, actions: [{ do: 'record', cdrs: [unattemptedCdr(call, state.ended)] }] };
      return refuse(call, input.cause, now);
    case 'callerGone':
    case 'hangupOrdered':
      return endWhileAsked(call, state, input, now);
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
    case 'announcing':
      return decideAnnouncing(call, state, input, now);
    case 'dialling':
    case 'choosing':
      return decideDialling(call, state, input, now);
    case 'talking':
      return decideTalking(call, state, input, now);
    case 'over':
      return { state, actions: decideOver(input) };
  }
}

