/**
 * One call in progress: what stays the same (`Call`), where it stands (`CallState`), what may happen to it
 * (`CallInput`) and what it may order (`CallAction`).
 *
 *   arrived ── refused by routing ──────────────────────────────▶ over
 *      │ plan
 *      ▼
 *   admitting ── refused by the store ──────────────────────────▶ over
 *      │ admitted (places and money held)
 *      ├──▶ announcing ── to those whose balance is low ──┐
 *      ▼◀────────────────────────────────────────────────┘
 *   dialling ◀──────────────┐ next way
 *      │  │ attempt failed   │
 *      │  └──────────────▶ choosing ── none left ───────────────▶ over
 *      │ answered
 *      ▼
 *   talking ── either side ends, the money ends, an order ──────▶ over
 *
 * The caller may go at any time; every state then leads to `over`. `over` only hangs up what still appears.
 */
import type { Money } from '../../rating/money.ts';
import type { SecondsRounding } from '../../rating/billable.ts';
import type { Announcement, Plan } from '../../routing/plan.ts';
import type { Outcome } from './outcome.ts';
import type { AdmitAnswer, AdmitRequest, Cdr, ExtendAnswer, ExtendRequest, FinishRequest, NextWayRequest } from './admission.ts';

/** A moment on both clocks: wall time for stamps, monotonic for durations. Milliseconds. */
export interface Moment {
  readonly wallMs: number;
  readonly monoMs: number;
}

/** Settings that the call's decisions need. */
export interface CallSettings {
  readonly legStartTimeoutMs: number;
  readonly rounding: SecondsRounding;
  readonly reservation: 'slice' | 'frozen';
  readonly sliceS: number;
  readonly extendBeforeS: number;
  readonly frozenS: number;
  /** Asterisk itself ends a leg so long after the end of what is paid. */
  readonly deadManS: number;
  /** Whose money ends so soon is told; 0: nobody is. */
  readonly promptS: number;
  /** What is played before the first way is dialled is cut off after so long. */
  readonly announceMs: number;
}

export interface Originator {
  readonly channelId: string;
  readonly name: string;
  readonly number: string;
  readonly sipCallId: string;
  readonly ip: string;
  /** null: not told. */
  readonly port: number | null;
  readonly codec: string;
}

/** A call at our door, before anything is known of it. */
export interface ArrivedCall {
  readonly id: string;
  readonly serverId: number;
  readonly arrived: Moment;
  readonly originator: Originator;
  /** What the ids of its legs begin with, where that is not its own id: see `arrivedAnew`. */
  readonly legs?: string;
}

/** Its id in Asterisk: `number` is that of the attempt. */
export function legIdOf({ id, legs = id }: Pick<ArrivedCall, 'id' | 'legs'>, number: number): string {
  return `${legs}-${number}`;
}

/** What never changes while the call lasts. */
export interface Call extends ArrivedCall {
  readonly plan: Plan;
  readonly settings: CallSettings;
}

/** One try of one way out. */
export interface Attempt {
  readonly number: number;
  readonly way: number;
  readonly legId: string;
  readonly started: Moment;
  /** The INVITE went out. */
  readonly dialled: Moment | null;
  /** First ringing or progress. */
  readonly rang: Moment | null;
  /** The leg has entered the application: it can be bridged and dialled. */
  readonly ready: boolean;
  readonly connecting: boolean;
  readonly sipCallId: string;
  /** Of the answered leg; '' before. */
  readonly codec: string;
  /** Devices that ring at once; null: one leg, and from the answer on. */
  readonly fork: Fork | null;
  /** The device that answered of several; null: the way's own. */
  readonly deviceId: number | null;
}

/** Legs of one attempt, of which the first to answer has the call. */
export interface Fork {
  readonly open: readonly ForkLeg[];
  /** What became of those that ended. */
  readonly outcomes: readonly Outcome[];
}

export interface ForkLeg {
  readonly legId: string;
  readonly target: number;
  readonly ready: boolean;
  readonly sipCallId: string;
}

export type CallState =
  | { readonly phase: 'admitting'; readonly ended: EarlyEnd | null }
  | { readonly phase: 'dialling'; readonly bridged: boolean; readonly granted: readonly Money[]; readonly left: Left; readonly attempt: Attempt; readonly past: readonly Cdr[] }
  /** Waiting for the store to give the failed way's places back and take the next one's. */
  | { readonly phase: 'choosing'; readonly bridged: boolean; readonly granted: readonly Money[]; readonly left: Left; readonly from: number; readonly past: readonly Cdr[]; readonly ended: EarlyEnd | null }
  | Announcing
  | Talking
  | { readonly phase: 'over' };

/** What each payer could spend beside what is on hold, when the store was asked last; null: without limit, empty: not known. */
export type Left = readonly (Money | null)[];

/** The caller hears a prompt before the way that the store has chosen is dialled. */
export interface Announcing {
  readonly phase: 'announcing';
  readonly way: number;
  readonly granted: readonly Money[];
  readonly left: Left;
  /** It was not played; a caller who is gone will have told so when the timer fires. */
  readonly missed: boolean;
}

export interface Talking {
  readonly phase: 'talking';
  readonly attempt: Attempt;
  readonly past: readonly Cdr[];
  readonly answered: Moment;
  readonly granted: readonly Money[];
  readonly left: Left;
  /** The prompt that tells of money running low: still to come, the store is asked first, done, or not wanted. */
  readonly prompt: 'due' | 'asking' | 'played' | 'none';
  /** Seconds of talk that are paid for; the call is cut at their end. */
  readonly paidS: number;
  readonly extending: boolean;
  /** The connection was lost before Asterisk confirmed that the caller is answered: he is answered once more. */
  readonly answerLost: boolean;
}

/** How a leg ended. */
export interface Gone {
  readonly moment: Moment;
  readonly cause: number;
  readonly techCause: number | null;
  readonly source: 'event' | 'witness' | 'estimate';
}

/** The caller went, or his end was ordered, while the store is asked: its answer leads to the end. The first one counts. */
export interface EarlyEnd {
  readonly gone: Gone;
  readonly by: 'originator' | 'system';
}

export type TimerName = 'legStart' | 'silence' | 'ring' | 'extend' | 'cut' | 'prompt' | 'trouble' | 'announce';

export type CallInput =
  | { readonly type: 'admitted'; readonly answer: Extract<AdmitAnswer, { kind: 'admitted' }> }
  | { readonly type: 'admissionRefused'; readonly cause: number }
  | { readonly type: 'wayChosen'; readonly way: number | null }
  | ({ readonly type: 'extended' } & ExtendAnswer)
  /** The prompt before the first way has ended. */
  | { readonly type: 'announced'; readonly failed: boolean }
  | { readonly type: 'bridgeReady' }
  | { readonly type: 'legReady'; readonly legId: string; readonly sipCallId: string }
  | { readonly type: 'dialled'; readonly legId: string }
  | { readonly type: 'rang'; readonly legId: string }
  /** `codec` '': not told. `at`: the moment, where it is known only now. */
  | { readonly type: 'answered'; readonly legId: string; readonly codec: string; readonly at?: Moment }
  | { readonly type: 'legGone'; readonly legId: string; readonly gone: Gone }
  | { readonly type: 'callerGone'; readonly gone: Gone }
  /** Asterisk refused an order; `status` is HTTP's, 0 when the connection was lost. */
  | { readonly type: 'orderFailed'; readonly order: 'createLeg' | 'connect' | 'answer' | 'createBridge' | 'announce'; readonly legId: string; readonly status: number }
  | { readonly type: 'timerFired'; readonly timer: TimerName }
  /** Somebody with the right to do so ends the call. */
  | { readonly type: 'hangupOrdered' };

export type CallAction =
  | { readonly do: 'admit'; readonly request: AdmitRequest }
  /** `past`: the rows so far, for a takeover. */
  | { readonly do: 'nextWay'; readonly request: NextWayRequest; readonly past: readonly Cdr[] }
  | { readonly do: 'extend'; readonly request: ExtendRequest }
  /** What was held is given back, what is owed queued. */
  | { readonly do: 'finish'; readonly request: FinishRequest }
  /** Nothing was held: only the CDR. */
  | { readonly do: 'record'; readonly cdrs: readonly Cdr[] }
  /** The caller hears it, and is not answered. */
  | { readonly do: 'announce'; readonly announcement: Announcement }
  | { readonly do: 'stopAnnouncement' }
  /** For the log. */
  | { readonly do: 'tellMissed'; readonly why: 'failed' | 'too long' }
  | { readonly do: 'createBridge' }
  /** `limitS`: so long Asterisk keeps it up by itself. */
  | { readonly do: 'createLeg'; readonly legId: string; readonly way: number; /** Of several devices. */ readonly target?: number; readonly limitS: number }
  | { readonly do: 'limit'; readonly channelId: string; readonly afterS: number }
  | { readonly do: 'connect'; readonly legId: string; readonly way: number }
  /** One leg of several is dialled outside the bridge: nobody hears another's ringing. */
  | { readonly do: 'dial'; readonly legId: string; readonly way: number }
  | { readonly do: 'ringCaller' }
  /** Caller and the leg that answered, of several, come together. */
  | { readonly do: 'join'; readonly legId: string }
  | { readonly do: 'answerCaller' }
  /** Only this side hears it, beside the other one. */
  | { readonly do: 'playPrompt'; readonly channelId: string }
  /** Of no effect when it has ended. */
  | { readonly do: 'stopPrompt'; readonly channelId: string }
  | { readonly do: 'hangUp'; readonly channelId: string; readonly q850: number }
  | { readonly do: 'destroyBridge' }
  | { readonly do: 'setTimer'; readonly timer: TimerName; readonly afterMs: number }
  | { readonly do: 'clearTimer'; readonly timer: TimerName }
  | { readonly do: 'showLive'; readonly fields: Readonly<Record<string, string>> };

export interface Step {
  readonly state: CallState;
  readonly actions: readonly CallAction[];
}
