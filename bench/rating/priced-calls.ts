// Whole calls: number → rate of three levels, each with a tariff of its own, by prefix, date and window → three prices.

import { charge } from '../../rating/charge.ts';
import { buildTariff, findRates } from '../../rating/tariff.ts';
import type { WholesaleTariff } from '../../rating/tariff.ts';
import { sink, timeInTurn } from './measure.ts';
import type { Effort, Timing, Work } from './measure.ts';
import { dayNightRows, makeNumbers, makePrefixes, NUMBER_LENGTH } from './price-list.ts';
import { seededRandom } from './random.ts';

export interface PricedCalls {
  readonly prefixes: number;
  /** Of each of the three tariffs: a day and a night price a prefix. */
  readonly rows: number;
  readonly traffic: Timing;
  readonly even: Timing;
}

/** More different numbers than any cache holds, all of them read again only after all others. */
const NUMBERS = 1_000_000;
/** 2026-07-01 00:00 UTC; the calls are scattered over the day from there. */
const DAY_MS = 86_400_000;
const FIRST_CALL_MS = 1_782_864_000_000;

/** Provider, reseller and user: the same prefixes, prices of their own. */
export function measurePricedCalls(prefixCount: number, effort: Effort): PricedCalls {
  const random = seededRandom(prefixCount);
  const prefixes = makePrefixes(prefixCount, random);
  const tariffs = [1, 2, 3].map((tariffId) => buildTariff({ tariffId, version: 1, timeZone: 'Europe/Vilnius' }, dayNightRows(prefixes, seededRandom(tariffId))));
  const numbers = { traffic: makeNumbers(prefixes, NUMBERS, random, 'traffic'), even: makeNumbers(prefixes, NUMBERS, random, 'even') };
  const [traffic, even] = timeInTurn([callsOf(tariffs, numbers.traffic), callsOf(tariffs, numbers.even)], effort) as [Timing, Timing];
  return { prefixes: prefixCount, rows: prefixCount * 2, traffic, even };
}

function callsOf(tariffs: readonly WholesaleTariff[], numbers: string): Work {
  let call = 0;
  return (count) => {
    for (let run = 0; run < count; run++) {
      call = call === NUMBERS - 1 ? 0 : call + 1;
      sink.value = priceCall(tariffs, numbers.slice(call * NUMBER_LENGTH, (call + 1) * NUMBER_LENGTH), FIRST_CALL_MS + ((call * 7_919_003) % DAY_MS), 1 + (call % 600));
    }
  };
}

/** Everything one call costs at three levels; throws if a number has no rate, since then nothing was measured. */
export function priceCall(tariffs: readonly WholesaleTariff[], number: string, atMs: number, seconds: number): bigint {
  const rates = findRates(tariffs, number, atMs);
  let sum = 0n;
  for (const rate of rates) {
    if (typeof rate === 'string') throw new Error(`${number} is ${rate}.`);
    sum += charge(rate, seconds).price;
  }
  return sum;
}
