/** A naive second opinion on prices: loops and long division, nothing shared with rating/. */
import type { Moment } from '../../engine/call/state.ts';
import { rate } from './call-builder.ts';
import type { Rate } from '../../rating/rate.ts';

/** Terms of a simple rate; money in 10^-4 units, so that it is written without a fraction. */
export interface Terms {
  readonly perMinute: number;
  readonly fee: number;
  readonly incrementS: number;
  readonly minTimeS: number;
  readonly graceS: number;
}

const decimals = (amount: number): string => `${amount < 0 ? '-' : ''}${Math.floor(Math.abs(amount) / 10_000)}.${String(Math.abs(amount) % 10_000).padStart(4, '0')}`;

export function rateOf(terms: Terms): Rate {
  return rate(decimals(terms.perMinute), { connectionFee: decimals(terms.fee), incrementS: terms.incrementS, minTimeS: terms.minTimeS, graceS: terms.graceS });
}

/** Price in 10^-10 units, rounded to 6 decimals, half away from zero. */
export function naivePrice(terms: Terms, seconds: number): bigint {
  if (seconds === 0 || seconds <= terms.graceS) return 0n;
  let billedS = seconds < terms.minTimeS ? terms.minTimeS : seconds;
  while (billedS % terms.incrementS !== 0) billedS += 1;
  // In 10^-6 units: 100 of them are 10^-4; the minute is divided last.
  const sixtieths = BigInt(terms.fee) * 100n * 60n + BigInt(terms.perMinute) * 100n * BigInt(billedS);
  const size = sixtieths < 0n ? -sixtieths : sixtieths;
  const whole = size / 60n + (size % 60n >= 30n ? 1n : 0n);
  return (sixtieths < 0n ? -whole : whole) * 10_000n;
}

/** Wall time between two moments, or monotonic time when a clock was set in between. */
export function naiveElapsedMs(from: Moment, to: Moment): number {
  const wall = to.wallMs - from.wallMs;
  const mono = to.monoMs - from.monoMs;
  const believed = wall - mono > 1000 || mono - wall > 1000 ? Math.round(mono) : wall;
  return believed < 0 ? 0 : believed;
}

export function wholeSeconds(ms: number): number {
  return ms % 1000 === 0 ? ms / 1000 : Math.trunc(ms / 1000) + 1;
}

/** Longest talk that every hold pays, second by second. `beforeS` is paid as well by those who pay from the arrival. */
export function naivePaidS(payers: readonly { readonly terms: Terms; readonly held: bigint; readonly beforeS: number }[], mostS: number): number {
  let paidS = 0;
  while (paidS < mostS && payers.every(({ terms, held, beforeS }) => naivePrice(terms, beforeS + paidS + 1) <= held)) paidS += 1;
  return paidS;
}
