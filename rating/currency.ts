// Exchange rates: everything is stored in the one default currency; a tariff in another is divided by its rate.
// Source: "Currencies": exchange rate = units of the other currency per 1 of the default (USD default, EUR 0.7351).

import { RateError } from './errors.ts';
import { divide, fraction, multiply, parseDecimal } from './fraction.ts';
import type { Fraction } from './fraction.ts';
import { roundMoney } from './money.ts';
import type { Money } from './money.ts';

/** Throws RateError for a rate that is not a decimal above 0. */
export function parseExchangeRate(text: string, field = 'exchangeRate'): Fraction {
  const rate = parseDecimal(text, field);
  if (rate.num <= 0n) throw new RateError('negative', field, 'an exchange rate must be above 0.');
  return rate;
}

/** An amount of the default currency, seen in another one. */
export function fromDefault(amount: Money, exchangeRate: string, decimals: number): Money {
  return roundMoney(multiply(fraction(amount, 1n), parseExchangeRate(exchangeRate)), decimals);
}

/** An amount of another currency, in the default one. */
export function toDefault(amount: Money, exchangeRate: string, decimals: number): Money {
  return roundMoney(divide(fraction(amount, 1n), parseExchangeRate(exchangeRate)), decimals);
}
