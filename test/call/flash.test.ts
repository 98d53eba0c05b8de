/** Flash calls: cancelled soon after the ringing began, billed at a fixed price. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { moneyText, parseMoney } from '../../rating/money.ts';
import { holds } from '../routing/property.ts';
import { ARRIVED, call, provider, rate, USER } from './call-builder.ts';
import type { CallParts } from './call-builder.ts';
import { after, bridgeReady, callerCancelled, dialled, given, hangupOrdered, legGone, legReady, rang, started, wallClockSetBy, wayChosen } from './dsl.ts';

const FLASH: CallParts = { flash: { price: parseMoney('0.05'), ringMs: 200 } };

function cancelledAfter(ms: number, parts: CallParts = FLASH): ReturnType<typeof given> {
  return given(call(parts)).when(...started, after(1500), rang(1), after(ms), callerCancelled);
}

test('within the time it is a flash call, at the time it is not', async () => {
  for (const ms of [0, 100, 199]) cancelledAfter(ms).cdrs({ flashCall: true, disposition: 'NO ANSWER', hangupCause: 241, billsec: 0 }).debits('user 5 owes 0.05');
  for (const ms of [200, 201, 5000]) cancelledAfter(ms).cdrs({ flashCall: false, disposition: 'NO ANSWER', hangupCause: 241 }).debits();
});

test('the row shows the fixed price and keeps the rate of a talk', async (t) => {
  const { prices } = cancelledAfter(100, { ...FLASH, rates: { user: rate('0.6'), reseller: rate('0.3') } }).cdr();
  t.match(prices.user, { price: parseMoney('0.05'), rate: parseMoney('0.6'), billedS: 0 });
  t.match(prices.reseller, { price: 0n });
  t.match(prices.provider, { price: 0n });
});

test('only a caller who cancels a call that rings makes one', async () => {
  given(call(FLASH)).when(...started, after(50), callerCancelled).cdrs({ flashCall: false }).debits();
  given(call(FLASH)).when(...started, rang(1), after(50), hangupOrdered).cdrs({ flashCall: false }).debits();
  given(call(FLASH)).when(...started, rang(1), after(50), legGone(1, 21, 603)).cdrs({ flashCall: false }).debits();
  cancelledAfter(50, {}).cdrs({ flashCall: false }).debits();
});

test('the ringing of the way that rang last counts, and the last row is marked', async () => {
  given(call({ ...FLASH, ways: [provider(1), provider(2)] }))
    .when(...started, rang(1), after(5000), legGone(1, 34, 503), wayChosen(0), bridgeReady, legReady(2), dialled(2))
    .when(after(3000), rang(2), after(150), callerCancelled)
    .cdrs({ flashCall: false, final: false }, { flashCall: true, final: true })
    .debits('user 5 owes 0.05');
});

test('a clock that is set in between changes nothing', async () => {
  given(call(FLASH)).when(...started, rang(1), wallClockSetBy(3_600_000), after(150), callerCancelled).cdrs({ flashCall: true });
  given(call(FLASH)).when(...started, rang(1), wallClockSetBy(-3_600_000), after(250), callerCancelled).cdrs({ flashCall: false });
});

function claims(parts: CallParts): string[] {
  return given(call(parts)).admission().payers.map(({ userId, want, least }) => `user ${userId}: ${moneyText(want)}, at least ${moneyText(least)}`);
}

test('its price is held from the start, so that many at once cannot overdraw', async (t) => {
  t.same(claims(FLASH), ['user 5: 0.6, at least 0.05']);
  t.same(claims({ flash: { price: parseMoney('2'), ringMs: 200 } }), ['user 5: 2, at least 2']);
  t.same(claims({ ...FLASH, rates: { user: rate('0') } }), ['user 5: 0.05, at least 0.05'], 'a free destination');
  t.same(claims({ ...FLASH, rates: { user: rate('0.6'), reseller: rate('0.3') } }), ['user 5: 0.6, at least 0.05', 'user 6: 0.3, at least 0.005'], 'the reseller pays nothing for it');
});

test('it is counted by both of its numbers, once', async (t) => {
  const orders = cancelledAfter(100);
  t.match(orders.end(), { flash: { src: orders.cdr().src, dst: orders.cdr().localizedDst }, nowMs: ARRIVED.wallMs + 1610 });
  t.equal(cancelledAfter(300).end().flash, undefined);
});

test('whatever the terms, it is one exactly when the ringing was shorter, and never costs more than is held', async (t) => {
  const property = fc.property(fc.nat(2000), fc.nat(2000), fc.bigInt(0n, 10n ** 12n), fc.nat(90), (ringMs, ms, price, sliceS) => {
    const one = cancelledAfter(ms, { flash: { price, ringMs }, settings: { sliceS: sliceS + 1 } });
    const expected = ms < ringMs ? price : 0n;
    const { debits, cdrs } = one.end();
    const [claim] = one.admission().payers;
    const debit = debits.reduce((sum, { amount }) => sum + amount, 0n);
    return cdrs.at(-1)?.flashCall === ms < ringMs && debit === expected && debits.every(({ accountId, cause }) => accountId === USER && cause === 'flash_call') && debit <= (claim?.want ?? 0n);
  });
  holds(t, property, 500);
});
