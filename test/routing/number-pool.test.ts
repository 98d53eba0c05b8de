/** Pools of numbers, prefixes and words: what they match, what is drawn from them, and what changes in them. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { buildNumberPool, drawNumber, driftOf, isInPool, matchPool, patchPool, poolNumberProblem } from '../../routing/number-pool.ts';
import type { NumberPool } from '../../routing/number-pool.ts';
import { folded, packedBuffers } from '../../routing/packed-numbers.ts';
import { holds, seededRandom } from './property.ts';

test('a pool holds numbers, prefixes and words', async (t) => {
  const pool = buildNumberPool(['37060000000', '44%', '4420%', 'Anonymous', '#31%', '+49301']);
  t.equal(matchPool(pool, '37060000000'), '37060000000');
  t.equal(matchPool(pool, '370600000001'), undefined, 'a number is no prefix');
  t.equal(matchPool(pool, '3706000000'), undefined);
  t.equal(matchPool(pool, '44'), '44%', 'a prefix matches itself');
  t.equal(matchPool(pool, '4420123'), '4420%', 'the longest prefix');
  t.equal(matchPool(pool, '4'), undefined);
  t.equal(matchPool(pool, 'ANONYMOUS'), 'Anonymous', 'words without regard to case');
  t.equal(matchPool(pool, '#31#370'), '#31%');
  t.equal(matchPool(pool, '49301'), '+49301', 'told as it was entered');
  t.equal(matchPool(pool, '+442'), '44%');
  t.equal(pool.size, 6);
});

test('a number stands before a prefix, whichever came later', async (t) => {
  const late = patchPool(buildNumberPool(['4420%']), new Map([['44201', '44201'], ['44%', '44%']]));
  t.equal(matchPool(late, '44201'), '44201');
  t.equal(matchPool(late, '44202'), '4420%', 'the longer prefix was there first');
  const early = patchPool(buildNumberPool(['44201', '44%']), new Map([['4420%', '4420%']]));
  t.equal(matchPool(early, '44201'), '44201');
  t.equal(matchPool(early, '44202'), '4420%');
});

test('what cannot stand in a pool is told why', async (t) => {
  for (const good of ['370', '+370%', '#31#', 'anonymous', 'Unknown', '370%', 'a.b-c_d', '0B%']) t.equal(poolNumberProblem(good), null, good);
  t.match(poolNumberProblem(''), /empty/);
  t.match(poolNumberProblem('%'), /every number/);
  t.match(poolNumberProblem('+%'), /no number or word/);
  t.match(poolNumberProblem('%370'), /at the end only/);
  t.match(poolNumberProblem('37%0'), /at the end only/);
  t.match(poolNumberProblem('37%%'), /at the end only/);
  t.match(poolNumberProblem('370 1'), /no number or word/);
  t.match(poolNumberProblem('1'.repeat(81)), /longer/);
});

test('texts that no entry can be are simply not there', async (t) => {
  const pool = buildNumberPool(['1'.repeat(80), `${'2'.repeat(79)}%`, '3%']);
  t.equal(matchPool(pool, '1'.repeat(80)), '1'.repeat(80));
  t.equal(matchPool(pool, '1'.repeat(81)), undefined);
  t.equal(matchPool(pool, '2'.repeat(80)), `${'2'.repeat(79)}%`);
  t.equal(matchPool(pool, ''), undefined);
  t.equal(matchPool(pool, '٣'), undefined);
  t.equal(matchPool(pool, '3😀'), undefined);
});

const character = fc.constantFrom('0', '1', 'a', 'A');
const entry = fc.tuple(fc.string({ unit: character, minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([text, prefix, plus]) => `${plus ? '+' : ''}${text}${prefix ? '%' : ''}`);
const text = fc.tuple(fc.string({ unit: character, maxLength: 6 }), fc.boolean()).map(([one, plus]) => (plus ? `+${one}` : one));

/** A look through all entries. */
function naiveMatch(entries: Iterable<string>, number: string): boolean {
  const low = folded(number);
  return [...entries].some((one) => (one.endsWith('%') ? low.startsWith(folded(one).slice(0, -1)) : low === folded(one)));
}

test('a pool finds what a naive look through its entries finds', async (t) => {
  holds(t, fc.property(fc.array(entry, { maxLength: 12 }), text, (entries, number) => {
    const found = matchPool(buildNumberPool(entries), number);
    return (found !== undefined) === naiveMatch(entries, number) && (found === undefined || entries.includes(found));
  }), 500);
});

/** What Postgres holds: of numbers that compare equal one. */
type Held = Map<string, string>;

const change = fc.tuple(entry, fc.boolean());

function changed(pool: NumberPool, held: Held, changes: readonly (readonly [string, boolean])[]): NumberPool {
  const keys = new Set<string>();
  for (const [number, stays] of changes) {
    keys.add(folded(number));
    if (stays) held.set(folded(number), number);
    else held.delete(folded(number));
  }
  return patchPool(pool, new Map([...keys].map((key) => [key, held.get(key) ?? null])));
}

test('after any changes a pool is what it would be if it were built anew', async (t) => {
  holds(t, fc.property(fc.uniqueArray(entry, { maxLength: 12, selector: folded }), fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 5 }), fc.array(text, { maxLength: 8 }), (entries, steps, numbers) => {
    const held: Held = new Map(entries.map((one) => [folded(one), one]));
    let pool = buildNumberPool(entries);
    for (const step of steps) pool = changed(pool, held, step);
    const anew = buildNumberPool(held.values());
    const drawn = new Set(Array.from({ length: 64 }, (_, index) => drawNumber(pool, index / 64)).filter((one) => one !== undefined));
    const numbersHeld = [...held.values()].filter((one) => !one.endsWith('%'));
    return pool.size === anew.size && numbers.every((number) => matchPool(pool, number) === matchPool(anew, number) && isInPool(pool, number) === naiveMatch(held.values(), number))
      && drawn.size === numbersHeld.length && numbersHeld.every((one) => drawn.has(one)) && (steps.length > 0 || driftOf(pool) === 0);
  }), 500);
});

test('each number of a pool is drawn as often as the next, prefixes never', async (t) => {
  const pool = patchPool(buildNumberPool(['1', '2', '3', '4', '5%', '+6']), new Map([['2', null], ['7', '7'], ['8%', '8%']]));
  const random = seededRandom(1);
  const drawn = new Map<string | undefined, number>();
  for (let time = 0; time < 5000; time += 1) {
    const number = drawNumber(pool, random());
    drawn.set(number, (drawn.get(number) ?? 0) + 1);
  }
  t.same(new Set(drawn.keys()), new Set(['1', '3', '4', '+6', '7']));
  for (const [number, times] of drawn) t.ok(times > 850 && times < 1150, `${number} ${times} times of 5000`);
  t.equal(drawNumber(buildNumberPool(['5%']), 0.5), undefined);
  t.equal(drawNumber(buildNumberPool([]), 0), undefined);
});

test('a million entries that compare equal are one, in no time', async (t) => {
  const words = Array.from({ length: 1_000_000 }, (_, index) => Array.from('abcdefghijklmnopqrst', (letter, bit) => ((index >> bit) & 1 ? letter.toUpperCase() : letter)).join(''));
  const pool = buildNumberPool(words);
  t.equal(pool.size, 1);
  t.equal(matchPool(pool, 'ABCDEFGHIJKLMNOPQRST'), 'abcdefghijklmnopqrst');
});

test('a number weighs less than 60 bytes, of twelve digits as of thirty', async (t) => {
  for (const digits of [12, 30]) {
    const { base } = buildNumberPool(Array.from({ length: 100_000 }, (_, index) => String(index).padStart(digits, '3')));
    const bytes = packedBuffers(base).reduce((sum, buffer) => sum + buffer.byteLength, 0) / 100_000;
    t.ok(bytes < 60, `${bytes.toFixed(1)} bytes`);
  }
});
