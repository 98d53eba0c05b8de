// A tariff, and the one question a call asks it: which rate has this number at this moment?

import { approach, dialled, digitsOf, findPrefix, parentOf, prefixMapBuffers, tagOf, valueOf } from './prefix-map.ts';
import type { Dialled, PrefixMap } from './prefix-map.ts';
import { priceMultiplier } from './rate.ts';
import type { Rate } from './rate.ts';
import { findRetailRate } from './retail.ts';
import type { CustomRates, RetailTariff } from './retail.ts';
import { splitFrom } from './split.ts';
import type { Step } from './step.ts';
import { Problems, rateUnder, tariffTerms } from './tariff-meta.ts';
import type { RateRefusal, TariffMeta, TariffTerms } from './tariff-meta.ts';
import { RowColumns } from './tariff-columns.ts';
import { LAST_ROW, NO_DESTINATION, TERMS } from './tariff-rows.ts';
import type { RateRow, RowTable } from './tariff-rows.ts';
import { covers, localMoment } from './window.ts';
import type { TimeWindow } from './window.ts';
import { zoneOf } from './zone.ts';

export type { RateRow } from './tariff-rows.ts';
export type { RateRefusal, TariffMeta } from './tariff-meta.ts';

/** A price per prefix: what providers send, and what wholesale users and DIDs are rated by. */
export interface WholesaleTariff {
  readonly kind: 'wholesale';
  readonly terms: TariffTerms;
  readonly prefixes: PrefixMap;
  readonly rows: RowTable;
}

/** Immutable, and nothing but plain values and typed arrays: a worker can build one and hand it over (tariffBuffers). */
export type Tariff = WholesaleTariff | RetailTariff;

/** Takes rows one by one, so that a file or a cursor of a million rows is never in memory as objects. */
export class TariffBuilder {
  readonly #terms: TariffTerms;
  readonly #columns: RowColumns;
  readonly #problems = new Problems();
  #lines = 0;

  /** Throws RateError for a tariff that is wrong as a whole, such as an unknown time zone. */
  constructor(meta: TariffMeta) {
    this.#terms = tariffTerms(meta);
    this.#columns = new RowColumns(this.#terms.paysBack);
  }

  /** `line` names the row if it is broken; counted from 1 if missing. Never throws: problems wait for finish. */
  add(row: RateRow, line?: number): void {
    this.#lines += 1;
    const named = line ?? this.#lines;
    this.#problems.attempt(named, () => this.#columns.add(row, named));
  }

  /** Throws TariffError listing all broken rows; then there is no tariff at all. */
  finish(): WholesaleTariff {
    const { prefixes, rows } = this.#columns.finish((problem) => this.#problems.add(problem));
    this.#problems.throwIfAny();
    return { kind: 'wholesale', terms: this.#terms, prefixes, rows };
  }
}

/** Throws TariffError listing broken rows by their line (counted from 1), RateError for the tariff as a whole. */
export function buildTariff(meta: TariffMeta, rows: Iterable<RateRow>): WholesaleTariff {
  const builder = new TariffBuilder(meta);
  for (const row of rows) builder.add(row);
  return builder.finish();
}

/**
 * The longest prefix that has a row in force: from a date not after the call, in a window that covers it. Of several
 * dates the latest. A row not in force counts as absent: then the date before, and at last the next shorter prefix.
 */
export function findRate(tariff: Tariff, number: string, atMs: number, custom: CustomRates | null = null): Rate | RateRefusal {
  return rateFor(tariff, dialled(number), { number, atMs, custom });
}

/** As findRate for several tariffs at once (levels, providers): faster, as the number is read once and memory waited for once. */
export function findRates(tariffs: readonly Tariff[], number: string, atMs: number): (Rate | RateRefusal)[] {
  const digits = dialled(number);
  let seen = 0;
  for (const tariff of tariffs) seen |= approach(tariff.kind === 'wholesale' ? tariff.prefixes : tariff.destinations.prefixes, digits);
  const call = { number, atMs, custom: null };
  const rates: (Rate | RateRefusal)[] = [];
  // `seen` is never NaN; asking keeps the reads above from being optimised away.
  if (Number.isNaN(seen)) return rates;
  for (const tariff of tariffs) rates.push(rateFor(tariff, digits, call));
  return rates;
}

interface CallMoment {
  readonly number: string;
  readonly atMs: number;
  readonly custom: CustomRates | null;
}

function rateFor(tariff: Tariff, digits: Dialled, call: CallMoment): Rate | RateRefusal {
  if (tariff.kind === 'retail') return findRetailRate(tariff, digits, call);
  const { prefixes, rows, terms } = tariff;
  const moment = rows.windows.length === 0 ? 0 : localMoment(zoneOf(terms.timeZone), terms.freeDays, call.atMs);
  for (let entry = findPrefix(prefixes, digits); entry >= 0; entry = parentOf(prefixes, entry)) {
    const row = rowInForce(rows, valueOf(prefixes, entry), call.atMs, moment);
    if (row < 0) continue;
    const rate = rateOf(tariff, entry, row, call.number);
    if (rate === 'blocked' || terms.windowRule === 'start') return rate;
    return { ...rate, split: splitOf(tariff, row, digits, call.atMs) };
  }
  return 'noRate';
}

/** The row of a price list that is in force; −1 if none is. */
function rowInForce({ times, words, windows }: RowTable, first: number, atMs: number, moment: number): number {
  for (let row = first; ; row++) {
    if ((times[row * 4 + 2] as number) <= atMs) {
      const window = words[row * 8 + 7] as number;
      if (window === 0 || covers(windows[window - 1] as TimeWindow, moment)) return row;
    }
    if ((words[row * 8 + 6] as number) >= LAST_ROW) return -1;
  }
}

function rateOf({ terms, rows, prefixes }: WholesaleTariff, entry: number, row: number, number: string): Rate | 'blocked' {
  const place = termsPlace(rows, row);
  if (rows.terms[place + 2] === 1) return 'blocked';
  const destinationId = tagOf(prefixes, entry);
  const effectiveFromMs = rows.times[row * 4 + 2] as number;
  return rateUnder(terms, {
    prefix: number.slice(0, digitsOf(prefixes, entry)),
    destinationId: destinationId === NO_DESTINATION ? null : destinationId,
    effectiveFromMs: effectiveFromMs === -Infinity ? null : effectiveFromMs,
    connectionFee: rows.money[row * 4 + 1] as bigint,
    steps: stepsOf(rows, row),
    minTimeS: rows.terms[place + 1] as number,
    ghostPercent: rows.terms[place + 3] as number,
    split: null,
  });
}

function termsPlace(rows: RowTable, row: number): number {
  return ((rows.words[row * 8 + 6] as number) & ~LAST_ROW) * TERMS;
}

function stepsOf(rows: RowTable, row: number): readonly Step[] {
  const roundByS = rows.terms[termsPlace(rows, row)] as number;
  return [{ type: 'minute', fromS: 0, durationS: null, rate: rows.money[row * 4] as bigint, perS: 60, roundByS }];
}

/** Windows change while a call lasts, dates do not: what was in force when it was admitted stays. */
function splitOf(tariff: WholesaleTariff, first: number, digits: Dialled, atMs: number): Rate['split'] {
  const { prefixes, rows, terms } = tariff;
  if (rows.windows.length === 0) return null;
  const rowAt = (ms: number): number | null => {
    const moment = localMoment(zoneOf(terms.timeZone), terms.freeDays, ms);
    for (let entry = findPrefix(prefixes, digits); entry >= 0; entry = parentOf(prefixes, entry)) {
      const row = rowInForce(rows, valueOf(prefixes, entry), atMs, moment);
      if (row >= 0) return rows.terms[termsPlace(rows, row) + 2] === 1 ? null : row;
    }
    return null;
  };
  return splitFrom({ terms, windows: rows.windows, rowAt, stepsOf: (row) => stepsOf(rows, row) }, first, atMs);
}

/** The same tariff at another exchange rate: rows are shared, so the daily refresh costs nothing. */
export function withExchangeRate<Kind extends Tariff>(tariff: Kind, exchangeRate: string): Kind {
  return { ...tariff, terms: { ...tariff.terms, exchangeRate, multiplier: priceMultiplier(exchangeRate, null) } };
}

/** What to transfer, so that nothing is copied, when a tariff is posted to another thread. */
export function tariffBuffers(tariff: WholesaleTariff): ArrayBuffer[] {
  const { prefixes, rows } = tariff;
  return [...prefixMapBuffers(prefixes), rows.money.buffer as ArrayBuffer, rows.terms.buffer as ArrayBuffer];
}

/** Bytes of the typed arrays, which are all of a large tariff. */
export function tariffBytes(tariff: WholesaleTariff): number {
  return tariffBuffers(tariff).reduce((sum, buffer) => sum + buffer.byteLength, 0);
}
