/**
 * Several devices that ring at once: a leg each, and the first that answers has the call. The attempt is one: it has one
 * row, one ringing time, and fails when the last of its legs has failed.
 */
import { attemptFailed, failure, leave, ringTimers, unreachable, wayOf } from './attempt.ts';
import type { Dialling } from './attempt.ts';
import { CANCEL_CAUSE, strayLeg } from './legs.ts';
import { failedOutcome } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Call, CallAction, CallInput, Fork, Gone, Moment, Step } from './state.ts';
import { startTalking } from './talking.ts';

/** Of a state that is known to have one. */
function forkIn({ attempt }: Dialling): Fork {
  return attempt.fork ?? { open: [], outcomes: [] };
}

function withFork(state: Dialling, fork: Fork): Dialling {
  return { ...state, attempt: { ...state.attempt, fork } };
}

function ready(call: Call, state: Dialling, input: Extract<CallInput, { type: 'legReady' }>): Step {
  const fork = forkIn(state);
  const open = fork.open.map((leg) => (leg.legId === input.legId ? { ...leg, ready: true, sipCallId: input.sipCallId } : leg));
  const first = fork.open.every((leg) => !leg.ready);
  const all = open.every((leg) => leg.ready);
  return {
    state: withFork(state, { ...fork, open }),
    actions: [
      { do: 'dial', legId: input.legId, way: state.attempt.way },
      ...(first ? ringTimers(call, state.attempt) : []),
      ...(all ? [{ do: 'clearTimer', timer: 'legStart' } as const] : []),
    ],
  };
}

/** The others stop ringing; from here on the call is one like any other. */
function answered(call: Call, state: Dialling, input: Extract<CallInput, { type: 'answered' }>, now: Moment): Step {
  const { open } = forkIn(state);
  const leg = open.find(({ legId }) => legId === input.legId);
  if (leg === undefined) return { state, actions: [] };
  const others = open.filter(({ legId }) => legId !== leg.legId);
  const deviceId = wayOf(call, state.attempt).fork?.[leg.target]?.deviceId ?? null;
  const attempt = { ...state.attempt, legId: leg.legId, sipCallId: leg.sipCallId, codec: input.codec, ready: true, connecting: true, fork: null, deviceId };
  const step = startTalking(call, { ...state, attempt }, input.at ?? now, now);
  const orders: CallAction[] = others.map(({ legId }) => ({ do: 'hangUp', channelId: legId, q850: CANCEL_CAUSE }));
  return { state: step.state, actions: [...orders, ...(step.state.phase === 'talking' ? [{ do: 'join', legId: leg.legId } as const] : []), ...step.actions] };
}

/** Somebody who is busy says more than somebody who does not answer, and he more than a device that cannot be reached. */
function worth({ disposition }: Outcome): number {
  return disposition === 'BUSY' ? 2 : disposition === 'NO ANSWER' ? 1 : 0;
}

/** One leg is out; with the last one the attempt has failed. */
function out(call: Call, state: Dialling, legId: string, ended: { readonly outcome: Outcome; readonly gone: Gone }): Step {
  const fork = forkIn(state);
  const open = fork.open.filter((leg) => leg.legId !== legId);
  const outcomes = [...fork.outcomes, ended.outcome];
  if (open.length > 0) return { state: withFork(state, { open, outcomes }), actions: [] };
  const outcome = outcomes.reduce((best, one) => (worth(one) > worth(best) ? one : best));
  return attemptFailed(call, withFork(state, { open, outcomes }), failure(outcome, ended.gone, 'terminator'));
}

function refusedOrder(call: Call, state: Dialling, input: Extract<CallInput, { type: 'orderFailed' }>, now: Moment): Step {
  // Lost with the connection, the order to dial may have been carried out: the leg's answer or the ringing time decides.
  if (input.order === 'connect' && input.status === 0) return { state, actions: [] };
  const gone: Gone = { moment: now, cause: 0, techCause: null, source: 'event' };
  const step = out(call, state, input.legId, { outcome: unreachable(wayOf(call, state.attempt)), gone });
  return { ...step, actions: [{ do: 'hangUp', channelId: input.legId, q850: CANCEL_CAUSE }, ...step.actions] };
}

/** Those that Asterisk never started are given up; the others ring on. */
function lateStart(call: Call, state: Dialling, now: Moment): Step {
  const fork = forkIn(state);
  const late = fork.open.filter((leg) => !leg.ready);
  if (late.length === fork.open.length) return leave(call, state, unreachable(wayOf(call, state.attempt)), now);
  const outcomes = [...fork.outcomes, ...late.map(() => unreachable(wayOf(call, state.attempt)))];
  return {
    state: withFork(state, { open: fork.open.filter((leg) => leg.ready), outcomes }),
    actions: late.map(({ legId }) => ({ do: 'hangUp', channelId: legId, q850: CANCEL_CAUSE })),
  };
}

/** null: the input means what it means to a single leg. */
export function decideFork(call: Call, state: Dialling, input: CallInput, now: Moment): Step | null {
  if (input.type === 'bridgeReady') return { state: { ...state, bridged: true }, actions: [] };
  if (input.type === 'timerFired') return input.timer === 'legStart' ? lateStart(call, state, now) : null;
  if (!('legId' in input) || (input.type === 'orderFailed' && input.order === 'createBridge')) return null;
  const leg = forkIn(state).open.find(({ legId }) => legId === input.legId);
  if (leg === undefined) return { state, actions: input.type === 'legReady' ? strayLeg(call, input.legId) : [] };
  const { attempt } = state;
  switch (input.type) {
    case 'legReady':
      return leg.ready ? { state, actions: [] } : ready(call, state, input);
    case 'dialled':
      return { state: { ...state, attempt: { ...attempt, dialled: attempt.dialled ?? now } }, actions: [] };
    case 'rang':
      if (attempt.rang !== null) return { state, actions: [] };
      return {
        state: { ...state, attempt: { ...attempt, rang: now } },
        actions: [{ do: 'clearTimer', timer: 'silence' }, { do: 'ringCaller' }, { do: 'showLive', fields: { state: 'ringing', rang: String(now.wallMs) } }],
      };
    case 'answered':
      return answered(call, state, input, now);
    case 'legGone':
      return out(call, state, leg.legId, { outcome: failedOutcome(attempt, input.gone), gone: input.gone });
    case 'orderFailed':
      return refusedOrder(call, state, input, now);
    default:
      return null;
  }
}
