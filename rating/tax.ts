// The four taxes of a user. Stored prices are without tax; this adds it, exactly.
// Source: "Multi-Tax system": compound (((X+T1%)+T2%)+T3%)+T4%, simple X × (1 + ΣTi%).

import { RateError } from './errors.ts';
import { add, compare, divide, fraction, multiply, ONE, parseDecimal } from './fraction.ts';
import type { Fraction } from './fraction.ts';
import { roundMoney } from './money.ts';
import type { Money } from './money.ts';

export const MAX_TAXES = 4;

/** Only the active taxes, in their order T1..T4, in percent as decimal text: `["18", "15"]`. */
export interface Taxes {
  readonly compound: boolean;
  readonly percents: readonly string[];
}

const HUNDRED = fraction(100n, 1n);
const ZERO = fraction(0n, 1n);

/** What a net price is multiplied by. Throws RateError for more than four taxes, or a percent below 0 or above 1,000. */
export function taxFactor(taxes: Taxes, field = 'taxes'): Fraction {
  if (taxes.percents.length > MAX_TAXES) {
    throw new RateError('tooLarge', `${field}.percents`, `a user has at most ${MAX_TAXES} taxes, not ${taxes.percents.length}.`);
  }
  const shares = taxes.percents.map((percent, index) => taxShare(percent, `${field}.percents[${index}]`));
  if (taxes.compound) return shares.reduce((factor, share) => multiply(factor, add(ONE, share)), ONE);
  return shares.reduce((factor, share) => add(factor, share), ONE);
}

function taxShare(percent: string, field: string): Fraction {
  const value = parseDecimal(percent, field);
  if (compare(value, ZERO) < 0) throw new RateError('negative', field, 'a tax cannot be below 0 %.');
  if (compare(value, fraction(1000n, 1n)) > 0) throw new RateError('tooLarge', field, 'a tax above 1,000 % is surely a mistake.');
  return divide(value, HUNDRED);
}

/** Net amount to gross, rounded once. 3.99 with 18 % and 15 %: compound 5.41443, simple 5.3067. */
export function withTaxes(net: Money, taxes: Taxes, decimals: number): Money {
  return roundMoney(multiply(fraction(net, 1n), taxFactor(taxes)), decimals);
}

/** Gross amount to net, rounded once: a payment entered with its tax inside. */
export function withoutTaxes(gross: Money, taxes: Taxes, decimals: number): Money {
  return roundMoney(divide(fraction(gross, 1n), taxFactor(taxes)), decimals);
}
