/** The prompt before a call: the way is dialled after it, whatever becomes of it, unless the caller goes meanwhile. */
import { test } from 'tap';
import { call, provider } from './call-builder.ts';
import { admitted, after, announced, answered, bridgeReady, callerCancelled, dialling, fires, given, hangupOrdered, legGone, orderFailed, wayChosen } from './dsl.ts';
import type { Happening, Scenario } from './dsl.ts';

const DIALS = ['createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000'];
const announcing = (): Scenario => given(call({ ways: [provider(1), provider(2)], announcement: { file: 'low', language: 'lt' } })).when(after(4), admitted());

const LEADS_ON: Readonly<Record<string, { readonly inputs: readonly Happening[]; readonly first?: readonly string[] }>> = {
  'its end': { inputs: [after(3000), announced()] },
  'a sound that is not there': { inputs: [announced(true), fires('announce')], first: ['setTimer announce 300', 'tellMissed failed'] },
  'an order that Asterisk refuses': { inputs: [orderFailed('announce', 0, 409), fires('announce')], first: ['setTimer announce 300', 'tellMissed failed'] },
  'an order that is lost, and a sound that ends all the same': { inputs: [orderFailed('announce', 0, 0), announced(), fires('announce')], first: ['setTimer announce 300', 'tellMissed failed'] },
  'an end that nobody tells, or that does not come': { inputs: [fires('announce')], first: ['stopAnnouncement', 'tellMissed too long'] },
};

test('it comes before anything is dialled', async () => {
  announcing().thenOrders('announce low', 'setTimer announce 30000').isIn('announcing');
});

for (const [what, { inputs, first = [] }] of Object.entries(LEADS_ON)) {
  test(`${what} leads on to the way that was chosen`, async () => {
    announcing().when(...inputs).thenOrders(...first, ...DIALS).isIn('dialling')
      .when(bridgeReady, ...dialling(1), after(1000), answered(1)).isIn('talking');
  });
}

test('the way that the store has chosen is dialled, and what is told of the prompt later changes nothing', async () => {
  given(call({ ways: [provider(1), provider(2)], announcement: { file: 'low', language: '' } })).when(admitted(1), announced())
    .thenOrders('announce low', 'setTimer announce 30000', 'createBridge', 'createLeg leg 1 on way 1', 'setTimer legStart 5000')
    .when(announced(), announced(true), orderFailed('announce', 0)).thenOrders().isIn('dialling');
});

test('it is played once: not before the next way', async () => {
  announcing().when(announced(), bridgeReady, ...dialling(1), legGone(1, 34, 503), wayChosen(0)).isIn('dialling')
    .when(...dialling(2)).thenOrders('connect leg 2 on way 1', 'setTimer ring 62000', 'setTimer silence 3000');
});

const ROW = { attempt: 1, final: true, disposition: 'FAILED', providerId: null, billsec: 0, pddMs: null } as const;

test('the caller hangs up: what was held goes back, nothing is dialled', async () => {
  announcing().when(after(1500), callerCancelled).thenOrders('finish').isIn('over').cdrs({ ...ROW, hangupCause: 241, sipCode: 487, terminatedBy: 'originator' }).debits();
  announcing().when(after(1500), announced(true), callerCancelled).thenOrders('setTimer announce 300', 'finish').cdrs({ ...ROW, hangupCause: 241 });
});

test('an end is ordered', async () => {
  announcing().when(after(1500), hangupOrdered).thenOrders('hangUp caller 31', 'finish').cdrs({ ...ROW, hangupCause: 16, terminatedBy: 'system' }).debits();
});

test('the prompt is not billed: neither its seconds nor its time until the answer', async () => {
  announcing().when(after(20_000), announced(), bridgeReady, ...dialling(1), after(1000), answered(1), after(60_000), callerCancelled)
    .cdrs({ billsec: 60, durationMs: 61_001 }).debits('user 5 owes 0.6', 'provider 11 gets 0.3');
});
