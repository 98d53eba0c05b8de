/**
 * A set of numbers, prefixes and words in three typed arrays: about 30 bytes a number of 12 digits, found with two
 * looks into memory whatever their count, and handed from thread to thread without a copy. An entry is known by its
 * place: where it begins in `texts`.
 */

export interface PackedNumbers {
  /** Numbers and words, then prefixes, each as it was entered: its length, then one byte a character. */
  readonly texts: Uint8Array;
  /** Places of all entries, ascending. */
  readonly starts: Uint32Array;
  /**
   * Hash table of a power of two slots, at most 7 of 10 full: a place plus one (0: empty), then its hash, so
   * that another entry on the way to the right one costs no look into the other columns.
   */
  readonly slots: Uint32Array;
  /** How many entries are numbers or words. */
  readonly exact: number;
  /** Place of the first prefix. */
  readonly prefixesFrom: number;
  /** Lengths of the prefixes without their `%`, ascending. */
  readonly lengths: readonly number[];
}

/** Longest entry, `%` and `+` included; also the longest text that is looked up. */
export const LONGEST = 80;

const PLUS = 43;
const PERCENT = 37;
const HASH_SEED = 0x811c9dc5;

export const countOf = (packed: PackedNumbers): number => packed.starts.length;

/**
 * Words are compared without regard to case: SIP's anonymous caller comes spelled in several ways. A leading + is
 * only one way to write an E.164 number: with it nobody gets out of a list.
 */
export function folded(text: string): string {
  const plain = text.startsWith('+') ? text.slice(1) : text;
  return /[A-Z]/.test(plain) ? plain.toLowerCase() : plain;
}

function foldedByte(byte: number): number {
  return byte >= 65 && byte <= 90 ? byte + 32 : byte;
}

/** FNV-1a. */
function hashed(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/** The end of MurmurHash3: without it numbers that follow each other would stand in one corner. */
function mixed(hash: number): number {
  const once = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35);
  return (twice ^ (twice >>> 16)) >>> 0;
}

/** What is looked up, folded. One for all, as a lookup never waits; a call would leave garbage otherwise. */
const key = new Uint8Array(LONGEST + 1);

/** Length of the folded text; -1: no entry can be so long or have such characters. */
function setKey(text: string): number {
  const from = text.charCodeAt(0) === PLUS ? 1 : 0;
  const length = text.length - from;
  if (length > LONGEST) return -1;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(from + at);
    if (code > 126) return -1;
    key[at] = foldedByte(code);
  }
  return length;
}

function isKey({ texts }: PackedNumbers, place: number, length: number): boolean {
  let at = place + 1;
  const end = at + (texts[place] as number);
  if (texts[at] === PLUS) at += 1;
  if (end - at !== length) return false;
  for (let index = 0; index < length; index += 1) if (foldedByte(texts[at + index] as number) !== key[index]) return false;
  return true;
}

/** Where in `slots` the key stands, or the empty slot where it would stand. */
function findSlot(packed: PackedNumbers, length: number, hash: number): number {
  const { slots } = packed;
  const mask = slots.length - 1;
  const own = mixed(hash);
  for (let slot = (own * 2) & mask; ; slot = (slot + 2) & mask) {
    const entry = slots[slot] as number;
    if (entry === 0 || (slots[slot + 1] === own && isKey(packed, entry - 1, length))) return slot;
  }
}

/** Place of exactly this entry, `370%` being a prefix and `370` a number; -1: it is not there. */
export function placeOf(packed: PackedNumbers, entry: string): number {
  const length = setKey(entry);
  if (length < 0) return -1;
  let hash = HASH_SEED;
  for (let at = 0; at < length; at += 1) hash = hashed(hash, key[at] as number);
  return (packed.slots[findSlot(packed, length, hash)] as number) - 1;
}

/** The entry as it was entered. */
export function entryAt({ texts }: PackedNumbers, place: number): string {
  let entry = '';
  for (let at = 1; at <= (texts[place] as number); at += 1) entry += String.fromCharCode(texts[place + at] as number);
  return entry;
}

/** Place of the number itself, else of the longest prefix it begins with, of those that `counts` accepts; -1: none. */
export function matchPacked(packed: PackedNumbers, number: string, counts: (place: number) => boolean): number {
  const length = setKey(number);
  if (length < 0) return -1;
  const { slots, lengths } = packed;
  let hash = HASH_SEED;
  let longest = -1;
  let next = 0;
  for (let at = 0; at < length; at += 1) {
    hash = hashed(hash, key[at] as number);
    if (lengths[next] !== at + 1) continue;
    next += 1;
    const after = key[at + 1] as number;
    key[at + 1] = PERCENT;
    const place = (slots[findSlot(packed, at + 2, hashed(hash, PERCENT))] as number) - 1;
    key[at + 1] = after;
    if (place >= 0 && counts(place)) longest = place;
  }
  const exact = (slots[findSlot(packed, length, hash)] as number) - 1;
  return exact >= 0 && counts(exact) ? exact : longest;
}

/** What a thread that builds one hands over without a copy. */
export function packedBuffers({ texts, starts, slots }: PackedNumbers): ArrayBuffer[] {
  return [texts.buffer as ArrayBuffer, starts.buffer as ArrayBuffer, slots.buffer as ArrayBuffer];
}

export class PackedBuilder {
  #texts = new Uint8Array(1024);
  #end = 0;
  #starts = new Uint32Array(128);
  #count = 0;
  readonly #prefixes: string[] = [];

  /** An entry without a problem (`poolNumberProblem`), in any order; the same one may come again. */
  add(entry: string): void {
    if (entry.endsWith('%')) this.#prefixes.push(entry);
    else this.#append(entry);
  }

  #append(entry: string): void {
    if (this.#end + 1 + entry.length > this.#texts.length) {
      const more = new Uint8Array(this.#texts.length * 2);
      more.set(this.#texts);
      this.#texts = more;
    }
    if (this.#count === this.#starts.length) {
      const more = new Uint32Array(this.#starts.length * 2);
      more.set(this.#starts);
      this.#starts = more;
    }
    this.#starts[this.#count] = this.#end;
    this.#count += 1;
    this.#texts[this.#end] = entry.length;
    for (let at = 0; at < entry.length; at += 1) this.#texts[this.#end + 1 + at] = entry.charCodeAt(at);
    this.#end += 1 + entry.length;
  }

  /** Of entries that compare equal the first one stays. */
  finish(): PackedNumbers {
    const numbers = this.#count;
    for (const prefix of this.#prefixes) this.#append(prefix);
    const [texts, starts] = [this.#texts, this.#starts];
    const slots = new Uint32Array(2 * 2 ** Math.max(2, Math.ceil(Math.log2((this.#count + 1) / 0.7))));
    const packed: PackedNumbers = { texts, starts, slots, exact: 0, prefixesFrom: 0, lengths: [] };
    let [kept, end, exact, prefixesFrom] = [0, 0, 0, 0];
    const lengths = new Set<number>();
    for (let index = 0; index < this.#count; index += 1) {
      const place = starts[index] as number;
      const till = place + 1 + (texts[place] as number);
      const { slot, hash, length } = slotFor(packed, place, till);
      if (slots[slot] !== 0) continue;
      // Entries move down over those that are left out.
      texts.copyWithin(end, place, till);
      slots[slot] = end + 1;
      slots[slot + 1] = hash;
      starts[kept] = end;
      kept += 1;
      end += till - place;
      if (index < numbers) [exact, prefixesFrom] = [kept, end];
      else lengths.add(length - 1);
    }
    return { texts: texts.slice(0, end), starts: starts.slice(0, kept), slots, exact, prefixesFrom, lengths: [...lengths].sort((a, b) => a - b) };
  }
}

/** Where the entry that stands there belongs. */
function slotFor(packed: PackedNumbers, place: number, till: number): { readonly slot: number; readonly hash: number; readonly length: number } {
  const start = packed.texts[place + 1] === PLUS ? place + 2 : place + 1;
  let hash = HASH_SEED;
  for (let at = start; at < till; at += 1) {
    const byte = foldedByte(packed.texts[at] as number);
    key[at - start] = byte;
    hash = hashed(hash, byte);
  }
  return { slot: findSlot(packed, till - start, hash), hash: mixed(hash), length: till - start };
}
