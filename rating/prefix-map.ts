// Longest prefix match over millions of prefixes, in typed arrays that a thread can hand to another without copying.
//
// Prefixes stand sorted as 15-digit numbers (370 is 370000000000000), a shorter one before a longer one that begins with
// it. Where a prefix ends and the next one is not adjacent, a gap entry repeats the outer prefix that goes on there (or
// says that there is none). So the last entry not above a number is the answer: one search in a short run of memory,
// found through an index by leading digits, and no step from prefix to prefix.

/** The longest number there is (E.164). */
export const MAX_PREFIX_DIGITS = 15;

/** Digits of a prefix are kept as two whole numbers, the first 7 and the other 8, padded with zeros: small integers. */
const HIGH_DIGITS = 7;
const LOW_DIGITS = MAX_PREFIX_DIGITS - HIGH_DIGITS;
const LOW_RANGE = 10 ** LOW_DIGITS;
const POWERS: readonly number[] = Array.from({ length: HIGH_DIGITS + LOW_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/** Six leading digits find a run of a few entries among a million; their index is 4 MB. */
const MAX_INDEX_DIGITS = 6;

/** A parent has fewer digits than its child, so never 15: free to mean "none". */
const NO_PARENT = 15;

/** Value of a gap in which no prefix holds; an entry's own value is below it. */
const NOTHING = 0xffff_ffff;

export interface PrefixMap {
  /** Of prefixes and gaps. */
  readonly size: number;
  /** What the first 7 digits are divided by to get the leading ones. */
  readonly indexWidth: number;
  /** Of leading digits d: entries index[d] .. index[d + 1] − 1 begin with them. */
  readonly index: Uint32Array;
  /**
   * Entry e: high digits × 256 + own digits × 16 + digits of its parent at [4e], low digits at [4e + 1], value at
   * [4e + 2], tag at [4e + 3]. All of an entry lies together, because a far memory access costs more than a search.
   */
  readonly entries: Uint32Array;
}

/** A number or prefix as it is searched: its leading digits, up to 15 of them, and how many they are. */
export interface Dialled {
  readonly high: number;
  readonly low: number;
  readonly digits: number;
}

export function dialled(number: string): Dialled {
  let digits = 0;
  let high = 0;
  let low = 0;
  const most = number.length < MAX_PREFIX_DIGITS ? number.length : MAX_PREFIX_DIGITS;
  for (; digits < most; digits++) {
    const digit = number.charCodeAt(digits) - 48;
    if (digit < 0 || digit > 9) break;
    if (digits < HIGH_DIGITS) high = high * 10 + digit;
    else low = low * 10 + digit;
  }
  if (digits < HIGH_DIGITS) return { high: high * (POWERS[HIGH_DIGITS - digits] as number), low, digits };
  return { high, low: low * (POWERS[MAX_PREFIX_DIGITS - digits] as number), digits };
}

/** A prefix as one number of 15 digits, to sort by; NaN for anything but 0 to 15 digits. */
export function prefixStart(prefix: string): number {
  if (prefix.length > MAX_PREFIX_DIGITS) return NaN;
  const { high, low, digits } = dialled(prefix);
  return digits === prefix.length ? high * LOW_RANGE + low : NaN;
}

/** Text of a prefix from its number and length. */
export function prefixText(start: number, digits: number): string {
  return start.toFixed(0).padStart(MAX_PREFIX_DIGITS, '0').slice(0, digits);
}

/** Columns of equal length, sorted by start, then by digits, without doubles. */
export interface PrefixColumns {
  readonly starts: Float64Array;
  readonly digits: Uint8Array;
  /** Any two 32-bit numbers that an entry is to carry; values are below 2^32 − 1. */
  readonly values: Uint32Array;
  readonly tags: Uint32Array;
}

export function buildPrefixMap(columns: PrefixColumns): PrefixMap {
  const writer = new EntryWriter(columns);
  const { starts } = columns;
  for (let prefix = 0; prefix < starts.length; prefix++) {
    writer.closeUntil(starts[prefix] as number);
    writer.open(prefix);
  }
  writer.closeUntil(10 ** MAX_PREFIX_DIGITS);
  const entries = writer.written();
  const size = entries.length / 4;
  const indexDigits = Math.min(MAX_INDEX_DIGITS, Math.floor(Math.log10(Math.max(size, 1))));
  return { size, indexWidth: POWERS[HIGH_DIGITS - indexDigits] as number, index: buildIndex(entries, indexDigits), entries };
}

class EntryWriter {
  readonly #columns: PrefixColumns;
  /** Prefixes that hold the present place, outermost first. */
  readonly #open: number[] = [];
  /** After every prefix there is at most one gap. */
  readonly #entries: Uint32Array;
  #size = 0;

  constructor(columns: PrefixColumns) {
    this.#columns = columns;
    this.#entries = new Uint32Array(columns.starts.length * 8);
  }

  open(prefix: number): void {
    const parent = this.#open.at(-1);
    this.#open.push(prefix);
    this.#write(this.#columns.starts[prefix] as number, prefix, parent);
  }

  /** Ends the prefixes that do not reach `start`; what lies between the last of them and `start` becomes a gap. */
  closeUntil(start: number): void {
    for (let prefix = this.#open.at(-1); prefix !== undefined; prefix = this.#open.at(-1)) {
      const end = this.#endOf(prefix);
      if (end > start) return;
      this.#open.pop();
      const outer = this.#open.at(-1);
      if (end === start || (outer !== undefined && this.#endOf(outer) === end)) continue;
      this.#write(end, outer, this.#open.at(-2));
    }
  }

  written(): Uint32Array {
    return this.#entries.slice(0, this.#size * 4);
  }

  #endOf(prefix: number): number {
    return (this.#columns.starts[prefix] as number) + (POWERS[MAX_PREFIX_DIGITS - (this.#columns.digits[prefix] as number)] as number);
  }

  #write(start: number, prefix: number | undefined, parent: number | undefined): void {
    const { digits, values, tags } = this.#columns;
    const high = Math.floor(start / LOW_RANGE);
    const ownDigits = prefix === undefined ? 0 : (digits[prefix] as number);
    const parentDigits = parent === undefined ? NO_PARENT : (digits[parent] as number);
    const at = this.#size * 4;
    this.#entries[at] = high * 256 + ownDigits * 16 + parentDigits;
    this.#entries[at + 1] = start - high * LOW_RANGE;
    this.#entries[at + 2] = prefix === undefined ? NOTHING : (values[prefix] as number);
    this.#entries[at + 3] = prefix === undefined ? NOTHING : (tags[prefix] as number);
    this.#size += 1;
  }
}

function buildIndex(entries: Uint32Array, indexDigits: number): Uint32Array {
  const width = POWERS[HIGH_DIGITS - indexDigits] as number;
  const index = new Uint32Array((POWERS[indexDigits] as number) + 1);
  const size = entries.length / 4;
  let bucket = 0;
  for (let entry = 0; entry < size; entry++) {
    const own = Math.floor(((entries[entry * 4] as number) >>> 8) / width);
    while (bucket <= own) index[bucket++] = entry;
  }
  while (bucket < index.length) index[bucket++] = size;
  return index;
}

/** The entry with the longest prefix of the number; −1 if it has none. */
export function findPrefix(map: PrefixMap, number: Dialled): number {
  let entry = lastNotAbove(map, number.high, number.low);
  // Only for a short number: what has more digits than the number is not its prefix.
  while (entry >= 0 && digitsOf(map, entry) > number.digits) entry = parentOf(map, entry);
  return entry >= 0 && valueOf(map, entry) === NOTHING ? -1 : entry;
}

function lastNotAbove(map: PrefixMap, high: number, low: number): number {
  const { index, entries } = map;
  const bucket = (high / map.indexWidth) | 0;
  let below = (index[bucket] as number) - 1;
  let above = index[bucket + 1] as number;
  while (above - below > 1) {
    const middle = (below + above) >>> 1;
    const entryHigh = (entries[middle * 4] as number) >>> 8;
    if (entryHigh < high || (entryHigh === high && (entries[middle * 4 + 1] as number) <= low)) below = middle;
    else above = middle;
  }
  return below;
}

/** The next shorter prefix of the same number; −1 if there is none. */
export function parentOf(map: PrefixMap, entry: number): number {
  const { entries } = map;
  const word = entries[entry * 4] as number;
  const digits = word & 15;
  if (digits === NO_PARENT) return -1;
  const high = word >>> 8;
  const low = entries[entry * 4 + 1] as number;
  const isShort = digits <= HIGH_DIGITS;
  let parent = isShort
    ? lastNotAbove(map, high - (high % (POWERS[HIGH_DIGITS - digits] as number)), 0)
    : lastNotAbove(map, high, low - (low % (POWERS[MAX_PREFIX_DIGITS - digits] as number)));
  // Longer prefixes may begin where it begins (370, 3700): they stand behind it.
  while (digitsOf(map, parent) !== digits) parent -= 1;
  return parent;
}

/**
 * Reads the places where a search will look and returns something that depends on them. Called for several maps before
 * they are searched, so that the processor waits for all of their memory at once instead of for one after the other.
 */
export function approach(map: PrefixMap, number: Dialled): number {
  const { index, entries } = map;
  const bucket = (number.high / map.indexWidth) | 0;
  const first = index[bucket] as number;
  const count = (index[bucket + 1] as number) - first;
  // Four places spread over the run, without a branch to wait for: of most runs that is all of their memory.
  const early = (entries[(first + (count >>> 3)) * 4] ?? 0) | (entries[(first + ((count * 3) >>> 3)) * 4] ?? 0);
  return early | (entries[(first + ((count * 5) >>> 3)) * 4] ?? 0) | (entries[(first + ((count * 7) >>> 3)) * 4] ?? 0);
}

export function digitsOf(map: PrefixMap, entry: number): number {
  return ((map.entries[entry * 4] as number) >>> 4) & 15;
}

export function valueOf(map: PrefixMap, entry: number): number {
  return map.entries[entry * 4 + 2] as number;
}

export function tagOf(map: PrefixMap, entry: number): number {
  return map.entries[entry * 4 + 3] as number;
}

export function prefixMapBuffers(map: PrefixMap): ArrayBuffer[] {
  return [map.index.buffer as ArrayBuffer, map.entries.buffer as ArrayBuffer];
}
