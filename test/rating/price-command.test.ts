import { Readable, Writable } from 'node:stream';
import t from 'tap';
import { MAX_LINE_BYTES, priceCommand } from '../../cli/price.ts';

/** What the command answers, line by line. */
async function answersTo(input: AsyncIterable<string> | Readable): Promise<unknown[]> {
  let text = '';
  const output = new Writable({
    decodeStrings: false,
    write(chunk: string | Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await priceCommand(input, output);
  t.equal(output.writableEnded, false, 'the output stays open');
  return text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
}

const lines = (...values: unknown[]): Readable => Readable.from([values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join('\n')]);
const STEPS = [{ fromS: 0, durationS: 60, type: 'minute', rate: '0.1', perS: 60, roundByS: 1 }];

t.test('a line is answered with billed seconds and price, or with the longest call', async (t) => {
  t.strictSame(
    await answersTo(
      lines(
        { id: 'a', connectionFee: '0', steps: STEPS, minTimeS: 0, graceS: 0, durationS: 65 },
        { id: 'b', connectionFee: '0', steps: STEPS, minTimeS: 0, graceS: 0, afford: '1.50' },
        { id: 3, ratePerMinute: '0.1', incrementS: 1, durationS: 65 },
        { ratePerMinute: '0.1', incrementS: 60, durationS: 65, priceDecimals: 2 },
        { id: 'free', ratePerMinute: '0', afford: '0', capS: 3600 },
        { id: 'poor', ratePerMinute: '1', afford: '0.001' },
      ),
    ),
    [
      { id: 'a', billedS: 65, price: '0.108333' },
      { id: 'b', longestS: 900, price: '1.500000' },
      { id: 3, billedS: 65, price: '0.108333' },
      { id: null, billedS: 120, price: '0.20' },
      { id: 'free', longestS: 3600, price: '0.000000' },
      { id: 'poor', longestS: 0, price: '0.000000' },
    ],
  );
});

t.test('a bad line is answered with an error that names the field, and the others go on', async (t) => {
  const answers = await answersTo(
    lines(
      '{"id":1,', '[]', '7', { id: {}, ratePerMinute: '1', durationS: 1 }, { id: 5, ratePerMinute: '0,1', durationS: 1 }, { id: 6, ratePerMinute: '0.1', durationS: -1 },
      { id: 7, ratePerMinute: '0.1', durationS: 1.5 }, { id: 8, ratePerMinute: '0.1' }, { id: 9, ratePerMinute: '0.1', durationS: 1, afford: '1' }, { id: 10, ratePerMinute: '0.1', afford: 1 },
      { id: 11, ratePerMinute: '0.1', incrementS: 0, durationS: 1 }, { id: 12, steps: [{ ...STEPS[0], fromS: 5 }], durationS: 1 }, { id: 13, ratePerMinute: '0.1', duration: 1 },
      { id: 14, ratePerMinute: '0.1', durationS: '65' }, '', '   ', { id: 'last', ratePerMinute: '0.6', durationS: 1 },
    ),
  );
  const errors: [unknown, RegExp][] = [
    [null, /^Line 1 is not JSON/], [null, /^Line 2 is not a JSON object/], [null, /^Line 3/], [null, /^id:/], [5, /^ratePerMinute: .*comma/], [6, /^durationS: .*below 0/], [7, /^durationS: .*whole/],
    [8, /^durationS: .*missing/], [9, /^afford:/], [10, /^afford: .*text/], [11, /roundByS: .*at least 1/], [12, /^steps\[0\]\.fromS: .*no price/], [13, /^duration: no such field/], [14, /^durationS: a number/],
  ];
  errors.forEach(([id, error], at) => t.match(answers[at], { id, error }));
  t.strictSame(answers.slice(errors.length), [{ id: 'last', billedS: 1, price: '0.010000' }]);
});

t.test('lines may be cut anywhere, also within a letter; the last needs no line feed', async (t) => {
  const text = ['ą', 'č', 'ę', 'ė'].map((letter, at) => JSON.stringify({ id: `${letter}${at}`, ratePerMinute: '0.6', durationS: at })).join('\r\n');
  const bytes = Buffer.from(text);
  for (const size of [1, 2, 3, 7, 1000]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, at * size + size));
    const answers = (await answersTo(Readable.from(chunks))) as { id: string; price: string }[];
    t.strictSame(answers.map(({ id, price }) => `${id} ${price}`), ['ą0 0.000000', 'č1 0.010000', 'ę2 0.020000', 'ė3 0.030000'], `chunks of ${size} bytes`);
  }
});

t.test('a line in another encoding is an error line', async (t) => {
  const answers = await answersTo(Readable.from([Buffer.concat([Buffer.from('{"id":"'), Buffer.from([0xe0, 0x22]), Buffer.from('}\n')]), Buffer.from('{"id":1,"ratePerMinute":"1","durationS":60}')]));
  t.strictSame(answers, [{ id: null, error: 'Line 1 is not UTF-8 text.' }, { id: 1, billedS: 60, price: '1.000000' }]);
});

t.test('a line of 64 MB is not kept in memory; the next one is answered', async (t) => {
  const block = 'x'.repeat(65_536);
  async function* input(): AsyncGenerator<string> {
    yield* Array.from({ length: 1024 }, () => block);
    yield '\n{"id":2,"ratePerMinute":"1","durationS":60}\n';
    yield 'y'.repeat(MAX_LINE_BYTES + 1);
  }
  t.strictSame(await answersTo(input()), [
    { id: null, error: `Line 1 is longer than ${MAX_LINE_BYTES} bytes.` }, { id: 2, billedS: 60, price: '1.000000' }, { id: null, error: `Line 3 is longer than ${MAX_LINE_BYTES} bytes.` },
  ]);
});

async function* twentyThousand(): AsyncGenerator<string> {
  for (let id = 0; id < 20_000; id++) yield `{"id":${id},"ratePerMinute":"0.6","durationS":${id}}\n`;
}

t.test('many lines come back in their order', async (t) => {
  const answers = (await answersTo(twentyThousand())) as { id: number; billedS: number }[];
  t.equal(answers.length, 20_000);
  t.ok(answers.every(({ id, billedS }, at) => id === at && billedS === at));
});

const broken = (code: string): Writable => new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });

t.test('a reader who has seen enough ends the command quietly; another broken output does not', async (t) => {
  await priceCommand(lines({ id: 1, ratePerMinute: '1', durationS: 1 }), broken('EPIPE'));
  await t.rejects(priceCommand(lines({ id: 1, ratePerMinute: '1', durationS: 1 }), broken('ENOSPC')), { code: 'ENOSPC' });
});
