/** Several devices of a DID from the tenant file to the catalog, and what is told of wrong ones. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readCatalogOnce } from '../../store/catalog/once.ts';
import { importTenant } from '../../store/import/import.ts';
import { ImportError } from '../../store/import/problem.ts';
import type { Report } from '../../store/import/write.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';

const folder = await mkdtemp(join(tmpdir(), 'tollgate-did-devices-'));

t.teardown(async () => {
  await closeServers();
  await rm(folder, { recursive: true, force: true });
});

const BASE = `
tariffs: [{ name: buy, purpose: provider }]
providers: [{ name: A, host: 192.0.2.1, tariff: buy }]
users: [{ username: alice }, { username: bob }]
devices: [${['a', 'b', 'c'].map((name) => `{ endpoint: ${name}, user: alice, password: x }`).join(', ')}, { endpoint: bobs, user: bob, password: x }]
`;

async function importDids(postgresUrl: string, dids: string): Promise<Report> {
  const file = join(folder, 'tenant.yaml');
  await writeFile(file, `${BASE}dids: [${dids}]\n`);
  return importTenant(file, { postgresUrl, separators: { separator: ',', decimal: '.' } });
}

/** What the DID leads to, in words. */
async function target(postgresUrl: string, did: string): Promise<string> {
  const { catalog, broken } = await readCatalogOnce(postgresUrl, 6);
  t.strictSame(broken, []);
  const found = catalog.dids.exact.get(did);
  return `${found?.status} ${found?.ring} ${found?.deviceIds.map((id) => catalog.devices.get(id)?.endpoint).join(' ')}`;
}

const CHANGES: readonly (readonly [what: string, dids: string, target: string])[] = [
  ['several devices, active at once', '{ did: 4420, provider: A, user: alice, devices: [ b, a ] }', 'active in_turn b a'],
  ['another order, the last one first', '{ did: 4420, provider: A, devices: [ a, c, b ] }', 'active in_turn a c b'],
  ['rotated', '{ did: 4420, provider: A, devices: [ c, b, a ] }', 'active in_turn c b a'],
  ['at once', '{ did: 4420, provider: A, ring: at_once }', 'active at_once c b a'],
  ['in turn again', '{ did: 4420, provider: A, ring: in_turn }', 'active in_turn c b a'],
  ['one fewer', '{ did: 4420, provider: A, devices: [ c, a ] }', 'active in_turn c a'],
  ['both keys left out: they stay', '{ did: 4420, provider: A, callLimit: 3 }', 'active in_turn c a'],
  ['one device alone', '{ did: 4420, provider: A, device: a }', 'active in_turn a'],
  ['all of another user', '{ did: 4420, provider: A, user: bob, devices: [ bobs ] }', 'active in_turn bobs'],
  ['back again', '{ did: 4420, provider: A, user: alice, devices: [ a, b, c ], ring: in_turn }', 'active in_turn a b c'],
  ['none', '{ did: 4420, provider: A, devices: [] }', 'active in_turn '],
  ['some again', '{ did: 4420, provider: A, devices: [ a, b ] }', 'active in_turn a b'],
  ['an empty device', '{ did: 4420, provider: A, device: ~ }', 'active in_turn '],
  ['a target outside instead', '{ did: 4420, provider: A, devices: [], external: SIP/1@sip.example.com }', 'active in_turn '],
];

t.test('the devices of a DID become what the file says, once', async (t) => {
  const url = await freshDatabase();
  for (const [index, [what, dids, expected]] of CHANGES.entries()) {
    t.match((await importDids(url, dids)).dids, index === 0 ? { added: 1 } : { changed: 1, added: 0 }, what);
    t.equal(await target(url, '4420'), expected, what);
    t.match((await importDids(url, dids)).dids, { changed: 0, unchanged: 1 }, `${what}, once more`);
  }
});

const eleven = Array.from({ length: 11 }, (_, index) => `d${index}`).join(', ');

const WRONG: readonly (readonly [what: string, did: string, reason: RegExp])[] = [
  ['device and devices', 'device: a, devices: [ b ]', /^6 dids\[0\]\.devices: is there beside the other of the two: name one device in `device`, or several in `devices`/],
  ['one device twice', 'devices: [ a, b, a ]', /^6 dids\[0\]\.devices\[2\]: "a" is in the list already/],
  ['eleven devices', `devices: [ ${eleven} ]`, /^6 dids\[0\]\.devices: names 11 devices: a DID leads to 10 at most/],
  ['a device that is not there', 'devices: [ a, bogus ]', /^6 dids\[0\]\.devices\[1\]: there is no "bogus" among the devices/],
  ['nothing in the list', 'devices: [ a, ~ ]', /^6 dids\[0\]\.devices\[1\]: is empty/],
  ['a first device of another', 'devices: [ bobs, a ]', /^6 dids\[0\]: .*device_belongs_to_the_user_of_the_did/],
  ['a further device of another', 'devices: [ a, bobs ]', /^6 dids\[0\]: .*further_device_belongs_to_the_user_of_the_did/],
  ['devices and a target outside', 'devices: [ a, b ], external: SIP/1@x', /^6 dids\[0\]: breaks the rule: device or external not both/],
  ['a ring of no kind', 'devices: [ a, b ], ring: at_onse', /^6 dids\[0\]\.ring: "at_onse" is not one of in_turn, at_once\. Did you mean `at_once`/],
  ['a list that is none', 'devices: { a: b }', /^6 dids\[0\]\.devices: must be a list/],
];

t.test('what is wrong is told by its line, and nothing comes in', async (t) => {
  const url = await freshDatabase();
  for (const [what, did, reason] of WRONG) {
    const problems = await importDids(url, `{ did: 4420, provider: A, user: alice, ${did} }`).then(() => ['nothing was wrong'], (error: unknown) => {
      if (!(error instanceof ImportError)) throw error;
      return error.problems.map(({ line, path, reason: why }) => `${line} ${path}: ${why}`);
    });
    t.match(problems, [reason], what);
    if (what !== 'eleven devices') t.equal(problems.length, 1, what);
  }
  const client = await connect(url);
  t.match((await client.query('select count(*)::int as n from dids')).rows, [{ n: 0 }]);
});
