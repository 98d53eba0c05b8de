/** What is held for a call, how long that lasts, and where the call is cut. */
import { test } from 'tap';
import { moneyText, parseMoney } from '../../rating/money.ts';
import { makeRate } from '../../rating/rate.ts';
import { minuteStep } from '../../rating/step.ts';
import { ARRIVED, call, deviceWay, provider, rate } from './call-builder.ts';
import type { CallParts } from './call-builder.ts';
import { admitted, after, answered, bridgeReady, callerGone, comesEarly, dialled, extended, fires, given, legGone, legReady, rang, talking } from './dsl.ts';

/** A little later than the timer: the event loop was busy. */
const LATE = after(40);

function asked(parts: CallParts): readonly string[] {
  return given(call(parts)).admission().payers.map(({ userId, want, least }) => `user ${userId}: ${moneyText(want)}, at least ${moneyText(least)}`);
}

test('at first the price of one slice is held of every payer, at least that of a second', async (t) => {
  t.same(asked({}), ['user 5: 0.6, at least 0.01']);
  t.same(asked({ settings: { sliceS: 30 } }), ['user 5: 0.3, at least 0.01']);
  t.same(asked({ maxTalkS: 20 }), ['user 5: 0.2, at least 0.01'], 'no more than the longest call');
  t.same(asked({ rates: { user: rate('2'), reseller: rate('1.2', { incrementS: 60 }), partner: rate('0.9', { connectionFee: '0.05' }) } }), [
    'user 5: 2, at least 0.033333',
    'user 6: 1.2, at least 1.2',
    'user 7: 0.95, at least 0.065',
  ]);
});

test('nothing is held of somebody with unlimited credit, and nothing for a free call', async (t) => {
  t.same(asked({ unlimited: true }), []);
  t.same(asked({ rates: { user: rate('0'), reseller: rate('0.6') } }), ['user 6: 0.6, at least 0.01']);
  t.same(asked({ rates: { did: rate('-0.6') }, ways: [deviceWay()] }), [], 'a DID that pays its owner');
});

test('seconds that cost nothing are no call for somebody who has nothing', async (t) => {
  t.same(asked({ rates: { user: rate('0.6', { graceS: 3 }) } }), ['user 5: 0.6, at least 0.0000000001']);
  t.same(asked({ rates: { user: rate('0.6', { graceS: 3 }) }, settings: { sliceS: 2 } }), ['user 5: 0.0000000001, at least 0.0000000001']);
});

test('in frozen mode the price of the longest prepaid call is held, and the call is no longer than that', async (t) => {
  const frozen = { settings: { reservation: 'frozen', frozenS: 1800 } } as const;
  t.same(asked(frozen), ['user 5: 18, at least 0.01']);
  given(call(frozen)).when(...talking.slice(0, -1)).when(answered(1)).thenOrders('answerCaller', 'setTimer cut 1800000');
  given(call({ ...frozen, maxTalkS: 60 })).when(...talking.slice(0, -1)).when(answered(1)).thenOrders('answerCaller', 'setTimer cut 60000');
  given(call(frozen)).when(admitted(0, '2'), bridgeReady, legReady(1), dialled(1)).when(answered(1)).thenOrders('answerCaller', 'setTimer cut 200000');
});

test('more is held in good time before the end of what is held', async () => {
  given(call())
    .when(...talking)
    .when(fires('extend'))
    .thenOrders('extend user 5 to 1.2')
    .when(after(3), extended('1.2'))
    .thenOrders('setTimer cut 74997', 'setTimer extend 59997')
    .when(fires('extend'))
    .thenOrders('extend user 5 to 1.8');
});

test('a cut that comes a millisecond early, as timers may, takes nothing of what was paid for', async () => {
  const early = given(call({ maxTalkS: 20 })).when(...talking, after(19_999), comesEarly('cut'));
  early.cdrs({ billMs: 20_000, billsec: 20, disposition: 'ANSWERED', terminatedBy: 'system' });
  given(call({ maxTalkS: 20, settings: { rounding: 'down' } })).when(...talking, after(19_999), comesEarly('cut')).cdrs({ billsec: 20 });
});

test('a call that goes on to be paid is never cut', async () => {
  given(call())
    .when(...talking, fires('extend'), extended('1.2'), fires('extend'), extended('1.8'), fires('extend'), extended('2.4'), after(1000), callerGone())
    .cdrs({ billsec: 166, terminatedBy: 'originator' })
    .debits('user 5 owes 1.66', 'provider 11 gets 0.83');
});

test('money that is short is asked for again at half of what is left, and just before the cut', async () => {
  given(call())
    .when(...talking, fires('extend'))
    .when(extended('0.6'))
    .thenOrders('setTimer cut 15000', 'setTimer extend 7500')
    .when(fires('extend'), extended('0.6'))
    .thenOrders('extend user 5 to 1.2', 'setTimer cut 7500', 'setTimer extend 3750')
    .when(fires('extend'), extended('0.6'), fires('extend'), extended('0.6'), fires('extend'))
    .when(extended('0.6'))
    .thenOrders('setTimer cut 937.5', 'setTimer extend 468.75')
    .when(fires('extend'), extended('0.6'))
    .thenOrders('extend user 5 to 1.2', 'setTimer cut 468.75', 'setTimer extend 218.75')
    .when(fires('extend'), extended('0.6'))
    .thenOrders('extend user 5 to 1.2', 'setTimer cut 250');
});

test('money that came meanwhile counts at once', async () => {
  given(call())
    .when(...talking, fires('extend'), extended('0.6'), fires('extend'))
    .when(extended('1.2'))
    .thenOrders('setTimer cut 67500', 'setTimer extend 52500');
});

test('what is not enough for a slice still lengthens the call to its last second', async () => {
  given(call())
    .when(...talking, fires('extend'))
    .when(extended('0.659999'))
    .thenOrders('setTimer cut 20000', 'setTimer extend 5000')
    .when(extended('0.66'))
    .thenOrders('setTimer cut 21000', 'setTimer extend 6000');
});

test('where the money ends the call is cut, and billed to that second however late the timer was', async () => {
  given(call())
    .when(admitted(0, '0.07'), bridgeReady, legReady(1), dialled(1), after(2000), rang(1))
    .when(answered(1))
    .thenOrders('answerCaller', 'setTimer cut 7000', 'setTimer extend 3500')
    .when(fires('extend'), extended('0.07'))
    .when(LATE, fires('cut'), LATE)
    .thenOrders('hangUp caller 16', 'hangUp leg 1 16', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'ANSWERED', hangupCause: 16, terminatedBy: 'system', billMs: 7000, billsec: 7 })
    .debits('user 5 owes 0.07', 'provider 11 gets 0.035');
});

test('a cut that comes far too late bills nobody beyond what was paid', async () => {
  given(call())
    .when(admitted(0, '0.07'), bridgeReady, legReady(1), dialled(1), answered(1))
    .when(after(9300), fires('cut'))
    .cdrs({ billMs: 7000, billsec: 7, endMs: call().arrived.wallMs + 7000 })
    .debits('user 5 owes 0.07', 'provider 11 gets 0.035');
  given(call()).when(admitted(0, '0.07'), bridgeReady, legReady(1), dialled(1), answered(1)).when(after(9300), legGone(1, 16)).cdrs({ billMs: 7000, billsec: 7, terminatedBy: 'system' });
});

test('a store that cannot be asked leaves the call what it has', async () => {
  given(call()).when(...talking, fires('extend')).when(extended()).thenOrders('setTimer cut 15000', 'setTimer extend 7500');
});

test('an extension is asked for once, until its answer is there', async () => {
  given(call()).when(...talking, fires('extend')).when(() => ({ type: 'timerFired', timer: 'extend' })).thenOrders();
});

test('an increment that is paid is talked to its end', async () => {
  given(call({ rates: { user: rate('0.6', { incrementS: 30 }) } }))
    .when(admitted(0, '0.5'), bridgeReady, legReady(1), dialled(1))
    .when(answered(1))
    .thenOrders('answerCaller', 'setTimer cut 30000', 'setTimer extend 15000');
});

test('a connection fee comes before the seconds', async () => {
  given(call({ rates: { user: rate('0.6', { connectionFee: '0.2' }) } }))
    .when(admitted(0, '0.3'), bridgeReady, legReady(1), dialled(1))
    .when(answered(1))
    .thenOrders('answerCaller', 'setTimer cut 10000', 'setTimer extend 5000');
});

test('of several payers the poorest ends the call, and all of them are asked for more', async () => {
  given(call({ rates: { user: rate('2'), reseller: rate('1.2') } }))
    .when(admitted(0, '2', '0.5'), bridgeReady, legReady(1), dialled(1))
    .when(answered(1))
    .thenOrders('answerCaller', 'setTimer cut 25000', 'setTimer extend 10000')
    .when(fires('extend'))
    .thenOrders('extend user 5 to 2.833333, user 6 to 1.7')
    .when(extended('2.833333', '0.5'), fires('cut'))
    .debits('user 5 owes 0.833333', 'user 6 owes 0.5', 'provider 11 gets 0.125');
});

const answeredOn = (parts: CallParts) => given(call(parts)).when(admitted(), bridgeReady, legReady(1), dialled(1)).when(answered(1));

test('a call that no money limits is cut by its timeouts only', async () => {
  answeredOn({ unlimited: true }).thenOrders('answerCaller', 'setTimer cut 7200000');
  answeredOn({ unlimited: true, maxTalkS: 90 }).thenOrders('answerCaller', 'setTimer cut 90000');
  answeredOn({ unlimited: true, ways: [provider(1, { callTimeoutS: 30 })] }).thenOrders('answerCaller', 'setTimer cut 30000');
  answeredOn({ rates: { user: rate('0') } }).thenOrders('answerCaller', 'setTimer cut 7200000');
});

test('near a timeout no more is held than the call can use', async () => {
  given(call({ maxTalkS: 70 })).when(...talking, fires('extend')).thenOrders(...talkingOrders('extend user 5 to 0.7'));
  given(call({ ways: [provider(1, { callTimeoutS: 70 })] })).when(...talking, fires('extend')).thenOrders(...talkingOrders('extend user 5 to 0.7'));
  given(call({ maxTalkS: 70 })).when(...talking, fires('extend')).when(extended('0.7')).thenOrders('setTimer cut 25000');
  given(call({ ways: [provider(1, { callTimeoutS: 60 })] })).when(...talking.slice(0, -1)).when(answered(1)).thenOrders('answerCaller', 'setTimer cut 60000');
});

function talkingOrders(last: string): readonly string[] {
  return ['createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000', 'connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000', 'answerCaller', 'setTimer cut 60000', 'setTimer extend 45000', last];
}

const DID = { rates: { did: rate('0.6') }, ways: [deviceWay({ ringTimeoutS: 90 })] } as const;

test('who pays from the arrival has the ringing held as well', async (t) => {
  t.same(asked(DID), ['user 8: 1.5, at least 0.01']);
});

test('a DID call that rang longer than a slice is not cut at its answer', async () => {
  given(call(DID))
    .when(admitted(), bridgeReady, legReady(1), dialled(1), rang(1), after(70_000))
    .when(answered(1))
    .thenOrders('answerCaller', 'setTimer cut 80000', 'setTimer extend 65000')
    .when(fires('extend'))
    .thenOrders('extend user 8 to 2.1');
});

test('a DID owner whose money was used up by the ringing gets no call, and owes nothing', async () => {
  given(call(DID))
    .when(admitted(0, '0.3'), bridgeReady, legReady(1), dialled(1), rang(1), after(30_001))
    .when(answered(1))
    .thenOrders('hangUp leg 1 16', 'hangUp caller 34', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'FAILED', hangupCause: 213, terminatedBy: 'system', answerMs: null, billsec: 0 })
    .debits();
});

test('what a DID owner pays is never more than what was held for him', async () => {
  given(call(DID))
    .when(admitted(0, '0.3'), bridgeReady, legReady(1), dialled(1), rang(1), after(20_500))
    .when(answered(1))
    .thenOrders('answerCaller', 'setTimer cut 9000', 'setTimer extend 4500')
    .when(fires('extend'), extended('0.3'), fires('cut'))
    .debits('user 8 owes 0.3');
});

/** 0.6 a minute, and 6 a minute from half a minute after the arrival on. */
const SPLIT = makeRate({
  steps: [minuteStep(0, null, { rate: parseMoney('0.6') })],
  split: {
    startMs: ARRIVED.wallMs,
    spans: [
      { fromMs: ARRIVED.wallMs, steps: [minuteStep(0, null, { rate: parseMoney('0.6') })] },
      { fromMs: ARRIVED.wallMs + 30_000, steps: [minuteStep(0, null, { rate: parseMoney('6') })] },
    ],
  },
});

test('a price that changes with the hour is counted from the answer on', async () => {
  // Answered after 5.01 s: 25 seconds of talk are cheap.
  const scenario = given(call({ rates: { user: SPLIT }, ways: [provider(1, { rate: SPLIT })] })).when(...talking.slice(0, -1));
  scenario.when(answered(1), after(30_000), callerGone()).debits('user 5 owes 0.75', 'provider 11 gets 0.75');
  // Held at admission for 60 s from the arrival on, that is for 55 s from the answer on; one slice more.
  scenario.when(answered(1), fires('extend')).thenOrders('answerCaller', 'setTimer cut 55000', 'setTimer extend 40000', 'extend user 5 to 9.25');
});

test('of what pays from the arrival the seconds before the answer have their own hour', async () => {
  given(call({ rates: { did: SPLIT }, ways: [deviceWay()] })).when(...talking, after(25_990), callerGone()).debits('user 8 owes 0.4');
});
