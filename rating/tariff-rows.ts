// The rows of a wholesale tariff as they stand in memory: columns of numbers instead of a million objects, and equal
// price lists (the rows of one prefix) stored once, because a price list of a million prefixes has few prices.

import type { RateError } from './errors.ts';
import type { Money } from './money.ts';
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

/** A broken row. `line` is counted from 1, or as the caller numbered the rows. */
export interface RowProblem {
  readonly line: number;
  readonly error: RateError;
}

/** What many rows have in common, four numbers a set: increment, minimal time, 1 if blocked, ghost percent. */
export const TERMS = 4;
/** Set in a row's terms when it is the last of its price list. */
export const LAST_ROW = 0x8000_0000;
export const NO_DESTINATION = 0xffff_ffff;

const ROW_BYTES = 32;

export interface RowTable {
  readonly size: number;
  /** Row r: rate at [4r], connection fee at [4r + 1]. */
  readonly money: BigInt64Array;
  /** Over the same bytes, row r: effective from at [4r + 2], −Infinity for always. */
  readonly times: Float64Array;
  /** Over the same bytes, row r: terms (and LAST_ROW) at [8r + 6], window + 1 or 0 for always at [8r + 7]. */
  readonly words: Uint32Array;
  readonly terms: Uint32Array;
  readonly windows: readonly TimeWindow[];
}

/** A row in the columns of a tariff that is being built. */
export interface RowSource {
  /** Row r: rate at [2r], connection fee at [2r + 1]. */
  readonly money: BigInt64Array;
  readonly times: Float64Array;
  /** Row r: terms at [4r], window at [4r + 1]; the others are of no concern here. */
  readonly words: Uint32Array;
}

/** The rows of one prefix: order[first] .. order[end − 1]. */
export interface PriceGroup {
  readonly order: Uint32Array;
  readonly first: number;
  readonly end: number;
}

/** Writes price lists one after the other, each only once. */
export class PriceLists {
  size = 0;
  readonly #source: RowSource;
  readonly #moneyWords: Uint32Array;
  readonly #money: BigInt64Array;
  readonly #times: Float64Array;
  readonly #words: Uint32Array;
  /** Hash table of first rows + 1, open addressing. */
  readonly #slots: Uint32Array;

  constructor(source: RowSource, rows: number) {
    this.#source = source;
    this.#moneyWords = new Uint32Array(source.money.buffer);
    const buffer = new ArrayBuffer(rows * ROW_BYTES);
    this.#money = new BigInt64Array(buffer);
    this.#times = new Float64Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(rows * 2 + 2)));
  }

  /** First row in the table of these source rows, which are in their final order. */
  place(group: PriceGroup): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hash(group) & mask;
    while (this.#slots[slot] !== 0) {
      const first = (this.#slots[slot] as number) - 1;
      if (this.#isEqual(first, group)) return first;
      slot = (slot + 1) & mask;
    }
    const first = this.size;
    this.#slots[slot] = first + 1;
    for (let at = group.first; at < group.end; at++) this.#append(group.order[at] as number);
    this.#words[(this.size - 1) * 8 + 6]! |= LAST_ROW;
    return first;
  }

  /** The written part alone. */
  table(terms: Uint32Array, windows: readonly TimeWindow[]): RowTable {
    const buffer = (this.#money.buffer as ArrayBuffer).slice(0, this.size * ROW_BYTES);
    return { size: this.size, money: new BigInt64Array(buffer), times: new Float64Array(buffer), words: new Uint32Array(buffer), terms, windows };
  }

  #append(row: number): void {
    const at = this.size++;
    this.#money[at * 4] = this.#source.money[row * 2] as bigint;
    this.#money[at * 4 + 1] = this.#source.money[row * 2 + 1] as bigint;
    this.#times[at * 4 + 2] = this.#source.times[row] as number;
    this.#words[at * 8 + 6] = this.#source.words[row * 4] as number;
    this.#words[at * 8 + 7] = this.#source.words[row * 4 + 1] as number;
  }

  #hash(group: PriceGroup): number {
    let hash = group.end - group.first;
    for (let at = group.first; at < group.end; at++) {
      const row = group.order[at] as number;
      for (let word = 0; word < 4; word++) hash = mix(hash, this.#moneyWords[row * 4 + word] as number);
      const seconds = (this.#source.times[row] as number) / 1000;
      hash = mix(hash, Number.isFinite(seconds) ? seconds : -1);
      hash = mix(mix(hash, this.#source.words[row * 4] as number), this.#source.words[row * 4 + 1] as number);
    }
    return hash >>> 0;
  }

  #isEqual(first: number, group: PriceGroup): boolean {
    for (let at = first, from = group.first; from < group.end; at++, from++) {
      const row = group.order[from] as number;
      const last = from === group.end - 1 ? LAST_ROW : 0;
      const equal =
        this.#words[at * 8 + 6] === ((this.#source.words[row * 4] as number) | last) >>> 0 &&
        this.#words[at * 8 + 7] === this.#source.words[row * 4 + 1] &&
        this.#money[at * 4] === this.#source.money[row * 2] &&
        this.#money[at * 4 + 1] === this.#source.money[row * 2 + 1] &&
        this.#times[at * 4 + 2] === this.#source.times[row];
      if (!equal) return false;
    }
    return true;
  }
}

function mix(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e37_79b1);
  return mixed ^ (mixed >>> 15);
}

/**
 * Row numbers ordered by start, then by digits, equal ones in their order. Three digits at a time (radix sort)
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
    const digitOf = (row: number): number => (pass === 0 ? (digits[row] as number) : Math.floor((starts[row] as number) / divisor) % 1000);
    for (let row = 0; row < size; row++) places[digitOf(row) + 1]! += 1;
    for (let digit = 1; digit <= 1000; digit++) places[digit]! += places[digit - 1] as number;
    for (let at = 0; at < size; at++) {
      const row = order[at] as number;
      next[places[digitOf(row)]!++] = row;
    }
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
