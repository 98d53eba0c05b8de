/** Answered calls: who ends them, in which order the rest is closed, what the row says and who owes what. */
import { test } from 'tap';
import { parseMoney } from '../../rating/money.ts';
import { ARRIVED, call, deviceWay, provider, rate } from './call-builder.ts';
import { admitted, after, answered, bridgeReady, callerGone, dialled, fires, given, hangupOrdered, legGone, legReady, orderFailed, rang, started, talking } from './dsl.ts';

test('the caller is answered when the leg answers, and not before', async () => {
  given(call())
    .when(...started, rang(1), after(3000))
    .when(answered(1))
    .thenOrders('answerCaller', 'setTimer cut 60000', 'setTimer extend 45000')
    .isIn('talking');
});

test('the caller hangs up: the leg is ended, then the bridge, and the rest is settled', async () => {
  given(call())
    .when(...talking, after(30_000))
    .when(callerGone())
    .thenOrders('hangUp leg 1 16', 'destroyBridge', 'finish')
    .cdrs({
      attempt: 1, final: true, disposition: 'ANSWERED', hangupCause: 16, sipCode: 200, terminatedBy: 'originator', endSource: 'event', providerId: 11,
      callDateMs: ARRIVED.wallMs, answerMs: ARRIVED.wallMs + 5010, endMs: ARRIVED.wallMs + 35_010,
      durationMs: 35_006, billMs: 30_000, billsec: 30, pddMs: 2000, terminatorCallId: 'leg1@far', originatorCallId: 'abc@caller', clid: '"Ann" <37050000000>',
    })
    .debits('user 5 owes 0.3', 'provider 11 gets 0.15');
});

test('the called side hangs up: the caller is ended, then the bridge', async () => {
  given(call())
    .when(...talking, after(30_001))
    .when(legGone(1, 16))
    .thenOrders('hangUp caller 16', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'ANSWERED', hangupCause: 16, terminatedBy: 'terminator', billMs: 30_001, billsec: 31 })
    .debits('user 5 owes 0.31', 'provider 11 gets 0.155');
});

test('an ordered end closes both sides', async () => {
  given(call())
    .when(...talking, after(10_000))
    .when(hangupOrdered)
    .thenOrders('hangUp caller 16', 'hangUp leg 1 16', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'ANSWERED', hangupCause: 16, terminatedBy: 'system', billsec: 10 });
});

test('a cause of the far end that is not the normal one is kept', async () => {
  given(call()).when(...talking, after(1000)).when(legGone(1, 41)).cdrs({ disposition: 'ANSWERED', hangupCause: 41, terminatedBy: 'terminator' });
  given(call()).when(...talking, after(1000)).when(callerGone(0)).cdrs({ disposition: 'ANSWERED', hangupCause: 16, terminatedBy: 'originator' });
});

test('a leg that answers without ringing has rung at its answer', async () => {
  given(call()).when(...started, after(1200), answered(1), after(1000), callerGone()).cdrs({ disposition: 'ANSWERED', pddMs: 1200 });
});

test('an answer of no length costs nothing', async () => {
  given(call()).when(...talking, callerGone()).cdrs({ disposition: 'ANSWERED', billMs: 0, billsec: 0 }).debits();
});

test('milliseconds become seconds by the setting', async () => {
  for (const [rounding, billsec] of [['up', 31], ['down', 30], ['nearest', 31]] as const) {
    given(call({ settings: { rounding } })).when(...talking, after(30_500), callerGone()).cdrs({ billMs: 30_500, billsec });
  }
  given(call({ settings: { rounding: 'nearest' } })).when(...talking, after(30_499), callerGone()).cdrs({ billsec: 30 });
});

test('every level is priced on the same seconds and owes its own price', async (t) => {
  const chain = { user: rate('2'), reseller: rate('1.2', { incrementS: 60 }), partner: rate('0.9', { connectionFee: '0.05' }) };
  const over = given(call({ rates: chain, ways: [provider(1, { rate: rate('0.3', { graceS: 3 }) })] }))
    .when(...talking, after(59_000), callerGone())
    .debits('user 5 owes 1.966667', 'user 6 owes 1.2', 'user 7 owes 0.935', 'provider 11 gets 0.295');
  const { prices } = over.cdr();
  t.match(prices.user, { price: parseMoney('1.966667'), billedS: 59, rate: parseMoney('2'), prefix: '370', tariffId: 1 });
  t.match(prices.reseller, { price: parseMoney('1.2'), billedS: 60 });
  t.match(prices.partner, { price: parseMoney('0.935'), billedS: 59 });
  t.match(prices.provider, { price: parseMoney('0.295'), billedS: 59 });
});

test('within its grace time the way out costs nothing, and the user pays all the same', async () => {
  given(call({ ways: [provider(1, { rate: rate('0.3', { graceS: 3 }) })] })).when(...talking, after(3000), callerGone()).debits('user 5 owes 0.03');
});

test('an unanswered attempt keeps its rates at a price of 0', async (t) => {
  const { prices } = given(call()).when(...started).when(legGone(1, 17, 486)).debits().cdr();
  t.match(prices.user, { price: 0n, billedS: 0, rate: parseMoney('0.6') });
  t.match(prices.provider, { price: 0n, billedS: 0, rate: parseMoney('0.3') });
});

const DID_RATES = { did: rate('0.6'), didIncoming: rate('1.2'), didProvider: rate('-0.06') };

test('a DID call is paid from the arrival, by owner and caller, and its provider by its sign', async () => {
  given(call({ rates: DID_RATES, ways: [deviceWay()] }))
    .when(...talking, after(24_990))
    .when(legGone(1, 16))
    .thenOrders('hangUp caller 16', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'ANSWERED', billMs: 24_990, billsec: 25, providerId: null, didProviderId: 21, dstUserId: 8, userId: 5 })
    .debits('user 8 owes 0.3', 'user 5 owes 0.6', 'provider 21 gets 0.03');
});

test('a DID that pays its owner gives him money, and a DID provider that pays us owes it', async () => {
  given(call({ rates: { did: rate('-0.6'), didProvider: rate('0.06') }, ways: [deviceWay()] }))
    .when(...talking, after(24_990), callerGone())
    .debits('user 8 gets 0.3', 'provider 21 owes 0.03');
});

test('a DID call that nobody answers costs nothing', async () => {
  given(call({ rates: DID_RATES, ways: [deviceWay()] })).when(...started, rang(1), after(20_000), legGone(1, 19, 480)).cdrs({ disposition: 'NO ANSWER', billsec: 0 }).debits();
});

test('an answer that did not reach the caller is waited for a second, then the call ends', async () => {
  const failed = given(call()).when(...talking).when(orderFailed('answer', 0, 404)).thenOrders('setTimer trouble 1000');
  failed.when(fires('trouble')).thenOrders('hangUp caller 16', 'hangUp leg 1 16', 'destroyBridge', 'finish').cdrs({ terminatedBy: 'system', billMs: 1000 });
  failed.when(after(3), callerGone()).thenOrders('hangUp leg 1 16', 'destroyBridge', 'finish').cdrs({ terminatedBy: 'originator', billMs: 3 });
});

test('a leg of a way that was left before is hung up when it appears during the talk', async () => {
  given(call({ ways: [provider(1), provider(2)] }))
    .when(admitted(), bridgeReady, fires('legStart'))
    .when((clock) => ({ type: 'wayChosen', way: clock.call.plan.ways.length - 2 }), legReady(2), dialled(2), answered(2))
    .isIn('talking')
    .when(legReady(1))
    .thenOrders('hangUp leg 1 16')
    .isIn('talking');
});
