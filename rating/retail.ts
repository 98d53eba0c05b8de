// Retail tariffs: a price per destination group instead of per prefix, in steps, and a user's custom rates over it.
// Source: "Billing Concepts", "Advanced Rates", "Custom Rates".

import { RateError } from './errors.ts';
import { buildPrefixMap, digitsOf, prefixMapBuffers, prefixStart, tagOf, valueOf } from './prefix-map.ts';
import type { PrefixMap } from './prefix-map.ts';
import type { Rate } from './rate.ts';
import { splitFrom } from './split.ts';
import { orderedSteps } from './step.ts';
import type { Step } from './step.ts';
import { Problems, rateUnder, tariffTerms } from './tariff-meta.ts';
import type { RateRefusal, SharedPart, TariffMeta, TariffTerms } from './tariff-meta.ts';
import { sortByPrefix } from './tariff-rows.ts';
import { covers, isAlways, localMoment, overlap, timeWindow } from './window.ts';
import type { DayType, TimeWindow } from './window.ts';
import { zoneOf } from './zone.ts';

export interface DestinationRow {
  readonly prefix: string;
  readonly destinationId: number;
  /** null: belongs to no group, so no retail tariff can rate it. */
  readonly groupId: number | null;
}

/** All destinations by prefix; one for the whole catalog, shared by every retail tariff. */
export interface DestinationMap {
  /** value: destination id, tag: group id or NO_GROUP. */
  readonly prefixes: PrefixMap;
}

const NO_GROUP = 0xffff_ffff;

/** Throws TariffError listing bad and doubled prefixes; lines are counted from 1. */
export function buildDestinations(rows: readonly DestinationRow[]): DestinationMap {
  const problems = new Problems();
  const starts = Float64Array.from(rows, ({ prefix }) => (prefix === '' ? NaN : prefixStart(prefix)));
  const digits = Uint8Array.from(rows, ({ prefix }) => prefix.length);
  starts.forEach((start, row) => {
    const prefix = rows[row]?.prefix ?? '';
    if (Number.isNaN(start)) problems.add({ line: row + 1, error: new RateError('badPrefix', 'prefix', `"${prefix.slice(0, 40)}" is not a prefix: 1 to 15 digits and nothing else.`) });
  });
  problems.throwIfAny();
  const order = sortByPrefix(starts, digits);
  order.forEach((row, at) => {
    const before = order[at - 1];
    if (before === undefined || rows[before]?.prefix !== rows[row]?.prefix) return;
    problems.add({ line: row + 1, error: new RateError('duplicateRow', 'prefix', `${rows[row]?.prefix ?? ''} is already a destination in line ${before + 1}.`) });
  });
  problems.throwIfAny();
  return {
    prefixes: buildPrefixMap({
      starts: Float64Array.from(order, (row) => starts[row] ?? 0),
      digits: Uint8Array.from(order, (row) => digits[row] ?? 0),
      values: Uint32Array.from(order, (row) => rows[row]?.destinationId ?? 0),
      tags: Uint32Array.from(order, (row) => rows[row]?.groupId ?? NO_GROUP),
    }),
  };
}

/** One price of a group: its steps, in force in a window. */
export interface RetailRow {
  readonly groupId: number;
  readonly steps: readonly Step[] | 'blocked';
  readonly startTime?: string;
  readonly endTime?: string;
  readonly dayType?: DayType;
}

export interface RetailPrice {
  readonly window: TimeWindow;
  /** null: blocked. */
  readonly steps: readonly Step[] | null;
}

export type RetailPrices = ReadonlyMap<number, readonly RetailPrice[]>;

export interface RetailTariff {
  readonly kind: 'retail';
  readonly terms: TariffTerms;
  readonly destinations: DestinationMap;
  readonly prices: RetailPrices;
}

/** A user's own prices by group; they replace those of his (retail) tariff. */
export interface CustomRates {
  readonly prices: RetailPrices;
}

/** Throws TariffError listing broken rows; lines are counted from 1. */
export function buildRetailTariff(meta: TariffMeta, destinations: DestinationMap, rows: Iterable<RetailRow>): RetailTariff {
  return { kind: 'retail', terms: tariffTerms(meta), destinations, prices: retailPrices(rows) };
}

/** Throws TariffError listing broken rows. */
export function buildCustomRates(rows: Iterable<RetailRow>): CustomRates {
  return { prices: retailPrices(rows) };
}

function retailPrices(rows: Iterable<RetailRow>): RetailPrices {
  const problems = new Problems();
  const prices = new Map<number, RetailPrice[]>();
  let line = 0;
  for (const row of rows) {
    line += 1;
    problems.attempt(line, () => {
      const price: RetailPrice = { window: timeWindow(row), steps: row.steps === 'blocked' ? null : pricedSteps(row.steps) };
      const others = prices.get(row.groupId) ?? [];
      if (others.some((other) => overlap(other.window, price.window))) {
        throw new RateError('windowsOverlap', 'startTime', `the hours overlap with those of another price of group ${row.groupId}.`);
      }
      prices.set(row.groupId, [...others, price]);
    });
  }
  problems.throwIfAny();
  return prices;
}

function pricedSteps(steps: readonly Step[]): readonly Step[] {
  const ordered = orderedSteps(steps);
  if (ordered.some((step) => step.rate < 0n)) throw new RateError('negative', 'steps', 'an amount below 0 is not a price.');
  return ordered;
}

/** What is asked of a tariff. */
export interface CallMoment {
  readonly number: string;
  readonly atMs: number;
  readonly custom: CustomRates | null;
}

/** number → prefix (the entry) → destination → group → the group's price at that moment, the custom one first. */
export function findRetailRate(tariff: RetailTariff, entry: number, call: CallMoment): Rate | RateRefusal {
  const { terms } = tariff;
  const { prefixes } = tariff.destinations;
  const groupId = entry < 0 ? NO_GROUP : tagOf(prefixes, entry);
  const prices = groupId === NO_GROUP ? undefined : (call.custom?.prices.get(groupId) ?? tariff.prices.get(groupId));
  const price = prices === undefined ? null : priceAt(prices, terms, call.atMs);
  if (prices === undefined || price === null) return 'noRate';
  if (price.steps === null) return 'blocked';
  return rateUnder(terms, RETAIL_PART, {
    prefix: call.number.slice(0, digitsOf(prefixes, entry)),
    destinationId: valueOf(prefixes, entry),
    steps: price.steps,
    split: terms.windowRule === 'start' || prices.length === 1 ? null : splitOver(prices, terms, price, call.atMs),
  });
}

/** A retail price has its fees and minimal times in its steps, and no dates. */
const RETAIL_PART: SharedPart = { effectiveFromMs: null, connectionFee: 0n, minTimeS: 0, ghostPercent: 100 };

function priceAt(prices: readonly RetailPrice[], terms: TariffTerms, atMs: number): RetailPrice | null {
  const [only] = prices;
  if (only !== undefined && prices.length === 1 && isAlways(only.window)) return only;
  const moment = localMoment(zoneOf(terms.timeZone), terms.freeDays, atMs);
  return prices.find((price) => covers(price.window, moment)) ?? null;
}

function splitOver(prices: readonly RetailPrice[], terms: TariffTerms, first: RetailPrice, atMs: number): Rate['split'] {
  const rowAt = (ms: number): RetailPrice | null => {
    const price = priceAt(prices, terms, ms);
    return price === null || price.steps === null ? null : price;
  };
  return splitFrom({ terms, windows: prices.map((price) => price.window), rowAt, stepsOf: (price) => price.steps ?? [] }, first, atMs);
}

/** What to transfer, so that nothing is copied, when destinations are posted to another thread. */
export function destinationBuffers(destinations: DestinationMap): ArrayBuffer[] {
  return prefixMapBuffers(destinations.prefixes);
}
