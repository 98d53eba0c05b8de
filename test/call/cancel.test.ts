/** The caller goes, or somebody ends the call, before it is answered. */
import { test } from 'tap';
import { call, provider } from './call-builder.ts';
import { admissionRefused, admitted, after, bridgeReady, callerCancelled, callerGone, callerReadyAgain, dialling, given, hangupOrdered, legGone, legReady, ringing, started, wayChosen } from './dsl.ts';

const TWO_WAYS = [provider(1), provider(2)];

test('a caller who goes while the store is asked gets nothing dialled, and what was held goes back', async () => {
  given(call())
    .when(after(3), callerCancelled)
    .thenOrders()
    .isIn('admitting')
    .when(after(20), admitted())
    .thenOrders('finish')
    .cdrs({ disposition: 'FAILED', hangupCause: 241, sipCode: 487, terminatedBy: 'originator', attempt: 1, providerId: null, final: true, durationMs: 0 })
    .debits();
});

test('a caller who goes while the store refuses him has cancelled, and is not hung up again', async () => {
  given(call())
    .when(after(3), callerCancelled)
    .when(after(20), admissionRefused(211))
    .thenOrders('record')
    .cdrs({ disposition: 'FAILED', hangupCause: 241, sipCode: 487, terminatedBy: 'originator', endMs: call().arrived.wallMs + 3 });
});

test('a cancel before the leg is up ends the leg when it appears', async () => {
  given(call())
    .when(admitted())
    .when(callerCancelled)
    .thenOrders('hangUp leg 1 16', 'destroyBridge', 'finish')
    .when(legReady(1))
    .thenOrders('hangUp leg 1 16');
});

test('a cancel before ringing is FAILED with 241', async () => {
  given(call({ ways: TWO_WAYS }))
    .when(...started, after(500))
    .when(callerCancelled)
    .thenOrders('hangUp leg 1 16', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'FAILED', hangupCause: 241, sipCode: 487, terminatedBy: 'originator', pddMs: null, durationMs: 506 })
    .debits();
});

test('a cancel while it rings is NO ANSWER with 241', async () => {
  given(call({ ways: TWO_WAYS }))
    .when(...ringing, after(1500))
    .when(callerCancelled)
    .thenOrders('hangUp leg 1 16', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'NO ANSWER', hangupCause: 241, terminatedBy: 'originator', pddMs: 2000, billsec: 0 });
});

test('a cancel on the second way keeps the row of the first', async () => {
  given(call({ ways: TWO_WAYS }))
    .when(...started, legGone(1, 34, 503), wayChosen(0), ...dialling(2))
    .when(callerCancelled)
    .cdrs({ attempt: 1, final: false, hangupCause: 34 }, { attempt: 2, final: true, hangupCause: 241 });
});

test('a cancel between two ways dials nothing more', async () => {
  given(call({ ways: TWO_WAYS }))
    .when(...started, legGone(1, 34, 503))
    .when(callerCancelled)
    .thenOrders()
    .when(wayChosen(0))
    .thenOrders('destroyBridge', 'finish')
    .cdrs({ attempt: 1, final: true, hangupCause: 34, terminatedBy: 'originator' });
});

test('an ordered end while the store is asked dials nothing, whatever the store says', async () => {
  const ended = given(call()).when(hangupOrdered).thenOrders('hangUp caller 31');
  ended.when(admitted()).thenOrders('finish').cdrs({ disposition: 'FAILED', hangupCause: 16, sipCode: null, terminatedBy: 'system' });
  ended.when(admissionRefused(211)).thenOrders('record').cdrs({ disposition: 'FAILED', hangupCause: 16, terminatedBy: 'system' });
  ended.when(callerGone()).thenOrders().when(admitted()).cdrs({ terminatedBy: 'system' });
});

test('an ordered end while it rings ends both legs', async () => {
  given(call())
    .when(...ringing)
    .when(hangupOrdered)
    .thenOrders('hangUp leg 1 16', 'hangUp caller 31', 'destroyBridge', 'finish')
    .cdrs({ disposition: 'NO ANSWER', hangupCause: 16, sipCode: null, terminatedBy: 'system' });
});

test('an ordered end between two ways dials nothing more', async () => {
  given(call({ ways: TWO_WAYS }))
    .when(...started, legGone(1, 34, 503))
    .when(hangupOrdered)
    .thenOrders('hangUp caller 31')
    .when(callerGone())
    .thenOrders()
    .when(wayChosen(0))
    .thenOrders('destroyBridge', 'finish')
    .cdrs({ attempt: 1, final: true, hangupCause: 34, terminatedBy: 'system' });
});

test('a refusal of the store reaches the caller with its answer', async () => {
  for (const [cause, q850] of [[211, 34], [212, 34], [220, 34], [221, 34], [204, 21], [41, 34]] as const) {
    given(call())
      .when(after(5), admissionRefused(cause))
      .thenOrders(`hangUp caller ${q850}`, 'record')
      .cdrs({ disposition: 'FAILED', hangupCause: cause, terminatedBy: 'system', durationMs: 5, attempt: 1, final: true, billsec: 0, prices: {} });
  }
});

test('the doubled entry of the caller himself does not end his call', async () => {
  given(call()).when(...started).when(callerReadyAgain).thenOrders().isIn('dialling');
  given(call({ ways: TWO_WAYS })).when(...started, legGone(1, 34, 503)).when(callerReadyAgain).thenOrders().isIn('choosing');
  given(call()).when(admitted(), bridgeReady).when(callerReadyAgain).thenOrders().isIn('dialling');
});
