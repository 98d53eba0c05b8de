/**
 * From the answer to the end: the call is cut where what is held for it ends, unless more can be held in time.
 */
import { attemptCdr, elapsedMs } from './cdr.ts';
import { debits, extendable, holdUntil, paidSeconds } from './money.ts';
import type { Call, CallAction, CallInput, CallState, Gone, Moment, Step, Talking } from './state.ts';

/** The last try to hold more leaves this much for the answer before the cut. */
const LAST_TRY_MS = 250;

function beforeS(call: Call, answered: Moment): number {
  return Math.ceil(elapsedMs(call.arrived, answered) / 1000);
}

function wayTimeoutS(call: Call, talking: { readonly attempt: { readonly way: number } }): number {
  return call.plan.ways[talking.attempt.way]?.callTimeoutS ?? 0;
}

function paid(call: Call, state: Pick<Talking, 'attempt' | 'answered' | 'granted'>): number {
  return paidSeconds(call, state.granted, { beforeS: beforeS(call, state.answered), wayTimeoutS: wayTimeoutS(call, state) });
}

/** Timers of a talk: the cut, and the next try to hold more before it. */
function timers(call: Call, state: Talking, now: Moment): CallAction[] {
  const leftMs = state.paidS * 1000 - elapsedMs(state.answered, now);
  const cut: CallAction = { do: 'setTimer', timer: 'cut', afterMs: Math.max(0, leftMs) };
  if (!extendable(call, state.paidS)) return [cut, { do: 'clearTimer', timer: 'extend' }];
  const marginMs = call.settings.extendBeforeS * 1000;
  // In good time first; money that was short is asked for again at half of what is left, and just before the cut.
  const afterMs = leftMs > marginMs ? leftMs - marginMs : leftMs > 2 * LAST_TRY_MS ? leftMs / 2 : Math.max(0, leftMs - LAST_TRY_MS);
  return afterMs >= leftMs || leftMs <= LAST_TRY_MS ? [cut] : [cut, { do: 'setTimer', timer: 'extend', afterMs }];
}

export function startTalking(call: Call, state: Extract<CallState, { phase: 'dialling' }>, now: Moment): Step {
  const { attempt, granted, past } = state;
  const rang = attempt.rang ?? now;
  const start = { attempt: { ...attempt, rang }, answered: now, granted };
  const talking: Talking = { phase: 'talking', ...start, past, paidS: paid(call, start), extending: false };
  return {
    state: talking,
    actions: [
      { do: 'answerCaller' },
      ...(['legStart', 'silence', 'ring'] as const).map((timer) => ({ do: 'clearTimer', timer }) as const),
      ...timers(call, talking, now),
      { do: 'showLive', fields: { state: 'answered', answered: String(now.wallMs) } },
    ],
  };
}

function extend(call: Call, state: Talking): Step {
  if (state.extending || !extendable(call, state.paidS)) return { state, actions: [] };
  const payers = holdUntil(call, state.paidS + call.settings.sliceS, beforeS(call, state.answered));
  return { state: { ...state, extending: true }, actions: [{ do: 'extend', request: { callId: call.id, payers } }] };
}

function extended(call: Call, state: Talking, held: Talking['granted'], now: Moment): Step {
  const granted = held.length === state.granted.length ? held : state.granted;
  const next: Talking = { ...state, granted, extending: false };
  const talking = { ...next, paidS: Math.max(state.paidS, paid(call, next)) };
  return { state: talking, actions: timers(call, talking, now) };
}

interface End {
  readonly gone: Gone;
  readonly by: 'originator' | 'terminator' | 'system';
}

function finish(call: Call, state: Talking, { gone, by }: End): Step {
  const way = call.plan.ways[state.attempt.way];
  // What the far end says of an answered call matters only when it is not the normal end.
  const cause = by === 'system' || gone.cause === 0 ? 16 : gone.cause;
  const ended = { outcome: { disposition: 'ANSWERED', cause, sipCode: 200 }, end: gone.moment, source: gone.source, terminatedBy: by, answered: state.answered, paidS: state.paidS } as const;
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
      ...(['cut', 'extend', 'trouble'] as const).map((timer) => ({ do: 'clearTimer', timer }) as const),
    ],
  };
}

function endedBySystem(now: Moment): End {
  return { gone: { moment: now, cause: 16, techCause: null, source: 'event' }, by: 'system' };
}

export function decideTalking(call: Call, state: Talking, input: CallInput, now: Moment): Step {
  switch (input.type) {
    case 'legGone':
      return input.legId === state.attempt.legId ? finish(call, state, { gone: input.gone, by: 'terminator' }) : { state, actions: [] };
    case 'callerGone':
      return finish(call, state, { gone: input.gone, by: 'originator' });
    case 'hangupOrdered':
      return finish(call, state, endedBySystem(now));
    case 'extended':
      return extended(call, state, input.held, now);
    case 'orderFailed':
      // The caller's answer failed: his end follows, or the call is of no use to anybody.
      return input.order === 'answer' ? { state, actions: [{ do: 'setTimer', timer: 'trouble', afterMs: 1000 }] } : { state, actions: [] };
    case 'timerFired':
      if (input.timer === 'extend') return extend(call, state);
      return input.timer === 'cut' || input.timer === 'trouble' ? finish(call, state, endedBySystem(now)) : { state, actions: [] };
    default:
      return { state, actions: [] };
  }
}
