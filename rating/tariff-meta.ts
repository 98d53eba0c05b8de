// What holds for a whole tariff, whatever its rows: currency, clock, rule for windows; and how a broken one is refused.

import { parseDay } from './dates.ts';
import { RateError } from './errors.ts';
import type { Fraction } from './fraction.ts';
import { DEFAULT_PRICE_DECIMALS, makeRate, priceMultiplier } from './rate.ts';
import type { MaxCost, Rate } from './rate.ts';
import { minuteStep } from './step.ts';
import type { RowProblem } from './tariff-rows.ts';
import { zoneOf } from './zone.ts';

/** `start`: the window in which a call starts holds for all of it. `split`: each second has the price of its window. */
export type WindowRule = 'start' | 'split';

export interface TariffMeta {
  readonly tariffId: number;
  /** Kept on every rate, so that a CDR says which state of the tariff priced it. */
  readonly version?: number;
  readonly currency?: string;
  /** Units of `currency` per 1 of the default currency. */
  readonly exchangeRate?: string;
  /** Clock of the windows. */
  readonly timeZone?: string;
  /** `2026-12-25`: counted as free days. */
  readonly freeDays?: readonly string[];
  readonly windowRule?: WindowRule;
  readonly priceDecimals?: number;
  readonly maxCost?: MaxCost | null;
  /** DID rates: amounts below 0 pay instead of blocking, and an empty prefix means every number. */
  readonly paysBack?: boolean;
}

/** The same with nothing left out; plain values only, so that it can be posted to another thread. */
export interface TariffTerms {
  readonly tariffId: number;
  readonly version: number;
  readonly currency: string;
  readonly exchangeRate: string;
  readonly multiplier: Fraction;
  readonly timeZone: string;
  /** Days from 1970-01-01. */
  readonly freeDays: readonly number[];
  readonly windowRule: WindowRule;
  readonly priceDecimals: number;
  readonly maxCost: MaxCost | null;
  readonly paysBack: boolean;
}

/** Why there is no rate: nothing matches, or the destination is blocked. */
export type RateRefusal = 'noRate' | 'blocked';

/** Fills in defaults. Throws RateError naming the field: unknown zone, date that does not exist, bad exchange rate. */
export function tariffTerms(meta: TariffMeta): TariffTerms {
  const exchangeRate = meta.exchangeRate ?? '1';
  const timeZone = meta.timeZone ?? 'UTC';
  const priceDecimals = meta.priceDecimals ?? DEFAULT_PRICE_DECIMALS;
  const maxCost = meta.maxCost ?? null;
  const windowRule = meta.windowRule ?? 'start';
  zoneOf(timeZone);
  makeRate({ steps: [minuteStep(0, null, { rate: 0n })], priceDecimals, maxCost });
  if (windowRule !== 'start' && windowRule !== 'split') throw new RateError('wrongType', 'windowRule', 'the rule for windows is "start" or "split".');
  return {
    tariffId: meta.tariffId,
    version: meta.version ?? 0,
    currency: meta.currency ?? '',
    exchangeRate,
    multiplier: priceMultiplier(exchangeRate, null),
    timeZone,
    freeDays: (meta.freeDays ?? []).map((day, index) => parseDay(day, `freeDays[${index}]`)),
    windowRule,
    priceDecimals,
    maxCost,
    paysBack: meta.paysBack ?? false,
  };
}

/** What a price adds to its tariff's terms, shared with other prices and its own. */
export type SharedPart = Pick<Rate, 'effectiveFromMs' | 'connectionFee' | 'minTimeS' | 'ghostPercent'>;
export type OwnPart = Pick<Rate, 'prefix' | 'destinationId' | 'steps' | 'split'>;

/** A rate as a call finds it; field by field as in makeRate, because objects of one shape are what makes charge() fast. */
export function rateUnder(terms: TariffTerms, shared: SharedPart, own: OwnPart): Rate {
  return {
    tariffId: terms.tariffId,
    tariffVersion: terms.version,
    prefix: own.prefix,
    destinationId: own.destinationId,
    effectiveFromMs: shared.effectiveFromMs,
    currency: terms.currency,
    exchangeRate: terms.exchangeRate,
    connectionFee: shared.connectionFee,
    steps: own.steps,
    minTimeS: shared.minTimeS,
    graceS: 0,
    minTimeBeatsGrace: false,
    maxCost: terms.maxCost,
    taxes: null,
    priceDecimals: terms.priceDecimals,
    ghostPercent: shared.ghostPercent,
    split: own.split,
    multiplier: terms.multiplier,
  };
}

/** Enough to see what is wrong with a file; the number of the others is told. */
const MAX_PROBLEMS = 1_000;

/** A tariff that cannot be built: nothing of it is used. Lists the first 1,000 broken rows, by line. */
export class TariffError extends Error {
  override readonly name = 'TariffError';
  readonly problems: readonly RowProblem[];
  readonly count: number;

  constructor(problems: readonly RowProblem[], count: number) {
    const shown = problems.slice(0, 3).map(({ line, error }) => `line ${line}: ${error.message}`);
    super(`${count} broken ${count === 1 ? 'row' : 'rows'} in the tariff. ${shown.join(' ')}`);
    this.problems = problems;
    this.count = count;
  }
}

/** Collects problems row by row; a million broken lines must not become a million errors in memory. */
export class Problems {
  readonly #kept: RowProblem[] = [];
  #count = 0;

  /** Runs `work`, keeping the RateError it throws; any other error is a bug and passes. */
  attempt(line: number, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RateError)) throw error;
      this.add({ line, error });
    }
  }

  add(problem: RowProblem): void {
    this.#count += 1;
    if (this.#kept.length < MAX_PROBLEMS) this.#kept.push(problem);
  }

  /** Throws TariffError if there was any. */
  throwIfAny(): void {
    if (this.#count > 0) throw new TariffError(this.#kept.toSorted((a, b) => a.line - b.line), this.#count);
  }
}
