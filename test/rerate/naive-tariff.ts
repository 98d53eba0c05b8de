/**
 * Price lists as plain rows, and a naive look-up in them: for what a call must cost. Shares no code with rating/: the
 * price itself is the auditor's, second by second.
 */
import { audit } from '../rating/auditor.ts';

export interface NaiveRow {
  readonly prefix: string;
  readonly fromMs: number;
  /** 'blocked' refuses the number. */
  readonly rate: string;
  readonly connectionFee: string;
  readonly incrementS: number;
  readonly minTimeS: number;
}

export interface NaiveTariff {
  readonly id: number;
  readonly exchangeRate: string;
  readonly rows: readonly NaiveRow[];
}

/** The longest prefix that has a row from before the call, of several the latest. */
export function rowFor(tariff: NaiveTariff, number: string, atMs: number): NaiveRow | null {
  let best: NaiveRow | null = null;
  for (const row of tariff.rows) {
    if (!number.startsWith(row.prefix) || row.fromMs > atMs) continue;
    if (best === null || row.prefix.length > best.prefix.length || (row.prefix.length === best.prefix.length && row.fromMs > best.fromMs)) best = row;
  }
  return best;
}

/** Decimal text of six decimals; null: no rate, or blocked. */
export function naivePrice(tariff: NaiveTariff, call: { readonly number: string; readonly atMs: number; readonly seconds: number; readonly graceS: number }): string | null {
  const row = rowFor(tariff, call.number, call.atMs);
  if (row === null || row.rate === 'blocked') return null;
  const steps = [{ type: 'minute' as const, fromS: 0, rate: row.rate, perS: 60, roundByS: row.incrementS }];
  return audit({ connectionFee: row.connectionFee, steps, minTimeS: row.minTimeS, graceS: call.graceS, exchangeRate: tariff.exchangeRate }, call.seconds).price;
}
