/**
 * Money as Redis holds it: whole numbers of 10^-priceDecimals.
 * Whatever does not divide is rounded so that a payer looks poorer, never richer.
 */
import type { Redis } from 'ioredis';
import { MONEY_DECIMALS, roundingStep } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import { DECIMALS } from './keys.ts';

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

/** Why this Redis cannot be used, or ''. */
export async function redisProblem(redis: Redis, priceDecimals: number): Promise<string> {
  if (/^cluster_enabled:1/m.test(await redis.info('cluster'))) return 'Redis runs as a cluster, whose scripts cannot touch what several payers share: use a single Redis with a replica (docs/SCALING.md).';
  return unitsProblem(redis, priceDecimals);
}

/** Why amounts in Redis cannot be read in these units, or ''. An empty Redis takes them on. */
export async function unitsProblem(redis: Redis, priceDecimals: number): Promise<string> {
  await redis.set(DECIMALS, String(priceDecimals), 'NX');
  const there = await redis.get(DECIMALS);
  if (there === String(priceDecimals)) return '';
  return `Redis holds amounts of ${there} decimals, the setting priceDecimals is ${priceDecimals}: let it settle all calls with the old setting, then empty it.`;
}
