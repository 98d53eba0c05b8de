/**
 * `given(call).when(inputs…).thenOrders(orders…)`: a call is led through what happens to it, and what it ordered last is
 * compared, order for order, in words. Clearing timers, the live view and Asterisk's own limits are left out of the words; that no timer
 * outlives a call is looked at in every scenario.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { begin, decide } from '../../engine/call/decide.ts';
import type { AdmitRequest, Cdr, FinishRequest } from '../../engine/call/admission.ts';
import type { Call, CallAction, CallInput, CallState, Gone, Moment, TimerName } from '../../engine/call/state.ts';
import { moneyText, parseMoney } from '../../rating/money.ts';

interface Clock {
  wallMs: number;
  monoMs: number;
  readonly call: Call;
  /** When each running timer is due, on the monotonic clock. */
  readonly timers: Map<TimerName, number>;
}

/** Something that happens: time goes by, or an input comes. */
export type Happening = (clock: Clock) => CallInput | null;

export class Scenario {
  readonly state: CallState;
  readonly #clock: Clock;
  readonly #last: readonly CallAction[];
  readonly #all: readonly CallAction[];

  constructor(clock: Clock, state: CallState, last: readonly CallAction[], all: readonly CallAction[]) {
    this.#clock = clock;
    this.state = state;
    this.#last = last;
    this.#all = all;
  }

  when(...happenings: readonly Happening[]): Scenario {
    const clock: Clock = { ...this.#clock, timers: new Map(this.#clock.timers) };
    let { state } = this;
    const orders: CallAction[] = [];
    for (const happening of happenings) {
      const input = happening(clock);
      if (input === null) continue;
      const step = decide(clock.call, state, input, momentOf(clock));
      state = step.state;
      orders.push(...step.actions);
      keepTimers(clock, step.actions);
    }
    if (state.phase === 'over') deepStrictEqual([...clock.timers.keys()], [], 'timers that outlive the call');
    return new Scenario(clock, state, orders, [...this.#all, ...orders]);
  }

  /** All that the last `when` ordered, in words and in order. */
  thenOrders(...expected: readonly string[]): this {
    deepStrictEqual(this.#last.map((action) => inWords(this.#clock.call, action)).filter((words) => words !== ''), expected);
    return this;
  }

  isIn(phase: CallState['phase']): this {
    strictEqual(this.state.phase, phase);
    return this;
  }

  /** One CDR for each, in order, with at least these fields. */
  cdrs(...expected: readonly Partial<Cdr>[]): this {
    const found = this.end().cdrs;
    deepStrictEqual(found.map((cdr, index) => pick(cdr, expected[index] ?? {})), expected);
    return this;
  }

  cdr(index = 0): Cdr {
    const found = this.end().cdrs[index];
    ok(found, `there is no CDR ${index}`);
    return found;
  }

  /** `user 5 owes 0.3`, `provider 11 gets 0.15`, in order. */
  debits(...expected: readonly string[]): this {
    deepStrictEqual(this.end().debits.map(({ account, accountId, amount }) => `${account} ${accountId} ${amount < 0n ? 'gets' : 'owes'} ${moneyText(amount < 0n ? -amount : amount)}`), expected);
    return this;
  }

  /** What the live view was told last. */
  shown(): Readonly<Record<string, string>> {
    const told = this.#all.flatMap((action) => (action.do === 'showLive' ? [action.fields] : action.do === 'nextWay' ? [action.request.live] : []));
    return told.at(-1) ?? {};
  }

  admission(): AdmitRequest {
    const found = this.#all.find((action) => action.do === 'admit');
    ok(found, 'nothing was asked of the store');
    return found.request;
  }

  /** What the call ended with; once. */
  end(): Pick<FinishRequest, 'cdrs' | 'debits' | 'flash'> & Partial<FinishRequest> {
    const ends = this.#all.filter((action) => action.do === 'finish' || action.do === 'record');
    strictEqual(ends.length, 1, 'a call is finished or recorded once');
    const [end] = ends;
    return end?.do === 'finish' ? end.request : { cdrs: end?.cdrs ?? [], debits: [] };
  }
}

function momentOf(clock: Clock): Moment {
  return { wallMs: clock.wallMs, monoMs: clock.monoMs };
}

function keepTimers(clock: Clock, actions: readonly CallAction[]): void {
  for (const action of actions) {
    if (action.do === 'setTimer') clock.timers.set(action.timer, clock.monoMs + action.afterMs);
    if (action.do === 'clearTimer') clock.timers.delete(action.timer);
  }
}

function pick(cdr: Cdr, fields: Partial<Cdr>): Partial<Cdr> {
  return Object.fromEntries(Object.keys(fields).map((field) => [field, cdr[field as keyof Cdr]]));
}

function channelInWords(call: Call, channelId: string): string {
  if (channelId === call.originator.channelId) return 'caller';
  return channelId.startsWith(`${call.id}-`) ? `leg ${channelId.slice(call.id.length + 1)}` : channelId;
}

export function inWords(call: Call, action: CallAction): string {
  switch (action.do) {
    case 'admit':
    case 'finish':
    case 'record':
    case 'createBridge':
    case 'destroyBridge':
    case 'answerCaller':
    case 'stopAnnouncement':
      return action.do;
    case 'announce':
      return `announce ${action.announcement.file}`;
    case 'tellMissed':
      return `tellMissed ${action.why}`;
    case 'nextWay':
      return `nextWay of ${action.request.ways.length}`;
    case 'extend':
      return `extend ${action.request.payers.map(({ userId, want }) => `user ${userId} to ${moneyText(want)}`).join(', ')}`;
    case 'ringCaller':
      return action.do;
    case 'join':
      return `join ${channelInWords(call, action.legId)}`;
    case 'createLeg':
    case 'dial':
    case 'connect':
      return `${action.do} ${channelInWords(call, action.legId)} on way ${action.way}`;
    case 'hangUp':
      return `hangUp ${channelInWords(call, action.channelId)} ${action.q850}`;
    case 'playPrompt':
    case 'stopPrompt':
      return `${action.do} ${channelInWords(call, action.channelId)}`;
    case 'setTimer':
      return `setTimer ${action.timer} ${action.afterMs}`;
    case 'clearTimer':
    case 'showLive':
    case 'limit':
      return '';
  }
}

export function given(call: Call): Scenario {
  const clock: Clock = { ...call.arrived, call, timers: new Map() };
  const { state, actions } = begin(call, { state: 'dialling' });
  return new Scenario(clock, state, actions, actions);
}

/** Both clocks go on. */
export function after(ms: number): Happening {
  return (clock) => {
    clock.wallMs += ms;
    clock.monoMs += ms;
    return null;
  };
}

/** Somebody sets the wall clock. */
export function wallClockSetBy(ms: number): Happening {
  return (clock) => {
    clock.wallMs += ms;
    return null;
  };
}

/** Time goes on until the timer is due, and it fires. */
export function fires(timer: TimerName): Happening {
  return (clock) => {
    const due = clock.timers.get(timer);
    ok(due !== undefined, `the timer ${timer} is not running`);
    const waitMs = Math.max(0, due - clock.monoMs);
    clock.wallMs += waitMs;
    clock.monoMs += waitMs;
    clock.timers.delete(timer);
    return { type: 'timerFired', timer };
  };
}

/** The timer fires now, although it is not due yet. */
export function comesEarly(timer: TimerName): Happening {
  return (clock) => {
    ok(clock.timers.delete(timer), `the timer ${timer} is not running`);
    return { type: 'timerFired', timer };
  };
}

/** Of several that ring at once: `1-2` is the second leg of the first attempt. */
export type LegName = number | `${number}-${number}`;

const legId = (clock: Clock, leg: LegName): string => `${clock.call.id}-${leg}`;

/** The store holds this much for each payer, in plain decimals; by default all that was asked for. */
export function admitted(way = 0, ...granted: readonly string[]): Happening {
  return ({ call }) => {
    const asked = begin(call, {}).actions.flatMap((action) => (action.do === 'admit' ? action.request.payers : []));
    return { type: 'admitted', answer: { kind: 'admitted', way, granted: asked.map(({ want }, index) => (granted[index] === undefined ? want : parseMoney(granted[index]))), left: [] } };
  };
}

export const admissionRefused = (cause: number): Happening => () => ({ type: 'admissionRefused', cause });
export const wayChosen = (way: number | null): Happening => () => ({ type: 'wayChosen', way });
export const extended = (...held: readonly string[]): Happening => () => ({ type: 'extended', held: held.map(parseMoney), left: [] });
/** What each could spend beside what is on hold; `inf`: without limit. */
export const withLeft = (happening: Happening, ...left: readonly string[]): Happening => (clock) => {
  const input = happening(clock);
  const amounts = left.map((amount) => (amount === 'inf' ? null : parseMoney(amount)));
  if (input?.type === 'admitted') return { ...input, answer: { ...input.answer, left: amounts } };
  return input?.type === 'extended' ? { ...input, left: amounts } : input;
};
export const announced = (failed = false): Happening => () => ({ type: 'announced', failed });
export const bridgeReady: Happening = () => ({ type: 'bridgeReady' });
export const legReady = (leg: LegName): Happening => (clock) => ({ type: 'legReady', legId: legId(clock, leg), sipCallId: `leg${leg}@far` });
export const dialled = (leg: LegName): Happening => (clock) => ({ type: 'dialled', legId: legId(clock, leg) });
export const rang = (leg: LegName): Happening => (clock) => ({ type: 'rang', legId: legId(clock, leg) });
export const answered = (leg: LegName): Happening => (clock) => ({ type: 'answered', legId: legId(clock, leg), codec: 'alaw' });
export const hangupOrdered: Happening = () => ({ type: 'hangupOrdered' });

function goneAt(clock: Clock, cause: number, techCause: number | null): Gone {
  return { moment: momentOf(clock), cause, techCause, source: 'event' };
}

/** How Asterisk tells the end of a leg: Q.850 cause, and the SIP status where there was one. */
export const legGone = (leg: LegName, cause: number, sip: number | null = null): Happening => (clock) => ({ type: 'legGone', legId: legId(clock, leg), gone: goneAt(clock, cause, sip) });
export const callerGone = (cause = 16): Happening => (clock) => ({ type: 'callerGone', gone: goneAt(clock, cause, null) });
/** CANCEL comes as "interworking" with the status 487. */
export const callerCancelled: Happening = (clock) => ({ type: 'callerGone', gone: goneAt(clock, 127, 487) });
/** The caller's own channel enters the application once more: a doubled event. */
export const callerReadyAgain: Happening = ({ call }) => ({ type: 'legReady', legId: call.originator.channelId, sipCallId: '' });

type OrderName = Extract<CallInput, { type: 'orderFailed' }>['order'];
export const orderFailed = (order: OrderName, leg: LegName, status = 500): Happening => (clock) => ({ type: 'orderFailed', order, legId: leg === 0 ? '' : legId(clock, leg), status });

/** From the admission until the leg's INVITE is on its way. */
export const dialling = (leg = 1): readonly Happening[] => [legReady(leg), after(1), dialled(leg)];
/** The usual beginning: admitted, bridge and first leg there, INVITE sent 10 ms after the arrival. */
export const started: readonly Happening[] = [after(4), admitted(), after(3), bridgeReady, after(2), legReady(1), after(1), dialled(1)];
/** Rings 2 s after the INVITE. */
export const ringing: readonly Happening[] = [...started, after(2000), rang(1)];
/** Answered 5,010 ms after the arrival. */
export const talking: readonly Happening[] = [...ringing, after(3000), answered(1)];
