// The rows of a wholesale tariff while it is built and once it stands: columns of numbers instead of a million objects.

import { RateError } from './errors.ts';
import type { Money } from './money.ts';
import { MAX_ENTRIES, buildPrefixMap, prefixStart, prefixText } from './prefix-map.ts';
import type { PrefixMap } from './prefix-map.ts';
import { checkIncrement, checkMoney, checkSeconds } from './step.ts';
import { isAlways, overlap, timeWindow } from './window.ts';
import type { DayType, TimeWindow } from './window.ts';

/** One row of a wholesale tariff. Missing times mean all day, missing dates always, `incrementS` 1, all else 0. */
export interface RateRow {
  readonly prefix: string;
  readonly destinationId?: number | null;
  readonly effectiveFromMs?: number | null;
  /** Per minute. −1 blocks the destination, as the word does. */
  readonly rate: Money | 'blocked';
  readonly connectionFee?: Money;
  readonly incrementS?: number;
  readonly minTimeS?: number;
  readonly startTime?: string;
  readonly endTime?: string;
  readonly dayType?: DayType;
  /** In whole percent of what a caller is told he has; 100 if missing. */
  readonly ghostPercent?: number;
}

/** Bytes of a finished row: rate, connection fee, effective from (8 each), terms, destination (4 each). */
export const ROW_BYTES = 32;
/** Numbers of one set of terms: increment, minimal time, window + 1, blocked, ghost percent. */
export const TERMS = 5;
export const NO_DESTINATION = 0xffff_ffff;

export interface RowTable {
  readonly size: number;
  /** Row r: rate at [4r], connection fee at [4r + 1]. */
  readonly money: BigInt64Array;
  /** Over the same bytes, row r: effective from at [4r + 2], −Infinity for always. */
  readonly times: Float64Array;
  /** Over the same bytes, row r: terms at [8r + 6], destination at [8r + 7]. */
  readonly words: Uint32Array;
  readonly terms: Uint32Array;
  readonly windows: readonly TimeWindow[];
}

/** More than any price per minute; keeps amounts within 64 bits in memory. */
const MAX_ROW_MONEY: Money = 900_000_000n * 10_000_000_000n;
const MINUS_ONE: Money = -10_000_000_000n;

/** A window for every half hour of work days and free days; each row is compared with those before it. */
const MAX_WINDOWS_A_DATE = 96;

export interface RowProblem {
  /** Counted from 1, as rows were added, or as the caller numbered them. */
  readonly line: number;
  readonly error: RateError;
}

/** Columns that grow as rows come in. */
export class RowColumns {
  size = 0;
  readonly windows: TimeWindow[] = [];
  readonly #paysBack: boolean;
  readonly #termIds = new Map<string, number>();
  readonly #windowIds = new Map<string, number>();
  #terms = new Uint32Array(64 * TERMS);
  #starts = new Float64Array(1024);
  #digits = new Uint8Array(1024);
  #money = new BigInt64Array(2048);
  #times = new Float64Array(1024);
  #words = new Uint32Array(3072);

  /** `paysBack`: rates below 0 pay, as DID rates may; otherwise only −1 is let in, and blocks. */
  constructor(paysBack: boolean) {
    this.#paysBack = paysBack;
  }

  /** Throws RateError naming the field; a row that throws leaves nothing behind. */
  add(row: RateRow, line: number): void {
    const start = this.#startOf(row.prefix);
    const blocked = row.rate === 'blocked' || (!this.#paysBack && row.rate === MINUS_ONE);
    const rate = row.rate === 'blocked' ? 0n : row.rate;
    this.#checkMoney(blocked ? 0n : rate, 'rate');
    const fee = row.connectionFee ?? 0n;
    this.#checkMoney(fee, 'connectionFee');
    if (this.#paysBack && ((fee < 0n && rate > 0n) || (fee > 0n && rate < 0n))) {
      throw new RateError('mixedSigns', 'connectionFee', 'the fee and the rate must both be 0 or more, or both be 0 or less.');
    }
    const from = row.effectiveFromMs ?? -Infinity;
    if (Number.isNaN(from)) throw new RateError('badDate', 'effectiveFromMs', 'the date is not a number of milliseconds.');
    const destination = row.destinationId ?? NO_DESTINATION;
    if (!Number.isInteger(destination) || destination < 0 || destination > NO_DESTINATION) {
      throw new RateError('wrongType', 'destinationId', 'a destination id is a whole number below 2^32.');
    }
    const terms = this.#termsOf(row, blocked);
    if (this.size >= MAX_ENTRIES) throw new RateError('tooLarge', '', `A tariff has at most ${MAX_ENTRIES} rows.`);
    if (this.size === this.#digits.length) this.#grow();
    const at = this.size++;
    this.#starts[at] = start;
    this.#digits[at] = row.prefix.length;
    this.#money[at * 2] = blocked ? 0n : rate;
    this.#money[at * 2 + 1] = fee;
    this.#times[at] = from;
    this.#words[at * 3] = terms;
    this.#words[at * 3 + 1] = destination;
    this.#words[at * 3 + 2] = line;
  }

  /** Sorted into their final form. Doubles and overlapping windows are reported and left out. */
  finish(report: (problem: RowProblem) => void): { prefixes: PrefixMap; rows: RowTable } {
    const order = this.#sorted();
    const firsts = new Uint32Array(this.size);
    let prefixes = 0;
    for (let at = 0; at < order.length; at++) {
      if (at > 0 && this.#samePrefix(order[at - 1] as number, order[at] as number)) continue;
      firsts[prefixes++] = at;
    }
    const starts = new Float64Array(prefixes);
    const digits = new Uint8Array(prefixes);
    for (let prefix = 0; prefix < prefixes; prefix++) {
      const row = order[firsts[prefix] as number] as number;
      starts[prefix] = this.#starts[row] as number;
      digits[prefix] = this.#digits[row] as number;
      const end = prefix + 1 < prefixes ? (firsts[prefix + 1] as number) : order.length;
      this.#sortGroup(order.subarray(firsts[prefix], end), report);
    }
    return { prefixes: buildPrefixMap(starts, digits, firsts.slice(0, prefixes)), rows: this.#table(order) };
  }

  #startOf(prefix: string): number {
    if (typeof prefix !== 'string' || (prefix === '' && !this.#paysBack)) throw new RateError('badPrefix', 'prefix', 'the prefix is missing.');
    const start = prefixStart(prefix);
    if (Number.isNaN(start)) throw new RateError('badPrefix', 'prefix', `"${prefix.slice(0, 40)}" is not a prefix: 1 to 15 digits and nothing else.`);
    return start;
  }

  #checkMoney(amount: Money, field: string): void {
    checkMoney(amount, field);
    if (amount < 0n && !this.#paysBack) throw new RateError('negative', field, 'an amount below 0 is not a price (only a rate of −1 is let in: it blocks).');
    if (amount > MAX_ROW_MONEY || amount < -MAX_ROW_MONEY) throw new RateError('tooLarge', field, 'an amount above 900,000,000 is not a price per minute.');
  }

  /** Most rows of a tariff share a handful of terms, so they are stored once. */
  #termsOf(row: RateRow, blocked: boolean): number {
    const incrementS = row.incrementS ?? 1;
    const minTimeS = row.minTimeS ?? 0;
    const ghostPercent = row.ghostPercent ?? 100;
    checkIncrement(incrementS, 'incrementS');
    checkSeconds(minTimeS, 'minTimeS');
    checkSeconds(ghostPercent, 'ghostPercent');
    const window = this.#windowOf(row);
    const key = `${incrementS},${minTimeS},${window},${blocked ? 1 : 0},${ghostPercent}`;
    const known = this.#termIds.get(key);
    if (known !== undefined) return known;
    const id = this.#termIds.size;
    if ((id + 1) * TERMS > this.#terms.length) this.#terms = grown(this.#terms, Uint32Array);
    this.#terms.set([incrementS, minTimeS, window, blocked ? 1 : 0, ghostPercent], id * TERMS);
    this.#termIds.set(key, id);
    return id;
  }

  /** 0 for always, else its index + 1. */
  #windowOf(row: RateRow): number {
    if (row.startTime === undefined && row.endTime === undefined && row.dayType === undefined) return 0;
    const key = `${row.startTime ?? ''}|${row.endTime ?? ''}|${String(row.dayType ?? '')}`;
    const known = this.#windowIds.get(key);
    if (known !== undefined) return known;
    const window = timeWindow(row);
    const id = isAlways(window) ? 0 : this.windows.push(window);
    this.#windowIds.set(key, id);
    return id;
  }

  #grow(): void {
    this.#starts = grown(this.#starts, Float64Array);
    this.#digits = grown(this.#digits, Uint8Array);
    this.#money = grown(this.#money, BigInt64Array);
    this.#times = grown(this.#times, Float64Array);
    this.#words = grown(this.#words, Uint32Array);
  }

  #samePrefix(a: number, b: number): boolean {
    return this.#starts[a] === this.#starts[b] && this.#digits[a] === this.#digits[b];
  }

  #sorted(): Uint32Array {
    return sortByPrefix(this.#starts.subarray(0, this.size), this.#digits.subarray(0, this.size));
  }

  /** Newest date first. Two rows of one date may share no second. */
  #sortGroup(group: Uint32Array, report: (problem: RowProblem) => void): void {
    if (group.length === 1) return;
    group.sort((a, b) => (this.#times[b] as number) - (this.#times[a] as number) || (this.#words[a * 3 + 2] as number) - (this.#words[b * 3 + 2] as number));
    let dateFrom = 0;
    for (let at = 1; at < group.length; at++) {
      const row = group[at] as number;
      if (this.#times[row] !== this.#times[group[dateFrom] as number]) dateFrom = at;
      const error = this.#clashWithAny(row, group.subarray(dateFrom, at));
      if (error !== null) report({ line: this.#words[row * 3 + 2] as number, error });
    }
  }

  #clashWithAny(row: number, others: Uint32Array): RateError | null {
    if (others.length >= MAX_WINDOWS_A_DATE) {
      return new RateError('tooLarge', 'startTime', `a prefix has at most ${MAX_WINDOWS_A_DATE} rows from one date on.`);
    }
    for (let at = others.length - 1; at >= 0; at--) {
      const error = this.#clash(row, others[at] as number);
      if (error !== null) return error;
    }
    return null;
  }

  #clash(row: number, other: number): RateError | null {
    const [own, others] = [this.#window(row), this.#window(other)];
    const line = this.#words[other * 3 + 2] as number;
    const prefix = prefixText(this.#starts[row] as number, this.#digits[row] as number);
    if (own === others) return new RateError('duplicateRow', 'prefix', `${prefix} has a rate from the same date on in line ${line} already.`);
    const everyDay = own === null || others === null;
    if (!everyDay && !overlap(own, others)) return null;
    return new RateError('windowsOverlap', 'startTime', `the hours of ${prefix} overlap with those of line ${line} from the same date on.`);
  }

  #window(row: number): TimeWindow | null {
    const id = this.#terms[(this.#words[row * 3] as number) * TERMS + 2] as number;
    return id === 0 ? null : (this.windows[id - 1] ?? null);
  }

  #table(order: Uint32Array): RowTable {
    const buffer = new ArrayBuffer(order.length * ROW_BYTES);
    const money = new BigInt64Array(buffer);
    const times = new Float64Array(buffer);
    const words = new Uint32Array(buffer);
    for (let at = 0; at < order.length; at++) {
      const row = order[at] as number;
      money[at * 4] = this.#money[row * 2] as bigint;
      money[at * 4 + 1] = this.#money[row * 2 + 1] as bigint;
      times[at * 4 + 2] = this.#times[row] as number;
      words[at * 8 + 6] = this.#words[row * 3] as number;
      words[at * 8 + 7] = this.#words[row * 3 + 1] as number;
    }
    return { size: order.length, money, times, words, terms: this.#terms.slice(0, this.#termIds.size * TERMS), windows: this.windows };
  }
}

type Column = Uint8Array | Uint32Array | Float64Array | BigInt64Array;

function grown<Kind extends Column>(column: Kind, Kind: new (length: number) => Kind): Kind {
  const larger = new Kind(column.length * 2);
  (larger.set as (from: Column) => void)(column);
  return larger;
}

/**
 * Row numbers ordered by start, then by digits, equal ones in their order. Digit by digit (radix sort, base 1,000)
 * because a million comparisons through a callback would take ten times as long.
 */
export function sortByPrefix(starts: Float64Array, digits: Uint8Array): Uint32Array {
  const size = starts.length;
  let order: Uint32Array = Uint32Array.from(digits.keys());
  if (isSorted(starts, digits)) return order;
  let next: Uint32Array = new Uint32Array(size);
  for (let pass = 0; pass < 6; pass++) {
    const divisor = 1000 ** (pass - 1);
    const places = new Uint32Array(1001);
    const digitOf = pass === 0 ? (row: number) => digits[row] as number : (row: number) => Math.floor((starts[row] as number) / divisor) % 1000;
    for (let row = 0; row < size; row++) places[digitOf(row) + 1]! += 1;
    for (let digit = 1; digit <= 1000; digit++) places[digit]! += places[digit - 1] as number;
    for (const row of order) next[places[digitOf(row)]!++] = row;
    [order, next] = [next, order];
  }
  return order;
}

function isSorted(starts: Float64Array, digits: Uint8Array): boolean {
  for (let row = 1; row < starts.length; row++) {
    const step = (starts[row] as number) - (starts[row - 1] as number);
    if (step < 0 || (step === 0 && (digits[row] as number) < (digits[row - 1] as number))) return false;
  }
  return true;
}
