// Money as a whole number of 10^-10 currency units: parsed, written and rounded without a float.

import type { Fraction } from './fraction.ts';

/** An amount in 10^-10 units of a currency; 1.00 is 10_000_000_000n. */
export type Money = bigint;

export const MONEY_DECIMALS = 10;
export const MONEY_ONE: Money = 10_000_000_000n;

/** Twelve digits before the point: no currency needs more, and a pasted phone number is caught. */
const MAX_WHOLE_DIGITS = 12;

const PLAIN = /^-?\d*(?:\.\d+)?$/;

/** Text that is not an amount of money; the message is a whole sentence for the person who typed it. */
export class MoneyError extends Error {
  override readonly name = 'MoneyError';
}

/**
 * Reads a plain decimal such as `12`, `-0.25` or `.0125`.
 * Throws MoneyError for everything else: nothing is guessed, because a guessed comma is a price wrong by 1,000.
 */
export function parseMoney(text: string): Money {
  if (typeof text !== 'string') throw new MoneyError(`An amount must be given as text, not as a ${typeof text}.`);
  if (!PLAIN.test(text) || text === '' || text === '-') throw new MoneyError(whyNotMoney(text));
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const point = digits.indexOf('.');
  const whole = point < 0 ? digits : digits.slice(0, point);
  const decimals = point < 0 ? '' : digits.slice(point + 1);
  if (decimals.length > MONEY_DECIMALS) {
    throw new MoneyError(`"${shorten(text)}" has ${decimals.length} decimals; an amount has at most ${MONEY_DECIMALS}.`);
  }
  if (whole.length > MAX_WHOLE_DIGITS && whole.replace(/^0+/, '').length > MAX_WHOLE_DIGITS) {
    throw new MoneyError(`"${shorten(text)}" is too large; an amount has at most ${MAX_WHOLE_DIGITS} digits before the point.`);
  }
  const units = BigInt(whole + decimals.padEnd(MONEY_DECIMALS, '0'));
  return negative ? -units : units;
}

function whyNotMoney(text: string): string {
  const shown = `"${shorten(text)}"`;
  if (text.trim() === '') return 'An amount is missing: the text is empty.';
  if (text !== text.trim()) return `${shown} has spaces around it; write the amount alone.`;
  if (text.includes(',')) return `${shown} has a comma; write a point before the decimals and nothing between thousands.`;
  if (/^-?\d*\.?\d+e[+-]?\d+$/i.test(text)) return `${shown} is written with an exponent; write it out, as in 0.0001.`;
  if (/\p{L}/u.test(text)) return `${shown} has letters in it; an amount is digits and at most one point.`;
  if ((text.match(/\./g) ?? []).length > 1) return `${shown} has more than one point.`;
  return `${shown} is not an amount; write digits and at most one point, as in 12.5.`;
}

/** An error must not carry a megabyte of someone's broken file into a log. */
function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 40)}…`;
}

/**
 * Writes an amount with exactly `decimals` decimals (0 to 10).
 * It never rounds: digits that would be lost are a MoneyError, so that rounding is always somebody's decision (`roundMoney`).
 */
export function formatMoney(amount: Money, decimals = 6): string {
  const step = roundingStep(decimals);
  if (amount % step !== 0n) {
    throw new MoneyError(`${formatMoney(amount, MONEY_DECIMALS)} does not fit into ${decimals} decimals without rounding.`);
  }
  const negative = amount < 0n;
  const digits = (negative ? -amount : amount).toString().padStart(MONEY_DECIMALS + 1, '0');
  const point = digits.length - MONEY_DECIMALS;
  const text = decimals === 0 ? digits.slice(0, point) : `${digits.slice(0, point)}.${digits.slice(point, point + decimals)}`;
  return negative ? `-${text}` : text;
}

/** The shortest exact text: `0.1`, `12`, `-3.25`. What JSON and CSV carry. */
export function moneyText(amount: Money): string {
  return formatMoney(amount, MONEY_DECIMALS).replace(/\.?0+$/, '');
}

const STEPS: readonly Money[] = Array.from({ length: MONEY_DECIMALS + 1 }, (_, decimals) => 10n ** BigInt(MONEY_DECIMALS - decimals));

/** The smallest amount that has `decimals` decimals. Throws MoneyError outside 0 to 10. */
export function roundingStep(decimals: number): Money {
  const step = STEPS[decimals];
  if (step === undefined) throw new MoneyError(`Prices have 0 to ${MONEY_DECIMALS} decimals, not ${decimals}.`);
  return step;
}

/**
 * Rounds num/den (money units) to `decimals`, half away from zero: what one level pays is, to the digit, what the other gets.
 * For amounts of zero or more this is plain half up.
 */
export function roundRatio(num: bigint, den: bigint, decimals: number): Money {
  const step = roundingStep(decimals);
  const unit = den * step;
  if (num < 0n) return -(((unit - num * 2n) / (unit * 2n)) * step);
  return ((num * 2n + unit) / (unit * 2n)) * step;
}

/** Rounds an amount, or an exact fraction of money units, once, half away from zero. */
export function roundMoney(amount: Money | Fraction, decimals: number): Money {
  return typeof amount === 'bigint' ? roundRatio(amount, 1n, decimals) : roundRatio(amount.num, amount.den, decimals);
}
