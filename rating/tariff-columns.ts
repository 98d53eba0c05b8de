// A wholesale tariff while it is built: rows are checked one by one and kept as growing columns, then sorted and packed.

import { RateError } from './errors.ts';
import type { Money } from './money.ts';
import { buildPrefixMap, prefixStart, prefixText } from './prefix-map.ts';
import type { PrefixMap } from './prefix-map.ts';
import { grown, TermsColumns } from './row-terms.ts';
import { checkMoney } from './step.ts';
import { NO_DESTINATION, PriceLists, sortByPrefix } from './tariff-rows.ts';
import type { PriceGroup, RateRow, RowProblem, RowTable } from './tariff-rows.ts';
import { overlap } from './window.ts';
import type { TimeWindow } from './window.ts';

/** Far more than there are destinations in the world; places of rows fit into 28 bits. */
const MAX_ROWS = 2 ** 28;

/** More than any price per minute; keeps amounts within 64 bits in memory. */
const MAX_ROW_MONEY: Money = 900_000_000n * 10_000_000_000n;
const MINUS_ONE: Money = -10_000_000_000n;

/** A window for every half hour of work days and free days; each row is compared with those before it. */
const MAX_WINDOWS_A_DATE = 96;

/** A prefix with no more rows than this has them put in order without a callback. */
const FEW = 16;

export class RowColumns {
  size = 0;
  readonly #paysBack: boolean;
  readonly #terms = new TermsColumns();
  #starts = new Float64Array(1024);
  #digits = new Uint8Array(1024);
  #rates = new BigInt64Array(1024);
  /** Row r: place in terms, destination, line at [3r] .. [3r + 2]. */
  #words = new Uint32Array(3 * 1024);

  /** `paysBack`: rates below 0 pay, as DID rates may; otherwise only −1 is let in, and blocks. */
  constructor(paysBack: boolean) {
    this.#paysBack = paysBack;
  }

  /** Throws RateError naming the field; a row that throws leaves nothing behind. */
  add(row: RateRow, line: number): void {
    const start = this.#startOf(row.prefix);
    const blocked = row.rate === 'blocked' || (!this.#paysBack && row.rate === MINUS_ONE);
    const rate = row.rate === 'blocked' || blocked ? 0n : row.rate;
    const fee = row.connectionFee ?? 0n;
    this.#checkAmounts(rate, fee);
    const destination = row.destinationId ?? NO_DESTINATION;
    if (!Number.isInteger(destination) || destination < 0 || destination > NO_DESTINATION) {
      throw new RateError('wrongType', 'destinationId', 'a destination id is a whole number below 2^32.');
    }
    const terms = this.#terms.placeOf(row, fee, blocked);
    if (this.size >= MAX_ROWS) throw new RateError('tooLarge', '', `A tariff has at most ${MAX_ROWS} rows.`);
    if (this.size === this.#digits.length) this.#grow();
    const at = this.size++;
    this.#starts[at] = start;
    this.#digits[at] = row.prefix.length;
    this.#rates[at] = rate;
    this.#words[at * 3] = terms;
    this.#words[at * 3 + 1] = destination;
    this.#words[at * 3 + 2] = line;
  }

  /** Sorted and packed. Doubles and overlapping windows are reported; then what is returned is of no use. */
  finish(report: (problem: RowProblem) => void): { prefixes: PrefixMap; rows: RowTable } {
    const order = sortByPrefix(this.#starts.subarray(0, this.size), this.#digits.subarray(0, this.size));
    const lists = new PriceLists({ rates: this.#rates, words: this.#words }, this.size);
    const starts = new Float64Array(this.size);
    const digits = new Uint8Array(this.size);
    const values = new Uint32Array(this.size);
    const tags = new Uint32Array(this.size);
    let prefixes = 0;
    for (let first = 0, end = 0; first < order.length; first = end) {
      const row = order[first] as number;
      for (end = first + 1; end < order.length && this.#samePrefix(row, order[end] as number); ) end += 1;
      const group = { order, first, end };
      if (end - first > 1) this.#sortDates(group, report);
      starts[prefixes] = this.#starts[row] as number;
      digits[prefixes] = this.#digits[row] as number;
      values[prefixes] = lists.place(group);
      tags[prefixes] = this.#words[(order[first] as number) * 3 + 1] as number;
      prefixes += 1;
    }
    const columns = { starts: starts.subarray(0, prefixes), digits: digits.subarray(0, prefixes), values, tags };
    return { prefixes: buildPrefixMap(columns), rows: lists.table(this.#terms.table()) };
  }

  #startOf(prefix: string): number {
    if (typeof prefix !== 'string' || (prefix === '' && !this.#paysBack)) throw new RateError('badPrefix', 'prefix', 'the prefix is missing.');
    const start = prefixStart(prefix);
    if (Number.isNaN(start)) throw new RateError('badPrefix', 'prefix', `"${prefix.slice(0, 40)}" is not a prefix: 1 to 15 digits and nothing else.`);
    return start;
  }

  #checkAmounts(rate: Money, fee: Money): void {
    this.#checkAmount(rate, 'rate');
    this.#checkAmount(fee, 'connectionFee');
    if (this.#paysBack && ((fee < 0n && rate > 0n) || (fee > 0n && rate < 0n))) {
      throw new RateError('mixedSigns', 'connectionFee', 'the fee and the rate must both be 0 or more, or both be 0 or less.');
    }
  }

  #checkAmount(amount: Money, field: string): void {
    checkMoney(amount, field);
    if (amount < 0n && !this.#paysBack) throw new RateError('negative', field, 'an amount below 0 is not a price (only a rate of −1 is let in: it blocks).');
    if (amount > MAX_ROW_MONEY || amount < -MAX_ROW_MONEY) throw new RateError('tooLarge', field, 'an amount above 900,000,000 is not a price per minute.');
  }

  #grow(): void {
    this.#starts = grown(this.#starts, Float64Array);
    this.#digits = grown(this.#digits, Uint8Array);
    this.#rates = grown(this.#rates, BigInt64Array);
    this.#words = grown(this.#words, Uint32Array);
  }

  #samePrefix(a: number, b: number): boolean {
    return this.#starts[a] === this.#starts[b] && this.#digits[a] === this.#digits[b];
  }

  /** Newest date first. Two rows of one date may share no second. */
  #sortDates(group: PriceGroup, report: (problem: RowProblem) => void): void {
    const { order, first, end } = group;
    if (end - first > FEW) order.subarray(first, end).sort((a, b) => (this.#isNewer(a, b) ? -1 : this.#isNewer(b, a) ? 1 : a - b));
    else this.#insertDates(group);
    for (let at = first + 1; at < end; at++) {
      const error = this.#clashWithAny(group, at);
      if (error !== null) report({ line: this.#lineOf(order[at] as number), error });
    }
  }

  /** The usual two or three rows are put in order a hundred times faster without a callback. */
  #insertDates({ order, first, end }: PriceGroup): void {
    for (let at = first + 1; at < end; at++) {
      const row = order[at] as number;
      let place = at;
      for (; place > first && this.#isNewer(row, order[place - 1] as number); place--) order[place] = order[place - 1] as number;
      order[place] = row;
    }
  }

  #isNewer(row: number, other: number): boolean {
    return this.#fromOf(row) > this.#fromOf(other);
  }

  #lineOf(row: number): number {
    return this.#words[row * 3 + 2] as number;
  }

  /** Rows of the same date stand before the one just put in its place. */
  #clashWithAny({ order, first }: PriceGroup, place: number): RateError | null {
    const row = order[place] as number;
    for (let at = place - 1; at >= first; at--) {
      const other = order[at] as number;
      if (this.#fromOf(other) !== this.#fromOf(row)) break;
      if (place - at > MAX_WINDOWS_A_DATE) return new RateError('tooLarge', 'startTime', `a prefix has at most ${MAX_WINDOWS_A_DATE} rows from one date on.`);
      const [own, others] = [this.#window(row), this.#window(other)];
      if (own === others || own === null || others === null || overlap(own, others)) return this.#clash(row, other, own === others);
    }
    return null;
  }

  #clash(row: number, other: number, isDouble: boolean): RateError {
    const prefix = prefixText(this.#starts[row] as number, this.#digits[row] as number);
    const line = this.#lineOf(other);
    if (isDouble) return new RateError('duplicateRow', 'prefix', `${prefix} has a rate from the same date on in line ${line} already.`);
    return new RateError('windowsOverlap', 'startTime', `the hours of ${prefix} overlap with those of line ${line} from the same date on.`);
  }

  #fromOf(row: number): number {
    return this.#terms.fromAt(this.#words[row * 3] as number);
  }

  #window(row: number): TimeWindow | null {
    return this.#terms.windowAt(this.#words[row * 3] as number);
  }
}
