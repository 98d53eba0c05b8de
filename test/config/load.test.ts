import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { loadSettings, SettingsError } from '../../config/load.ts';

const MINIMAL = 'asterisk: [{ id: 1, password: secret }]';
const sample = readFileSync(new URL('../../config/sample.yaml', import.meta.url), 'utf8');

function problems(text: string, env: Record<string, string> = {}): readonly string[] {
  try {
    loadSettings(text, env);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

test('the sample holds every key with its default', async (t) => {
  const minimal = loadSettings(MINIMAL, {});
  const fromSample = loadSettings(sample, {});
  t.same(fromSample, { ...minimal, asterisk: [{ ...minimal.asterisk[0], password: 'CHANGE_ME_ARI_PASSWORD' }] });
  const keys = (value: object, path: string): string[] =>
    Object.entries(value).flatMap(([key, inner]) => (typeof inner === 'object' && inner !== null ? keys(inner, `${path}${key}.`) : [`${path}${key}`]));
  for (const key of keys(minimal, '')) t.match(sample, new RegExp(`^\\s*(- )?${key.split('.').at(-1)}:`, 'm'), `sample.yaml shows ${key}`);
});

test('an unknown key is refused and names the nearest', async (t) => {
  t.same(problems(`${MINIMAL}\ncalls: { providerSilencMs: 5 }`), ['calls.providerSilencMs: there is no such setting; the nearest key is providerSilenceMs']);
  t.same(problems(`${MINIMAL}\npostgresURL: x`), ['postgresURL: there is no such setting; the nearest key is postgresUrl']);
});

test('wrong values are told with their key, all at once, and never shown', async (t) => {
  const told = problems('asterisk: [{ id: 0, password: "" }]\nredisUrl: "http://user:hunter2@x"\ncalls: { priceDecimals: 11, letters: maybe }');
  t.equal(told.length, 5);
  t.match(told.join('\n'), /asterisk\[0\]\.id:/);
  t.match(told.join('\n'), /asterisk\[0\]\.password: is empty/);
  t.match(told.join('\n'), /redisUrl: must be a URL that begins with redis/);
  t.match(told.join('\n'), /calls\.priceDecimals:/);
  t.notMatch(told.join('\n'), /hunter2/);
});

test('the environment stands over the file', async (t) => {
  const settings = loadSettings(MINIMAL, { TOLLGATE_ASTERISK_0_PASSWORD: 'other', TOLLGATE_CALLS_PRICE_DECIMALS: '8', TOLLGATE_CONFIG: 'x', PATH: '/bin' });
  t.equal(settings.asterisk[0]?.password, 'other');
  t.equal(settings.calls.priceDecimals, 8);
  t.equal(loadSettings(MINIMAL, { TOLLGATE_SPYING_ENABLED: 'false' }).spying.enabled, false);
  t.match(problems(MINIMAL, { TOLLGATE_SPYING_ENABLED: 'no' }), [/^spying.enabled/]);
  t.same(problems(MINIMAL, { TOLLGATE_COLOUR: 'red' }), ['TOLLGATE_COLOUR: no setting is set by this variable']);
});

test('what does not fit together is refused', async (t) => {
  t.match(problems('asterisk: [{ id: 1, password: a }, { id: 1, password: b }]'), [/the id 1 stands twice/]);
  t.match(problems(`${MINIMAL}\nreservation: { sliceS: 10, extendBeforeS: 10 }`), [/extendBeforeS/]);
  t.match(problems('asterisk: [\n'), [/./]);
  t.match(problems('- a list'), [/must hold settings/]);
});

test('settings cannot be changed', async (t) => {
  const settings = loadSettings(MINIMAL, {});
  t.throws(() => Object.assign(settings.calls, { letters: 'keep' }));
});

test('docs/CONFIG.md explains every key', async (t) => {
  const page = readFileSync(new URL('../../docs/CONFIG.md', import.meta.url), 'utf8');
  const keys = (value: object, path: string): string[] =>
    Object.entries(value).flatMap(([key, inner]) => {
      if (Array.isArray(inner) && typeof inner[0] === 'object') return keys(inner[0] as object, `${path}${key}[].`);
      return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? keys(inner, `${path}${key}.`) : [`${path}${key}`];
    });
  for (const key of keys(loadSettings(sample, {}), '')) t.ok(page.includes(`\`${key}\``), `CONFIG.md names ${key}`);
});
