// Whole calls: number → rate of three levels, each with a tariff of its own, by prefix, date and window → three prices.

import { charge } from '../../rating/charge.ts';
import { buildTariff, findRates } from '../../rating/tariff.ts';
import type { WholesaleTariff } from '../../rating/tariff.ts';
import { sink, timeOf } from './measure.ts';
import type { Effort, Timing } from './measure.ts';
import { dayNightRows, makeNumbers, makePrefixes, NUMBER_LENGTH } from './price-list.ts';
import { seededRandom } from './random.ts';

export interface PricedCalls extends Timing {
  readonly prefixes: number;
  /** Of each of the three tariffs. */
  readonly rows: number;
}

/** More different numbers than any cache holds, all of them read again only after all others. */
const NUMBERS = 1_000_000;
/** 2026-07-01 00:00 UTC; the calls are spread over the day from there. */
const FIRST_CALL_MS = 1_782_864_000_000;

export interface PriceList {
  readonly tariffs: readonly WholesaleTariff[];
  /** NUMBERS numbers of NUMBER_LENGTH digits. */
  readonly numbers: string;
}

/** Provider, reseller and user: the same prefixes, prices of their own. */
export function makePriceList(prefixCount: number): PriceList {
  const random = seededRandom(prefixCount);
  const prefixes = makePrefixes(prefixCount, random);
  const numbers = makeNumbers(prefixes, NUMBERS, random);
  const tariffs = [1, 2, 3].map((tariffId) => buildTariff({ tariffId, version: 1, timeZone: 'Europe/Vilnius' }, dayNightRows(prefixes, seededRandom(tariffId))));
  return { tariffs, numbers };
}

export function measurePricedCalls(prefixCount: number, effort: Effort): PricedCalls {
  const { tariffs, numbers } = makePriceList(prefixCount);
  let call = 0;
  const timing = timeOf((count) => {
    for (let run = 0; run < count; run++) {
      call = call === NUMBERS - 1 ? 0 : call + 1;
      sink.value = priceCall(tariffs, numbers.slice(call * NUMBER_LENGTH, (call + 1) * NUMBER_LENGTH), FIRST_CALL_MS + call * 80, 1 + (call % 600));
    }
  }, effort);
  return { ...timing, prefixes: prefixCount, rows: prefixCount * 2 };
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
