// Longest prefix match over millions of prefixes, in typed arrays that a thread can hand to another without copying.
//
// Prefixes stand sorted as 15-digit numbers (370 is 370000000000000), a shorter one before a longer one that begins
// with it. The last prefix not above a number is either its longest prefix or has it as an ancestor: so one search
// in a short run of memory, found through an index by leading digits, and mostly no step up.

/** The longest number there is (E.164). */
export const MAX_PREFIX_DIGITS = 15;

const NO_PARENT = 0;
const ENTRY_BYTES = 16;
const POWERS: readonly number[] = Array.from({ length: MAX_PREFIX_DIGITS + 1 }, (_, exponent) => 10 ** exponent);

export interface PrefixMap {
  readonly size: number;
  readonly indexDigits: number;
  /** Of leading digits d: entries index[d] .. index[d + 1] − 1 begin with them. */
  readonly index: Uint32Array;
  /** Entry e: start at [2e]; second half of 16 bytes, see words. */
  readonly starts: Float64Array;
  /** Over the same bytes, entry e: (parent + 1) × 16 + digits at [4e + 2], value at [4e + 3]. */
  readonly words: Uint32Array;
}

/** Up to about 268 million, by the bits that a parent has. */
export const MAX_ENTRIES = 2 ** 28 - 2;

/** A prefix as a number, padded to 15 digits; NaN for anything but 0 to 15 digits. */
export function prefixStart(prefix: string): number {
  if (prefix.length > MAX_PREFIX_DIGITS) return NaN;
  let start = 0;
  for (let at = 0; at < prefix.length; at++) {
    const digit = prefix.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return NaN;
    start = start * 10 + digit;
  }
  return start * (POWERS[MAX_PREFIX_DIGITS - prefix.length] ?? NaN);
}

/** Text of a prefix from its number and length. */
export function prefixText(start: number, digits: number): string {
  return start.toFixed(0).padStart(MAX_PREFIX_DIGITS, '0').slice(0, digits);
}

/** `starts` and `digits` sorted by start, then by digits, without doubles; `values` may be any 32-bit numbers. */
export function buildPrefixMap(starts: Float64Array, digits: Uint8Array, values: Uint32Array): PrefixMap {
  const size = starts.length;
  const buffer = new ArrayBuffer(size * ENTRY_BYTES);
  const map = {
    size,
    indexDigits: Math.min(6, Math.floor(Math.log10(Math.max(size, 1)))),
    starts: new Float64Array(buffer),
    words: new Uint32Array(buffer),
  };
  /** Prefixes that hold the present one, outermost first. */
  const open: number[] = [];
  for (let entry = 0; entry < size; entry++) {
    const start = starts[entry] ?? 0;
    while (open.length > 0 && !holds(starts, digits, open.at(-1) ?? 0, start)) open.pop();
    const parent = open.at(-1);
    map.starts[entry * 2] = start;
    map.words[entry * 4 + 2] = (parent === undefined ? NO_PARENT : parent + 1) * 16 + (digits[entry] ?? 0);
    map.words[entry * 4 + 3] = values[entry] ?? 0;
    open.push(entry);
  }
  return { ...map, index: buildIndex(starts, map.indexDigits) };
}

function holds(starts: Float64Array, digits: Uint8Array, outer: number, start: number): boolean {
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

/** The entry with the longest prefix of the number's leading digits; −1 if it has none. */
export function findPrefix(map: PrefixMap, number: string): number {
  let key = 0;
  let length = 0;
  const most = number.length < MAX_PREFIX_DIGITS ? number.length : MAX_PREFIX_DIGITS;
  for (; length < most; length++) {
    const digit = number.charCodeAt(length) - 48;
    if (digit < 0 || digit > 9) break;
    key = key * 10 + digit;
  }
  key *= POWERS[MAX_PREFIX_DIGITS - length] as number;
  let entry = lastNotAbove(map, key);
  // Up to the first that holds the number; one with more digits than the number has is not its prefix.
  while (entry >= 0) {
    const digits = (map.words[entry * 4 + 2] as number) & 15;
    if (digits <= length && key - (map.starts[entry * 2] as number) < (POWERS[MAX_PREFIX_DIGITS - digits] as number)) return entry;
    entry = parentOf(map, entry);
  }
  return -1;
}

function lastNotAbove(map: PrefixMap, key: number): number {
  const bucket = Math.floor(key / (POWERS[MAX_PREFIX_DIGITS - map.indexDigits] as number));
  let below = (map.index[bucket] as number) - 1;
  let above = map.index[bucket + 1] as number;
  while (above - below > 1) {
    const middle = (below + above) >>> 1;
    if ((map.starts[middle * 2] as number) <= key) below = middle;
    else above = middle;
  }
  return below;
}

/** The next shorter prefix of the same number; −1 if there is none. */
export function parentOf(map: PrefixMap, entry: number): number {
  return ((map.words[entry * 4 + 2] as number) >>> 4) - 1;
}

export function digitsOf(map: PrefixMap, entry: number): number {
  return (map.words[entry * 4 + 2] as number) & 15;
}

export function valueOf(map: PrefixMap, entry: number): number {
  return map.words[entry * 4 + 3] as number;
}

export function prefixMapBuffers(map: PrefixMap): ArrayBuffer[] {
  return [map.index.buffer as ArrayBuffer, map.starts.buffer as ArrayBuffer];
}
