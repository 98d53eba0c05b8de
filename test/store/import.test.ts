import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readCatalogOnce } from '../../store/catalog/once.ts';
import { importTenant } from '../../store/import/import.ts';
import { ImportError } from '../../store/import/problem.ts';
import type { Report } from '../../store/import/write.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';

t.teardown(async () => {
  await closeServers();
  await rm(folder, { recursive: true, force: true });
});

const folder = await mkdtemp(join(tmpdir(), 'tollgate-import-'));
const SEPARATORS = { separator: ',', decimal: '.' } as const;

async function importText(postgresUrl: string, text: string | Uint8Array, files: Readonly<Record<string, string>> = {}): Promise<Report> {
  await writeFile(join(folder, 'tenant.yaml'), text);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return importTenant(join(folder, 'tenant.yaml'), { postgresUrl, separators: SEPARATORS });
}

/** The problems as "line path: reason". */
async function problemsOf(work: Promise<unknown>): Promise<string[]> {
  try {
    await work;
    return ['nothing was wrong'];
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return error.problems.map(({ file, line, path, reason }) => `${file}:${line} ${path}: ${reason}`);
  }
}

async function pageExample(): Promise<string> {
  const page = await readFile(new URL('../../docs/IMPORT.md', import.meta.url), 'utf8');
  return /```yaml\n(?<yaml>[^`]*)```/.exec(page)?.groups?.['yaml'] ?? '';
}

t.test('the example of docs/IMPORT.md is imported as it stands, and a second time changes nothing', async (t) => {
  const url = await freshDatabase();
  const yaml = await pageExample();
  const first = await importText(url, yaml);
  t.match(first, { users: { added: 3, changed: 0, unchanged: 0 }, devices: { added: 3 }, providers: { added: 2 }, dids: { added: 3 }, rates: { added: 14 } });
  const client = await connect(url);
  const state = `select (select count(*) from balance_ledger) as ledger, (select max(id) from changes) as changes`;
  const before = (await client.query(state)).rows;
  const second = await importText(url, yaml);
  for (const [section, counts] of Object.entries(second)) t.match(counts, { added: 0, changed: 0 }, section);
  t.strictSame((await client.query(state)).rows, before, 'no ledger row, not even a notice of change');

  const { catalog, broken } = await readCatalogOnce(url, 6);
  t.strictSame(broken, []);
  const alice = [...catalog.users.values()].find((user) => user.username === 'alice');
  t.match(alice, { currency: 'EUR', outboundLimit: 2, destinationList: { mode: 'blacklist' }, maxCallRate: 15_000_000_000n });
  t.match(catalog.devicesByEndpoint.get('bob-pbx'), { auth: 'ip', trunk: true, serverIds: [1, 2] });
  t.match(catalog.dids.wildcards.get('37088888'), { status: 'active' });
  t.match((await client.query(`select username, trim_scale(balance)::text as balance from users where balance <> 0 order by 1`)).rows, [{ username: 'alice', balance: '10' }, { username: 'rita', balance: '500' }]);
  t.match((await client.query(`select effective_from from rates where rate = 0.019`)).rows, [{ effective_from: new Date('2026-12-31T22:00:00Z') }], 'midnight of Vilnius');
});

t.test('a changed file changes what it says and nothing else; balances live on', async (t) => {
  const url = await freshDatabase();
  await importText(url, `users: [{ username: alice, balance: 10, email: a@example.com, outboundLimit: 3 }]`);
  const client = await connect(url);
  await client.query(`select change_balance('user', id, -4, 'call') from users where username = 'alice'`);
  const report = await importText(url, `users: [{ username: alice, balance: 50, outboundLimit: 5 }, { username: bob, owner: alice2 }, { username: alice2, type: reseller }]`);
  t.strictSame(report, { users: { added: 2, changed: 1, unchanged: 0 } });
  t.match((await client.query(`select email, outbound_limit, trim_scale(balance)::text as balance from users where username = 'alice'`)).rows, [{ email: 'a@example.com', outbound_limit: 5, balance: '6' }]);
});

function listsFile(numbers: string, providers: string, rules: string): string {
  return `
pools: [{ name: P, numbers: [${numbers}] }]
tariffs: [{ name: T, purpose: provider }]
providers: [{ name: A, host: a.example, tariff: T, rules: [${rules}] }, { name: B, host: b.example, tariff: T }]
lcrs: [{ name: L, providers: [${providers}] }]`;
}

t.test('lists inside a row replace what was there', async (t) => {
  const url = await freshDatabase();
  await importText(url, listsFile('1, 2, 3%', 'A, B', '{ name: r, cut: 370, add: 8 }, { name: s, cut: 371, add: 9 }'));
  t.match(await importText(url, listsFile('2, 3%, 4', 'B', '{ name: r, cut: 370, add: 7 }')), { pools: { changed: 1 }, lcrs: { changed: 1 }, providers: { changed: 1, unchanged: 1 } });
  const client = await connect(url);
  t.match((await client.query('select number from numbers order by 1')).rows, [{ number: '2' }, { number: '3%' }, { number: '4' }]);
  t.match((await client.query('select name, priority from lcr_providers join providers on id = provider_id')).rows, [{ name: 'B', priority: 1 }]);
  t.match((await client.query('select cut, add from provider_rules')).rows, [{ cut: '370', add: '7' }]);
});

t.test('all that is wrong is told at once, with line and place, and nothing is imported', async (t) => {
  const url = await freshDatabase();
  const problems = await problemsOf(importText(url, `userz: []
users:
  - username: alice
    balanse: 10
    credit: 5,00
    outboundLimit: -1
    postpaid: maybe
    timeZone: Mars/Phobos
    tariff: Nothing
  - { balance: 1 }
  - username: alice
pools:
  - { name: P, numbers: [ "3%7", "%" ] }
tariffs:
  - name: T
    purpose: providr
    rates:
      - { prefix: 37x, rate: 1 }
dids:
  - { did: A370, provider: X }
devices: nonsense
`));
  t.match(problems, [
    /^tenant\.yaml:1 : there is no section `userz`\. Did you mean `users`\?/,
    /^tenant\.yaml:4 users\[0\]\.balanse: there is no key `balanse` here\. Did you mean `balance`\?/,
    /^tenant\.yaml:5 users\[0\]\.credit: "5,00" has a comma/,
    /^tenant\.yaml:6 users\[0\]\.outboundLimit: "-1" is not a whole number from 0/,
    /^tenant\.yaml:7 users\[0\]\.postpaid: "maybe" is neither true nor false/,
    /^tenant\.yaml:8 users\[0\]\.timeZone: .*Mars/,
    /^tenant\.yaml:10 users\[1\]: `username` is missing/,
    /^tenant\.yaml:11 users\[2\]: "alice" is already in line 3/,
    /^tenant\.yaml:13 pools\[0\]\.numbers\[0\]: "3%7"/,
    /^tenant\.yaml:13 pools\[0\]\.numbers\[1\]: "%"/,
    /^tenant\.yaml:16 tariffs\[0\]\.purpose: "providr" is not one of .* Did you mean `provider`\?/,
    /^tenant\.yaml:20 dids\[0\]\.did: "A370": a DID begins with a digit/,
    /^tenant\.yaml:21 devices: must be a list/,
  ]);
  t.equal(problems.length, 13);
  const client = await connect(url);
  t.match((await client.query('select count(*)::int as n from users')).rows, [{ n: 1 }], 'only the admin is there');
});

const listsOfAll = (numbers: string, banAtCalls: number): string => `
pools: [{ name: Banned CallerIDs, numbers: [${numbers}] }, { name: P, numbers: [3%] }]
users:
  - { username: admin, sourceList: { mode: blacklist, pool: P } }
  - { username: u }
devices: [{ endpoint: d, user: u, password: x, banAtCalls: ${banAtCalls} }]
`;

t.test('lists of everybody: the admin\'s, and CallerIDs that are banned', async (t) => {
  const url = await freshDatabase();
  t.match(await problemsOf(importText(url, listsOfAll('1', 1))), [/^tenant\.yaml:6 devices\[0\]\.banAtCalls: 1 would ban every caller at his first call: write 0 for never, or 2 and more/]);
  t.match(await importText(url, listsOfAll('+37050, 37050, 2', 2)), { pools: { added: 1, changed: 1 }, users: { added: 1, changed: 1 } });
  t.match(await importText(url, listsOfAll('+37050, 37050, 2', 2)), { pools: { unchanged: 2 }, users: { unchanged: 2 } });
  const { catalog } = await readCatalogOnce(url, 6);
  t.equal(catalog.users.get(0)?.sourceList.mode, 'blacklist');
  t.equal(catalog.pools.get(0)?.size, 2, 'of two spellings one is kept');
  t.equal(catalog.devicesByEndpoint.get('d')?.banAtCalls, 2);
});

t.test('references and rates that are wrong are found too', async (t) => {
  const url = await freshDatabase();
  t.match(await problemsOf(importText(url, `
tariffs: [{ name: Wholesale, purpose: user_wholesale }]
users:
  - { username: alice, tariff: Wholesail, lcr: Main, owner: rita }
`)), [/:4 users\[0\]\.tariff: there is no "Wholesail" among the tariffs.* Did you mean `Wholesale`\?/, /:4 users\[0\]\.lcr: there is no "Main" among the lcrs/, /:4 users\[0\]\.owner: there is no "rita"/]);
  t.match(await problemsOf(importText(url, `
tariffs:
  - name: T
    purpose: user_wholesale
    rates:
      - { prefix: 37x, rate: 1 }
      - { prefix: 370, rate: 1,5 }
      - { prefix: 370, rate: 1, effectiveFrom: 2026-02-30 }
      - { prefix: 371, rate: 1, incrementS: 0 }
      - { prefix: 372, rate: 1, colour: red }
`)), [/:7 .*a comma begins a new key/, /:10 .*colour: there is no key/]);
  t.match(await problemsOf(importText(url, `
tariffs:
  - name: T
    purpose: user_wholesale
    rates:
      - { prefix: 37x, rate: 1 }
      - { prefix: 370, rate: "1,5" }
      - { prefix: 370, rate: 1, effectiveFrom: 2026-02-30 }
      - { prefix: 371, rate: 1, incrementS: 0 }
      - { prefix: 372, rate: -2 }
`)), [/:6 .*prefix: "37x" is not a prefix/, /:7 .*rate: "1,5" has a comma/, /:8 .*effectiveFrom: .*does not exist/, /:9 .*incrementS/, /:10 .*rate: -2 is below 0/]);
});

t.test('what only the database can refuse is named by line, all of it', async (t) => {
  const url = await freshDatabase();
  const problems = await problemsOf(importText(url, `
tariffs: [{ name: Carrier, purpose: provider }]
users:
  - { username: alice, tariff: Carrier }
  - { username: bob, combinedLimit: 3, inboundLimit: 2 }
  - { username: carol }
devices:
  - { endpoint: a1, user: alice, password: x }
  - { endpoint: c1, user: carol }
  - { endpoint: c2, user: carol, password: x, extension: 100 }
  - { endpoint: c3, user: carol, password: hunter2, extension: 100 }
`));
  t.match(problems, [
    /:4 users\[0\]: users tariff_id: tariff \d+ is a provider tariff/,
    /:5 users\[1\]: breaks the rule: combined limit excludes the others/,
    /:8 devices\[0\]: depends on "alice" among the users, which was refused/,
    /:9 devices\[1\]: breaks the rule: password device needs a password/,
    /:11 devices\[3\]: is there already: Key \(extension\)=\(100\)/,
  ]);
  t.equal(problems.length, 5);
  t.notMatch(problems.join(), /hunter2/, 'and no password is shown');
});

t.test('warnings of a user, his language and his accountant', async (t) => {
  const url = await freshDatabase();
  const yaml = `
users:
  - { username: alice, accountant: ann, language: lt, email: "a@example.com; b@example.com",
      warning: { enabled: yes, threshold: 5, mode: daily, hour: 9, email: c@example.com, webhook: "https://example.com/low?x=1", prompt: custom/low, playBeforeEveryCall: yes, promptThreshold: -2.5 } }
  - { username: ann, type: accountant, email: ann@example.com }
`;
  t.match(await importText(url, yaml), { users: { added: 2 } });
  t.match(await importText(url, yaml), { users: { added: 0, changed: 0, unchanged: 2 } });
  const { catalog, broken } = await readCatalogOnce(url, 6);
  t.strictSame(broken, []);
  t.match([...catalog.users.values()].find(({ username }) => username === 'alice'), { language: 'lt', warningPrompt: { below: -25_000_000_000n, file: 'custom/low' } });
  const wrong = (keys: string): Promise<string[]> => problemsOf(importText(url, `users: [{ username: bob, ${keys} }]`));
  t.match(await wrong('email: "a@example.com, b@example.com"'), [/is not an e-mail address; several are written apart by semicolons/]);
  t.match(await wrong('email: "a@example.com;;b@example.com"'), [/empty address/]);
  t.match(await wrong('language: ../en'), [/language as Asterisk names it/]);
  t.match(await wrong('accountant: alice'), [/foreign key constraint/]);
  t.match(await wrong('warning: { webhook: "ftp://example.com" }'), [/must be a web address that begins with http/]);
  t.match(await wrong('warning: { webhook: "http://" }'), [/must be a web address/]);
  t.match(await wrong('warning: { prompt: ../secret }'), [/is not the name of a sound/]);
  t.match(await wrong('warning: { playBeforeEveryCall: yes }'), [/playing needs a prompt/]);
  t.match(await wrong('warning: { hour: 24 }'), [/whole number from 0 to 23/]);
  t.match(await wrong('warning: { threshold: "5,00" }'), [/has a comma/]);
  t.match(await wrong('warning: { treshold: 5 }'), [/Did you mean `threshold`/]);
});

t.test('a file that is no text, cut, or no YAML is named by line', async (t) => {
  const url = await freshDatabase();
  t.match(await problemsOf(importText(url, Buffer.from('users:\n  - username: Andr\xe9\n', 'latin1'))), [/:2 : is not UTF-8/]);
  t.match(await problemsOf(importText(url, 'users:\n  - { username: alice, email: "a@exa')), [/:2 : .*is the file complete/]);
  t.match(await problemsOf(importText(url, '')), [/:0 : the file is empty/]);
  t.match(await problemsOf(importText(url, 'just words\n')), [/must be a list of `key: value` lines/]);
  t.match(await problemsOf(importText(url, 'users:\n  - username: a\n    username: b\n')), [/:3 : .*unique/i]);
  t.match(await problemsOf(importTenant(join(folder, 'none.yaml'), { postgresUrl: url, separators: SEPARATORS })), [/none\.yaml:0 : does not exist/]);
});

t.test('rates and numbers may stand in files beside it', async (t) => {
  const url = await freshDatabase();
  const yaml = `
pools: [{ name: P, file: numbers.txt }]
tariffs: [{ name: T, purpose: user_wholesale, file: rates.csv, csv: { separator: ;, decimal: "," } }]
`;
  const report = await importText(url, yaml, { 'numbers.txt': '370%\r\n\r\nanonymous\r\n', 'rates.csv': 'Prefix;Rate;Increment\n370;0,02;1\n3706;0,05;60\n' });
  t.match(report, { rates: { added: 2 }, pools: { added: 1 } });
  t.match(await problemsOf(importText(url, yaml, { 'numbers.txt': '370%\n%%\n', 'rates.csv': 'Prefix;Rate\n' })), [/^numbers\.txt:2 : "%%"/]);
  t.match(await problemsOf(importText(url, yaml.replace('rates.csv', 'gone.csv'), { 'numbers.txt': '1\n' })), [/^tenant\.yaml:3 tariffs\[0\]\.file: gone\.csv does not exist/]);
});
