/**
 * Prices, a second time and as plainly as can be: second by second, in whole numbers, nothing shared with rating/. Amounts
 * are whole numbers of 10^-10.
 */
import type { Terms } from './tenant.ts';

const DECIMALS = 10;
const ROUNDED_TO = 6;

/** `1.25` as a whole number of 10^-10. */
export function amountOf(text: string): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', rest = ''] = text.replace('-', '').split('.');
  const value = BigInt(whole + rest.padEnd(DECIMALS, '0').slice(0, DECIMALS));
  return negative ? -value : value;
}

const known = new Map<Terms, Map<number, bigint>>();

/** Of a talk of so many whole seconds; each is worked out once. */
export function naivePrice(terms: Terms, seconds: number): bigint {
  let of = known.get(terms);
  if (of === undefined) known.set(terms, (of = new Map()));
  let price = of.get(seconds);
  if (price === undefined) of.set(seconds, (price = walk(terms, seconds)));
  return price;
}

function walk({ perMinute, fee, incrementS, minTimeS, graceS }: Terms, seconds: number): bigint {
  if (seconds === 0 || seconds <= graceS) return 0n;
  let paidS = 0;
  let second = 0;
  // A piece begins: all of it is paid.
  for (; second < seconds || second < minTimeS; second += 1) if (second >= paidS) paidS += incrementS;
  const sixtieths = amountOf(fee) * 60n + amountOf(perMinute) * BigInt(paidS);
  return roundedHalfUp(sixtieths, 60n * 10n ** BigInt(DECIMALS - ROUNDED_TO)) * 10n ** BigInt(DECIMALS - ROUNDED_TO);
}

/** Long division, away from zero at a half. */
function roundedHalfUp(top: bigint, bottom: bigint): bigint {
  const size = top < 0n ? -top : top;
  const whole = size / bottom;
  const up = (size - whole * bottom) * 2n >= bottom ? whole + 1n : whole;
  return top < 0n ? -up : up;
}

/** Every second that has begun. */
export function begunSeconds(ms: number): number {
  let seconds = Math.trunc(ms / 1000);
  if (seconds * 1000 < ms) seconds += 1;
  return seconds;
}
