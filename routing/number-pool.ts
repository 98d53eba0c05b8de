/**
 * Number pools: numbers, prefixes (`370%`) and words (`anonymous`), matched for lists, drawn from for CallerIDs. A pool
 * is what was built last, and what has changed since: adding a number to ten million does not touch the ten million.
 */
import { countOf, entryAt, folded, LONGEST, matchPacked, PackedBuilder, placeOf } from './packed-numbers.ts';
import type { PackedNumbers } from './packed-numbers.ts';

export interface NumberPool {
  readonly name: string;
  readonly size: number;
  readonly base: PackedNumbers;
  /** Places in `base` that no longer count, ascending. */
  readonly removed: Uint32Array;
  readonly added: PackedNumbers;
}

/** Why this text cannot stand in a pool, or null. A leading `+` or `#`, a `%` at the end, and words are allowed. */
export function poolNumberProblem(text: string): string | null {
  if (text.length === 0) return 'empty';
  if (text.length > LONGEST) return `longer than ${LONGEST} characters`;
  if (text === '%') return '`%` alone would match every number';
  if (/^[+#]?[0-9A-Za-z*#._-]+%?$/.test(text)) return null;
  if (text.slice(0, -1).includes('%')) return 'the `%` of a prefix stands at the end only';
  return 'holds characters that no number or word has';
}

/** As `poolNumberProblem`, for what somebody enters: nothing that could only be meant otherwise. */
export function newPoolNumberProblem(text: string): string | null {
  if (/^\+?\d+-+\+?\d+%?$/.test(text)) return 'no range and no dashes: a pool holds single numbers (`37060000000`) and prefixes (`370600%`)';
  return poolNumberProblem(text);
}

export function packNumbers(numbers: Iterable<string>): PackedNumbers {
  const builder = new PackedBuilder();
  for (const number of numbers) builder.add(number);
  return builder.finish();
}

const NONE = packNumbers([]);

export function poolOf(name: string, base: PackedNumbers): NumberPool {
  return { name, size: countOf(base), base, removed: new Uint32Array(0), added: NONE };
}

export function buildNumberPool(numbers: Iterable<string>, name = 'pool'): NumberPool {
  return poolOf(name, packNumbers(numbers));
}

/** How far the pool is from what was built: the cost of the next change. */
export function driftOf(pool: NumberPool): number {
  return pool.removed.length + countOf(pool.added);
}

/** Where this stands among ascending places, or would stand. */
function rankOf(places: Uint32Array, place: number): number {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((places[middle] as number) < place) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isRemoved({ removed }: NumberPool, place: number): boolean {
  return removed.length > 0 && removed[rankOf(removed, place)] === place;
}

/** Changes by folded number: what stands in the pool now; null: nothing that compares equal. Time grows with the drift, not with the pool. */
export function patchPool(pool: NumberPool, changes: ReadonlyMap<string, string | null>): NumberPool {
  const removed = new Set(pool.removed);
  const added = new Map<string, string>();
  for (const place of pool.added.starts) {
    const entry = entryAt(pool.added, place);
    added.set(folded(entry), entry);
  }
  for (const [key, entry] of changes) {
    const place = placeOf(pool.base, key);
    added.delete(key);
    if (place >= 0 && entry === entryAt(pool.base, place)) {
      removed.delete(place);
      continue;
    }
    if (place >= 0) removed.add(place);
    if (entry !== null) added.set(key, entry);
  }
  return { ...pool, size: countOf(pool.base) - removed.size + added.size, removed: Uint32Array.from(removed).sort(), added: packNumbers(added.values()) };
}

const always = (): boolean => true;

/** Whether the number is in the pool, itself or by a prefix. */
export function isInPool(pool: NumberPool, number: string): boolean {
  if (matchPacked(pool.base, number, (place) => !isRemoved(pool, place)) >= 0) return true;
  return pool.added !== NONE && matchPacked(pool.added, number, always) >= 0;
}

/** The pool's entry that the number falls under, as it was entered: the number itself before prefixes, the longest prefix first; undefined: none. */
export function matchPool(pool: NumberPool, number: string): string | undefined {
  const inBase = matchPacked(pool.base, number, (place) => !isRemoved(pool, place));
  if (pool.added === NONE || (inBase >= 0 && inBase < pool.base.prefixesFrom)) return inBase < 0 ? undefined : entryAt(pool.base, inBase);
  const inAdded = matchPacked(pool.added, number, always);
  if (inAdded < 0) return inBase < 0 ? undefined : entryAt(pool.base, inBase);
  const late = entryAt(pool.added, inAdded);
  if (inBase < 0 || inAdded < pool.added.prefixesFrom) return late;
  const early = entryAt(pool.base, inBase);
  return folded(early).length > folded(late).length ? early : late;
}

/** One of the pool's numbers and words, each as likely as the next; undefined: it holds prefixes only, or nothing. `chance` lies from 0 to below 1. */
export function drawNumber(pool: NumberPool, chance: number): string | undefined {
  const { base, added, removed } = pool;
  const gone = rankOf(removed, base.prefixesFrom);
  const left = base.exact - gone;
  let index = Math.floor(chance * (left + added.exact));
  if (index >= left) return index - left < added.exact ? entryAt(added, added.starts[index - left] as number) : undefined;
  for (let passed = 0; passed < gone && (removed[passed] as number) <= (base.starts[index] as number); passed += 1) index += 1;
  return entryAt(base, base.starts[index] as number);
}
