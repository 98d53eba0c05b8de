// Longest prefix match over millions of prefixes, in typed arrays that a thread can hand to another without copying.
//
// Prefixes stand sorted as 15-digit numbers (370 is 370000000000000), a shorter one before a longer one that begins
// with it. The last prefix not above a number is either its longest prefix or has it as an ancestor: so one search
// in a short run of memory, found through an index by leading digits, and mostly no step up.

/** The longest number there is (E.164). */
export const MAX_PREFIX_DIGITS = 15;

const ENTRY_BYTES = 24;
const POWERS: readonly number[] = Array.from({ length: MAX_PREFIX_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

/** With six leading digits a run is a handful of entries even among millions, and the index costs 4 MB. */
const MAX_INDEX_DIGITS = 6;

export interface PrefixMap {
  readonly size: number;
  /** What a prefix's number is divided by to get its leading digits. */
  readonly indexWidth: number;
  /** Of leading digits d: entries index[d] .. index[d + 1] − 1 begin with them. */
  readonly index: Uint32Array;
  /** Entry e: start at [3e]. All of an entry lies together, because a far memory access costs more than a search. */
  readonly starts: Float64Array;
  /** Over the same bytes, entry e: (parent + 1) × 16 + digits at [6e + 2], value at [6e + 3], tag at [6e + 4]. */
  readonly words: Uint32Array;
}

/** Up to about 268 million, by the bits that a parent has. */
export const MAX_ENTRIES = 2 ** 28 - 2;

/** A prefix as a number, padded to 15 digits; NaN for anything but 0 to 15 digits. */
export function prefixStart(prefix: string): number {
  if (prefix.length > MAX_PREFIX_DIGITS) return NaN;
  const { start, digits } = dialled(prefix);
  return digits === prefix.length ? start : NaN;
}

/** Text of a prefix from its number and length. */
export function prefixText(start: number, digits: number): string {
  return start.toFixed(0).padStart(MAX_PREFIX_DIGITS, '0').slice(0, digits);
}

/** Columns of equal length, sorted by start, then by digits, without doubles. */
export interface PrefixColumns {
  readonly starts: Float64Array;
  readonly digits: Uint8Array;
  /** Any two 32-bit numbers that an entry is to carry. */
  readonly values: Uint32Array;
  readonly tags: Uint32Array;
}

export function buildPrefixMap(columns: PrefixColumns): PrefixMap {
  const size = columns.starts.length;
  const buffer = new ArrayBuffer(size * ENTRY_BYTES);
  const starts = new Float64Array(buffer);
  const words = new Uint32Array(buffer);
  /** Prefixes that hold the present one, outermost first. */
  const open: number[] = [];
  for (let entry = 0; entry < size; entry++) {
    const start = columns.starts[entry] ?? 0;
    while (open.length > 0 && !holds(columns, open.at(-1) ?? 0, start)) open.pop();
    starts[entry * 3] = start;
    words[entry * 6 + 2] = ((open.at(-1) ?? -1) + 1) * 16 + (columns.digits[entry] ?? 0);
    words[entry * 6 + 3] = columns.values[entry] ?? 0;
    words[entry * 6 + 4] = columns.tags[entry] ?? 0;
    open.push(entry);
  }
  const indexDigits = Math.min(MAX_INDEX_DIGITS, Math.floor(Math.log10(Math.max(size, 1))));
  return { size, indexWidth: POWERS[MAX_PREFIX_DIGITS - indexDigits] ?? 1, index: buildIndex(columns.starts, indexDigits), starts, words };
}

function holds({ starts, digits }: PrefixColumns, outer: number, start: number): boolean {
  return start - (starts[outer] ?? 0) < (POWERS[MAX_PREFIX_DIGITS - (digits[outer] ?? 0)] ?? 0);
}

function buildIndex(starts: Float64Array, indexDigits: number): Uint32Array {
  const width = POWERS[MAX_PREFIX_DIGITS - indexDigits] ?? 1;
  const index = new Uint32Array((POWERS[indexDigits] ?? 1) + 1);
  let bucket = 0;
  for (let entry = 0; entry < starts.length; entry++) {
    const own = Math.floor((starts[entry] ?? 0) / width);
    while (bucket <= own) index[bucket++] = entry;
  }
  while (bucket < index.length) index[bucket++] = starts.length;
  return index;
}

/** A number as it is searched: its leading digits, up to 15 of them, as a number padded to 15, and how many they are. */
export interface Dialled {
  readonly start: number;
  readonly digits: number;
}

export function dialled(number: string): Dialled {
  let start = 0;
  let digits = 0;
  const most = number.length < MAX_PREFIX_DIGITS ? number.length : MAX_PREFIX_DIGITS;
  for (; digits < most; digits++) {
    const digit = number.charCodeAt(digits) - 48;
    if (digit < 0 || digit > 9) break;
    start = start * 10 + digit;
  }
  return { start: start * (POWERS[MAX_PREFIX_DIGITS - digits] as number), digits };
}

/** The entry with the longest prefix of the number; −1 if it has none. */
export function findPrefix(map: PrefixMap, number: Dialled): number {
  const { start, digits } = number;
  const { words, starts } = map;
  let entry = lastNotAbove(map, start);
  // Up to the first that holds the number; one with more digits than the number has is not its prefix.
  while (entry >= 0) {
    const word = words[entry * 6 + 2] as number;
    const own = word & 15;
    if (own <= digits && start - (starts[entry * 3] as number) < (POWERS[MAX_PREFIX_DIGITS - own] as number)) return entry;
    entry = (word >>> 4) - 1;
  }
  return -1;
}

function lastNotAbove(map: PrefixMap, start: number): number {
  const { index, starts } = map;
  const bucket = Math.floor(start / map.indexWidth);
  let below = (index[bucket] as number) - 1;
  let above = index[bucket + 1] as number;
  while (above - below > 1) {
    const middle = (below + above) >>> 1;
    if ((starts[middle * 3] as number) <= start) below = middle;
    else above = middle;
  }
  return below;
}

/**
 * Reads the place where a search will begin and returns something that depends on it. Called for several maps before
 * they are searched, so that the processor waits for all of their memory at once instead of for one after the other.
 */
export function approach(map: PrefixMap, number: Dialled): number {
  const bucket = Math.floor(number.start / map.indexWidth);
  const first = map.index[bucket] as number;
  const last = map.index[bucket + 1] as number;
  return (map.words[first * 6 + 2] ?? 0) | (map.words[((first + last) >>> 1) * 6 + 2] ?? 0);
}

/** The next shorter prefix of the same number; −1 if there is none. */
export function parentOf(map: PrefixMap, entry: number): number {
  return ((map.words[entry * 6 + 2] as number) >>> 4) - 1;
}

export function digitsOf(map: PrefixMap, entry: number): number {
  return (map.words[entry * 6 + 2] as number) & 15;
}

export function valueOf(map: PrefixMap, entry: number): number {
  return map.words[entry * 6 + 3] as number;
}

export function tagOf(map: PrefixMap, entry: number): number {
  return map.words[entry * 6 + 4] as number;
}

export function prefixMapBuffers(map: PrefixMap): ArrayBuffer[] {
  return [map.index.buffer as ArrayBuffer, map.starts.buffer as ArrayBuffer];
}
