import t from 'tap';
import { announcedSeconds } from '../../rating/announce.ts';
import { allowsProvider, buildFlatDestinations, chargeFlat, coveringFlatRates, holdSeconds, isCovered, leftSeconds, longestFlatCall, settleSeconds, UNUSED } from '../../rating/flat-rate.ts';
import type { FlatRate } from '../../rating/flat-rate.ts';
import { exceedsMaxCallRate, hasMargin, isLoss, marginOf, profitsOf } from '../../rating/margin.ts';
import { missingCharge } from '../../rating/minimal-charge.ts';
import { moneyText, parseMoney } from '../../rating/money.ts';
import { simpleRate } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import { below, pick, seededRandom } from './random-rates.ts';
import { SEED } from '../seed.ts';

const at = (ratePerMinute: string, connectionFee = '0'): Rate => simpleRate({ ratePerMinute: parseMoney(ratePerMinute), connectionFee: parseMoney(connectionFee) });
const NONE = { provider: null, partner: null, reseller: null, user: null, didProvider: null, didIncoming: null, didOwner: null };

t.test('a dearer provider is a loss, an equally dear one is not', (t) => {
  t.equal(isLoss(at('0.2'), at('0.2000000001')), true);
  t.equal(isLoss(at('0.2'), at('0.2')), false);
  t.equal(isLoss(at('1'), simpleRate({ ratePerMinute: parseMoney('0.7352'), exchangeRate: '0.7351' })), true, 'compared in the default currency');
  t.end();
});

t.test('a minimal margin of m % asks for the buying rate times (1 + m/100)', (t) => {
  t.equal(hasMargin(at('0.11'), at('0.1'), '10'), true);
  t.equal(hasMargin(at('0.1099999999'), at('0.1'), '10'), false);
  t.equal(hasMargin(at('0.1'), at('0.1'), '0'), true);
  t.end();
});

t.test('a rate above the maximum call rate is one; 0 is no maximum', (t) => {
  t.equal(exceedsMaxCallRate(at('0.5'), parseMoney('0.5')), false);
  t.equal(exceedsMaxCallRate(at('0.5000000001'), parseMoney('0.5')), true);
  t.equal(exceedsMaxCallRate(at('99'), 0n), false);
  t.end();
});

t.test('provider 0.3, reseller 1.2, user 2: the admin keeps 0.9, the reseller 0.8', (t) => {
  const profits = profitsOf({ ...NONE, provider: parseMoney('0.3'), reseller: parseMoney('1.2'), user: parseMoney('2') });
  t.strictSame(profits, { admin: parseMoney('0.9'), partner: 0n, reseller: parseMoney('0.8') });
  t.end();
});

t.test('what all keep together is what the user pays less what the provider gets, and DID prices are the admin\'s', (t) => {
  const { admin, partner, reseller } = profitsOf({ ...NONE, provider: 3n, partner: 5n, reseller: 9n, user: 20n, didOwner: 7n, didProvider: -2n, didIncoming: 1n });
  t.equal(admin + partner + reseller, 20n - 3n + 7n - 2n + 1n);
  t.strictSame(profitsOf(NONE), { admin: 0n, partner: 0n, reseller: 0n });
  t.equal(moneyText(marginOf(at('0.2', '0.01'), at('0.1'), 60)), '0.11');
  t.end();
});

t.test('50 minutes at a ghost percent of 120 are announced as 60', (t) => {
  t.equal(announcedSeconds(3000, 120), 3600);
  t.equal(announcedSeconds(7, 50), 3);
  t.end();
});

t.test('an invoice gets what the calls of its month lack to the minimum', (t) => {
  const agreed = { minimum: parseMoney('20'), validFromMs: 1000 };
  t.equal(missingCharge(agreed, 1000, parseMoney('12.5')), parseMoney('7.5'));
  t.equal(missingCharge(agreed, 1000, parseMoney('20')), 0n);
  t.equal(missingCharge(agreed, 999, 0n), 0n, 'a month that began before it was agreed');
  t.end();
});

const flatRate = (more: Partial<FlatRate> = {}): FlatRate => ({
  id: 1, includedS: 600, roundByS: 1, connectionFee: 0n, destinations: buildFlatDestinations(['370', '49'], ['3709']),
  activeFromMs: 1000, activeUntilMs: 2000, maxProviderRate: null, continueCall: true, ...more,
});

t.test('a flat-rate covers what it includes, not what it excludes, and only while it is active', (t) => {
  const flat = flatRate();
  t.equal(isCovered(flat, '37061', 1500), true);
  t.equal(isCovered(flat, '37091', 1500), false);
  t.equal(isCovered(flat, '1', 1500), false);
  t.equal(isCovered(flat, '37061', 999), false);
  t.equal(isCovered(flat, '37061', 2000), false);
  t.equal(isCovered(flatRate({ activeUntilMs: null }), '37061', 9e12), true);
  t.equal(isCovered(flatRate({ destinations: buildFlatDestinations([], []) }), '37061', 1500), false);
  t.throws(() => buildFlatDestinations(['37O'], []), { code: 'badPrefix' });
  t.throws(() => buildFlatDestinations([''], []), { code: 'badPrefix' });
  t.throws(() => buildFlatDestinations(['370'], ['370']), { code: 'duplicateRow' });
  t.end();
});

t.test('the oldest is used first; one without seconds left is passed over', (t) => {
  const owned = [
    { flat: flatRate({ id: 3, activeFromMs: 1200 }), use: UNUSED }, { flat: flatRate({ id: 2, activeFromMs: 1100 }), use: UNUSED },
    { flat: flatRate({ id: 1, activeFromMs: 1100 }), use: UNUSED }, { flat: flatRate({ id: 9 }), use: { usedS: 500, heldS: 100 } },
  ];
  t.strictSame(coveringFlatRates(owned, '370', 1500).map(({ flat }) => flat.id), [1, 2, 3]);
  t.end();
});

t.test('seconds held by one call are not there for another, and come back', (t) => {
  const flat = flatRate();
  const first = holdSeconds(flat, UNUSED, 500);
  t.equal(first.heldS, 500);
  const second = holdSeconds(flat, first.use, 500);
  t.equal(second.heldS, 100);
  t.equal(leftSeconds(flat, second.use), 0);
  t.strictSame(settleSeconds(settleSeconds(second.use, 500, 42), 100, 100), { usedS: 142, heldS: 0 });
  t.end();
});

t.test('a call that outlasts its minutes goes on at the normal rate, without that rate\'s connection fee', (t) => {
  const flat = flatRate({ roundByS: 60, connectionFee: parseMoney('0.05') });
  const rate = at('0.6', '0.3');
  t.strictSame(chargeFlat([{ flat, heldS: 600 }], rate, 61), { parts: [{ flatId: 1, usedS: 120 }], coveredS: 61, billedS: 0, price: parseMoney('0.05') });
  t.strictSame(chargeFlat([{ flat, heldS: 90 }], rate, 100), { parts: [{ flatId: 1, usedS: 90 }], coveredS: 90, billedS: 10, price: parseMoney('0.15') });
  t.strictSame(chargeFlat([], rate, 60), { parts: [], coveredS: 0, billedS: 60, price: parseMoney('0.9') });
  t.strictSame(chargeFlat([{ flat, heldS: 90 }], rate, 0), { parts: [], coveredS: 0, billedS: 0, price: 0n });
  t.end();
});

t.test('grace time and minimal time look at the call as a whole', (t) => {
  const holds = [{ flat: flatRate({ connectionFee: 1n }), heldS: 10 }];
  const rate = simpleRate({ ratePerMinute: parseMoney('0.6'), graceS: 3, minTimeS: 60 });
  t.strictSame(chargeFlat(holds, rate, 3), { parts: [], coveredS: 0, billedS: 0, price: 0n });
  t.strictSame(chargeFlat(holds, rate, 12), { parts: [{ flatId: 1, usedS: 10 }], coveredS: 10, billedS: 50, price: parseMoney('0.5') + 1n });
  t.end();
});

t.test('two flat-rates are used one after the other', (t) => {
  const holds = [{ flat: flatRate({ id: 1 }), heldS: 60 }, { flat: flatRate({ id: 2 }), heldS: 60 }];
  t.strictSame(chargeFlat(holds, at('0.6'), 130), { parts: [{ flatId: 1, usedS: 60 }, { flatId: 2, usedS: 60 }], coveredS: 120, billedS: 10, price: parseMoney('0.1') });
  t.end();
});

t.test('without continue_call the minutes are the end', (t) => {
  const flat = flatRate({ continueCall: false });
  t.equal(longestFlatCall([{ flat, heldS: 600 }], at('0.6'), parseMoney('100')), 600);
  t.equal(longestFlatCall([{ flat: flatRate(), heldS: 600 }], at('0.6'), parseMoney('0.6'), 7200), 660);
  t.equal(longestFlatCall([{ flat: flatRate({ connectionFee: 2n }), heldS: 600 }], at('0.6'), 1n), 0);
  t.equal(longestFlatCall([], at('0.6'), parseMoney('0.6')), 60);
  t.equal(longestFlatCall([{ flat, heldS: 600 }], at('0.6'), 'unlimited', 300), 300);
  t.end();
});

t.test('a dear provider is not used for a flat-rate\'s calls', (t) => {
  t.equal(allowsProvider(flatRate({ maxProviderRate: parseMoney('0.02') }), at('0.02')), true);
  t.equal(allowsProvider(flatRate({ maxProviderRate: parseMoney('0.02') }), at('0.0200000001')), false);
  t.equal(allowsProvider(flatRate(), at('9')), true);
  t.end();
});

t.test('random flat-rates: the longest call is the last second that is paid', (t) => {
  const seed = SEED;
  t.comment(`seed ${seed} (TEST_SEED=${seed} repeats it)`);
  const random = seededRandom(seed);
  for (let run = 0; run < 3000; run++) {
    const holds = Array.from({ length: below(random, 3) }, (_, id) => ({ flat: flatRate({ id, connectionFee: BigInt(below(random, 2)) * 1_000_000n, roundByS: pick(random, [1, 60]) }), heldS: below(random, 200) }));
    const rate = { ...at(pick(random, ['0', '0.6', '0.123']), pick(random, ['0', '0.1'])), graceS: pick(random, [0, 0, 20, 150]), minTimeS: pick(random, [0, 0, 60, 300]), minTimeBeatsGrace: random() < 0.5 };
    const capS = 1 + below(random, 600);
    const available = BigInt(below(random, 3e10));
    const longestS = longestFlatCall(holds, rate, available, capS);
    const isPaid = longestS === 0 || chargeFlat(holds, rate, longestS).price <= available;
    const isLast = longestS === capS || chargeFlat(holds, rate, longestS + 1).price > available;
    if (!isPaid || !isLast) t.fail(JSON.stringify({ seed, run, longestS, capS, available: String(available) }));
  }
  t.pass('all inverse');
  t.end();
});
