/** The prompt that tells of money running low: when, to whom, how often. */
import { test } from 'tap';
import { call, deviceWay, rate } from './call-builder.ts';
import { admitted, after, answered, bridgeReady, callerGone, dialled, extended, fires, given, legReady, rang, withLeft } from './dsl.ts';
import type { Happening } from './dsl.ts';

/** One unit a second; slices of a minute, asked for 15 s before their end. */
const SECOND = rate('60');
const settings = { promptS: 60 };

/** On its way and answered after a second; `left` beside the first slice. */
function talking(...left: readonly string[]): readonly Happening[] {
  return [after(4), withLeft(admitted(), ...left), bridgeReady, legReady(1), dialled(1), after(500), rang(1), after(500), answered(1)];
}

test('a minute before the money ends the store is asked, and the caller hears it', async () => {
  given(call({ rates: { user: SECOND }, settings })).when(...talking('100'))
    .thenOrders('createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000', 'connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000', 'answerCaller', 'setTimer cut 60000', 'setTimer extend 45000', 'setTimer prompt 100000')
    .when(fires('extend')).thenOrders('extend user 5 to 120')
    .when(withLeft(extended('120'), '40')).thenOrders('setTimer cut 75000', 'setTimer extend 60000', 'setTimer prompt 55000')
    .when(fires('prompt')).thenOrders('extend user 5 to 180')
    .when(withLeft(extended('160'), '0')).thenOrders('setTimer cut 60000', 'setTimer extend 45000', 'playPrompt caller')
    .when(fires('extend')).thenOrders('extend user 5 to 220')
    .when(withLeft(extended('160'), '0')).thenOrders('setTimer cut 15000', 'setTimer extend 7500')
    .when(fires('cut')).isIn('over');
});

test('a top-up before it puts it off; one that comes while it plays ends it, and it is not played again', async () => {
  given(call({ rates: { user: SECOND }, settings })).when(...talking('10'), fires('prompt'))
    .when(withLeft(extended('120'), '400')).thenOrders('setTimer cut 110000', 'setTimer extend 95000', 'setTimer prompt 450000')
    .when(fires('extend'), withLeft(extended('150'), '0')).thenOrders('extend user 5 to 180', 'setTimer cut 45000', 'setTimer extend 30000', 'playPrompt caller')
    .when(fires('extend'), withLeft(extended('210'), '500')).thenOrders('extend user 5 to 210', 'setTimer cut 75000', 'setTimer extend 60000', 'stopPrompt caller', 'stopPrompt leg 1')
    .when(fires('extend'), withLeft(extended('220'), '0')).thenOrders('extend user 5 to 270', 'setTimer cut 25000', 'setTimer extend 10000');
});

test('who has less than a minute at the answer hears it at once', async () => {
  given(call({ rates: { user: SECOND }, settings })).when(after(4), withLeft(admitted(0, '20'), '0'), bridgeReady, legReady(1), dialled(1), answered(1), fires('prompt'))
    .when(withLeft(extended('20'), '0')).thenOrders('setTimer cut 20000', 'setTimer extend 5000', 'playPrompt caller');
});

test("a DID's owner is the one who was called", async () => {
  given(call({ rates: { did: SECOND, didIncoming: rate('0.1') }, ways: [deviceWay()], settings })).when(...talking('0', 'inf'), fires('prompt'))
    .when(withLeft(extended('150', '7'), '0', 'inf')).thenOrders('setTimer cut 90000', 'setTimer extend 75000', 'setTimer prompt 30000')
    // A minute's ringing was held at first; one second of it was used.
    .when(fires('prompt'), withLeft(extended('150', '7'), '0', 'inf')).thenOrders('extend user 8 to 210, user 5 to 0.35', 'setTimer cut 60000', 'setTimer extend 45000', 'playPrompt leg 1');
});

test('a store that is away is asked again; no timer outlives the call', async () => {
  given(call({ rates: { user: SECOND }, settings })).when(...talking('0'), fires('prompt')).thenOrders('createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000', 'connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000', 'answerCaller', 'setTimer cut 60000', 'setTimer extend 45000', 'setTimer prompt 0', 'extend user 5 to 120')
    .when(extended()).thenOrders('setTimer cut 60000', 'setTimer extend 45000', 'setTimer prompt 1000')
    .when(callerGone()).isIn('over');
});

test('frozen time: money that ends before it is told without asking; the end of the time itself is not', async () => {
  const frozen = { ...settings, reservation: 'frozen', frozenS: 300 } as const;
  given(call({ rates: { user: SECOND }, settings: frozen })).when(after(4), withLeft(admitted(0, '100'), '0'), bridgeReady, legReady(1), dialled(1), answered(1))
    .when(fires('prompt')).thenOrders('playPrompt caller');
  given(call({ rates: { user: SECOND }, settings: frozen })).when(after(4), withLeft(admitted(), '0'), bridgeReady, legReady(1), dialled(1), answered(1))
    .thenOrders('createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000', 'connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000', 'answerCaller', 'setTimer cut 300000');
});

test('nobody is told who pays without limit, nor when the talk ends by its timeout, nor where it is off', async () => {
  const quiet = ['createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000', 'connect leg 1 on way 0', 'setTimer ring 62000', 'setTimer silence 3000', 'answerCaller', 'setTimer cut 60000', 'setTimer extend 45000'];
  given(call({ rates: { user: SECOND }, settings })).when(...talking('inf')).thenOrders(...quiet);
  given(call({ rates: { user: SECOND }, settings, maxTalkS: 70 })).when(...talking('100')).thenOrders(...quiet);
  given(call({ rates: { user: SECOND } })).when(...talking('0')).thenOrders(...quiet);
});
