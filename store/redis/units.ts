/**
 * Money as Redis holds it: whole numbers of 10^-priceDecimals.
 * Whatever does not divide is rounded so that a payer looks poorer, never richer.
 */
import { MONEY_DECIMALS, roundingStep } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';

export interface Units {
  /** What is asked or owed: rounded up. */
  readonly owed: (amount: Money) => string;
  /** What somebody has: rounded down. */
  readonly owned: (amount: Money) => string;
  readonly toMoney: (units: string) => Money;
}

export function makeUnits(priceDecimals: number): Units {
  if (!Number.isInteger(priceDecimals) || priceDecimals < 0 || priceDecimals > MONEY_DECIMALS) {
    throw new RangeError(`priceDecimals must be 0 to ${MONEY_DECIMALS}, not ${priceDecimals}.`);
  }
  const step = roundingStep(priceDecimals);
  const down = (amount: Money): bigint => (amount >= 0n ? amount / step : -((-amount + step - 1n) / step));
  return {
    owned: (amount) => down(amount).toString(),
    owed: (amount) => (-down(-amount)).toString(),
    toMoney: (units) => BigInt(units) * step,
  };
}
