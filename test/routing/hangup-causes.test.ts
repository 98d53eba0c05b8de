/** The list of hangup causes and its page tell the same, and the page tells what the code does. */
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { failedOutcome, goesOn } from '../../engine/call/outcome.ts';
import type { Attempt } from '../../engine/call/state.ts';
import { hangupCause, HANGUP_CAUSES } from '../../routing/hangup-causes.ts';
import { provider } from '../call/call-builder.ts';

const ROOT = new URL('../../', import.meta.url);
const PAGE = readFileSync(new URL('docs/HANGUP_CAUSES.md', ROOT), 'utf8');

interface Row {
  readonly name: string;
  readonly sentence: string;
  readonly q850: string;
  readonly sip: string;
  readonly raised: string;
  readonly lcr: string;
}

/** Rows of the list: seven columns, the first a number. */
const ROWS: ReadonlyMap<number, Row> = new Map(
  [...PAGE.matchAll(/^\| (\d+) \| `(\w+)` \| (.+?) \| (\d+) \| (\d+) \| (.+?) \| (.+?) \|$/gm)].map(([, code, name = '', sentence = '', q850 = '', sip = '', raised = '', lcr = '']) => [Number(code), { name, sentence, q850, sip, raised, lcr }]),
);

const NOT_YET = 'not raised yet';

test('the page shows every cause of the list as it is, in order', async (t) => {
  for (const [code, cause] of HANGUP_CAUSES) {
    t.match(ROWS.get(code) ?? 'missing', { name: cause.name, sentence: cause.sentence, q850: String(cause.q850), sip: String(cause.sip) }, `${code} ${cause.name}`);
  }
  const codes = [...ROWS.keys()];
  t.same(codes, codes.toSorted((a, b) => a - b));
});

test('the list has every cause of the page', async (t) => {
  t.ok(ROWS.size > 70, `${ROWS.size} rows were read`);
  t.same([...ROWS.keys()].filter((code) => !HANGUP_CAUSES.has(code)), []);
  t.equal(PAGE.match(/^\| \d+ \| `/gm)?.length, ROWS.size, 'no row stands twice or is malformed');
});

test('names are unique, and Asterisk is given causes it knows', async (t) => {
  const names = [...HANGUP_CAUSES.values()].map(({ name }) => name);
  t.equal(new Set(names).size, names.length);
  for (const { code, q850, sip } of HANGUP_CAUSES.values()) t.ok(q850 >= 1 && q850 <= 127 && sip >= 400 && sip < 700, String(code));
});

test('our own causes are answered by the relation of the documents', async (t) => {
  const congestion = [208, 210, 211, 212, 213, 214, 215, 216, 219, 220, 221, 222, 223];
  for (const { code, q850, sip } of [...HANGUP_CAUSES.values()].filter((cause) => cause.code >= 200 && cause.code < 300)) {
    const expected = congestion.includes(code) ? [34, 503] : code === 226 || code === 229 ? [1, 404] : [21, 403];
    t.same([q850, sip], expected, String(code));
  }
});

test('a cause that the list does not know is a normal end', async (t) => {
  t.match(hangupCause(99), { code: 99, name: 'normalUnspecified', q850: 31, sip: 480 });
});

/** Numbers that stand in the code which decides. */
function numbersInCode(): ReadonlySet<number> {
  const files = ['routing', 'routing/lcr', 'engine/call'].flatMap((folder) => readdirSync(new URL(folder, ROOT)).map((name) => `${folder}/${name}`)).filter((path) => path.endsWith('.ts') && !path.endsWith('hangup-causes.ts'));
  const text = [...files, 'store/redis/admit.ts'].map((path) => readFileSync(new URL(path, ROOT), 'utf8').replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, '')).join('\n');
  return new Set([...text.matchAll(/(?<![\w.])[23]\d\d(?![\w.])/g)].map(([number]) => Number(number)));
}

test('the page says of every own cause whether the code raises it', async (t) => {
  const numbers = numbersInCode();
  for (const [code, { raised }] of ROWS) if (code >= 200) t.equal(!raised.startsWith(NOT_YET), numbers.has(code), `${code}: ${raised}`);
});

function goesOnAfter(cause: number, rang: boolean): boolean {
  const moment = { wallMs: 0, monoMs: 0 };
  const attempt: Attempt = { number: 1, way: 0, legId: 'x', started: moment, dialled: moment, rang: rang ? moment : null, ready: true, connecting: true, sipCallId: '', codec: '', fork: null, deviceId: null };
  return goesOn(provider(1), failedOutcome(attempt, { moment, cause, techCause: null, source: 'event' }));
}

test('the page says of every end of a leg whether the LCR goes on', async (t) => {
  for (const [code, { lcr }] of ROWS) {
    if (code >= 200) continue;
    const expected = goesOnAfter(code, false) ? (goesOnAfter(code, true) ? 'goes on' : 'goes on; after ringing stops') : 'stops';
    t.equal(lcr, expected, String(code));
  }
});

test('the page names the checks in their order', async (t) => {
  const order = [...PAGE.matchAll(/^\d+\. .*$/gm)].map(([line]) => line);
  t.ok(order.length > 15);
  const place = (code: number): number => order.findIndex((line) => line.includes(`**${code}**`));
  for (const [before, after] of [[200, 337], [337, 225], [225, 277], [277, 278], [278, 279], [279, 280], [280, 201], [201, 202], [202, 250], [250, 262], [262, 255], [256, 203], [203, 242], [242, 254], [254, 340], [340, 218], [218, 253], [253, 204], [204, 221], [221, 220], [220, 222], [222, 249], [249, 208], [208, 304], [304, 211], [211, 215], [215, 251], [251, 223]] as const) {
    t.ok(place(before) >= 0 && place(before) <= place(after), `${before} is named before ${after}`);
  }
});
