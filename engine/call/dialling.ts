/**
 * From the first leg asked for to the answer: ringing, silence, failures, the next way, the caller's cancel.
 */
import { hangupCause } from '../../routing/hangup-causes.ts';
import type { FlashTerms } from '../../routing/catalog.ts';
import type { Way } from '../../routing/plan.ts';
import type { Cdr } from './admission.ts';
import { attemptCdr, elapsedMs } from './cdr.ts';
import type { Ended } from './cdr.ts';
import { CANCEL_CAUSE, strayLeg } from './legs.ts';
import { flashDebits, flashPrices, paidSeconds } from './money.ts';
import { failedOutcome, goesOn, SILENT } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Attempt, Call, CallAction, CallInput, CallState, EarlyEnd, Gone, Moment, Step } from './state.ts';
import { startTalking } from './talking.ts';

type Dialling = Extract<CallState, { phase: 'dialling' }>;
type Choosing = Extract<CallState, { phase: 'choosing' }>;

/** Asterisk ends the ringing itself; this much later we do. */
const RING_MARGIN_MS = 2000;
/** An order that failed because a leg is gone is followed by that leg's end; waited for so long. */
const TROUBLE_MS = 1000;

const ALL_TIMERS: readonly CallAction[] = (['legStart', 'silence', 'ring', 'trouble'] as const).map((timer) => ({ do: 'clearTimer', timer }));

function wayOf(call: Call, attempt: Attempt): Way {
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
  readonly past: readonly Cdr[];
}

export function startAttempt(call: Call, { bridged, granted, past }: Carried, way: number, now: Moment): Step {
  const number = past.length + 1;
  const legId = `${call.id}-${number}`;
  const attempt: Attempt = { number, way, legId, started: now, dialled: null, rang: null, ready: false, connecting: false, sipCallId: '', codec: '' };
  return {
    state: { phase: 'dialling', bridged, granted, past, attempt },
    actions: [
      ...(past.length === 0 ? [{ do: 'createBridge' } as const] : []),
      { do: 'createLeg', legId, way, limitS: legLimitS(call, granted, way, now) },
      { do: 'setTimer', timer: 'legStart', afterMs: call.settings.legStartTimeoutMs },
    ],
  };
}

/** Both the bridge and the leg must be there before they are joined and the leg is dialled. */
function connectWhenReady(call: Call, state: Dialling): Step {
  const { attempt } = state;
  if (!attempt.ready || !state.bridged || attempt.connecting) return { state, actions: [] };
  return {
    state: { ...state, attempt: { ...attempt, connecting: true } },
    actions: [
      { do: 'clearTimer', timer: 'legStart' },
      { do: 'connect', legId: attempt.legId, way: attempt.way },
      ...ringTimers(call, attempt),
    ],
  };
}

export function ringTimers(call: Call, attempt: Attempt): CallAction[] {
  const way = wayOf(call, attempt);
  const ring: CallAction = { do: 'setTimer', timer: 'ring', afterMs: way.ringTimeoutS * 1000 + RING_MARGIN_MS };
  return way.silenceMs > 0 && attempt.rang === null ? [ring, { do: 'setTimer', timer: 'silence', afterMs: way.silenceMs }] : [ring];
}

function failure(outcome: Outcome, gone: Gone, terminatedBy: Ended['terminatedBy']): Ended {
  return { outcome, end: gone.moment, source: gone.source, terminatedBy, answered: null, paidS: null };
}

/** The call is over without an answer. The last row is the final one. */
function finish(call: Call, past: readonly Cdr[], now: Moment, orders: readonly CallAction[]): Step {
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
function attemptFailed(call: Call, state: Dialling, ended: Ended): Step {
  const { attempt } = state;
  const past = [...state.past, attemptCdr(call, attempt, ended).cdr];
  const rest = call.plan.ways.slice(attempt.way + 1);
  if (!goesOn(wayOf(call, attempt), ended.outcome) || rest.length === 0) return giveUp(call, past, ended.end);
  const request = { callId: call.id, nowMs: ended.end.wallMs, ways: rest.map((way) => way.claims), from: attempt.way + 1, live: { attempt: String(past.length + 1), state: 'dialling', rang: '' } };
  return {
    state: { phase: 'choosing', bridged: state.bridged, granted: state.granted, from: attempt.way + 1, past, ended: null },
    actions: [...ALL_TIMERS, { do: 'nextWay', request, past }],
  };
}

/** We leave the leg: hang it up and go on as if it had failed. */
function leave(call: Call, state: Dialling, outcome: Outcome, now: Moment): Step {
  const step = attemptFailed(call, state, failure(outcome, { moment: now, cause: outcome.cause, techCause: null, source: 'event' }, 'system'));
  return { ...step, actions: [{ do: 'hangUp', channelId: state.attempt.legId, q850: CANCEL_CAUSE }, ...step.actions] };
}

/** Caller's cancel (241). NO ANSWER when it rang, FAILED when it never did. */
function cancelled(call: Call, state: Dialling, gone: Gone, by: Ended['terminatedBy']): Step {
  const disposition = state.attempt.rang === null ? 'FAILED' : 'NO ANSWER';
  const made = attemptCdr(call, state.attempt, failure({ disposition, cause: by === 'system' ? 16 : 241, sipCode: by === 'system' ? null : 487 }, gone, by));
  const flash = by === 'originator' ? flashTerms(call, state.attempt, gone) : null;
  const cdr = flash === null ? made.cdr : { ...made.cdr, flashCall: true, prices: flashPrices(made.prices, flash.price) };
  const orders: CallAction[] = [{ do: 'hangUp', channelId: state.attempt.legId, q850: CANCEL_CAUSE }];
  if (by === 'system') orders.push({ do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(16).q850 });
  return finish(call, [...state.past, cdr], gone.moment, [...orders, { do: 'destroyBridge' }]);
}

/** Both moments are Asterisk's own; an end that nobody witnessed cannot be told to the millisecond. */
function flashTerms(call: Call, attempt: Attempt, gone: Gone): FlashTerms | null {
  const { flash } = call.plan;
  if (flash === null || attempt.rang === null || gone.source !== 'event') return null;
  return elapsedMs(attempt.rang, gone.moment) < flash.ringMs ? flash : null;
}

/** A provider that cannot be dialled at all is out of order; a device without contact is absent. */
function unreachable(way: Way): Outcome {
  return { disposition: 'FAILED', cause: way.kind === 'device' ? 20 : 27, sipCode: null };
}

export const ENGINE_FAILED: Outcome = { disposition: 'FAILED', cause: 41, sipCode: null };

/** An order without an answer (status 0) may have been carried out: the leg is told to end, and one that is there already stays. */
function legNotCreated(call: Call, state: Dialling, status: number, now: Moment): Step {
  if (state.attempt.ready) return { state, actions: [] };
  const step = attemptFailed(call, state, failure(unreachable(wayOf(call, state.attempt)), { moment: now, cause: 0, techCause: null, source: 'event' }, 'terminator'));
  return status === 0 ? { ...step, actions: [{ do: 'hangUp', channelId: state.attempt.legId, q850: CANCEL_CAUSE }, ...step.actions] } : step;
}

function orderFailed(call: Call, state: Dialling, input: Extract<CallInput, { type: 'orderFailed' }>, now: Moment): Step {
  if (input.order !== 'createBridge' && input.legId !== state.attempt.legId) return { state, actions: [] };
  if (input.order === 'createLeg') return legNotCreated(call, state, input.status, now);
  // Lost with the connection, it may have been carried out: the leg's answer, its silence or its ringing time decide.
  if (input.order === 'connect' && input.status === 0) return { state, actions: [] };
  return { state, actions: [{ do: 'setTimer', timer: 'trouble', afterMs: TROUBLE_MS }] };
}

function timerFired(call: Call, state: Dialling, timer: string, now: Moment): Step {
  switch (timer) {
    case 'legStart':
      return leave(call, state, unreachable(wayOf(call, state.attempt)), now);
    case 'silence':
      return leave(call, state, SILENT, now);
    case 'ring':
      return leave(call, state, { disposition: state.attempt.rang === null ? 'FAILED' : 'NO ANSWER', cause: 19, sipCode: null }, now);
    case 'trouble':
      return troubled(call, state, now);
    default:
      return { state, actions: [] };
  }
}

/** An order failed and no leg's end explained it: both legs go, the call ends with 41. */
function troubled(call: Call, state: Dialling, now: Moment): Step {
  const { cdr } = attemptCdr(call, state.attempt, failure(ENGINE_FAILED, { moment: now, cause: 41, techCause: null, source: 'event' }, 'system'));
  const step = giveUp(call, [...state.past, cdr], now);
  return { ...step, actions: [{ do: 'hangUp', channelId: state.attempt.legId, q850: CANCEL_CAUSE }, ...step.actions] };
}

function decideAttempt(call: Call, state: Dialling, input: CallInput, now: Moment): Step {
  const { attempt } = state;
  switch (input.type) {
    case 'bridgeReady':
      return connectWhenReady(call, { ...state, bridged: true });
    case 'legReady':
      return input.legId === attempt.legId ? connectWhenReady(call, { ...state, attempt: { ...attempt, ready: true, sipCallId: input.sipCallId } }) : { state, actions: strayLeg(call, input.legId) };
    case 'dialled':
      return input.legId === attempt.legId ? { state: { ...state, attempt: { ...attempt, dialled: attempt.dialled ?? now } }, actions: [] } : { state, actions: [] };
    case 'rang':
      if (input.legId !== attempt.legId || attempt.rang !== null) return { state, actions: [] };
      return {
        state: { ...state, attempt: { ...attempt, rang: now } },
        actions: [{ do: 'clearTimer', timer: 'silence' }, { do: 'showLive', fields: { state: 'ringing', rang: String(now.wallMs) } }],
      };
    case 'answered':
      return input.legId === attempt.legId ? startTalking(call, { ...state, attempt: { ...attempt, codec: input.codec } }, input.at ?? now, now) : { state, actions: [] };
    case 'legGone':
      return input.legId === attempt.legId ? attemptFailed(call, state, failure(failedOutcome(attempt, input.gone), input.gone, 'terminator')) : { state, actions: [] };
    case 'callerGone':
      return cancelled(call, state, input.gone, 'originator');
    case 'hangupOrdered':
      return cancelled(call, state, { moment: now, cause: 16, techCause: null, source: 'event' }, 'system');
    case 'orderFailed':
      return orderFailed(call, state, input, now);
    case 'timerFired':
      return timerFired(call, state, input.timer, now);
    default:
      return { state, actions: [] };
  }
}

function decideChoosing(call: Call, state: Choosing, input: CallInput, now: Moment): Step {
  switch (input.type) {
    case 'wayChosen': {
      if (state.ended !== null) return finish(call, endedRow(state.past, state.ended), now, [{ do: 'destroyBridge' }]);
      if (input.way === null) return giveUp(call, state.past, now);
      return startAttempt(call, state, state.from + input.way, now);
    }
    case 'bridgeReady':
      return { state: { ...state, bridged: true }, actions: [] };
    case 'callerGone':
    case 'hangupOrdered':
      return endWhileAsked(call, state, input, now);
    case 'legReady':
      return { state, actions: strayLeg(call, input.legId) };
    default:
      return { state, actions: [] };
  }
}

/** The call ended between two ways: the last failed attempt is what was given up. */
function endedRow(past: readonly Cdr[], { by }: EarlyEnd): readonly Cdr[] {
  return past.map((cdr, index) => (index === past.length - 1 ? { ...cdr, terminatedBy: by } : cdr));
}

/** The caller's end while the store is asked. Its answer is waited for: it holds places and money until then. */
export function endWhileAsked<State extends Choosing | Extract<CallState, { phase: 'admitting' }>>(
  call: Call,
  state: State,
  input: Extract<CallInput, { type: 'callerGone' | 'hangupOrdered' }>,
  now: Moment,
): { readonly state: State; readonly actions: readonly CallAction[] } {
  if (state.ended !== null) return { state, actions: [] };
  if (input.type === 'callerGone') return { state: { ...state, ended: { gone: input.gone, by: 'originator' } }, actions: [] };
  const gone: Gone = { moment: now, cause: 16, techCause: null, source: 'event' };
  return { state: { ...state, ended: { gone, by: 'system' } }, actions: [{ do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(16).q850 }] };
}

export function decideDialling(call: Call, state: Dialling | Choosing, input: CallInput, now: Moment): Step {
  return state.phase === 'dialling' ? decideAttempt(call, state, input, now) : decideChoosing(call, state, input, now);
}
