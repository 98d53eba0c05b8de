/** Transformations of numbers: the old form, the new one, what is refused when entered, and that nothing stalls. */
import { performance } from 'node:perf_hooks';
import * as fc from 'fast-check';
import { test } from 'tap';
import { holds } from '../rating/holds.ts';
import { parseTransformation, TransformationError, transformSource } from '../../routing/transform.ts';
import type { Transformation } from '../../routing/transform.ts';
import { compilePattern } from '../../store/pattern.ts';
import { device, given, location, ownRule, provider, rule } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';

function transformation(text: string): Transformation {
  const parsed = parseTransformation(text, compilePattern);
  if (parsed === null) throw new Error('It is empty.');
  return parsed;
}

const TRANSFORMED: readonly (readonly [text: string, number: string, made: string])[] = [
  // The page's examples.
  ['00', '86123456789', '0086123456789'],
  ['-\\+', '+86123456789', '86123456789'],
  ['-00', '003706123456789', '3706123456789'],
  ['-0+\\+', '03706123456789', '+3706123456789'],
  ['-8+370', '86123456789', '3706123456789'],
  ['-9+370', '86123456789', '86123456789'],
  // The first that matches serves, and no other.
  ['-00|-0+370', '0037060', '37060'],
  ['-00|-0+370', '0860', '370860'],
  ['-00+8|-8+9', '008', '88'],
  ['-8+370|\\+', '861', '37061'],
  ['-8+370|\\+', '961', '+961'],
  ['-*31#', '*31#370', '370'],
  ['-86', '86', ''],
  ['00', 'anonymous', 'anonymous'],
  ['-anonymous+370', 'anonymous', '370'],
  // Regular expressions.
  ['/^8/370/', '86123', '3706123'],
  ['/^8(6[0-9]*)$/370\\1/', '86123', '3706123'],
  ['/^8(6[0-9]*)$/370\\1/', '852', '852'],
  ['/^([0-9]{2})([0-9]+)/\\2\\1#\\0/', '12345', '34512#12345'],
  ['/^\\+//', '+370', '370'],
  ['/^/\\+/', '370', '+370'],
  ['/1/2/', '1131', '2131'],
  ['/1/2/g', '1131', '2232'],
  ['/ABC/9/i', 'xabcx', 'x9x'],
  ['/abc/9/', 'xABCx', 'xABCx'],
  ['/a|ab|abc/9/', 'abcd', '9d'],
  ['/(a)?b/\\1c/', 'b', 'c'],
  ['/[[:digit:]]+/9/', 'a123b', 'a9b'],
  ['/$/9/', '370', '3709'],
  ['/^.*$//', '370', ''],
  ['/x\\/y/9/', '370', '370'],
];

for (const [text, number, made] of TRANSFORMED) {
  test(`${text} makes ${made || 'nothing'} of ${number}`, async (t) => {
    t.equal(transformation(text).apply(number), made);
  });
}

test('no transformation is none', async (t) => {
  t.equal(parseTransformation('', compilePattern), null);
  t.equal(transformSource(null, '370'), '370');
});

test('a caller of whom nothing is left is anonymous', async (t) => {
  t.equal(transformSource(transformation('-86'), '86'), 'anonymous');
});

const REFUSED: readonly (readonly [text: string, reason: RegExp])[] = [
  ['-', /cuts nothing; to add only, write what to add without `-`/],
  ['-+370', /cuts nothing/],
  ['-8+', /nothing stands behind the `\+`/],
  ['00|', /a rule is empty/],
  ['|', /a rule is empty/],
  ['+370', /a plus written `\\\+`/],
  ['37+0', /a plus written/],
  ['-8+3+7', /a plus written/],
  ['-8-9', /nothing to cut/],
  ['3 70', /nothing to add/],
  ['00|-8+370', /rule 2 is never used: one before it serves every number/],
  ['-0|-00', /rule 2 is never used: one before it serves all that begins with 0; put the more special rule first/],
  ['-8|-8+370', /rule 2 is never used/],
  ['1'.repeat(256), /at most 255 characters, not 256/],
  ['/', /three slashes/],
  ['/8/370', /three slashes/],
  ['/8/370//', /three slashes/],
  ['//370/', /the match is empty/],
  ['/8/370/x', /flags "x" are not known/],
  ['/8/370/gg', /flags "gg" are not known/],
  ['/8/3 7/', /the replacement holds " 7"/],
  ['/8/$&/', /the replacement holds "\$&"/],
  ['/8/3\\/7/', /the replacement holds "\\\\\/"/],
  ['/8/\\1/', /names group 1, but the match has none/],
  ['/(8)/\\2/', /names group 2, but the match has only 1/],
  ['/(8/9/', /no regular expression .* missing closing \)/],
  ['/[8/9/', /missing closing \]/],
  ['/*/9/', /missing argument to repetition operator/],
  ['/8{1001}/9/', /invalid repeat count/],
  ['/(8)\\1/9/', /invalid escape sequence/],
  ['/(?=8)/9/', /invalid or unsupported/],
  ['/(?:8?){900}/9/', /too large: \d+ steps of at most 500/],
];

for (const [text, reason] of REFUSED) {
  test(`${text.slice(0, 20)} is refused when entered`, async (t) => {
    t.throws(() => parseTransformation(text, compilePattern), { name: 'TransformationError', message: reason });
  });
}

const character = fc.constantFrom('0', '1', '9', 'a', '+', '\\', '-', '|', '/', '(', ')', '[', ']', '*', '?', '{', '}', ',', '.', '^', '$', '#', ' ', '\n', '😀');
const number = fc.string({ unit: fc.constantFrom('0', '1', '8', '9', 'a', 'Z', '*', '#'), minLength: 1, maxLength: 40 });

test('whatever text is entered, it is refused with a reason or makes numbers of numbers', async (t) => {
  const texts = fc.oneof(fc.string({ unit: character, maxLength: 20 }), fc.string({ unit: character, maxLength: 12 }).map((text) => `/${text}/\\+9/g`), fc.string({ unit: fc.constantFrom('-', '+', '|', '0', '8', '\\+'), maxLength: 12 }));
  holds(t, fc.property(texts, number, (text, dialled) => {
    try {
      const made = parseTransformation(text, compilePattern)?.apply(dialled) ?? dialled;
      return /^[0-9A-Za-z*#+]*$/.test(made);
    } catch (error) {
      return error instanceof TransformationError && error.message.length > 10;
    }
  }), 2000);
});

const written = ({ cut, add }: { cut: string; add: string }): string => (cut === '' ? '' : `-${cut.replaceAll('+', '\\+')}${add === '' ? '' : '+'}`) + add.replaceAll('+', '\\+');

test('the old form does what a naive reading of the page does', async (t) => {
  const part = fc.string({ unit: fc.constantFrom('0', '8', '+'), minLength: 1, maxLength: 3 });
  const one = fc.record({ cut: fc.option(part, { nil: '' }), add: fc.option(part, { nil: '' }) }).filter(({ cut, add }) => cut !== '' || add !== '');
  holds(t, fc.property(fc.array(one, { minLength: 1, maxLength: 4 }), fc.string({ unit: fc.constantFrom('0', '8', '+'), minLength: 1, maxLength: 6 }), (rules, dialled) => {
    const naive = rules.find(({ cut }) => dialled.startsWith(cut));
    const expected = naive === undefined ? dialled : naive.add + dialled.slice(naive.cut.length);
    try {
      return transformation(rules.map((rule) => written(rule)).join('|')).apply(dialled) === expected;
    } catch (error) {
      // Only a rule that could never serve is refused.
      return error instanceof TransformationError && rules.some(({ cut }, index) => rules.slice(0, index).some((before) => cut.startsWith(before.cut)));
    }
  }), 500);
});

/** Each of them takes the language's own engine hours, or longer. */
const STALLING = ['^(1+)+$', '^(1|1)*$', '^(1*)*2', '^(([0-9])+.)+([A-Z]([0-9])+)+$', '(.*)(.*)(.*)(.*)(.*)(.*)(.*)2', '^(1?){60}1{60}$', '((1?){9}){9}2?$', '(1|11|111)+(1|11)+2$'];

for (const match of STALLING) {
  test(`/${match}/ stalls nothing`, async (t) => {
    const { apply } = transformation(`/${match}/9/g`);
    const longest = `${'1'.repeat(78)}!`;
    const since = performance.now();
    for (let run = 0; run < 20; run += 1) apply(longest);
    const tookMs = (performance.now() - since) / 20;
    t.ok(tookMs < 50, `${tookMs.toFixed(2)} ms a number`);
  });
}

test('of a device it comes before its rules, of a provider after them', async (t) => {
  const parts = {
    devices: [device(41, 5, { endpoint: 'desk', destinationTransformation: transformation('-9+0'), sourceTransformation: transformation('/^1(..)$/0\\1/'), rules: [ownRule('0', '8'), ownRule('0', '85', { applies: 'source' })] })],
    locations: [location(1, rule('8', '370'), rule('8', '370', { applies: 'source' }))],
    providers: [provider(11, '0.3', { rules: [ownRule('370', '8'), ownRule('370', '8', { applies: 'source' })], destinationTransformation: transformation('-86+7|00'), sourceTransformation: transformation('/^8/\\+7/') })],
  };
  const { plan, steps } = given(parts).whenDeviceCalls('961234567', { callerNumber: '101' });
  t.match(plan.parties, { dst: '961234567', localizedDst: '37061234567', src: '370501' });
  t.match(plan.ways[0], { number: '71234567', callerIdNumber: '+7501', callerIdName: null });
  t.match(steps.filter(({ check }) => check === 'transformation').map(({ detail }) => detail), ['961234567 -> 061234567 by -9+0', 'caller 101 -> 001 by /^1(..)$/0\\1/']);
  t.equal(given(parts).whenDeviceCalls('952345678').plan.ways[0]?.number, '00852345678');
});

const desk = (text: string): Given => ({ devices: [device(41, 5, { endpoint: 'desk', destinationTransformation: transformation(text) })] });

test('a transformation that leaves nothing, or too much, of the number is refused', async () => {
  given(desk('/.*//')).whenDeviceCalls('37060000000').refusedWith(336);
  given(desk('/.*/\\0\\0\\0\\0/')).whenDeviceCalls('37060000000').refusedWith(207);
});
