import { array, constantFrom, integer, property, stringMatching, uniqueArray } from 'fast-check';
import t from 'tap';
import { approach, buildPrefixMap, dialled, digitsOf, findPrefix, parentOf, prefixMapBuffers, prefixStart, prefixText, tagOf, valueOf } from '../../rating/prefix-map.ts';
import type { PrefixMap } from '../../rating/prefix-map.ts';
import { holds } from './holds.ts';

/** Values count from 0 in the order of the prefixes given, tags from 1000. */
function mapOf(prefixes: readonly string[]): PrefixMap {
  const sorted = prefixes.map((prefix, place) => ({ prefix, place })).sort((a, b) => prefixStart(a.prefix) - prefixStart(b.prefix) || a.prefix.length - b.prefix.length);
  return buildPrefixMap({
    starts: Float64Array.from(sorted, ({ prefix }) => prefixStart(prefix)), digits: Uint8Array.from(sorted, ({ prefix }) => prefix.length),
    values: Uint32Array.from(sorted, ({ place }) => place), tags: Uint32Array.from(sorted, ({ place }) => 1000 + place),
  });
}

/** All prefixes of the number that the map finds, longest first. */
function chain(map: PrefixMap, prefixes: readonly string[], number: string): string[] {
  const found: string[] = [];
  for (let entry = findPrefix(map, dialled(number)); entry >= 0; entry = parentOf(map, entry)) {
    const prefix = prefixes[valueOf(map, entry)] ?? '?';
    found.push(digitsOf(map, entry) === prefix.length && tagOf(map, entry) === 1000 + valueOf(map, entry) ? prefix : `${prefix} with wrong digits or tag`);
  }
  return found;
}

function naive(prefixes: readonly string[], number: string): string[] {
  return prefixes.filter((prefix) => number.startsWith(prefix)).sort((a, b) => b.length - a.length);
}

/** Few digits, so that prefixes lie within, beside and at the edges of each other. */
const PREFIX = constantFrom(/^[019]{0,3}$/, /^[019]{6,9}$/, /^0[09]{13,14}$/, /^\d{1,4}$/).chain((form) => stringMatching(form));
const PREFIXES = uniqueArray(PREFIX, { maxLength: 60 });

t.test('the prefixes of a number, longest first, are those that it begins with', (t) => {
  holds(t, property(PREFIXES, array(stringMatching(/^[019]{0,18}$/), { maxLength: 20 }), (prefixes, numbers) => {
    const map = mapOf(prefixes);
    for (const number of [...numbers, ...prefixes, ...prefixes.map((prefix) => `${prefix}5`), ...prefixes.map((prefix) => prefix.slice(0, -1))]) {
      if (chain(map, prefixes, number).join(' ') !== naive(prefixes, number).join(' ')) return false;
    }
    return true;
  }), 500);
  t.end();
});

t.test('in lists of any size, that is with any number of leading digits in the index', (t) => {
  for (const size of [1, 9, 10, 11, 99, 100, 1000, 20_000]) {
    const prefixes = Array.from({ length: size }, (_, place) => String(place * 7).padStart(place % 2 === 0 ? 6 : 9, '3'));
    const map = mapOf(prefixes);
    for (const prefix of [...prefixes.slice(0, 300), ...prefixes.slice(-300)]) {
      const number = `${prefix}4`;
      if (chain(map, prefixes, number)[0] !== naive(prefixes, number)[0]) t.fail(`${number} in a list of ${size}`);
    }
    t.ok(map.size >= size && map.index.length <= Math.max(2, map.size + 1), `${size} prefixes, and no more index than entries`);
  }
  t.end();
});

t.test('the longest prefixes and the edges of all numbers', (t) => {
  const prefixes = ['', '0', '000000000000000', '000000000000001', '9', '999999999999999', '99999999999999', '3706', '370', '37060'];
  const map = mapOf(prefixes);
  for (const number of ['0', '000000000000000', '000000000000001', '000000000000002', '0000000000000019', '999999999999999', '999999999999998', '99999999999998', '9', '5', '', '37', '3706', '37061', '37060', '3707']) {
    t.strictSame(chain(map, prefixes, number), naive(prefixes, number), JSON.stringify(number));
  }
  t.end();
});

t.test('a prefix between two longer ones that reach its end leaves no gap behind', (t) => {
  const map = mapOf(['37', '370', '379']);
  t.equal(map.size, 5, 'three prefixes; behind 370 and behind 37 goes on what is outside');
  t.equal(mapOf(['3', '39', '399', '3999']).size, 5, 'they end together: one gap');
  t.equal(mapOf(['3', '4']).size, 3, 'they are adjacent: a gap behind the last');
  t.end();
});

t.test('parents of long prefixes are found by their digits, the ones behind the seventh too', (t) => {
  const prefixes = ['37061234', '370612345', '3706123456789', '37061234567891', '3706123'];
  t.strictSame(chain(mapOf(prefixes), prefixes, '370612345678912'), ['37061234567891', '3706123456789', '370612345', '37061234', '3706123']);
  t.strictSame(chain(mapOf(prefixes), prefixes, '370612345999'), ['370612345', '37061234', '3706123']);
  t.end();
});

t.test('only the digits at the beginning of a number count', (t) => {
  const prefixes = ['370', '3'];
  const map = mapOf(prefixes);
  t.strictSame(chain(map, prefixes, '370x'), ['370', '3']);
  t.strictSame(chain(map, prefixes, '37x0'), ['3']);
  t.strictSame(chain(map, prefixes, '3:0'), ['3'], 'the character behind 9');
  t.strictSame(chain(map, prefixes, '3/0'), ['3'], 'the character before 0');
  t.strictSame(chain(map, prefixes, 'x370'), []);
  t.match(dialled('1234567890123456'), { high: 1_234_567, low: 89_012_345, digits: 15 });
  t.match(dialled('12'), { high: 1_200_000, low: 0, digits: 2 });
  t.match(dialled('12345678'), { high: 1_234_567, low: 80_000_000, digits: 8 });
  t.end();
});

t.test('prefixes as numbers, and back', (t) => {
  for (const wrong of ['1234567890123456', '37x', '+370', ' 370', '٣٧٠']) t.ok(Number.isNaN(prefixStart(wrong)), wrong);
  holds(t, property(stringMatching(/^\d{0,15}$/), (prefix) => prefixText(prefixStart(prefix), prefix.length) === prefix));
  t.end();
});

t.test('approaching a place in memory changes nothing and always gives a number', (t) => {
  holds(t, property(PREFIXES, integer({ min: 0, max: 999_999 }), (prefixes, number) => Number.isInteger(approach(mapOf(prefixes), dialled(String(number))))));
  t.equal(Number.isInteger(approach(mapOf([]), dialled('370'))), true);
  t.end();
});

t.test('all of a map lies in the buffers that are handed over', (t) => {
  const map = mapOf(['370', '3706']);
  const there = structuredClone(map, { transfer: prefixMapBuffers(map) });
  t.equal(map.index.length + map.entries.length, 0);
  t.equal(valueOf(there, findPrefix(there, dialled('3706'))), 1);
  t.end();
});
