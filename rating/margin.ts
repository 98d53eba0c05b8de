// Who earns what on a call, and whether anyone would lose: comparisons between the rates of two levels.

import { charge } from './charge.ts';
import { add, compare, divide, fraction, multiply, ONE, parseDecimal } from './fraction.ts';
import type { Money } from './money.ts';
import { perMinute } from './rate.ts';
import type { Rate } from './rate.ts';

/** Whether whoever buys at `buy` and sells at `sell` loses per minute. Equal rates are not a loss ("Allow loss calls"). */
export function isLoss(sell: Rate, buy: Rate): boolean {
  return perMinute(sell) < perMinute(buy);
}

/** Whether the selling rate is at least the buying rate plus `minimalPercent` of it (LCR: minimal_rate_margin_percent). */
export function hasMargin(sell: Rate, buy: Rate, minimalPercent: string): boolean {
  const factor = add(ONE, divide(parseDecimal(minimalPercent, 'minimalPercent'), fraction(100n, 1n)));
  return compare(fraction(perMinute(sell), 1n), multiply(fraction(perMinute(buy), 1n), factor)) >= 0;
}

/** Whether a rate is above the user's "Max Call rate"; 0 means unlimited. */
export function exceedsMaxCallRate(rate: Rate, maxCallRate: Money): boolean {
  return maxCallRate !== 0n && perMinute(rate) > maxCallRate;
}

/** What is earned on a call of `seconds`, fees and increments of both sides included; below 0 it is a loss. */
export function marginOf(sell: Rate, buy: Rate, seconds: number): Money {
  return charge(sell, seconds).price - charge(buy, seconds).price;
}

/** All prices of one call. A level that took no part is null; the DID's are above 0 when they are paid to us. */
export interface LevelPrices {
  readonly provider: Money | null;
  readonly partner: Money | null;
  readonly reseller: Money | null;
  readonly user: Money | null;
  readonly didProvider: Money | null;
  readonly didIncoming: Money | null;
  readonly didOwner: Money | null;
}

export interface Profits {
  readonly admin: Money;
  readonly partner: Money;
  readonly reseller: Money;
}

/**
 * What each seller keeps: his customer's price less his own. The admin sells to the highest level there is and buys from
 * the provider; the DID's prices are his. Provider 0.3, reseller 1.2, user 2: admin 0.9, reseller 0.8 (Reseller Addon).
 */
export function profitsOf(prices: LevelPrices): Profits {
  const { provider, partner, reseller, user } = prices;
  const toAdmin = partner ?? reseller ?? user ?? 0n;
  const did = (prices.didProvider ?? 0n) + (prices.didIncoming ?? 0n) + (prices.didOwner ?? 0n);
  return {
    admin: toAdmin - (provider ?? 0n) + did,
    partner: partner === null ? 0n : (reseller ?? user ?? 0n) - partner,
    reseller: reseller === null ? 0n : (user ?? 0n) - reseller,
  };
}
