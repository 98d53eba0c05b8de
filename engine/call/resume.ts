/**
 * A call that another process led, led on: what the store remembers, what Asterisk has up and what the witness saw become
 * a state and orders, as if this process had been there all the time. See docs/decisions/0008-recovery.md.
 */
import type { Money } from '../../rating/money.ts';
import type { Cdr } from './admission.ts';
import { attemptCdr } from './cdr.ts';
import { decide } from './decide.ts';
import { chooseFrom, ENGINE_FAILED, giveUp, ringTimers, startAttempt } from './attempt.ts';
import type { Carried } from './attempt.ts';
import { CANCEL_CAUSE } from './legs.ts';
import { paidSeconds, unpaidCause } from './money.ts';
import type { Attempt, Call, CallAction, CallInput, Gone, Moment, Step, Talking } from './state.ts';
import { leadOn, promptOf, talkOf, unpaid } from './talking.ts';

export interface Facts {
  /** What each payer has on hold, in the order of the admission. */
  readonly granted: readonly Money[];
  /** Whoever pays has been told that his money runs low. */
  readonly prompted: boolean;
  readonly past: readonly Cdr[];
  /** Index of the way taken last; -1: none had room. */
  readonly way: number;
  /** null: the caller is up. */
  readonly callerGone: Gone | null;
  readonly leg: LegFacts;
  /** Legs that are up and are not that one. */
  readonly others: readonly string[];
}

export interface LegFacts {
  readonly legId: string;
  /** Which of several devices it is; null: the way's own. */
  readonly deviceId: number | null;
  readonly started: Moment | null;
  readonly rang: Moment | null;
  readonly answered: Moment | null;
  readonly codec: string;
  readonly sipCallId: string;
  /** `none`: Asterisk never had it. */
  readonly state: 'none' | 'up' | 'gone';
  /** null: it is up, or nobody knows when it ended. */
  readonly gone: Gone | null;
}

function attemptOf(call: Call, { past, way, leg }: Facts): Attempt {
  const number = past.length + 1;
  const started = leg.started ?? call.arrived;
  const rang = leg.rang ?? leg.answered;
  return { number, way, legId: leg.legId, started, dialled: started, rang, ready: true, connecting: true, sipCallId: leg.sipCallId, codec: leg.codec, fork: null, deviceId: leg.deviceId };
}

/** Ends that came while nobody listened, the earlier one first. */
function ends(attempt: Attempt, { callerGone, leg }: Facts): CallInput[] {
  const legGone: CallInput | null = leg.gone === null ? null : { type: 'legGone', legId: attempt.legId, gone: leg.gone };
  const caller: CallInput | null = callerGone === null ? null : { type: 'callerGone', gone: callerGone };
  const legFirst = leg.gone !== null && callerGone !== null && leg.gone.moment.wallMs < callerGone.moment.wallMs;
  return (legFirst ? [legGone, caller] : [caller, legGone]).filter((input) => input !== null);
}

/** The first end that leads on decides; what comes after it finds a call that is over, or another leg. */
function fed(call: Call, step: Step, inputs: readonly CallInput[], now: Moment): Step {
  return inputs.reduce<Step>((before, input) => {
    const next = decide(call, before.state, input, now);
    return { state: next.state, actions: [...before.actions, ...next.actions] };
  }, step);
}

function talkingOn(call: Call, facts: Facts, answered: Moment, now: Moment): Step {
  const attempt = attemptOf(call, facts);
  const start = { attempt, answered, granted: facts.granted };
  const talk = talkOf(call, start);
  const cause = unpaidCause(call, facts.granted, talk);
  if (cause !== 0) return unpaid(call, { attempt, past: facts.past }, cause, now);
  const paidS = paidSeconds(call, facts.granted, talk);
  const prompt = facts.prompted ? 'played' : promptOf(call);
  const state: Talking = { phase: 'talking', ...start, left: [], prompt, past: facts.past, paidS, extending: false, answerLost: false };
  const over = ends(attempt, facts);
  if (over.length > 0) return fed(call, { state, actions: [] }, over, now);
  const step = leadOn(call, state, now);
  // Perhaps the caller was not answered any more; a second answer does nothing.
  return {
    state: step.state,
    actions: [{ do: 'answerCaller' }, ...step.actions, { do: 'showLive', fields: { state: 'answered', answered: String(answered.wallMs) } }],
  };
}

/** What the dead process began of this way is made anew. */
function sameWayAgain(call: Call, facts: Facts, now: Moment): Step {
  if (facts.leg.state === 'up') return givenUp(call, facts, now);
  const { past, way, granted } = facts;
  const step = startAttempt(call, { bridged: false, granted, left: [], past }, way, now);
  return {
    state: step.state,
    actions: [
      ...(past.length > 0 ? [{ do: 'createBridge' } as const] : []),
      // He may be listening still: a channel that plays something cannot join a bridge.
      ...(past.length === 0 && call.plan.announcement !== undefined ? [{ do: 'stopAnnouncement' } as const] : []),
      ...step.actions,
    ],
  };
}

/** Its attempt was made and is given up. The way is asked for again, so that whoever comes next knows of it. */
function givenUp(call: Call, facts: Facts, now: Moment): Step {
  const attempt = attemptOf(call, facts);
  const left = { outcome: ENGINE_FAILED, end: now, source: 'event', terminatedBy: 'system', answered: null, paidS: null } as const;
  const past = [...facts.past, { ...attemptCdr(call, attempt, left).cdr, final: false }];
  const step = chooseFrom(call, { bridged: false, granted: facts.granted, left: [], past }, facts.way, now);
  return { state: step.state, actions: [{ do: 'hangUp', channelId: attempt.legId, q850: CANCEL_CAUSE }, { do: 'createBridge' }, ...step.actions] };
}

/** Legs of other devices that rang at once, or of attempts that were left, are of no use any more. */
export function resume(call: Call, facts: Facts, now: Moment): Step {
  const step = resumed(call, facts, now);
  return { ...step, actions: [...facts.others.map((channelId): CallAction => ({ do: 'hangUp', channelId, q850: CANCEL_CAUSE })), ...step.actions] };
}

function resumed(call: Call, facts: Facts, now: Moment): Step {
  const { leg, callerGone, granted, past, way } = facts;
  if (leg.answered !== null) return talkingOn(call, facts, leg.answered, now);
  if (call.plan.ways[way] === undefined) return giveUp(call, past, now);
  const carried: Carried = { bridged: true, granted, left: [], past };
  const dialling = { phase: 'dialling', ...carried, attempt: attemptOf(call, facts) } as const;
  if (callerGone !== null || leg.gone !== null) return fed(call, { state: dialling, actions: [] }, ends(dialling.attempt, facts), now);
  if (leg.state === 'up' && leg.rang !== null) return { state: dialling, actions: ringTimers(call, dialling.attempt) };
  return sameWayAgain(call, facts, now);
}
