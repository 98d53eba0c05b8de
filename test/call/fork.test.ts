/** Several devices ring at once: the first that answers has the call, and the attempt is one row. */
import { test } from 'tap';
import { call, deviceWay, rate } from './call-builder.ts';
import { admitted, after, answered, bridgeReady, callerCancelled, dialled, fires, given, hangupOrdered, legGone, legReady, orderFailed, rang } from './dsl.ts';
import type { Happening } from './dsl.ts';

const DESK = { deviceId: 31, endpoint: 'desk', number: null };
const MOBILE = { deviceId: 32, endpoint: 'mobile', number: null };

const both = call({ rates: { did: rate('0.6') }, ways: [deviceWay({ fork: [DESK, MOBILE] })] });
const started: readonly Happening[] = [admitted(), bridgeReady, legReady('1-1'), dialled('1-1'), legReady('1-2'), dialled('1-2')];

test('each has a leg of its own, dialled as soon as it is there', async () => {
  given(both)
    .when(admitted(), bridgeReady)
    .thenOrders('createBridge', 'createLeg leg 1-1 on way 0', 'createLeg leg 1-2 on way 0', 'setTimer legStart 5000')
    .when(legReady('1-2'))
    .thenOrders('dial leg 1-2 on way 0', 'setTimer ring 62000')
    .when(legReady('1-1'))
    .thenOrders('dial leg 1-1 on way 0');
});

test('the caller hears that it rings when the first one rings, once', async () => {
  given(both).when(...started).when(rang('1-2')).thenOrders('ringCaller').when(rang('1-1')).thenOrders();
});

test('who answers has the call, the others stop', async () => {
  given(both)
    .when(...started, rang('1-1'), rang('1-2'), after(2000))
    .when(answered('1-2'))
    .isIn('talking')
    .thenOrders('hangUp leg 1-1 16', 'join leg 1-2', 'answerCaller', 'setTimer cut 118000', 'setTimer extend 103000')
    .when(legGone('1-1', 16))
    .thenOrders()
    .when(after(3000), legGone('1-2', 16))
    .cdrs({ attempt: 1, disposition: 'ANSWERED', dstDeviceId: 32, billMs: 3000, terminatorCallId: 'leg1-2@far', terminatedBy: 'terminator' });
});

test('one may be busy or out of reach while the other rings', async () => {
  given(both).when(...started, legGone('1-1', 17, 486)).isIn('dialling').when(rang('1-2'), answered('1-2')).isIn('talking');
  given(both).when(...started, orderFailed('connect', '1-1')).isIn('dialling').when(answered('1-2')).isIn('talking');
  given(both).when(admitted(), bridgeReady, orderFailed('createLeg', '1-1'), legReady('1-2'), answered('1-2')).isIn('talking');
});

const ENDS = [
  { what: 'both busy', ends: [legGone('1-1', 17, 486), legGone('1-2', 17, 486)], row: { disposition: 'BUSY', hangupCause: 17 } },
  { what: 'one busy, one out of reach', ends: [legGone('1-1', 17, 486), legGone('1-2', 20, 480)], row: { disposition: 'BUSY', hangupCause: 17 } },
  { what: 'one does not answer, one is busy', ends: [rang('1-1'), legGone('1-1', 19), legGone('1-2', 17, 486)], row: { disposition: 'BUSY', hangupCause: 17 } },
  { what: 'neither answers', ends: [rang('1-1'), rang('1-2'), legGone('1-1', 19), legGone('1-2', 19)], row: { disposition: 'NO ANSWER', hangupCause: 19 } },
  { what: 'neither is there', ends: [legGone('1-1', 20, 404), legGone('1-2', 20, 404)], row: { disposition: 'FAILED', hangupCause: 20 } },
] as const;

for (const { what, ends, row } of ENDS) {
  test(`the last to fail ends the attempt: ${what}`, async () => {
    given(both).when(...started, ...ends).isIn('over').cdrs({ attempt: 1, ...row, billMs: 0 });
  });
}

test('whatever ends the call before the answer ends all that ring', async () => {
  given(both).when(...started, rang('1-1')).when(callerCancelled).thenOrders('hangUp leg 1-1 16', 'hangUp leg 1-2 16', 'destroyBridge', 'finish').cdrs({ disposition: 'NO ANSWER', hangupCause: 241 });
  given(both).when(...started).when(hangupOrdered).thenOrders('hangUp leg 1-1 16', 'hangUp leg 1-2 16', 'hangUp caller 31', 'destroyBridge', 'finish');
  given(both).when(...started, rang('1-1')).when(fires('ring')).thenOrders('hangUp leg 1-1 16', 'hangUp leg 1-2 16', 'hangUp caller 19', 'destroyBridge', 'finish').cdrs({ disposition: 'NO ANSWER', hangupCause: 19 });
});

test('one that Asterisk never starts is given up for itself', async () => {
  given(both).when(admitted(), bridgeReady, legReady('1-1'), dialled('1-1')).when(fires('legStart')).isIn('dialling').thenOrders('hangUp leg 1-2 16').when(legReady('1-2')).thenOrders('hangUp leg 1-2 16');
  given(both).when(admitted(), bridgeReady, fires('legStart')).isIn('over').cdrs({ disposition: 'FAILED', hangupCause: 20 });
});
