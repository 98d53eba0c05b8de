/** What broke a tariff, with table and key; null for an error that is not about rows. */
import { RateError } from '../../rating/errors.ts';
import { MoneyError } from '../../rating/money.ts';
import { TariffError } from '../../rating/tariff-meta.ts';
import { BrokenRow } from './field.ts';
import type { Broken } from './load.ts';

export function tariffProblem(tariffId: number, error: unknown): Broken | null {
  if (error instanceof TariffError || error instanceof RateError || error instanceof BrokenRow || error instanceof MoneyError) {
    return { table: 'tariffs', key: String(tariffId), reason: error.message };
  }
  return null;
}
