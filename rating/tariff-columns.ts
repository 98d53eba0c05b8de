// A wholesale tariff while it is built: rows are checked one by one and kept as growing columns, then sorted and packed.

import { RateError } from './errors.ts';
import type { Money } from './money.ts';
import { MAX_ENTRIES, buildPrefixMap, prefixStart, prefixText } from './prefix-map.ts';
import type { PrefixMap } from './prefix-map.ts';
import { checkIncrement, checkMoney, checkSeconds } from './step.ts';
import { NO_DESTINATION, PriceLists, TERMS, sortByPrefix } from './tariff-rows.ts';
import type { PriceGroup, RateRow, RowProblem, RowTable } from './tariff-rows.ts';
import { isAlways, overlap, timeWindow } from './window.ts';
import type { DayType, TimeWindow } from './window.ts';

/** More than any price per minute; keeps amounts within 64 bits in memory. */
const MAX_ROW_MONEY: Money = 900_000_000n * 10_000_000_000n;
const MINUS_ONE: Money = -10_000_000_000n;

/** A window for every half hour of work days and free days; each row is compared with those before it. */
const MAX_WINDOWS_A_DATE = 96;

/** So many sets of terms, and windows, are looked through before a key is made of them: a tariff rarely has more. */
const FEW = 16;

export class RowColumns {
  size = 0;
  readonly windows: TimeWindow[] = [];
  readonly #paysBack: boolean;
  readonly #termIds = new Map<string, number>();
  readonly #windowIds = new Map<string, number>();
  readonly #fewWindows: { startTime: string | undefined; endTime: string | undefined; dayType: DayType | undefined; id: number }[] = [];
  #terms = new Uint32Array(64 * TERMS);
  #starts = new Float64Array(1024);
  #digits = new Uint8Array(1024);
  #money = new BigInt64Array(2 * 1024);
  #times = new Float64Array(1024);
  /** Row r: terms, window, destination, line at [4r] .. [4r + 3]. */
  #words = new Uint32Array(4 * 1024);

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
    const from = row.effectiveFromMs ?? -Infinity;
    if (Number.isNaN(from)) throw new RateError('badDate', 'effectiveFromMs', 'the date is not a number of milliseconds.');
    const destination = row.destinationId ?? NO_DESTINATION;
    if (!Number.isInteger(destination) || destination < 0 || destination > NO_DESTINATION) {
      throw new RateError('wrongType', 'destinationId', 'a destination id is a whole number below 2^32.');
    }
    const terms = this.#termsOf(row, blocked);
    const window = this.#windowOf(row);
    if (this.size >= MAX_ENTRIES) throw new RateError('tooLarge', '', `A tariff has at most ${MAX_ENTRIES} rows.`);
    if (this.size === this.#digits.length) this.#grow();
    const at = this.size++;
    this.#starts[at] = start;
    this.#digits[at] = row.prefix.length;
    this.#money[at * 2] = rate;
    this.#money[at * 2 + 1] = fee;
    this.#times[at] = from;
    this.#words[at * 4] = terms;
    this.#words[at * 4 + 1] = window;
    this.#words[at * 4 + 2] = destination;
    this.#words[at * 4 + 3] = line;
  }

  /** Sorted and packed. Doubles and overlapping windows are reported; then what is returned is of no use. */
  finish(report: (problem: RowProblem) => void): { prefixes: PrefixMap; rows: RowTable } {
    const order = sortByPrefix(this.#starts.subarray(0, this.size), this.#digits.subarray(0, this.size));
    const lists = new PriceLists({ money: this.#money, times: this.#times, words: this.#words }, this.size);
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
      tags[prefixes] = this.#words[(order[first] as number) * 4 + 2] as number;
      prefixes += 1;
    }
    const columns = { starts: starts.subarray(0, prefixes), digits: digits.subarray(0, prefixes), values, tags };
    return { prefixes: buildPrefixMap(columns), rows: lists.table(this.#terms.slice(0, this.#termIds.size * TERMS), this.windows) };
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

  /** Most rows of a tariff share a handful of terms, so they are stored once, and mostly are those of a row just seen. */
  #termsOf(row: RateRow, blocked: boolean): number {
    const incrementS = row.incrementS ?? 1;
    const minTimeS = row.minTimeS ?? 0;
    const ghostPercent = row.ghostPercent ?? 100;
    const flag = blocked ? 1 : 0;
    for (let id = 0; id < this.#termIds.size && id < FEW; id++) {
      const at = id * TERMS;
      if (this.#terms[at] === incrementS && this.#terms[at + 1] === minTimeS && this.#terms[at + 2] === flag && this.#terms[at + 3] === ghostPercent) return id;
    }
    const key = `${incrementS},${minTimeS},${flag},${ghostPercent}`;
    const known = this.#termIds.get(key);
    if (known !== undefined) return known;
    checkIncrement(incrementS, 'incrementS');
    checkSeconds(minTimeS, 'minTimeS');
    checkSeconds(ghostPercent, 'ghostPercent');
    const id = this.#termIds.size;
    if ((id + 1) * TERMS > this.#terms.length) this.#terms = grown(this.#terms, Uint32Array);
    this.#terms.set([incrementS, minTimeS, flag, ghostPercent], id * TERMS);
    this.#termIds.set(key, id);
    return id;
  }

  /** 0 for always, else its index + 1. */
  #windowOf(row: RateRow): number {
    const { startTime, endTime, dayType } = row;
    if (startTime === undefined && endTime === undefined && dayType === undefined) return 0;
    for (const known of this.#fewWindows) {
      if (known.startTime === startTime && known.endTime === endTime && known.dayType === dayType) return known.id;
    }
    const key = `${startTime ?? ''}|${endTime ?? ''}|${String(dayType ?? '')}`;
    const known = this.#windowIds.get(key);
    if (known !== undefined) return known;
    const window = timeWindow(row);
    const id = isAlways(window) ? 0 : this.windows.push(window);
    this.#windowIds.set(key, id);
    if (this.#fewWindows.length < FEW) this.#fewWindows.push({ startTime, endTime, dayType, id });
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
    return (this.#times[row] as number) > (this.#times[other] as number);
  }

  #lineOf(row: number): number {
    return this.#words[row * 4 + 3] as number;
  }

  /** Rows of the same date stand before the one just put in its place. */
  #clashWithAny({ order, first }: PriceGroup, place: number): RateError | null {
    const row = order[place] as number;
    for (let at = place - 1; at >= first; at--) {
      const other = order[at] as number;
      if (this.#times[other] !== this.#times[row]) break;
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

  #window(row: number): TimeWindow | null {
    const id = this.#words[row * 4 + 1] as number;
    return id === 0 ? null : (this.windows[id - 1] ?? null);
  }
}

type Column = Uint8Array | Uint32Array | Float64Array | BigInt64Array;

function grown<Kind extends Column>(column: Kind, Kind: new (length: number) => Kind): Kind {
  const larger = new Kind(column.length * 2);
  (larger.set as (from: Column) => void).call(larger, column);
  return larger;
}
