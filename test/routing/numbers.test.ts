/** From hostile text to a number that can be looked up: cleaning. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { dialledNumber, sourceNumber } from '../../routing/number.ts';
import type { NumberRules } from '../../routing/number.ts';
import { holds } from './property.ts';

const rulesOf = (letters: NumberRules['letters']): NumberRules => ({ letters, maxLength: 40 });

/** Text as SIP callers send it: any Unicode, and what would mean more than a number somewhere. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('0', '1', '7', 'a', 'Z', '+', '*', '#', '-', '.', '_', ' ', '%', ';', '@', '/', '&', '"', '\'', '\\', '\r', '\n', '\0', '\u202e', '\ud800', '٣', '７', '😀'), maxLength: 60 }),
);

test('no text yields a number with a character that means something elsewhere', async (t) => {
  holds(t, fc.property(hostile, fc.constantFrom<NumberRules['letters']>('refuse', 'clean', 'keep'), (text, letters) => {
    const dialled = dialledNumber(text, rulesOf(letters));
    if (!dialled.ok) return [207, 336].includes(dialled.cause) && dialled.why !== '';
    const allowed = letters === 'keep' ? /^\+?[0-9A-Za-z*#]+$/ : /^\+?[0-9*#]+$/;
    return allowed.test(dialled.number) && dialled.number.length <= 40 && (dialled.number === text || letters === 'clean');
  }), 500);
});

test('whatever the caller sends as his own number is plain, bounded and never empty', async (t) => {
  holds(t, fc.property(hostile, (text) => /^[0-9A-Za-z+*#._-]{1,40}$/.test(sourceNumber(text, 40))), 300);
});

const DIALLED: readonly (readonly [string, NumberRules['letters'], string | number])[] = [
  ['37060000000', 'refuse', '37060000000'],
  ['+37060000000', 'refuse', '+37060000000'],
  ['*98', 'refuse', '*98'],
  ['#31#37060000000', 'refuse', '#31#37060000000'],
  ['', 'keep', 336],
  ['s', 'keep', 336],
  ['+', 'keep', 207],
  ['++370', 'keep', 207],
  ['370+60', 'keep', 207],
  ['370 600', 'keep', 207],
  ['370-600', 'keep', 207],
  ['370%', 'keep', 207],
  ['370;ext=5', 'keep', 207],
  ['370\n', 'keep', 207],
  ['\'; drop table calls; --', 'keep', 207],
  ['٣٧٠', 'keep', 207],
  ['０', 'keep', 207],
  ['0B69847249887528', 'keep', '0B69847249887528'],
  ['0B69847249887528', 'clean', '069847249887528'],
  ['0B69847249887528', 'refuse', 207],
  ['alice', 'keep', 'alice'],
  ['alice', 'clean', 336],
  ['+abc', 'clean', 336],
  ['S', 'clean', 336],
  ['1'.repeat(40), 'refuse', '1'.repeat(40)],
  ['1'.repeat(41), 'refuse', 207],
];

for (const [text, letters, expected] of DIALLED) {
  test(`${JSON.stringify(text).slice(0, 30)} is ${typeof expected === 'number' ? `refused with ${expected}` : 'dialled'} where letters are ${letters === 'keep' ? 'kept' : letters === 'clean' ? 'cut' : 'refused'}`, async (t) => {
    const dialled = dialledNumber(text, rulesOf(letters));
    t.equal(dialled.ok ? dialled.number : dialled.cause, expected);
  });
}

test('a caller without a number is anonymous', async (t) => {
  for (const text of ['', ' ', '"<>"', '😀']) t.equal(sourceNumber(text, 40), 'anonymous');
  t.equal(sourceNumber('+370 (5) 000-000', 40), '+3705000-000');
  t.equal(sourceNumber('9'.repeat(99), 40).length, 40);
});
