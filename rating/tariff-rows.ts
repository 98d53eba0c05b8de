// The rows of a wholesale tariff as they stand in memory: columns of numbers instead of a million objects, and equal
// price lists (the rows of one prefix) stored once, because a tariff of a million prefixes has few different prices.

import type { RateError } from './errors.ts';
import type { Money } from './money.ts';
import type { TermsOfRow, TermsTable } from './row-terms.ts';

/** One row of a wholesale tariff. Missing times mean all day, missing dates always, `incrementS` 1, all else 0. */
export interface RateRow extends TermsOfRow {
  readonly prefix: string;
  readonly destinationId?: number | null;
  /** Per minute. −1 blocks the destination, as the word does. */
  readonly rate: Money | 'blocked';
  readonly connectionFee?: Money;
}

/** A broken row. `line` is counted from 1, or as the caller numbered the rows. */
export interface RowProblem {
  readonly line: number;
  readonly error: RateError;
}

/** Set in a row's terms when it is the last of its price list. */
export const LAST_ROW = 0x8000_0000;
export const NO_DESTINATION = 0xffff_ffff;

const ROW_BYTES = 16;

export interface RowTable {
  readonly size: number;
  /** Row r: rate at [2r]. */
  readonly rates: BigInt64Array;
  /** Over the same bytes, row r: its place in terms (and LAST_ROW) at [4r + 2]. */
  readonly words: Uint32Array;
  readonly terms: TermsTable;
}

/** Rows in the columns of a tariff that is being built. */
export interface RowSource {
  readonly rates: BigInt64Array;
  /** Row r: place in terms at [3r]; the others are of no concern here. */
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
  readonly #sourceHalves: Uint32Array;
  readonly #rates: BigInt64Array;
  readonly #words: Uint32Array;
  /** Hash table of first rows + 1, open addressing. */
  readonly #slots: Uint32Array;

  constructor(source: RowSource, rows: number) {
    this.#source = source;
    this.#sourceHalves = new Uint32Array(source.rates.buffer);
    const buffer = new ArrayBuffer(rows * ROW_BYTES);
    this.#rates = new BigInt64Array(buffer);
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
    this.#words[(this.size - 1) * 4 + 2]! |= LAST_ROW;
    return first;
  }

  /** The written part alone. */
  table(terms: TermsTable): RowTable {
    const buffer = (this.#rates.buffer as ArrayBuffer).slice(0, this.size * ROW_BYTES);
    return { size: this.size, rates: new BigInt64Array(buffer), words: new Uint32Array(buffer), terms };
  }

  #append(row: number): void {
    const at = this.size++;
    this.#rates[at * 2] = this.#source.rates[row] as bigint;
    this.#words[at * 4 + 2] = this.#source.words[row * 3] as number;
  }

  #hash(group: PriceGroup): number {
    let hash = group.end - group.first;
    for (let at = group.first; at < group.end; at++) {
      const row = group.order[at] as number;
      hash = mix(mix(hash, this.#sourceHalves[row * 2] as number), this.#sourceHalves[row * 2 + 1] as number);
      hash = mix(hash, this.#source.words[row * 3] as number);
    }
    return hash >>> 0;
  }

  #isEqual(first: number, group: PriceGroup): boolean {
    for (let at = first, from = group.first; from < group.end; at++, from++) {
      const row = group.order[from] as number;
      const last = from === group.end - 1 ? LAST_ROW : 0;
      if (this.#words[at * 4 + 2] !== ((this.#source.words[row * 3] as number) | last) >>> 0) return false;
      if (this.#rates[at * 2] !== this.#source.rates[row]) return false;
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
