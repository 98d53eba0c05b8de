// A tariff, and the one question a call asks it: which rate has this number at this moment?

import { approach, dialled, digitsOf, findPrefix, parentOf, prefixMapBuffers, tagOf, valueOf } from './prefix-map.ts';
import type { PrefixMap } from './prefix-map.ts';
import { priceMultiplier } from './rate.ts';
import type { Rate } from './rate.ts';
import { findRetailRate } from './retail.ts';
import type { CallMoment, CustomRates, RetailTariff } from './retail.ts';
import { termsAt, termsBuffers } from './row-terms.ts';
import type { RowTerms } from './row-terms.ts';
import { splitFrom } from './split.ts';
import type { Step } from './step.ts';
import { Problems, rateUnder, tariffTerms } from './tariff-meta.ts';
import type { RateRefusal, TariffMeta, TariffTerms } from './tariff-meta.ts';
import { RowColumns } from './tariff-columns.ts';
import { LAST_ROW, NO_DESTINATION } from './tariff-rows.ts';
import type { RateRow, RowTable } from './tariff-rows.ts';
import { covers, localMoment } from './window.ts';
import type { LocalMoment } from './window.ts';
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
  const digits = dialled(number);
  return rateAt(tariff, findPrefix(prefixesOf(tariff), digits), { number, atMs, custom });
}

/**
 * As findRate for several tariffs at once (the levels of a call, the providers of an LCR), and faster: in a list of a
 * million the time goes into waiting for memory, and here the places of all tariffs are waited for together.
 */
export function findRates(tariffs: readonly Tariff[], number: string, atMs: number): (Rate | RateRefusal)[] {
  const digits = dialled(number);
  const call = { number, atMs, custom: null };
  let seen = 0;
  for (const tariff of tariffs) seen |= approach(prefixesOf(tariff), digits);
  const entries = tariffs.map((tariff) => findPrefix(prefixesOf(tariff), digits));
  for (let place = 0; place < tariffs.length; place++) seen |= approachRows(tariffs[place] as Tariff, entries[place] as number);
  // `seen` is never NaN; asking keeps the reads above from being optimised away.
  return Number.isNaN(seen) ? [] : tariffs.map((tariff, place) => rateAt(tariff, entries[place] as number, call));
}

/** Reads where the row will be found; see approach. */
function approachRows(tariff: Tariff, entry: number): number {
  return tariff.kind === 'wholesale' && entry >= 0 ? (tariff.rows.words[valueOf(tariff.prefixes, entry) * 4 + 2] as number) : 0;
}

function prefixesOf(tariff: Tariff): PrefixMap {
  return tariff.kind === 'wholesale' ? tariff.prefixes : tariff.destinations.prefixes;
}

/** The rate at an entry of the tariff's prefixes, or at the next shorter prefix that has one in force. */
function rateAt(tariff: Tariff, first: number, call: CallMoment): Rate | RateRefusal {
  if (tariff.kind === 'retail') return findRetailRate(tariff, first, call);
  const { prefixes, rows, terms } = tariff;
  const moment = rows.terms.windows.length === 0 ? 0 : localMoment(zoneOf(terms.timeZone), terms.freeDays, call.atMs);
  for (let entry = first; entry >= 0; entry = parentOf(prefixes, entry)) {
    const row = rowInForce(rows, valueOf(prefixes, entry), call.atMs, moment);
    if (row < 0) continue;
    const own = termsOf(rows, row);
    if (own.isBlocked) return 'blocked';
    const destinationId = tagOf(prefixes, entry);
    return rateUnder(terms, own, {
      prefix: call.number.slice(0, digitsOf(prefixes, entry)),
      destinationId: destinationId === NO_DESTINATION ? null : destinationId,
      steps: stepsOf(rows, row),
      split: terms.windowRule === 'start' ? null : splitOf(tariff, row, first, call.atMs),
    });
  }
  return 'noRate';
}

/** The row of a price list that is in force; −1 if none is. */
function rowInForce(rows: RowTable, first: number, atMs: number, moment: LocalMoment): number {
  for (let row = first; ; row++) {
    const { effectiveFromMs, window } = termsOf(rows, row);
    if ((effectiveFromMs === null || effectiveFromMs <= atMs) && (window === null || covers(window, moment))) return row;
    if ((rows.words[row * 4 + 2] as number) >= LAST_ROW) return -1;
  }
}

function termsOf(rows: RowTable, row: number): RowTerms {
  return termsAt(rows.terms, (rows.words[row * 4 + 2] as number) & ~LAST_ROW);
}

function stepsOf(rows: RowTable, row: number): readonly Step[] {
  return [{ type: 'minute', fromS: 0, durationS: null, rate: rows.rates[row * 2] as bigint, perS: 60, roundByS: termsOf(rows, row).incrementS }];
}

/** Windows change while a call lasts, dates do not: what was in force when it was admitted stays. */
function splitOf(tariff: WholesaleTariff, row: number, first: number, atMs: number): Rate['split'] {
  const { prefixes, rows, terms } = tariff;
  if (rows.terms.windows.length === 0) return null;
  const rowAt = (ms: number): number | null => {
    const moment = localMoment(zoneOf(terms.timeZone), terms.freeDays, ms);
    for (let entry = first; entry >= 0; entry = parentOf(prefixes, entry)) {
      const other = rowInForce(rows, valueOf(prefixes, entry), atMs, moment);
      if (other >= 0) return termsOf(rows, other).isBlocked ? null : other;
    }
    return null;
  };
  return splitFrom({ terms, windows: rows.terms.windows, rowAt, stepsOf: (place) => stepsOf(rows, place) }, row, atMs);
}

/** The same tariff at another exchange rate: rows are shared, so the daily refresh costs nothing. */
export function withExchangeRate<Kind extends Tariff>(tariff: Kind, exchangeRate: string): Kind {
  return { ...tariff, terms: { ...tariff.terms, exchangeRate, multiplier: priceMultiplier(exchangeRate, null) } };
}

/** What to transfer, so that nothing is copied, when a tariff is posted to another thread. */
export function tariffBuffers(tariff: WholesaleTariff): ArrayBuffer[] {
  const { prefixes, rows } = tariff;
  return [...prefixMapBuffers(prefixes), rows.rates.buffer as ArrayBuffer, ...termsBuffers(rows.terms)];
}

/** Bytes of the typed arrays, which are all of a large tariff. */
export function tariffBytes(tariff: WholesaleTariff): number {
  return tariffBuffers(tariff).reduce((sum, buffer) => sum + buffer.byteLength, 0);
}
