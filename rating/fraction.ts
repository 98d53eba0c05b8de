// An exact fraction: what a price, a tax or an exchange rate is until it is rounded once.

import { RateError } from './errors.ts';

/** num/den in lowest terms, den > 0. */
export interface Fraction {
  readonly num: bigint;
  readonly den: bigint;
}

export const ONE: Fraction = Object.freeze({ num: 1n, den: 1n });

/** Enough for any published exchange rate; more is a mistake in a file. */
const MAX_DECIMALS = 18;
const MAX_WHOLE_DIGITS = 12;

/** Throws RateError('badDecimal') when den is 0. */
export function fraction(num: bigint, den: bigint): Fraction {
  if (den === 0n) throw new RateError('badDecimal', '', 'A fraction cannot be divided by zero.');
  if (num === den) return ONE;
  const sign = den < 0n ? -1n : 1n;
  const divisor = greatestCommonDivisor(num < 0n ? -num : num, den < 0n ? -den : den);
  return { num: (sign * num) / divisor, den: (sign * den) / divisor };
}

export function greatestCommonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return x;
}

export function multiply(a: Fraction, b: Fraction): Fraction {
  if (a === ONE) return b;
  if (b === ONE) return a;
  return fraction(a.num * b.num, a.den * b.den);
}

export function divide(a: Fraction, b: Fraction): Fraction {
  return b === ONE ? a : fraction(a.num * b.den, a.den * b.num);
}

export function add(a: Fraction, b: Fraction): Fraction {
  return fraction(a.num * b.den + b.num * a.den, a.den * b.den);
}

/** Below, equal or above zero as a is less than, equal to or greater than b. */
export function compare(a: Fraction, b: Fraction): number {
  const difference = a.num * b.den - b.num * a.den;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Reads a plain decimal of up to 18 decimals; `field` is named in the RateError('badDecimal'). */
export function parseDecimal(text: string, field: string): Fraction {
  const match = typeof text === 'string' ? /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) : null;
  if (match === null) throw new RateError('badDecimal', field, `${JSON.stringify(text)?.slice(0, 40)} is not a plain decimal such as 0.7351.`);
  const [, sign = '', whole = '', decimals = ''] = match;
  if (decimals.length > MAX_DECIMALS || whole.length > MAX_WHOLE_DIGITS) {
    throw new RateError('badDecimal', field, `a decimal has at most ${MAX_WHOLE_DIGITS} digits before the point and ${MAX_DECIMALS} after it.`);
  }
  const num = BigInt(whole + decimals);
  return fraction(sign === '-' ? -num : num, 10n ** BigInt(decimals.length));
}
