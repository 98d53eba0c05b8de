/** Bad input of routing: a named error when it is entered; a named hangup cause, at once, when a call meets what SQL let in. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { route } from '../../routing/route.ts';
import { readCatalogOnce } from '../../store/catalog/once.ts';
import { importTenant } from '../../store/import/import.ts';
import { ImportError } from '../../store/import/problem.ts';
import type { Report } from '../../store/import/write.ts';
import { SETTINGS } from '../routing/catalog-builder.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';

const folder = await mkdtemp(join(tmpdir(), 'tollgate-bad-'));

t.teardown(async () => {
  await closeServers();
  await rm(folder, { recursive: true, force: true });
});

async function importText(postgresUrl: string, text: string): Promise<Report> {
  await writeFile(join(folder, 'tenant.yaml'), text);
  return importTenant(join(folder, 'tenant.yaml'), { postgresUrl, separators: { separator: ',', decimal: '.' } });
}

async function problemsOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
    return [];
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return error.problems.map(({ line, path, reason }) => `${line} ${path}: ${reason}`);
  }
}

const SOUND = `
tariffs: [{ name: buy, purpose: provider, rates: [{ prefix: 370, rate: 0.1 }] }, { name: sell, purpose: user_wholesale, rates: [{ prefix: 370, rate: 0.2 }] }]
pools: [{ name: bad, numbers: [ 37099% ] }]
providers: [{ name: A, host: 192.0.2.1, tariff: buy }]
lcrs: [{ name: main, providers: [ A ] }]
users: [{ username: alice, tariff: sell, lcr: main, balance: 10, destinationList: { mode: blacklist, pool: bad } }]
devices: [{ endpoint: desk, user: alice, password: x }]
`;

const rules = (...list: string[]): string => `[${list.map((one) => `{ name: r, ${one} }`).join(', ')}]`;
const ofLocation = (...list: string[]): string => `locations: [{ name: L, rules: ${rules(...list)} }]`;
const ofDevice = (...list: string[]): string => `devices: [{ endpoint: desk, user: alice, rules: ${rules(...list)} }]`;
const ofProvider = (...list: string[]): string => `providers: [{ name: A, host: 192.0.2.1, tariff: buy, rules: ${rules(...list)} }]`;

const REFUSED: readonly (readonly [what: string, yaml: string, reason: RegExp])[] = [
  ['a wildcard in the middle of a DID', 'dids: [{ did: 370*88, provider: A }]', /dids\[0\]\.did: "370\*88": a wildcard `\*` stands once, at the end/],
  ['two wildcards', 'dids: [{ did: 370**, provider: A }]', /a wildcard `\*` stands once/],
  ['a wildcard in the middle of a pool number', 'pools: [{ name: p, numbers: [ 37%88 ] }]', /pools\[0\]\.numbers\[0\]: "37%88": the `%` of a prefix stands at the end only/],
  ['a DID that begins with a letter', 'dids: [{ did: A370, provider: A }]', /"A370": a DID begins with a digit/],
  ['a range of DIDs', 'dids: [{ did: 370100-370050, provider: A }]', /"370100-370050": a DID holds only 0-9, a-z, A-Z/],
  ['a range in a pool', 'pools: [{ name: p, numbers: [ 370100-370050 ] }]', /"370100-370050": no range and no dashes: a pool holds single numbers/],
  ['a rule from long to short', ofLocation('cut: 1, minLength: 9, maxLength: 8'), /breaks the rule: min length above max length/],
  ['a source from long to short', ofLocation('applies: combined, cut: 1, sourceMinLength: 9, sourceMaxLength: 8'), /breaks the rule: source min length above source max length/],
  ['a DID active from after till', 'dids: [{ did: 37060, provider: A, activeFrom: 2027-01-01, activeTill: 2026-01-01 }]', /breaks the rule: active from is before active till/],
  ['overlapping rules of a location', ofLocation('cut: 8, add: 370', 'cut: 8, add: 371, minLength: 9, maxLength: 9'), /rules\[1\]: asks for numbers that the rule in line \d+ asks for too/],
  ['overlapping lengths of a device', ofDevice('cut: 8, maxLength: 9', 'cut: 8, minLength: 9'), /devices\[0\]\.rules\[1\]: asks for numbers that the rule in line \d+ asks for too/],
  ['overlapping rules of a provider', ofProvider('add: 1', 'cut: 9', 'add: 2, minLength: 5'), /providers\[0\]\.rules\[2\]: asks for numbers/],
  ['overlapping combined rules', ofLocation('applies: combined, cut: 8, sourceCut: 5, sourceMaxLength: 4', 'applies: combined, cut: 8, sourceCut: 5, sourceMinLength: 4'), /rules\[1\]: asks for numbers/],
  ['an LCR whose providers are forgotten', 'lcrs: [{ name: new, order: price }]', /lcrs\[0\]: `providers` is missing\. An LCR without any refuses every call with 204; write `providers: \[\]`/],
  ['an LCR whose providers are left empty', 'lcrs: [{ name: main, providers: }]', /lcrs\[0\]\.providers: is empty: name the providers, or write `\[\]`/],
  ['a regular expression built to stall by its size', 'devices: [{ endpoint: desk, user: alice, sourceTransformation: "/((((8{9}){9}){9}){9})/1/" }]', /devices\[0\]\.sourceTransformation: .*(?:too large|cannot stall)/],
  ['a regular expression that goes back', 'devices: [{ endpoint: desk, user: alice, sourceTransformation: "/(8)\\\\1/1/" }]', /cannot stall: .*escape/],
];

t.test('each is refused with its place and reason, and nothing is imported', async (t) => {
  const url = await freshDatabase();
  await importText(url, SOUND);
  for (const [what, yaml, reason] of REFUSED) {
    const problems = await problemsOf(importText(url, yaml));
    t.match(problems, [reason], what);
    t.equal(problems.length, 1, `${what}: one problem`);
  }
  const { catalog } = await readCatalogOnce(url, 6);
  t.equal(catalog.dids.byId.size + catalog.locations.size + catalog.lcrs.size, 2, 'the Global location and the LCR of before');
});

const ACCEPTED: readonly (readonly [what: string, yaml: string])[] = [
  ['lengths that are kept apart', ofLocation('cut: 8, maxLength: 8', 'cut: 8, minLength: 9')],
  ['one cut within the other', ofLocation('cut: 8', 'cut: 86')],
  ['one for the destination, one for the source', ofDevice('cut: 8', 'cut: 8, applies: source')],
  ['a combined one beside a plain one', ofLocation('cut: 8', 'applies: combined, cut: 8, sourceCut: 5')],
  ['one that is off', ofLocation('cut: 8', 'cut: 8, minLength: 2, enabled: false')],
  ['an LCR that refuses on purpose', 'lcrs: [{ name: none, providers: [] }]'],
  ['an LCR with a failover provider only', 'lcrs: [{ name: last, failoverProvider: A }]'],
  ['a change of an LCR that is there', 'lcrs: [{ name: main, order: price }]'],
];

t.test('what is only like it comes in', async (t) => {
  const url = await freshDatabase();
  await importText(url, SOUND);
  for (const [what, yaml] of ACCEPTED) t.same(await problemsOf(importText(url, yaml)), [], what);
});

t.test('a pool of a million duplicates is a pool of one', async (t) => {
  const url = await freshDatabase();
  await importText(url, SOUND);
  await writeFile(join(folder, 'numbers.txt'), '37060000001\n'.repeat(1_000_000));
  t.match(await importText(url, 'pools: [{ name: many, file: numbers.txt }]'), { pools: { added: 1 } });
  t.match(await importText(url, 'pools: [{ name: many, file: numbers.txt }]'), { pools: { unchanged: 1 } });
  const { catalog } = await readCatalogOnce(url, 6);
  t.same([...catalog.pools.values()].map(({ name, size }) => [name, size]).filter(([name]) => name === 'many'), [['many', 1]]);
});

interface Met {
  readonly cause: number;
  readonly skipped: readonly string[];
  readonly broken: readonly string[];
}

/** A call of the desk to a number, by what is in Postgres. */
async function call(url: string, dialled: string): Promise<Met> {
  const { catalog, broken } = await readCatalogOnce(url, 6);
  const skipped: string[] = [];
  const context = { catalog, settings: SETTINGS, random: () => 0.5, quality: new Map(), dead: new Set<number>(), talk: new Map(), scores: null };
  const decision = route({ ...context, explain: ({ outcome, detail, cause }) => void (outcome === 'skipped' && skipped.push(`${detail} ${cause}`)) },
    { serverId: 1, endpoint: 'desk', port: null, ip: '', dialled, callerNumber: '37050000001', atMs: Date.now() });
  return { cause: decision.kind === 'refused' ? decision.cause : 0, skipped, broken: broken.map(({ table, reason }) => `${table}: ${reason}`) };
}

/** 40 characters, the longest that can be dialled. */
const LONG = `370${'1'.repeat(37)}`;

/** What SQL lets in, and what a call then meets; 0: it is placed. */
const MET: readonly (readonly [what: string, sql: string, met: { readonly cause: number; readonly skipped?: readonly RegExp[]; readonly broken?: readonly RegExp[] }])[] = [
  ['an LCR without providers', 'delete from lcr_providers', { cause: 204 }],
  ['an LCR whose providers are all off', 'update lcr_providers set active = false', { cause: 204, skipped: [/^A: not active 204$/] }],
  ['an LCR that is not there', 'update users set lcr_id = null', { cause: 204 }],
  ['overlapping rules of a device: the first one serves', `insert into device_rules (device_id, name, cut, add, max_length) select id, 'one', '370', '370', 99 from devices;
    insert into device_rules (device_id, name, cut, add, max_length) select id, 'two', '370', '371', 50 from devices`, { cause: 0 }],
  ['overlapping rules of a location: the first one serves', `insert into location_rules (location_id, name, cut, add, max_length) values (1, 'one', '370', '371', 99), (1, 'two', '370', '370', 50)`, { cause: 203 }],
  ['rules that leave no number', `insert into location_rules (location_id, name, cut) values (1, 'all', '${LONG}')`, { cause: 336 }],
  ['rules that make a number without end', `insert into provider_rules (provider_id, name, add) select id, 'long', repeat('1', 40) from providers`, { cause: 204, skipped: [/^A: its rules make a number of 80 characters 204$/] }],
  ['an expression that stalls others', `update devices set destination_transformation = '/^((1|11)+)+$/0/'`, { cause: 0 }],
  ['an expression too large, of the caller', `update devices set destination_transformation = '/(8?){900}/9/'`, { cause: 200, broken: [/^devices: destination_transformation: the match is too large/] }],
  ['an expression too large, of the provider', `update providers set destination_transformation = '/(8?){900}/9/'`, { cause: 204, skipped: [/^provider \d+: does not exist, or its row is broken 204$/], broken: [/^providers: destination_transformation/] }],
  ['a range in a pool is a word like another', `insert into numbers (pool_id, number) select id, '370100-370050' from number_pools where name = 'bad'`, { cause: 0 }],
  ['a list whose pool is empty', `delete from numbers where pool_id in (select id from number_pools where name = 'bad')`, { cause: 0 }],
];

async function meets(t: Test, url: string, [what, , { cause, skipped = [], broken = [] }]: (typeof MET)[number]): Promise<void> {
  const met = await call(url, LONG);
  t.equal(met.cause, cause, what);
  t.match(met.skipped, skipped, what);
  t.equal(met.skipped.length, skipped.length, what);
  t.match(met.broken, broken, what);
  t.equal(met.broken.length, broken.length, what);
}

t.test('a call that meets it ends with a named cause', async (t) => {
  for (const one of MET) {
    const url = await freshDatabase();
    await importText(url, SOUND);
    const client = await connect(url);
    await client.query(one[1]);
    await meets(t, url, one);
  }
});
