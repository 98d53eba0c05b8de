/**
 * Nothing is trusted to arrive in time, or once: what does not belong to the state changes nothing and orders nothing; and
 * inputs without any sense, in any order, neither break a call nor bill what was not paid.
 */
import { deepStrictEqual } from 'node:assert';
import * as fc from 'fast-check';
import { test } from 'tap';
import { begin, decide } from '../../engine/call/decide.ts';
import type { Cdr } from '../../engine/call/admission.ts';
import type { Call, CallAction, CallInput, CallState, Moment } from '../../engine/call/state.ts';
import { holds } from '../routing/property.ts';
import { call, provider, deviceWay, rate } from './call-builder.ts';
import { admissionRefused, admitted, after, answered, bridgeReady, callerCancelled, callerGone, dialled, dialling, extended, fires, given, hangupOrdered, legGone, legReady, orderFailed, rang, ringing, started, talking, wayChosen } from './dsl.ts';
import type { Happening, Scenario } from './dsl.ts';

const WAYS = [provider(1), provider(2), provider(3)];
const first = (): Scenario => given(call({ ways: WAYS }));
const onSecond = (): Scenario => first().when(...started, legGone(1, 34, 503), wayChosen(0), ...dialling(2));

/** Everything that can still be heard of the first leg when the second is dialled, but its entry: that is hung up. */
const OF_FIRST_LEG = { 'its INVITE': dialled(1), 'its ringing': rang(1), 'its answer': answered(1), 'its end': legGone(1, 16), 'a failed order of it': orderFailed('createLeg', 1), 'a failed connect of it': orderFailed('connect', 1) };

const IGNORED: Readonly<Record<string, { readonly from: Scenario; readonly inputs: Readonly<Record<string, Happening>> }>> = {
  'while the store is asked': {
    from: first(),
    inputs: { 'a chosen way': wayChosen(0), 'an extension': extended('1'), 'a bridge': bridgeReady, 'a leg': legReady(1), 'an INVITE': dialled(1), 'a ringing': rang(1), 'an answer': answered(1), 'a leg\'s end': legGone(1, 16), 'a failed order': orderFailed('connect', 1) },
  },
  'while the store is asked and the caller is gone': { from: first().when(callerCancelled), inputs: { 'his end again': callerGone(), 'an ordered end': hangupOrdered } },
  'while he hears that his balance is low': {
    from: given(call({ ways: WAYS, announcement: { file: 'low', language: '' } })).when(admitted()),
    inputs: { 'the admission': admitted(), 'a refusal': admissionRefused(211), 'a chosen way': wayChosen(0), 'an extension': extended('1'), 'a bridge': bridgeReady, 'a leg': legReady(1), 'a ringing': rang(1), 'an answer': answered(1), 'a leg\'s end': legGone(1, 16), 'a failed order': orderFailed('connect', 1) },
  },
  'while a leg is dialled': {
    from: first().when(...started),
    inputs: { 'the admission': admitted(), 'a refusal': admissionRefused(211), 'a chosen way': wayChosen(0), 'an extension': extended('1'), 'the bridge': bridgeReady, 'the leg': legReady(1), 'its INVITE': dialled(1) },
  },
  'while it rings': { from: first().when(...ringing, after(100)), inputs: { 'the ringing': rang(1), 'the INVITE': dialled(1), 'the leg': legReady(1) } },
  'between two ways': {
    from: first().when(...started, legGone(1, 34, 503)),
    inputs: { ...OF_FIRST_LEG, 'the admission': admitted(), 'a refusal': admissionRefused(211), 'an extension': extended('1') },
  },
  'between two ways, the caller gone': { from: first().when(...started, legGone(1, 34, 503), callerCancelled), inputs: { 'his end again': callerGone(), 'an ordered end': hangupOrdered } },
  'while the second leg is dialled': { from: onSecond(), inputs: { ...OF_FIRST_LEG, 'the choice again': wayChosen(1) } },
  'during the talk': {
    from: first().when(...talking),
    inputs: { 'the admission': admitted(), 'a refusal': admissionRefused(211), 'a chosen way': wayChosen(0), 'the bridge': bridgeReady, 'the leg': legReady(1), 'the INVITE': dialled(1), 'the ringing': rang(1), 'the answer': answered(1), 'the end of another leg': legGone(2, 16), 'a failed connect': orderFailed('connect', 1), 'a failed leg': orderFailed('createLeg', 1) },
  },
  'after the end': {
    from: first().when(...talking, callerGone()),
    inputs: { 'the admission': admitted(), 'a refusal': admissionRefused(211), 'a chosen way': wayChosen(0), 'an extension': extended('1'), 'the bridge': bridgeReady, 'the INVITE': dialled(1), 'the ringing': rang(1), 'the leg\'s end': legGone(1, 16), 'the caller\'s end': callerGone(), 'a failed order': orderFailed('answer', 0), 'an ordered end': hangupOrdered },
  },
};

for (const [when, { from, inputs }] of Object.entries(IGNORED)) {
  for (const [what, input] of Object.entries(inputs)) {
    test(`${what} ${when} changes nothing`, async () => {
      const before = JSON.stringify(from.state, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
      const later = from.when(after(5), input).thenOrders();
      deepStrictEqual(JSON.stringify(later.state, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)), before);
    });
  }
}

test('a leg of a way that was left is hung up whenever it appears', async () => {
  first().when(...started, fires('silence')).when(legReady(1)).thenOrders('hangUp leg 1 16');
  onSecond().when(legReady(1)).thenOrders('hangUp leg 1 16').isIn('dialling');
  onSecond().when(answered(2)).when(legReady(1)).thenOrders('hangUp leg 1 16').isIn('talking');
  onSecond().when(callerCancelled).when(legReady(1), legReady(2), answered(2)).thenOrders('hangUp leg 1 16', 'hangUp leg 2 16', 'hangUp leg 2 16');
});

const CALLS: readonly Call[] = [
  call(),
  call({ ways: [provider(1, { busyAsFailed: true }), provider(2, { noAnswerAsFailed: true }), provider(3)], rates: { user: rate('0.6', { incrementS: 60 }), reseller: rate('0.5') } }),
  call({ rates: { did: rate('0.6'), didIncoming: rate('0.1'), didProvider: rate('-0.2') }, ways: [deviceWay()] }),
  call({ settings: { reservation: 'frozen', frozenS: 40 }, ways: [provider(1, { callTimeoutS: 30 }), provider(2)] }),
  call({ unlimited: true, maxTalkS: 20 }),
  call({ announcement: { file: 'low', language: 'en' } }),
];

/** An input in the words of a call that is not known yet. */
type Blind = (one: Call, state: CallState, at: Moment) => CallInput;

const channel = fc.constantFrom<(one: Call) => string>((one) => `${one.id}-1`, (one) => `${one.id}-1`, (one) => `${one.id}-2`, (one) => `${one.id}-3`, (one) => one.originator.channelId, () => 'stranger');
const goneBy = fc.record({ cause: fc.integer({ min: 0, max: 127 }), techCause: fc.option(fc.constantFrom(404, 480, 486, 487, 503, 600)) });
const held = fc.array(fc.bigInt(0n, 40_000_000_000n), { maxLength: 3 });

const blind: fc.Arbitrary<Blind> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.nat(2), held).map(([way, granted]): Blind => (one) => ({ type: 'admitted', answer: { kind: 'admitted', way: way % one.plan.ways.length, granted, left: granted.map((amount) => (amount % 3n === 0n ? null : amount)) } })) },
  { weight: 1, arbitrary: fc.constant<Blind>(() => ({ type: 'admissionRefused', cause: 211 })) },
  { weight: 2, arbitrary: fc.option(fc.nat(2)).map((way): Blind => (one, state) => ({ type: 'wayChosen', way: way === null || state.phase !== 'choosing' ? null : way % (one.plan.ways.length - state.from) })) },
  { weight: 1, arbitrary: held.map((amounts): Blind => () => ({ type: 'extended', held: amounts, left: amounts.slice(1) })) },
  { weight: 3, arbitrary: fc.constant<Blind>(() => ({ type: 'bridgeReady' })) },
  { weight: 3, arbitrary: channel.map((id): Blind => (one) => ({ type: 'legReady', legId: id(one), sipCallId: '' })) },
  { weight: 4, arbitrary: fc.tuple(channel, fc.constantFrom('dialled', 'rang', 'answered')).map(([id, type]): Blind => (one) => ({ type, legId: id(one), codec: '' })) },
  { weight: 2, arbitrary: fc.tuple(channel, goneBy).map(([id, gone]): Blind => (one, _, moment) => ({ type: 'legGone', legId: id(one), gone: { ...gone, moment, source: 'event' } })) },
  { weight: 1, arbitrary: goneBy.map((gone): Blind => (_, __, moment) => ({ type: 'callerGone', gone: { ...gone, moment, source: 'witness' } })) },
  { weight: 1, arbitrary: fc.tuple(channel, fc.constantFrom('createLeg', 'connect', 'answer', 'createBridge', 'announce'), fc.constantFrom(0, 404, 422, 500)).map(([id, order, status]): Blind => (one) => ({ type: 'orderFailed', order, legId: id(one), status })) },
  { weight: 2, arbitrary: fc.constantFrom('legStart', 'silence', 'ring', 'extend', 'cut', 'prompt', 'trouble', 'announce').map((timer): Blind => () => ({ type: 'timerFired', timer })) },
  { weight: 1, arbitrary: fc.constant<Blind>(() => ({ type: 'hangupOrdered' })) },
  { weight: 1, arbitrary: fc.boolean().map((failed): Blind => () => ({ type: 'announced', failed })) },
);

const time = fc.record({ ms: fc.oneof(fc.nat(50), fc.nat(90_000)), setMs: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: -100_000, max: 100_000 }) }) });
const story = fc.array(fc.tuple(blind, time), { minLength: 1, maxLength: 60, size: 'max' });

interface Told {
  readonly state: CallState;
  readonly actions: readonly CallAction[];
}

/** Every step of the story, with the state before it. */
function tell(one: Call, inputs: readonly (readonly [Blind, { readonly ms: number; readonly setMs: number }])[]): readonly { readonly before: CallState; readonly input: CallInput; readonly after: Told }[] {
  let { state } = begin(one, {});
  let { wallMs, monoMs } = one.arrived;
  return inputs.map(([make, { ms, setMs }]) => {
    wallMs += ms + setMs;
    monoMs += ms;
    const at = { wallMs, monoMs };
    const before = state;
    const input = make(one, state, at);
    const after = decide(one, state, input, at);
    ({ state } = after);
    return { before, input, after };
  });
}

function cdrsOf(action: CallAction): readonly Cdr[] {
  if (action.do === 'finish') return action.request.cdrs;
  return action.do === 'record' ? action.cdrs : [];
}

const anyCall = fc.constantFrom(...CALLS);

test('no input, however senseless, breaks a call, and it ends once', async (t) => {
  holds(t, fc.property(anyCall, story, (one, inputs) => {
    for (const { before, after } of tell(one, inputs)) {
      const ends = after.actions.filter((action) => action.do === 'finish' || action.do === 'record').length;
      const isEnd = before.phase !== 'over' && after.state.phase === 'over';
      if (ends !== (isEnd ? 1 : 0)) return false;
      if (before.phase === 'over' && (after.state !== before || after.actions.some((action) => action.do !== 'hangUp'))) return false;
    }
    return true;
  }), 300);
});

test('the caller is answered by the answer of the leg that is dialled, and by nothing else', async (t) => {
  holds(t, fc.property(anyCall, story, (one, inputs) =>
    tell(one, inputs).every(({ before, input, after }) => {
      const answers = after.actions.filter((action) => action.do === 'answerCaller').length;
      return answers === 0 || (answers === 1 && before.phase === 'dialling' && input.type === 'answered' && input.legId === before.attempt.legId);
    })), 200);
});

test('no more is billed than what was paid, and what is paid never shrinks', async (t) => {
  holds(t, fc.property(anyCall, story, (one, inputs) =>
    tell(one, inputs).every(({ before, after }) => {
      if (before.phase !== 'talking') return after.actions.flatMap(cdrsOf).every((cdr) => cdr.billMs === 0 && cdr.disposition !== 'ANSWERED' && Object.values(cdr.prices).every(({ price }) => price === 0n));
      if (after.state.phase === 'talking') return after.state.paidS >= before.paidS;
      return after.actions.flatMap(cdrsOf).every((cdr) => cdr.billMs >= 0 && cdr.billMs <= before.paidS * 1000 && cdr.billsec <= before.paidS);
    })), 200);
});

test('rows are numbered from 1, only the last is final, and only the last may be answered', async (t) => {
  holds(t, fc.property(anyCall, story, (one, inputs) =>
    tell(one, inputs).flatMap(({ after }) => after.actions.map(cdrsOf)).filter((rows) => rows.length > 0).every((rows) =>
      rows.every((row, index) => row.attempt === index + 1 && row.final === (index === rows.length - 1) && (row.final || row.disposition !== 'ANSWERED') && row.durationMs >= 0 && row.endMs >= (row.answerMs ?? 0)))), 200);
});

test('timers are set for no time at all or for a time to come', async (t) => {
  holds(t, fc.property(anyCall, story, (one, inputs) => tell(one, inputs).flatMap(({ after }) => after.actions).every((action) => action.do !== 'setTimer' || (action.afterMs >= 0 && action.afterMs <= 7_200_000))), 300);
});
