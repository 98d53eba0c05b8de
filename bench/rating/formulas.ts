// One level, one rate: what a price costs by the length of the call, and its inverse.

import { charge } from '../../rating/charge.ts';
import { longestCall } from '../../rating/credit.ts';
import { parseMoney } from '../../rating/money.ts';
import { rateFromJson, simpleRate } from '../../rating/rate.ts';
import { sink, timeInTurn, timeOf } from './measure.ts';
import type { Effort, Timing, Work } from './measure.ts';

const SIMPLE = simpleRate({ ratePerMinute: parseMoney('0.1234'), connectionFee: parseMoney('0.02'), incrementS: 1 });
const STEPPED = rateFromJson({
  connectionFee: '0.02',
  steps: [
    { type: 'minute', fromS: 0, durationS: 60, rate: '0.12', roundByS: 60 },
    { type: 'minute', fromS: 60, durationS: 540, rate: '0.1', roundByS: 6 },
    { type: 'minute', fromS: 600, rate: '0.08', roundByS: 1 },
  ],
});

export interface Formulas {
  /** By seconds of the call, increments of 1 s. */
  readonly simple: Readonly<Record<'60' | '180' | '3600', Timing>>;
  /** Three steps, an hour. */
  readonly stepped: Timing;
  readonly longestSimple: Timing;
  readonly longestStepped: Timing;
}

const priceOf = (seconds: number): Work => (count) => {
  for (let run = 0; run < count; run++) sink.value = charge(SIMPLE, seconds + (run & 1));
};

export function measureFormulas(effort: Effort): Formulas {
  const [minute, threeMinutes, hour] = timeInTurn([priceOf(60), priceOf(180), priceOf(3600)], effort) as [Timing, Timing, Timing];
  return {
    simple: { '60': minute, '180': threeMinutes, '3600': hour },
    stepped: timeOf((count) => {
      for (let run = 0; run < count; run++) sink.value = charge(STEPPED, 3600 - (run & 1023));
    }, effort),
    longestSimple: timeOf((count) => {
      for (let run = 0; run < count; run++) sink.value = longestCall(SIMPLE, 12_000_000_000n + BigInt(run & 1023), 7200);
    }, effort),
    longestStepped: timeOf((count) => {
      for (let run = 0; run < count; run++) sink.value = longestCall(STEPPED, 12_000_000_000n + BigInt(run & 1023), 7200);
    }, effort),
  };
}
