import t from 'tap';
import { charge } from '../../rating/charge.ts';
import { longestCall, reserve } from '../../rating/credit.ts';
import { formatMoney } from '../../rating/money.ts';
import { rateFromJson } from '../../rating/rate.ts';
import { audit } from './auditor.ts';
import { below, randomRate, randomSeconds, seededRandom } from './random-rates.ts';
import { SEED } from '../seed.ts';

const CASES = 100_000;

t.test(`${CASES} random rates and durations: the price is what an auditor finds who walks through the call second by second`, (t) => {
  const seed = SEED;
  t.comment(`seed ${seed} (TEST_SEED=${seed} repeats it)`);
  const random = seededRandom(seed);
  for (let run = 0; run < CASES; run++) {
    const plain = randomRate(random);
    const seconds = randomSeconds(random);
    const expected = audit(plain, seconds);
    const rate = rateFromJson(plain);
    const { billedS, price } = charge(rate, seconds);
    if (billedS === expected.billedS && formatMoney(price, rate.priceDecimals) === expected.price) continue;
    t.strictSame({ billedS, price: formatMoney(price, rate.priceDecimals) }, expected, JSON.stringify({ seed, run, seconds, plain }));
    break;
  }
  t.pass('all equal');
  t.end();
});

t.test('50,000 random rates and balances: the longest call is the last second that is paid, never one more, never one less', (t) => {
  const seed = SEED;
  t.comment(`seed ${seed} (TEST_SEED=${seed} repeats it)`);
  const random = seededRandom(seed);
  for (let run = 0; run < CASES / 2; run++) {
    const plain = randomRate(random);
    const rate = rateFromJson(plain);
    const capS = 1 + below(random, 1000);
    // Often the price of some second, to the digit or one step beside it: where a mistake would show.
    const available = charge(rate, below(random, 1000)).price + BigInt(below(random, 3) - 1);
    const longestS = longestCall(rate, available, capS);
    const isCut = (seconds: number): boolean => plain.maxCost?.beyond === 'cut' && charge({ ...rate, maxCost: null }, seconds).price > charge(rate, seconds).price;
    const isPaid = available < 0n ? longestS === 0 : longestS === 0 || reserve(rate, longestS) <= available;
    const isLast = longestS === capS || available < 0n || charge(rate, longestS + 1).price > available || isCutExactly(plain, longestS + 1) || isCut(longestS + 1);
    if (isPaid && isLast) continue;
    t.fail(JSON.stringify({ seed, run, longestS, capS, available: available.toString(), plain }));
    break;
  }
  t.pass('all inverse');
  t.end();
});

/** A maximum cost ends the call before it is passed, even where rounding hides it. */
function isCutExactly(plain: ReturnType<typeof randomRate>, seconds: number): boolean {
  if (plain.maxCost?.beyond !== 'cut') return false;
  const { maxCost: _maxCost, taxes: _taxes, exchangeRate: _exchangeRate, ...bare } = plain;
  const fine = { ...bare, priceDecimals: 10 };
  return Number(audit(fine, seconds).price) >= Number(plain.maxCost.amount);
}
