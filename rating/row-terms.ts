// All of a tariff row but its rate. Most rows of a tariff share a handful of such sets, so each is stored once; in
// arrays, because a list can have as many of them as rows and must still be handed to another thread at no cost.

import { RateError } from './errors.ts';
import type { Money } from './money.ts';
import { checkIncrement, checkSeconds } from './step.ts';
import { isAlways, timeWindow } from './window.ts';
import type { DayType, TimeWindow } from './window.ts';

export interface RowTerms {
  /** null: always. */
  readonly effectiveFromMs: number | null;
  readonly connectionFee: Money;
  readonly incrementS: number;
  readonly minTimeS: number;
  readonly ghostPercent: number;
  readonly isBlocked: boolean;
  /** null: always. */
  readonly window: TimeWindow | null;
}

export interface TermsTable {
  readonly windows: readonly TimeWindow[];
  /** Set t: increment, minimal time, ghost percent, 1 if blocked, window + 1 or 0 for always at [5t] .. [5t + 4]. */
  readonly numbers: Uint32Array;
  readonly fees: BigInt64Array;
  /** −Infinity: always. */
  readonly times: Float64Array;
  /** The first sets as objects, when they were asked for: only a memory of the above. */
  readonly made: (RowTerms | null)[];
}

/** Nearly every tariff has fewer; more would have to be cloned one by one when it is handed to another thread. */
const MOST_MADE = 4096;

const NUMBERS = 5;

/** Throws nothing; `place` must be one that TermsColumns gave. */
export function termsAt(table: TermsTable, place: number): RowTerms {
  return table.made[place] ?? makeTerms(table, place);
}

function makeTerms(table: TermsTable, place: number): RowTerms {
  const [incrementS, minTimeS, ghostPercent, blocked, window] = table.numbers.subarray(place * NUMBERS, place * NUMBERS + NUMBERS) as unknown as [number, number, number, number, number];
  const from = table.times[place] as number;
  const terms: RowTerms = {
    effectiveFromMs: from === -Infinity ? null : from,
    connectionFee: table.fees[place] as bigint,
    incrementS,
    minTimeS,
    ghostPercent,
    isBlocked: blocked === 1,
    window: window === 0 ? null : (table.windows[window - 1] ?? null),
  };
  if (place < table.made.length) table.made[place] = terms;
  return terms;
}

export function termsBuffers(table: TermsTable): ArrayBuffer[] {
  return [table.numbers, table.fees, table.times].map((column) => column.buffer as ArrayBuffer);
}

/** What a row says of its terms. */
export interface TermsOfRow {
  readonly effectiveFromMs?: number | null;
  readonly incrementS?: number;
  readonly minTimeS?: number;
  /** In whole percent of what a caller is told he has; 100 if missing. */
  readonly ghostPercent?: number;
  readonly startTime?: string;
  readonly endTime?: string;
  readonly dayType?: DayType;
}

/** So many sets, and windows, are looked through before a key is made of them: a tariff rarely has more. */
const FEW = 16;

/** Sets of terms while a tariff is built. */
export class TermsColumns {
  size = 0;
  readonly windows: TimeWindow[] = [];
  readonly #places = new Map<string, number>();
  readonly #windowPlaces = new Map<string, number>();
  readonly #fewWindows: { startTime: string | undefined; endTime: string | undefined; dayType: DayType | undefined; place: number }[] = [];
  #numbers = new Uint32Array(FEW * NUMBERS);
  #fees = new BigInt64Array(FEW);
  #times = new Float64Array(FEW);

  /** The set's place. Throws RateError naming the field; then nothing is added. */
  placeOf(row: TermsOfRow, connectionFee: Money, isBlocked: boolean): number {
    const from = row.effectiveFromMs ?? -Infinity;
    const incrementS = row.incrementS ?? 1;
    const minTimeS = row.minTimeS ?? 0;
    const ghostPercent = row.ghostPercent ?? 100;
    const blocked = isBlocked ? 1 : 0;
    const window = this.#windowOf(row);
    for (let place = 0; place < this.size && place < FEW; place++) {
      const at = place * NUMBERS;
      if (this.#numbers[at] !== incrementS || this.#numbers[at + 1] !== minTimeS || this.#numbers[at + 2] !== ghostPercent) continue;
      if (this.#numbers[at + 3] !== blocked || this.#numbers[at + 4] !== window || this.#times[place] !== from) continue;
      if (this.#fees[place] === connectionFee) return place;
    }
    const key = `${incrementS},${minTimeS},${ghostPercent},${blocked},${window},${from},${connectionFee}`;
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    if (Number.isNaN(from)) throw new RateError('badDate', 'effectiveFromMs', 'the date is not a number of milliseconds.');
    checkIncrement(incrementS, 'incrementS');
    checkSeconds(minTimeS, 'minTimeS');
    checkSeconds(ghostPercent, 'ghostPercent');
    const place = this.#append([incrementS, minTimeS, ghostPercent, blocked, window], from, connectionFee);
    this.#places.set(key, place);
    return place;
  }

  windowAt(place: number): TimeWindow | null {
    const window = this.#numbers[place * NUMBERS + 4] as number;
    return window === 0 ? null : (this.windows[window - 1] ?? null);
  }

  fromAt(place: number): number {
    return this.#times[place] as number;
  }

  table(): TermsTable {
    return {
      windows: this.windows,
      numbers: this.#numbers.slice(0, this.size * NUMBERS),
      fees: this.#fees.slice(0, this.size),
      times: this.#times.slice(0, this.size),
      made: Array.from({ length: Math.min(this.size, MOST_MADE) }, () => null),
    };
  }

  #append(numbers: readonly number[], from: number, fee: Money): number {
    if (this.size === this.#times.length) {
      this.#numbers = grown(this.#numbers, Uint32Array);
      this.#fees = grown(this.#fees, BigInt64Array);
      this.#times = grown(this.#times, Float64Array);
    }
    this.#numbers.set(numbers, this.size * NUMBERS);
    this.#fees[this.size] = fee;
    this.#times[this.size] = from;
    return this.size++;
  }

  /** 0 for always, else its place + 1. */
  #windowOf(row: TermsOfRow): number {
    const { startTime, endTime, dayType } = row;
    if (startTime === undefined && endTime === undefined && dayType === undefined) return 0;
    for (const known of this.#fewWindows) {
      if (known.startTime === startTime && known.endTime === endTime && known.dayType === dayType) return known.place;
    }
    const key = `${startTime ?? ''}|${endTime ?? ''}|${String(dayType ?? '')}`;
    const known = this.#windowPlaces.get(key);
    if (known !== undefined) return known;
    const window = timeWindow(row);
    const place = isAlways(window) ? 0 : this.windows.push(window);
    this.#windowPlaces.set(key, place);
    if (this.#fewWindows.length < FEW) this.#fewWindows.push({ startTime, endTime, dayType, place });
    return place;
  }
}

type Column = Uint8Array | Uint32Array | Float64Array | BigInt64Array;

/** Twice as long, with the same contents. */
export function grown<Kind extends Column>(column: Kind, Kind: new (length: number) => Kind): Kind {
  const larger = new Kind(column.length * 2);
  (larger.set as (from: Column) => void).call(larger, column);
  return larger;
}
