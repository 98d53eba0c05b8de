import t from 'tap';
import { array, bigInt, integer, property } from 'fast-check';
import { charge, exactPrice } from '../../rating/charge.ts';
import { longestCall, longestCallOf, reserve, reserveNext, reserveOf } from '../../rating/credit.ts';
import { add, compare, fraction } from '../../rating/fraction.ts';
import { makeRate, rateFromJson, rateToJson } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import { holds } from './holds.ts';
import { randomRate, seededRandom, shuffled } from './random-rates.ts';

/** Rates by the seed of their own random sequence, which fast-check chooses. */
const anyRate = integer({ min: 1, max: 2 ** 31 - 1 }).map((seed) => rateFromJson(randomRate(seededRandom(seed))));
const anySeconds = integer({ min: 0, max: 3000 });

t.test('a longer call is never cheaper', (t) => {
  holds(t, property(anyRate, anySeconds, anySeconds, (rate, seconds, more) => charge(rate, seconds + more).price >= charge(rate, seconds).price));
  t.end();
});

t.test('the exact price is the sum of what its fee and its steps cost alone', (t) => {
  holds(
    t,
    property(anyRate, anySeconds, (rate, seconds) => {
      const whole: Rate = { ...rate, maxCost: null, split: null };
      const only = (index: number): Rate => ({ ...whole, connectionFee: 0n, steps: whole.steps.map((step, at) => (at === index ? step : { ...step, rate: 0n })) });
      const fee = exactPrice({ ...whole, steps: whole.steps.map((step) => ({ ...step, rate: 0n })) }, seconds);
      const sum = whole.steps.reduce((total, _, index) => add(total, exactPrice(only(index), seconds)), fee);
      return compare(sum, exactPrice(whole, seconds)) === 0;
    }),
  );
  t.end();
});

t.test('the order in which steps are given changes nothing', (t) => {
  holds(
    t,
    property(integer({ min: 1, max: 2 ** 31 - 1 }), anySeconds, (seed, seconds) => {
      const random = seededRandom(seed);
      const plain = randomRate(random);
      const mixed = { ...plain, steps: shuffled(random, plain.steps) };
      const [price, other] = [charge(rateFromJson(plain), seconds), charge(rateFromJson(mixed), seconds)];
      return price.price === other.price && price.billedS === other.billedS;
    }),
  );
  t.end();
});

t.test('a rate goes through JSON text without losing anything', (t) => {
  holds(
    t,
    property(anyRate, (rate) => {
      const text = JSON.stringify(rateToJson(rate));
      const back = rateFromJson(JSON.parse(text));
      return t.strictSame(back, rate) && JSON.stringify(rateToJson(back)) === text;
    }),
    100,
  );
  t.end();
});

t.test('the slices held one after the other are together the price', (t) => {
  holds(
    t,
    property(anyRate, array(integer({ min: 1, max: 400 }), { maxLength: 8 }), (rate, slices) => {
      let heldS = 0;
      let held = 0n;
      for (const slice of slices) {
        held += reserveNext(rate, heldS, heldS + slice);
        heldS += slice;
      }
      return held === charge(rate, heldS).price && held === reserve(rate, heldS);
    }),
  );
  t.end();
});

t.test('of several rates paid by one payer, the longest call is the last second whose prices together are paid', (t) => {
  const anyPaid = integer({ min: 1, max: 2 ** 31 - 1 }).map((seed) => {
    const { maxCost: _maxCost, ...plain } = randomRate(seededRandom(seed));
    return rateFromJson(plain);
  });
  holds(
    t,
    property(array(anyPaid, { minLength: 1, maxLength: 4 }), bigInt({ min: 0n, max: 10n ** 12n }), integer({ min: 1, max: 5000 }), (rates, available, capS) => {
      const longestS = longestCallOf(rates, available, capS);
      return (longestS === 0 || reserveOf(rates, longestS) <= available) && (longestS === capS || reserveOf(rates, longestS + 1) > available);
    }),
  );
  t.end();
});

t.test('a free call lasts as long as it may, an unlimited payer too, and someone below zero does not call', (t) => {
  const free = makeRate({ steps: [{ type: 'minute', fromS: 0, durationS: null, rate: 0n, perS: 60, roundByS: 1 }] });
  t.equal(longestCall(free, 0n, 7200), 7200);
  t.equal(longestCall(free, -1n, 7200), 0);
  const dear = makeRate({ connectionFee: 1n, steps: free.steps });
  t.equal(longestCall(dear, 'unlimited', 7200), 7200);
  t.equal(longestCall({ ...dear, priceDecimals: 10 }, 0n, 7200), 0);
  t.equal(longestCallOf([dear, dear], 'unlimited', 60), 60);
  t.end();
});

t.test('a rate that pays is priced below zero, limits nobody and is not held', (t) => {
  const pays = makeRate({ connectionFee: -100_000_000n, steps: [{ type: 'minute', fromS: 0, durationS: null, rate: -(10n ** 9n), perS: 60, roundByS: 1 }] });
  t.equal(charge(pays, 60).price, -1_100_000_000n);
  t.equal(longestCall(pays, 0n, 600), 600);
  t.equal(reserveOf([pays], 600), 0n);
  t.equal(compare(exactPrice(pays, 60), fraction(-1_100_000_000n, 1n)), 0);
  t.end();
});
