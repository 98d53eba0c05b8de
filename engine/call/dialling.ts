/**
 * From the first leg asked for to the answer: ringing, silence, failures, the next way, the caller's cancel.
 */
import { hangupCause } from '../../routing/hangup-causes.ts';
import type { FlashTerms } from '../../routing/catalog.ts';
import type { Cdr } from './admission.ts';
import { ENGINE_FAILED, attemptFailed, failure, finish, giveUp, leave, ringTimers, startAttempt, unreachable, wayOf } from './attempt.ts';
import type { Dialling } from './attempt.ts';
import { attemptCdr, elapsedMs } from './cdr.ts';
import type { Ended } from './cdr.ts';
import { decideFork } from './fork.ts';
import { CANCEL_CAUSE, endLegs, strayLeg } from './legs.ts';
import { flashPrices } from './money.ts';
import { died, failedOutcome, SILENT } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Attempt, Call, CallAction, CallInput, CallState, EarlyEnd, Gone, Moment, Step } from './state.ts';
import { startTalking } from './talking.ts';

type Choosing = Extract<CallState, { phase: 'choosing' }>;

/** An order that failed because a leg is gone is followed by that leg's end; waited for so long. */
const TROUBLE_MS = 1000;

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

/** Caller's cancel (241). NO ANSWER when it rang, FAILED when it never did. */
function cancelled(call: Call, state: Dialling, gone: Gone, by: Ended['terminatedBy']): Step {
  const disposition = state.attempt.rang === null ? 'FAILED' : 'NO ANSWER';
  const outcome: Outcome = died(gone) ? { disposition, cause: gone.cause, sipCode: null } : { disposition, cause: by === 'system' ? 16 : 241, sipCode: by === 'system' ? null : 487 };
  const made = attemptCdr(call, state.attempt, failure(outcome, gone, died(gone) ? 'system' : by));
  const flash = by === 'originator' ? flashTerms(call, state.attempt, gone) : null;
  const cdr = flash === null ? made.cdr : { ...made.cdr, flashCall: true, prices: flashPrices(made.prices, flash.price) };
  const orders: CallAction[] = endLegs(state.attempt);
  if (by === 'system') orders.push({ do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(16).q850 });
  return finish(call, [...state.past, cdr], gone.moment, [...orders, { do: 'destroyBridge' }]);
}

/** Both moments are Asterisk's own; an end that nobody witnessed cannot be told to the millisecond. */
function flashTerms(call: Call, attempt: Attempt, gone: Gone): FlashTerms | null {
  const { flash } = call.plan;
  if (flash === null || attempt.rang === null || gone.source !== 'event') return null;
  return elapsedMs(attempt.rang, gone.moment) < flash.ringMs ? flash : null;
}

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
  return { ...step, actions: [...endLegs(state.attempt), ...step.actions] };
}

function decideAttempt(call: Call, state: Dialling, input: CallInput, now: Moment): Step {
  const { attempt } = state;
  const forked = attempt.fork === null ? null : decideFork(call, state, input, now);
  if (forked !== null) return forked;
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
