/**
 * From the answer to the end: the call is cut where what is held for it ends, unless more can be held in time.
 */
import { hangupCause } from '../../routing/hangup-causes.ts';
import type { ExtendAnswer } from './admission.ts';
import { attemptCdr, elapsedMs } from './cdr.ts';
import { strayLeg } from './legs.ts';
import { lookAtMoney, playPrompt, promptTimer } from './low-money.ts';
import { debits, extendable, holdUntil, paidSeconds, unpaidCause } from './money.ts';
import type { Talk } from './money.ts';
import { died } from './outcome.ts';
import type { Call, CallAction, CallInput, CallState, Gone, Moment, Step, Talking } from './state.ts';

/** The last try to hold more leaves this much for the answer before the cut. */
const LAST_TRY_MS = 250;
/** The store has so long to say whether an overdue call may go on. */
const EXTEND_WAIT_MS = 1000;
/** A refused answer is followed by the caller's end, a lost one is tried again: both after so long. */
const TROUBLE_MS = 1000;

export function talkOf(call: Call, state: Pick<Talking, 'attempt' | 'answered'>): Talk {
  return {
    answeredMs: state.answered.wallMs,
    beforeS: Math.ceil(elapsedMs(call.arrived, state.answered) / 1000),
    wayTimeoutS: call.plan.ways[state.attempt.way]?.callTimeoutS ?? 0,
  };
}

/** Timers of a talk: the cut, and the next try to hold more before it. */
function timers(call: Call, state: Talking, now: Moment): CallAction[] {
  const leftMs = state.paidS * 1000 - elapsedMs(state.answered, now);
  const cut: CallAction = { do: 'setTimer', timer: 'cut', afterMs: Math.max(0, leftMs) };
  if (!extendable(call, state.paidS, talkOf(call, state))) return [cut, { do: 'clearTimer', timer: 'extend' }];
  const marginMs = call.settings.extendBeforeS * 1000;
  // In good time first; money that was short is asked for again at half of what is left, and just before the cut.
  const afterMs = leftMs > marginMs ? leftMs - marginMs : leftMs > 2 * LAST_TRY_MS ? leftMs / 2 : Math.max(0, leftMs - LAST_TRY_MS);
  return afterMs >= leftMs || leftMs <= LAST_TRY_MS ? [cut] : [cut, { do: 'setTimer', timer: 'extend', afterMs }];
}

export function startTalking(call: Call, state: Extract<CallState, { phase: 'dialling' }>, answered: Moment, now: Moment): Step {
  const { attempt, granted, left, past } = state;
  const rang = attempt.rang ?? answered;
  const start = { attempt: { ...attempt, rang }, answered, granted };
  const talk = talkOf(call, start);
  const cause = unpaidCause(call, granted, talk);
  if (cause !== 0) return unpaid(call, state, cause, now);
  const talking: Talking = { phase: 'talking', ...start, past, left, prompt: promptOf(call), paidS: paidSeconds(call, granted, talk), extending: false, answerLost: false };
  return {
    state: talking,
    actions: [
      { do: 'answerCaller' },
      ...(['legStart', 'silence', 'ring'] as const).map((timer) => ({ do: 'clearTimer', timer }) as const),
      ...timers(call, talking, now),
      ...promptTimer(call, talking, talk, now),
      // The leg was made with a limit of its own, later by no more than the longest ringing.
      ...limitsOf(call, talking, now).slice(0, 1),
      { do: 'showLive', fields: { state: 'answered', answered: String(answered.wallMs) } },
    ],
  };
}

/** Whoever pays without limit is never told. */
export function promptOf(call: Call): Talking['prompt'] {
  return call.settings.promptS > 0 && call.plan.payers.length > 0 ? 'due' : 'none';
}

/** The ringing has used up what somebody who pays from the arrival has: the call is refused at its answer, and free. */
export function unpaid(call: Call, state: Pick<Talking, 'attempt' | 'past'>, cause: number, now: Moment): Step {
  const ended = { outcome: { disposition: 'FAILED', cause, sipCode: null }, end: now, source: 'event', terminatedBy: 'system', answered: null, paidS: null } as const;
  const cdrs = [...state.past.map((one) => ({ ...one, final: false })), attemptCdr(call, state.attempt, ended).cdr];
  return {
    state: { phase: 'over' },
    actions: [
      { do: 'hangUp', channelId: state.attempt.legId, q850: 16 },
      { do: 'hangUp', channelId: call.originator.channelId, q850: hangupCause(cause).q850 },
      { do: 'destroyBridge' },
      { do: 'finish', request: { callId: call.id, nowMs: now.wallMs, debits: [], cdrs } },
      ...(['legStart', 'silence', 'ring', 'trouble'] as const).map((timer) => ({ do: 'clearTimer', timer }) as const),
    ],
  };
}

/** Asterisk is told how long both legs may stay up if nobody tells it otherwise. */
function limitsOf(call: Call, { attempt, answered, paidS }: Talking, now: Moment): CallAction[] {
  const afterS = Math.ceil(paidS - elapsedMs(answered, now) / 1000) + call.settings.deadManS;
  return [call.originator.channelId, attempt.legId].map((channelId) => ({ do: 'limit', channelId, afterS }));
}

function extend(call: Call, state: Talking, now: Moment): Step {
  const talk = talkOf(call, state);
  if (state.extending || !extendable(call, state.paidS, talk)) return { state, actions: [] };
  const paidS = Math.max(state.paidS, Math.ceil(elapsedMs(state.answered, now) / 1000));
  const payers = holdUntil(call, paidS + call.settings.sliceS, talk);
  return { state: { ...state, extending: true }, actions: [{ do: 'extend', request: { callId: call.id, nowMs: now.wallMs, payers } }] };
}

/** A call taken over, that nobody extended or cut meanwhile: whoever can pay for what was talked goes on. */
export function leadOn(call: Call, state: Talking, now: Moment): Step {
  const leftMs = state.paidS * 1000 - elapsedMs(state.answered, now);
  const step = leftMs < call.settings.extendBeforeS * 1000 ? extend(call, state, now) : { state, actions: [] };
  if (step.actions.length === 0) return { state, actions: [...timers(call, state, now), ...promptTimer(call, state, talkOf(call, state), now), ...limitsOf(call, state, now)] };
  return { state: step.state, actions: [...step.actions, { do: 'setTimer', timer: 'cut', afterMs: Math.max(leftMs, EXTEND_WAIT_MS) }, ...limitsOf(call, state, now)] };
}

function extended(call: Call, state: Talking, { held, left }: ExtendAnswer, now: Moment): Step {
  const told = held.length === state.granted.length;
  const next: Talking = told ? { ...state, granted: held, left, extending: false } : { ...state, extending: false };
  const talk = talkOf(call, next);
  const talking = { ...next, paidS: Math.max(state.paidS, paidSeconds(call, next.granted, talk)) };
  const limits = talking.paidS > state.paidS ? limitsOf(call, talking, now) : [];
  const step = lookAtMoney(call, talking, { talk, told }, now);
  return { state: step.state, actions: [...timers(call, talking, now), ...limits, ...step.actions] };
}

/** The money seems to run low: perhaps there is more by now. */
function promptDue(call: Call, state: Talking, now: Moment): Step {
  if (state.prompt !== 'due') return { state, actions: [] };
  if (!extendable(call, state.paidS, talkOf(call, state))) return playPrompt(call, state, talkOf(call, state));
  return extend(call, { ...state, prompt: 'asking' }, now);
}

/** It went on beyond its money, as nobody was there to cut it: whoever ended it then, the cut ends it. */
function wasToBeCut({ answered, paidS }: Talking, { moment }: Gone): boolean {
  return elapsedMs(answered, moment) > paidS * 1000;
}

interface End {
  readonly gone: Gone;
  readonly by: 'originator' | 'terminator' | 'system';
}

function finish(call: Call, state: Talking, { gone, by }: End): Step {
  const way = call.plan.ways[state.attempt.way];
  // What the far end says of an answered call matters only when it is not the normal end.
  const cause = by === 'system' || gone.cause === 0 ? 16 : gone.cause;
  const ended = { outcome: { disposition: 'ANSWERED', cause, sipCode: 200 }, end: gone.moment, source: gone.source, terminatedBy: wasToBeCut(state, gone) || died(gone) ? 'system' : by, answered: state.answered, paidS: state.paidS } as const;
  const { cdr, prices } = attemptCdr(call, state.attempt, ended);
  const cdrs = [...state.past.map((one) => ({ ...one, final: false })), cdr];
  const orders: CallAction[] = [];
  if (by !== 'originator') orders.push({ do: 'hangUp', channelId: call.originator.channelId, q850: 16 });
  if (by !== 'terminator') orders.push({ do: 'hangUp', channelId: state.attempt.legId, q850: 16 });
  const owed = debits(call, way?.kind === 'provider' ? way.id : null, prices);
  return {
    state: { phase: 'over' },
    actions: [
      ...orders,
      { do: 'destroyBridge' },
      { do: 'finish', request: { callId: call.id, nowMs: gone.moment.wallMs, debits: owed, cdrs } },
      ...(['cut', 'extend', 'prompt', 'trouble'] as const).map((timer) => ({ do: 'clearTimer', timer }) as const),
    ],
  };
}

/** A cut ends the call where its money ends, whatever millisecond the timer came in. */
function paidUntil({ answered, paidS }: Talking): Moment {
  return { wallMs: answered.wallMs + paidS * 1000, monoMs: answered.monoMs + paidS * 1000 };
}

function endedBySystem(now: Moment): End {
  return { gone: { moment: now, cause: 16, techCause: null, source: 'event' }, by: 'system' };
}

export function decideTalking(call: Call, state: Talking, input: CallInput, now: Moment): Step {
  switch (input.type) {
    case 'legReady':
      return { state, actions: input.legId === state.attempt.legId ? [] : strayLeg(call, input.legId) };
    case 'legGone':
      return input.legId === state.attempt.legId ? finish(call, state, { gone: input.gone, by: 'terminator' }) : { state, actions: [] };
    case 'callerGone':
      return finish(call, state, { gone: input.gone, by: 'originator' });
    case 'hangupOrdered':
      return finish(call, state, endedBySystem(now));
    case 'extended':
      return extended(call, state, input, now);
    case 'orderFailed':
      // The caller's answer was refused: his end follows, or the call is of no use to anybody.
      if (input.order !== 'answer') return { state, actions: [] };
      return { state: { ...state, answerLost: input.status === 0 }, actions: [{ do: 'setTimer', timer: 'trouble', afterMs: TROUBLE_MS }] };
    case 'timerFired':
      if (input.timer === 'extend') return extend(call, state, now);
      if (input.timer === 'prompt') return promptDue(call, state, now);
      if (input.timer === 'trouble' && state.answerLost) return { state: { ...state, answerLost: false }, actions: [{ do: 'answerCaller' }] };
      if (input.timer === 'cut') return finish(call, state, endedBySystem(paidUntil(state)));
      return input.timer === 'trouble' ? finish(call, state, endedBySystem(now)) : { state, actions: [] };
    default:
      return { state, actions: [] };
  }
}
