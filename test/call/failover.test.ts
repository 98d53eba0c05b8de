/** From a leg that does not answer to the next way, or to the end: what goes on, what stops, and what the rows say. */
import { test } from 'tap';
import type { Way } from '../../routing/plan.ts';
import { call, deviceWay, provider } from './call-builder.ts';
import { admitted, after, answered, bridgeReady, callerGone, dialling, fires, given, legGone, legReady, orderFailed, rang, ringing, started, wayChosen } from './dsl.ts';

const THREE_WAYS = [provider(1), provider(2), provider(3)];

test('a way that fails is followed by the next, on the same bridge', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(...started, legGone(1, 34, 503))
    .isIn('choosing')
    .when(wayChosen(0))
    .thenOrders('createLeg leg 2 on way 1', 'setTimer legStart 5000')
    .isIn('dialling')
    .when(...dialling(2))
    .thenOrders('connect leg 2 on way 1', 'setTimer ring 62000', 'setTimer silence 3000');
});

test('the next way is asked for among those behind the one that failed', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(admitted(1), bridgeReady, ...dialling(1), legGone(1, 34, 503))
    .thenOrders('createBridge', 'createLeg leg 1 on way 1', 'setTimer legStart 5000', 'connect leg 1 on way 1', 'setTimer ring 62000', 'setTimer silence 3000', 'nextWay of 1');
});

test('the store may pass over ways without room', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(...started, legGone(1, 34, 503))
    .thenOrders('createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000', 'connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000', 'nextWay of 2')
    .when(wayChosen(1))
    .thenOrders('createLeg leg 2 on way 2', 'setTimer legStart 5000');
});

interface End {
  readonly what: string;
  readonly rings?: true;
  readonly cause: number;
  readonly sip?: number;
  readonly way?: Partial<Way>;
  readonly disposition: 'BUSY' | 'NO ANSWER' | 'FAILED';
  readonly hangupCause?: number;
  readonly goesOn: boolean;
}

const ENDS: readonly End[] = [
  { what: '404', cause: 1, sip: 404, disposition: 'FAILED', goesOn: true },
  { what: '403', cause: 21, sip: 403, disposition: 'FAILED', goesOn: true },
  { what: '603', cause: 21, sip: 603, disposition: 'FAILED', goesOn: true },
  { what: '500', cause: 38, sip: 500, disposition: 'FAILED', goesOn: true },
  { what: '503', cause: 34, sip: 503, disposition: 'FAILED', goesOn: true },
  { what: '503 after ringing', rings: true, cause: 34, sip: 503, disposition: 'FAILED', goesOn: true },
  { what: '488', cause: 58, sip: 488, disposition: 'FAILED', goesOn: true },
  { what: '480 at once', cause: 19, sip: 480, disposition: 'FAILED', goesOn: true },
  { what: '408 at once', cause: 18, sip: 408, disposition: 'FAILED', goesOn: true },
  { what: 'an end without a cause', cause: 0, disposition: 'FAILED', hangupCause: 230, goesOn: true },
  { what: '486', cause: 17, sip: 486, disposition: 'BUSY', goesOn: false },
  { what: '486 after ringing', rings: true, cause: 17, sip: 486, disposition: 'BUSY', goesOn: false },
  { what: '600', cause: 17, sip: 600, disposition: 'BUSY', goesOn: false },
  { what: 'busy without a SIP status', cause: 17, disposition: 'BUSY', goesOn: false },
  { what: '480 after ringing', rings: true, cause: 19, sip: 480, disposition: 'NO ANSWER', goesOn: false },
  { what: '408 after ringing', rings: true, cause: 18, sip: 408, disposition: 'NO ANSWER', goesOn: false },
  { what: '486 of a provider whose BUSY is read as FAILED', way: { busyAsFailed: true }, cause: 17, sip: 486, disposition: 'BUSY', goesOn: true },
  { what: '480 after ringing of a provider whose NO ANSWER is read as FAILED', rings: true, way: { noAnswerAsFailed: true }, cause: 19, sip: 480, disposition: 'NO ANSWER', goesOn: true },
  { what: '486 of a provider whose NO ANSWER is read as FAILED', way: { noAnswerAsFailed: true }, cause: 17, sip: 486, disposition: 'BUSY', goesOn: false },
  { what: '486 of a provider that goes on after it', way: { goOnCodes: [486] }, cause: 17, sip: 486, disposition: 'BUSY', goesOn: true },
  { what: '600 of a provider that goes on after 486', way: { goOnCodes: [486] }, cause: 17, sip: 600, disposition: 'BUSY', goesOn: false },
  { what: '600 of a provider that goes on after 17', way: { goOnCodes: [17] }, cause: 17, sip: 600, disposition: 'BUSY', goesOn: true },
  { what: '480 after ringing of a provider that goes on after 19', rings: true, way: { goOnCodes: [19] }, cause: 19, sip: 480, disposition: 'NO ANSWER', goesOn: true },
  { what: '404 of a provider that stops after it', way: { stopCodes: [404] }, cause: 1, sip: 404, disposition: 'FAILED', goesOn: false },
  { what: '404 of a provider that stops after 1', way: { stopCodes: [1] }, cause: 1, sip: 404, disposition: 'FAILED', goesOn: false },
  { what: '404 of a provider that stops after 1 and goes on after 404', way: { stopCodes: [1], goOnCodes: [404] }, cause: 1, sip: 404, disposition: 'FAILED', goesOn: true },
  { what: '404 of a provider that stops after 404 and goes on after 1', way: { stopCodes: [404], goOnCodes: [1] }, cause: 1, sip: 404, disposition: 'FAILED', goesOn: false },
  { what: '486 of a provider whose BUSY is read as FAILED and that stops after it', way: { busyAsFailed: true, stopCodes: [486] }, cause: 17, sip: 486, disposition: 'BUSY', goesOn: false },
  { what: '503 of a provider that stops after 404', way: { stopCodes: [404] }, cause: 34, sip: 503, disposition: 'FAILED', goesOn: true },
  { what: '480 after ringing of a provider whose BUSY is read as FAILED', rings: true, way: { busyAsFailed: true }, cause: 19, sip: 480, disposition: 'NO ANSWER', goesOn: false },
];

for (const end of ENDS) {
  test(`${end.what} ${end.goesOn ? 'goes on to the next way' : 'ends the call'}`, async () => {
    const failed = given(call({ ways: [provider(1, end.way), provider(2)] })).when(...(end.rings === true ? ringing : started)).when(legGone(1, end.cause, end.sip));
    if (end.goesOn) failed.isIn('choosing').thenOrders('nextWay of 1');
    const over = end.goesOn ? failed.when(wayChosen(null)) : failed;
    const cause = end.hangupCause ?? end.cause;
    over.isIn('over').cdrs({ disposition: end.disposition, hangupCause: cause, sipCode: end.sip ?? null, providerId: 11, terminatedBy: 'terminator', billsec: 0, final: true }).debits();
  });
}

test('the caller is answered with the cause of the last way', async () => {
  given(call({ ways: [provider(1), provider(2)] }))
    .when(...started, legGone(1, 34, 503), wayChosen(0), ...dialling(2))
    .when(legGone(2, 17, 486))
    .thenOrders('hangUp caller 17', 'destroyBridge', 'finish')
    .cdrs(
      { attempt: 1, final: false, providerId: 11, disposition: 'FAILED', hangupCause: 34, sipCode: 503 },
      { attempt: 2, final: true, providerId: 12, disposition: 'BUSY', hangupCause: 17, sipCode: 486 },
    );
});

test('without a way left that has room the last cause stands', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(...started, legGone(1, 1, 404))
    .when(wayChosen(null))
    .thenOrders('hangUp caller 1', 'destroyBridge', 'finish')
    .cdrs({ attempt: 1, final: true, hangupCause: 1 });
});

test('behind the last way nothing is asked of the store', async () => {
  given(call()).when(...started).when(legGone(1, 27, 502)).thenOrders('hangUp caller 27', 'destroyBridge', 'finish');
});

test('a provider that sends nothing back is left for the next', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(...started)
    .when(fires('silence'))
    .thenOrders('hangUp leg 1 16', 'nextWay of 2')
    .when(wayChosen(null))
    .cdrs({ disposition: 'FAILED', hangupCause: 18, sipCode: null, terminatedBy: 'system', durationMs: 3005, pddMs: null });
});

const legReadyOn = (way: Partial<Way>) => given(call({ ways: [provider(1, way)] })).when(admitted(), bridgeReady).when(legReady(1));

test('a provider may have its own silence, or none', async () => {
  legReadyOn({ silenceMs: 700 }).thenOrders('connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 700');
  legReadyOn({ silenceMs: 0 }).thenOrders('connect leg 1 on way 0', 'setTimer ring 62000');
});

test('ringing ends the silence', async (t) => {
  const scenario = given(call()).when(...ringing);
  t.throws(() => scenario.when(fires('silence')), /not running/);
});

test('ringing that never ends is ended by us after the margin', async () => {
  given(call({ ways: [provider(1, { ringTimeoutS: 30 }), provider(2)] }))
    .when(...started, rang(1))
    .when(fires('ring'))
    .thenOrders('hangUp leg 1 16', 'hangUp caller 19', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'NO ANSWER', hangupCause: 19, terminatedBy: 'system' });
});

test('without any sign of life until the ringing timeout the way has failed', async () => {
  given(call({ ways: [provider(1, { ringTimeoutS: 30, silenceMs: 0 }), provider(2)] })).when(...started).when(fires('ring')).thenOrders('hangUp leg 1 16', 'nextWay of 1');
});

test('a leg that Asterisk does not start in time is left', async () => {
  given(call({ ways: [provider(1), provider(2)] }))
    .when(admitted(), bridgeReady)
    .when(fires('legStart'))
    .thenOrders('hangUp leg 1 16', 'nextWay of 1')
    .when(wayChosen(null))
    .cdrs({ disposition: 'FAILED', hangupCause: 27, terminatedBy: 'system' });
});

test('a provider that cannot be dialled is out of order', async () => {
  given(call({ ways: [provider(1), provider(2)] })).when(admitted()).when(orderFailed('createLeg', 1)).thenOrders('nextWay of 1').when(wayChosen(null)).cdrs({ disposition: 'FAILED', hangupCause: 27 });
});

test('a device without contact is absent', async () => {
  given(call({ ways: [deviceWay()] })).when(admitted()).when(orderFailed('createLeg', 1)).cdrs({ disposition: 'FAILED', hangupCause: 20, providerId: null });
});

test('a leg that may have come up although its order failed is hung up', async () => {
  given(call({ ways: [provider(1), provider(2)] }))
    .when(admitted(), bridgeReady)
    .when(orderFailed('createLeg', 1, 0))
    .thenOrders('hangUp leg 1 16', 'nextWay of 1');
});

test('an order that failed is of no account once its leg is there', async () => {
  given(call()).when(...started).when(orderFailed('createLeg', 1, 0)).thenOrders().isIn('dialling');
});

test('a connect whose answer was lost with the connection may have been carried out: the leg goes on', async () => {
  given(call()).when(...started).when(orderFailed('connect', 1, 0)).thenOrders().isIn('dialling').when(after(5000), answered(1)).isIn('talking');
});

test('a connect that was lost and never carried out ends as a silent way', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(...started, orderFailed('connect', 1, 0), after(3000))
    .when(fires('silence'))
    .thenOrders('hangUp leg 1 16', 'nextWay of 2');
});

test('bridge and leg are joined when both are there, whichever comes first', async () => {
  given(call()).when(admitted(), legReady(1)).isIn('dialling').when(bridgeReady).thenOrders('connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000');
  given(call()).when(admitted(), bridgeReady).when(legReady(1)).thenOrders('connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000');
});

test('a bridge that becomes ready between two ways serves the second', async () => {
  given(call({ ways: THREE_WAYS })).when(admitted(), legGone(1, 34, 503), bridgeReady, wayChosen(0)).when(...dialling(2)).thenOrders('connect leg 2 on way 1', 'setTimer ring 62000', 'setTimer silence 3000');
});

for (const order of ['connect', 'createBridge'] as const) {
  test(`when ${order} fails and nothing explains it, the call ends with 41 after a second`, async () => {
    given(call({ ways: THREE_WAYS }))
      .when(...started)
      .when(orderFailed(order, order === 'connect' ? 1 : 0))
      .thenOrders('setTimer trouble 1000')
      .when(fires('trouble'))
      .thenOrders('hangUp leg 1 16', 'hangUp caller 34', 'destroyBridge', 'finish')
      .cdrs({ disposition: 'FAILED', hangupCause: 41, terminatedBy: 'system' });
  });

  test(`when ${order} fails because the leg is gone, its end decides`, async () => {
    given(call({ ways: THREE_WAYS })).when(...started, orderFailed(order, order === 'connect' ? 1 : 0), after(20)).when(legGone(1, 34, 503)).thenOrders('nextWay of 2');
  });

  test(`when ${order} fails because the caller is gone, his end decides`, async () => {
    given(call()).when(...started, orderFailed(order, order === 'connect' ? 1 : 0), after(20)).when(callerGone()).thenOrders('hangUp leg 1 16', 'destroyBridge', 'finish').cdrs({ hangupCause: 241 });
  });
}

test('the way that answers is the one that is paid', async () => {
  given(call({ ways: THREE_WAYS }))
    .when(...started, legGone(1, 34, 503), wayChosen(1), ...dialling(2), answered(2), after(60_000), callerGone())
    .cdrs({ attempt: 1, final: false, providerId: 11, billsec: 0 }, { attempt: 2, final: true, providerId: 13, disposition: 'ANSWERED', billsec: 60 })
    .debits('user 5 owes 0.6', 'provider 13 gets 0.3');
});

test('the last order of an answered call closes what it opened', async () => {
  given(call()).when(...started, answered(1), after(1000)).when(legGone(1, 16)).thenOrders('hangUp caller 16', 'destroyBridge', 'finish');
});

test('the live view does not show the ringing of a way that was left', async (t) => {
  const failed = given(call({ ways: THREE_WAYS })).when(...ringing);
  t.match(failed.shown(), { state: 'ringing', rang: /^\d+$/ });
  t.same(failed.when(legGone(1, 34, 503)).shown(), { attempt: '2', state: 'dialling', rang: '' });
});
