/**
 * A call that Dial() led: what is told of it afterwards becomes the state in which it would have been, and is fed its end.
 * It ends and is billed by the rules of every other call.
 */
import type { Money } from '../../rating/money.ts';
import type { Cdr, FinishRequest } from './admission.ts';
import { unreachable } from './attempt.ts';
import { decide } from './decide.ts';
import { paidSeconds } from './money.ts';
import { resume } from './resume.ts';
import type { Facts } from './resume.ts';
import { legIdOf } from './state.ts';
import type { Call, Gone, Moment, Step } from './state.ts';

/** A call between two words of its dialplan. */
export interface DialledCall {
  readonly call: Call;
  /** What each payer has on hold, in the order of the admission. */
  readonly granted: readonly Money[];
  /** Index of the way that has its place; -1: none had room. */
  readonly way: number;
  /** Rows of the ways that failed. */
  readonly past: readonly Cdr[];
  /** When that way was told to the dialplan. */
  readonly started: Moment;
  /** When it was seen answered; null: it was not. */
  readonly answered: Moment | null;
  readonly live: Readonly<Record<string, string>>;
}

/** How Dial() of a way went. */
export interface Dialled {
  readonly way: number;
  /** Which of several devices it was; null: the way's own. */
  readonly deviceId: number | null;
  readonly started: Moment;
  readonly rang: Moment | null;
  readonly answered: Moment | null;
  readonly gone: Gone;
  readonly by: 'originator' | 'terminator' | 'system';
}

/** Dial()'s own words, as variables of the caller's channel. Milliseconds; null: not told. */
export interface Told {
  /** DIALSTATUS; '': nothing was dialled. */
  readonly status: string;
  readonly talkMs: number | null;
  readonly dialToEndMs: number | null;
  readonly dialToRingMs: number | null;
  /** Q.850; 0: none. */
  readonly cause: number;
  readonly sipCode: number | null;
  /** Index of the way that the dialplan says it used; null: it does not. */
  readonly way: number | null;
  readonly deviceId: number | null;
  readonly by: Dialled['by'];
}

const CANCELLED = 16;
const NO_ANSWER = 19;
const NO_RESPONSE = 18;
const BUSY = 17;
const CONGESTION = 34;
/** What Asterisk leaves when nobody has named a cause. */
const NO_CAUSES: ReadonlySet<number> = new Set([0, 16, 127]);

export function shifted({ wallMs, monoMs }: Moment, ms: number): Moment {
  return { wallMs: wallMs + ms, monoMs: monoMs + ms };
}

function causeOf(one: DialledCall, told: Told, way: number): number {
  const own = NO_CAUSES.has(told.cause) ? null : told.cause;
  switch (told.status) {
    case 'BUSY':
      return BUSY;
    case 'NOANSWER':
      return own ?? (told.dialToRingMs === null ? NO_RESPONSE : NO_ANSWER);
    case 'CONGESTION':
      return own ?? CONGESTION;
    default: {
      const target = one.call.plan.ways[way];
      return told.sipCode === null && target !== undefined ? unreachable(target).cause : (own ?? CONGESTION);
    }
  }
}

/** null: nothing was dialled. `now`: Dial() has just ended. */
export function dialledOf(one: DialledCall, told: Told, now: Moment): Dialled | null {
  if (told.status === '' || one.way < 0) return null;
  const way = told.way !== null && one.call.plan.ways[told.way] !== undefined ? told.way : one.way;
  const answeredNow = told.status === 'ANSWER';
  const started = told.dialToEndMs === null ? one.started : shifted(now, -told.dialToEndMs);
  const rang = told.dialToRingMs === null ? null : shifted(started, told.dialToRingMs);
  // An answer without its length lasted from the dialling at most.
  const answered = answeredNow ? (told.talkMs === null ? started : shifted(now, -told.talkMs)) : null;
  const byCaller = told.status === 'CANCEL' || (answeredNow && told.by === 'originator');
  const gone: Gone = { moment: now, cause: answeredNow || byCaller ? CANCELLED : causeOf(one, told, way), techCause: answeredNow || byCaller ? null : told.sipCode, source: 'event' };
  return { way, deviceId: told.deviceId, started, rang, answered, gone, by: byCaller ? 'originator' : answeredNow ? told.by : 'terminator' };
}

function factsOf(one: DialledCall, { way, deviceId, started, rang, answered, gone, by }: Dialled): Facts {
  return {
    granted: one.granted,
    prompted: true,
    past: one.past,
    way,
    callerGone: by === 'originator' ? gone : null,
    leg: { legId: legIdOf(one.call, one.past.length + 1), deviceId, started, rang, answered, codec: '', sipCallId: '', state: 'gone', gone: by === 'terminator' ? gone : null },
    others: [],
  };
}

/** The caller went before a way was dialled. */
function undialled({ call, granted, way, past }: DialledCall, gone: Gone): Step {
  const ended = { gone, by: 'originator' } as const;
  if (past.length === 0) return decide(call, { phase: 'admitting', ended }, { type: 'admitted', answer: { kind: 'admitted', way, granted, left: [] } }, gone.moment);
  return decide(call, { phase: 'choosing', bridged: false, granted, left: [], from: way, past, ended }, { type: 'wayChosen', way: null }, gone.moment);
}

/** Where the call stands after a way: over, or choosing the next one. */
export function afterDial(one: DialledCall, dialled: Dialled | null, gone: Gone): Step {
  if (dialled === null) return undialled(one, gone);
  const step = resume(one.call, factsOf(one, dialled), dialled.gone.moment);
  // Neither side ended it: the limit that Dial() was given did.
  return step.state.phase === 'talking' ? decide(one.call, step.state, { type: 'hangupOrdered' }, dialled.gone.moment) : step;
}

/** No further way is tried: the call ends as it stands. */
export function ended({ call }: DialledCall, step: Step, now: Moment): FinishRequest {
  const last = step.state.phase === 'choosing' ? decide(call, step.state, { type: 'wayChosen', way: null }, now) : step;
  for (const action of last.actions) if (action.do === 'finish') return action.request;
  throw new Error(`call ${call.id} does not end from ${step.state.phase}`);
}

/** So long Dial() may let them talk. Whoever pays from the arrival pays the longest ringing before it. */
export function limitMs({ call, granted, way }: DialledCall, now: Moment): number {
  const ringS = call.plan.ways.reduce((sum, one) => sum + one.ringTimeoutS, 0);
  return 1000 * paidSeconds(call, granted, { answeredMs: now.wallMs, beforeS: ringS, wayTimeoutS: call.plan.ways[way]?.callTimeoutS ?? 0 });
}
