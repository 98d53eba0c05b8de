/** Nothing is trusted to arrive in time, or once: what does not belong to the state changes nothing and orders nothing. */
import { deepStrictEqual } from 'node:assert';
import { test } from 'tap';
import { call, provider } from './call-builder.ts';
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
