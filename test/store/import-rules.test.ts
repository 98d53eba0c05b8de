/** Rules about numbers from the tenant file to the catalog, and what is told of wrong ones. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readCatalogOnce } from '../../store/catalog/once.ts';
import { importTenant } from '../../store/import/import.ts';
import { ImportError } from '../../store/import/problem.ts';
import type { Report } from '../../store/import/write.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';

const folder = await mkdtemp(join(tmpdir(), 'tollgate-rules-'));

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
    return ['nothing was wrong'];
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return error.problems.map(({ line, path, reason }) => `${line} ${path}: ${reason}`);
  }
}

const BASE = `
tariffs: [{ name: buy, purpose: provider }, { name: sell, purpose: user_wholesale }]
lcrs: [{ name: main, providers: [ A ] }]
users: [{ username: alice, tariff: sell, lcr: main }]
dids: [{ did: 4420, provider: A }, { did: 4430*, provider: A }]
`;
const PLAIN = `${BASE}
providers: [{ name: A, host: 192.0.2.1, tariff: buy }]
devices: [{ endpoint: desk, user: alice, password: x }]
`;

t.test('rules of devices, locations and providers are in force as they are written, once', async (t) => {
  const url = await freshDatabase();
  const yaml = `${BASE}
providers:
  - name: A
    host: 192.0.2.1
    tariff: buy
    destinationTransformation: /^370/8/
    rules:
      - { name: national, cut: 370, add: 8, suffix: "#" }
      - { name: callers, applies: source, cut: "+370", add: 8, minLength: 12 }
devices:
  - endpoint: desk
    user: alice
    password: x
    location: Vilnius
    destinationTransformation: -8+370|-0|00
    sourceTransformation: /^1(.*)$/370\\1/
    rules:
      - { name: outside, cut: 9 }
      - { name: own, applies: source, cut: 1, add: 3701 }
locations:
  - name: Vilnius
    rules:
      - { name: both, applies: combined, cut: 8, add: 370, sourceCut: 5, sourceAdd: 3705, sourceMinLength: 3, sourceMaxLength: 9, lcr: main, tariff: sell }
      - { name: both again, applies: combined, cut: 8, add: 370, sourceCut: 6, device: desk }
      - { name: to the desk, cut: 100, device: desk }
      - { name: to the DID, cut: 200, did: 4420 }
      - { name: asleep, cut: 300, enabled: false }
`;
  await importText(url, yaml);
  for (const [section, counts] of Object.entries(await importText(url, yaml))) t.match(counts, { added: 0, changed: 0 }, section);
  const { catalog, broken } = await readCatalogOnce(url, 6);
  t.strictSame(broken, []);
  const desk = catalog.devicesByEndpoint.get('desk');
  t.equal(desk?.destinationTransformation?.apply('861'), '37061');
  t.equal(desk?.sourceTransformation?.apply('100'), '37000');
  const [carrier] = catalog.providers.values();
  t.equal(carrier?.destinationTransformation?.apply('37060'), '860');
  t.equal(carrier?.sourceTransformation, null);
  t.match(desk?.rules, [{ applies: 'destination', cut: '9', add: '', suffix: '' }, { applies: 'source', cut: '1', add: '3701', minLength: 1, maxLength: 99 }]);
  t.match([...catalog.providers.values()][0]?.rules, [{ applies: 'destination', cut: '370', add: '8', suffix: '#' }, { applies: 'source', cut: '+370', add: '8', minLength: 12 }]);
  const rules = catalog.locations.get(desk?.locationId ?? 0)?.rules ?? [];
  t.match(rules.map(({ name }) => name), ['both', 'both again', 'to the desk', 'to the DID']);
  t.match(rules, [
    { applies: 'combined', cut: '8', add: '370', source: { cut: '5', add: '3705', minLength: 3, maxLength: 9 }, didId: null, deviceId: null },
    { applies: 'combined', source: { cut: '6', add: '', minLength: 1, maxLength: 99 }, deviceId: desk?.id, lcrId: null },
    { applies: 'destination', source: null, deviceId: desk?.id },
    { applies: 'destination', didId: catalog.dids.exact.get('4420')?.id },
  ]);
  t.ok(rules[0]?.lcrId !== null && rules[0]?.tariffId !== null);
  t.match(await importText(url, yaml.replace('suffix: "#"', 'suffix: "*"').replace('cut: 9 }', 'cut: 0 }')), { providers: { changed: 1 }, devices: { changed: 1 }, locations: { unchanged: 1 } });
});

const WRONG: readonly (readonly [what: string, yaml: string, reason: RegExp])[] = [
  ['a rule of a device for both', 'devices: [{ endpoint: desk, user: alice, password: x, rules: [{ name: r, cut: 1, applies: combined }] }]', /devices\[0\]\.rules\[0\]\.applies: "combined" is not one of destination, source/],
  ['a rule of a device with a suffix', 'devices: [{ endpoint: desk, user: alice, password: x, rules: [{ name: r, cut: 1, suffix: 2 }] }]', /there is no key `suffix` here/],
  ['a rule without cut and add', 'devices: [{ endpoint: desk, user: alice, password: x, rules: [{ name: r }] }]', /devices\[0\]: breaks the rule: rule changes nothing/],
  ['a suffix for the caller', 'providers: [{ name: A, host: 192.0.2.1, tariff: buy, rules: [{ name: r, applies: source, cut: 1, suffix: 2 }] }]', /breaks the rule: only a destination has a suffix/],
  ['a source part of a rule for the destination', 'locations: [{ name: L, rules: [{ name: r, cut: 1, sourceCut: 2 }] }]', /locations\[0\]: breaks the rule: only a combined rule has a source part/],
  ['a rule to a wildcard', 'locations: [{ name: L, rules: [{ name: r, cut: 1, did: 4430* }] }]', /locations\[0\]: rule r: DID 4430\* is a wildcard, and a rule sends to one number; name a DID without \*/],
  ['a rule to a DID that is not there', 'locations: [{ name: L, rules: [{ name: r, cut: 1, did: 4421 }] }]', /rules\[0\]\.did: there is no "4421" among the dids.*Did you mean `4420`/],
  ['a rule to two places', 'locations: [{ name: L, rules: [{ name: r, cut: 1, did: 4420, device: desk }] }]', /breaks the rule: rule sends to a did or a device not both/],
  ['a rule from long to short', 'locations: [{ name: L, rules: [{ name: r, cut: 1, minLength: 9, maxLength: 8 }] }]', /breaks the rule: min length above max length/],
  ['one rule twice', 'locations: [{ name: L, rules: [{ name: r, cut: 1 }, { name: s, cut: 1, add: 2 }] }]', /rules\[1\]: is the same as in line/],
  ['a transformation that cuts nothing', 'devices: [{ endpoint: desk, user: alice, password: x, sourceTransformation: "-" }]', /devices\[0\]\.sourceTransformation: "-": a rule cuts nothing/],
  ['an expression that is none', 'providers: [{ name: A, host: 192.0.2.1, tariff: buy, destinationTransformation: "/(8/9/" }]', /providers\[0\]\.destinationTransformation: .*missing closing \)/],
  ['an expression that is too large', 'providers: [{ name: A, host: 192.0.2.1, tariff: buy, destinationTransformation: "/(8?){900}/9/" }]', /too large: \d+ steps of at most 500/],
  ['an end that is no code', 'providers: [{ name: A, host: 192.0.2.1, tariff: buy, goOnCodes: [486, 200] }]', /providers\[0\]\.goOnCodes\[1\]: "200" is neither a Q.850 cause \(1 to 127\) nor a SIP status/],
  ['an end that goes on and stops', 'providers: [{ name: A, host: 192.0.2.1, tariff: buy, goOnCodes: [486], stopCodes: [486] }]', /breaks the rule: code goes on or stops not both/],
  ['a margin below 0', 'lcrs: [{ name: main, minimalRateMarginPercent: -1 }]', /minimalRateMarginPercent: "-1" is not a number from 0/],
  ['an LCR of a destination that is not there', 'lcrs: [{ name: main, destinations: [{ prefix: 370, lcr: mian }] }]', /lcrs\[0\]\.destinations\[0\]\.lcr: there is no "mian" among the lcrs.* Did you mean `main`/],
  ['a destination without an LCR', 'lcrs: [{ name: main, destinations: [{ prefix: 370 }] }]', /destinations\[0\]: `lcr` is missing/],
  ['a destination by two', 'lcrs: [{ name: main, destinations: [{ prefix: 370, name: L%, lcr: main }] }]', /lcrs\[0\]: breaks the rule: destination is a prefix or a name or a group/],
  ['a destination of a group that is not there', 'lcrs: [{ name: main, destinations: [{ group: Moon, lcr: main }] }]', /lcrs\[0\]: .*\(group_ref\)=\(Moon\) is not present/],
  ['a destination twice', 'lcrs: [{ name: main, destinations: [{ prefix: 370, lcr: main }, { prefix: 370, lcr: main }] }]', /destinations\[1\]: is the same as in line/],
  ['a length of none', 'locations: [{ name: L, rules: [{ name: r, cut: 1, minLength: 0 }] }]', /minLength: "0" is not a whole number from 1 to 99/],
  ['a cut that is no number', 'locations: [{ name: L, rules: [{ name: r, cut: "8;x" }] }]', /cut: "8;x" is not part of a number/],
];

t.test('a wrong rule is told by its place and reason, and nothing is imported', async (t) => {
  const url = await freshDatabase();
  await importText(url, PLAIN);
  for (const [what, yaml, reason] of WRONG) {
    const problems = await problemsOf(importText(url, yaml));
    t.match(problems, [reason], what);
    t.equal(problems.length, 1, `${what}: one problem`);
  }
  const { catalog } = await readCatalogOnce(url, 6);
  t.equal(catalog.locations.size, 1, 'only the Global location is there');
});

t.test('a transformation that SQL lets in is told as a broken row, with its reason', async (t) => {
  const url = await freshDatabase();
  await importText(url, PLAIN);
  const client = await connect(url);
  await client.query(`update devices set destination_transformation = '/(8/9/'`);
  const { broken } = await readCatalogOnce(url, 6);
  t.match(broken, [{ table: 'devices', reason: /^destination_transformation: the match is no regular expression .*missing closing \)/ }]);
  await t.rejects(client.query(`update devices set source_transformation = E'/8/\n/'`), /transformation/);
  await t.rejects(client.query(`update providers set destination_transformation = repeat('1', 256)`), /transformation/);
});
