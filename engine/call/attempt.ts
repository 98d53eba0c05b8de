/**
 * One try of one way: how it begins, how it fails, and what follows from that.
 */
import { hangupCause } from '../../routing/hangup-causes.ts';
import type { Way } from '../../routing/plan.ts';
import type { Cdr } from './admission.ts';
import { attemptCdr } from './cdr.ts';
import type { Ended } from './cdr.ts';
import { endLegs } from './legs.ts';
import { flashDebits, paidSeconds } from './money.ts';
import { goesOn } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Attempt, Call, CallAction, CallState, Fork, ForkLeg, Gone, Moment, Step } from './state.ts';
import { legIdOf } from './state.ts';

export type Dialling = Extract<CallState, { phase: 'dialling' }>;

/** Asterisk ends the ringing itself; this much later we do. */
const RING_MARGIN_MS = 2000;

const ALL_TIMERS: readonly CallAction[] = (['legStart', 'silence', 'ring', 'trouble'] as const).map((timer) => ({ do: 'clearTimer', timer }));

export function wayOf(call: Call, attempt: Attempt): Way {
  const way = call.plan.ways[attempt.way];
  if (way === undefined) throw new Error(`call ${call.id}: attempt ${attempt.number} names way ${attempt.way}, of which there are ${call.plan.ways.length}`);
  return way;
}

/** The longest ringing, what is paid, and the dead man's time. */
function legLimitS(call: Call, granted: Dialling['granted'], index: number, now: Moment): number {
  const way = call.plan.ways[index];
  const paidS = paidSeconds(call, granted, { answeredMs: now.wallMs, beforeS: 0, wayTimeoutS: way?.callTimeoutS ?? 0 });
  return (way?.ringTimeoutS ?? 0) + paidS + call.settings.deadManS;
}

export interface Carried {
  readonly bridged: boolean;
  readonly granted: Dialling['granted'];
  readonly left: Dialling['left'];
  readonly past: readonly Cdr[];
}

export function startAttempt(call: Call, { bridged, granted, left, past }: Carried, way: number, now: Moment): Step {
  const number = past.length + 1;
  const legId = legIdOf(call, number);
  const targets = call.plan.ways[way]?.fork;
  const fork = targets === undefined ? null : forkOf(legId, targets.length);
  const attempt: Attempt = { number, way, legId, started: now, dialled: null, rang: null, ready: false, connecting: false, sipCallId: '', codec: '', fork, deviceId: null };
  const limitS = legLimitS(call, granted, way, now);
  return {
    state: { phase: 'dialling', bridged, granted, left, past, attempt },
    actions: [
      ...(past.length === 0 ? [{ do: 'createBridge' } as const] : []),
      ...(fork === null ? [{ do: 'createLeg', legId, way, limitS } as const] : fork.open.map((leg) => ({ do: 'createLeg', legId: leg.legId, way, target: leg.target, limitS }) as const)),
      { do: 'setTimer', timer: 'legStart', afterMs: call.settings.legStartTimeoutMs },
    ],
  };
}

function forkOf(attemptLegId: string, targets: number): Fork {
  const open = Array.from({ length: targets }, (_, target): ForkLeg => ({ legId: `${attemptLegId}-${target + 1}`, target, ready: false, sipCallId: '' }));
  return { open, outcomes: [] };
}

export function ringTimers(call: Call, attempt: Attempt): CallAction[] {
  const way = wayOf(call, attempt);
  const ring: CallAction = { do: 'setTimer', timer: 'ring', afterMs: way.ringTimeoutS * 1000 + RING_MARGIN_MS };
  return way.silenceMs > 0 && attempt.rang === null ? [ring, { do: 'setTimer', timer: 'silence', afterMs: way.silenceMs }] : [ring];
}

export function failure(outcome: Outcome, gone: Gone, terminatedBy: Ended['terminatedBy']): Ended {
  return { outcome, end: gone.moment, source: gone.source, terminatedBy, answered: null, paidS: null };
}

/** The call is over without an answer. The last row is the final one. */
export function finish(call: Call, past: readonly Cdr[], now: Moment, orders: readonly CallAction[]): Step {
  const cdrs = past.map((cdr, index) => ({ ...cdr, final: index === past.length - 1 }));
  const last = cdrs.at(-1);
  const { src, localizedDst: dst } = call.plan.parties;
  const owed = last?.flashCall === true ? { debits: flashDebits(last), flash: { src, dst } } : { debits: [] };
  return {
    state: { phase: 'over' },
    actions: [...orders, { do: 'finish', request: { callId: call.id, nowMs: now.wallMs, cdrs, ...owed } }, ...ALL_TIMERS],
  };
}

export function giveUp(call: Call, past: readonly Cdr[], now: Moment): Step {
  const cause = past.at(-1)?.hangupCause ?? 204;
  return finish(call, past, now, [{ do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(cause).q850 }, { do: 'destroyBridge' }]);
}

/** This way has failed: ask for the next, or end with its cause. */
export function attemptFailed(call: Call, state: Dialling, ended: Ended): Step {
  const { attempt } = state;
  const past = [...state.past, attemptCdr(call, attempt, ended).cdr];
  const from = attempt.way + 1;
  if (!goesOn(wayOf(call, attempt), ended.outcome) || from >= call.plan.ways.length) return giveUp(call, past, ended.end);
  return chooseFrom(call, { ...state, past }, from, ended.end);
}

/** The present way's place goes back, the first with room from this one on is taken. */
export function chooseFrom(call: Call, { bridged, granted, left, past }: Carried, from: number, now: Moment): Step {
  const ways = call.plan.ways.slice(from).map((way) => way.claims);
  const request = { callId: call.id, nowMs: now.wallMs, ways, from, live: { attempt: String(past.length + 1), state: 'dialling', rang: '' } };
  return {
    state: { phase: 'choosing', bridged, granted, left, from, past, ended: null },
    actions: [...ALL_TIMERS, { do: 'nextWay', request, past }],
  };
}

/** We leave the leg: hang it up and go on as if it had failed. */
export function leave(call: Call, state: Dialling, outcome: Outcome, now: Moment): Step {
  const step = attemptFailed(call, state, failure(outcome, { moment: now, cause: outcome.cause, techCause: null, source: 'event' }, 'system'));
  return { ...step, actions: [...endLegs(state.attempt), ...step.actions] };
}

/** A provider that cannot be dialled at all is out of order; a device without contact is absent. */
export function unreachable(way: Way): Outcome {
  return { disposition: 'FAILED', cause: way.kind === 'device' ? 20 : 27, sipCode: null };
}

export const ENGINE_FAILED: Outcome = { disposition: 'FAILED', cause: 41, sipCode: null };

