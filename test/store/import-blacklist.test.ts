/** The dynamic blacklist from the tenant file to the catalog, and what is told of what is wrong. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ADMIN_ID } from '../../routing/catalog.ts';
import { loadCatalogOnce } from '../../store/catalog/once.ts';
import { importTenant } from '../../store/import/import.ts';
import { ImportError } from '../../store/import/problem.ts';
import type { Report } from '../../store/import/write.ts';
import { closeServers, freshDatabase } from './servers.ts';

const folder = await mkdtemp(join(tmpdir(), 'tollgate-blacklist-'));

t.teardown(async () => {
  await closeServers();
  await rm(folder, { recursive: true, force: true });
});

async function importText(postgresUrl: string, text: string): Promise<Report> {
  await writeFile(join(folder, 'tenant.yaml'), text);
  return importTenant(join(folder, 'tenant.yaml'), { postgresUrl, separators: { separator: ',', decimal: '.' } });
}

async function problemsOf(postgresUrl: string, text: string): Promise<string[]> {
  try {
    await importText(postgresUrl, text);
    return ['nothing was wrong'];
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return error.problems.map(({ line, path, reason }) => `${line} ${path}: ${reason}`);
  }
}

const LCRS = 'lcrs: [{ name: usual, providers: [] }, { name: bad, providers: [] }, { name: worse, providers: [] }]';
const TENANT = `
${LCRS}
users:
  - { username: admin, blacklistLcrs: [{ threshold: 50, lcr: bad }, { threshold: 100, lcr: worse }] }
  - { username: alice, dynamicBlacklist: own, blacklistLcrs: [{ threshold: 30, lcr: worse }] }
  - { username: bob }
scores:
  - { item: 'source:+37050000001', score: 60 }
  - { item: 'source:Anonymous', score: 5 }
  - { item: 'ip:2001:DB8:0::1', score: 0 }
`;

t.test('thresholds of everybody and of one, and scores, as they are looked up', async (t) => {
  const url = await freshDatabase();
  t.match(await importText(url, TENANT), { users: { added: 2, changed: 1 }, scores: { added: 3 } });
  const catalog = await loadCatalogOnce(url, 6);
  const lcrs = new Map([...catalog.lcrs.values()].map(({ id, name }) => [id, name]));
  const shown = [...catalog.users.values()].map(({ username, dynamicBlacklist, blacklistLcrs }) => `${username} ${dynamicBlacklist} ${blacklistLcrs.map(({ threshold, lcrId }) => `${threshold} ${lcrs.get(lcrId)}`).join(', ')}`);
  t.same(shown.sort((a, b) => a.localeCompare(b)), ['admin global 100 worse, 50 bad', 'alice own 30 worse', 'bob global ']);
  t.same([...catalog.scores].sort(([a], [b]) => a.localeCompare(b)), [['ip:2001:db8::1', 0], ['source:37050000001', 60], ['source:anonymous', 5]]);
  t.match(await importText(url, TENANT), { users: { unchanged: 3 }, scores: { unchanged: 3 } }, 'again, nothing changes');
  t.match(await importText(url, `${LCRS}\nusers: [{ username: admin, blacklistLcrs: [{ threshold: 50, lcr: worse }] }]\nscores: [{ item: 'source:37050000001', score: 1 }]`), { users: { changed: 1 }, scores: { changed: 1 } });
  const later = await loadCatalogOnce(url, 6);
  t.same(later.users.get(ADMIN_ID)?.blacklistLcrs.map(({ threshold, lcrId }) => `${threshold} ${lcrs.get(lcrId)}`), ['50 worse'], 'the list replaces the one before');
  t.equal(later.scores.get('source:37050000001'), 1);
});

t.test('every line that is wrong is named', async (t) => {
  const url = await freshDatabase();
  t.same(await problemsOf(url, `${LCRS}
users:
  - { username: alice, dynamicBlacklist: yes, blacklistLcrs: [{ threshold: 0, lcr: bad }, { lcr: bad }, { threshold: 5, lcr: bda }] }
scores:
  - { item: '37050000001', score: 5 }
  - { item: 'ip:1.2.3', score: 5 }
  - { item: 'source:1', score: 1000001 }
  - { item: 'source:2', score: 5 }
  - { item: 'source:+2', score: 6 }
`), [
    '3 users[0].dynamicBlacklist: "yes" is not one of off, own, global.',
    '3 users[0].blacklistLcrs[0].threshold: "0" is not a whole number from 1 to 1000000.',
    '3 users[0].blacklistLcrs[1]: `threshold` is missing.',
    '5 scores[0].item: "37050000001" is not source:NUMBER, destination:NUMBER or ip:ADDRESS.',
    '6 scores[1].item: "ip:1.2.3" is not source:NUMBER, destination:NUMBER or ip:ADDRESS.',
    '7 scores[2].score: "1000001" is not a whole number from 0 to 1000000.',
    '9 scores[4]: "source:2" is already in line 8.',
  ]);
  t.same(await problemsOf(url, `${LCRS}
users: [{ username: alice, blacklistLcrs: [{ threshold: 1, lcr: bda }] }]`), ['2 users[0].blacklistLcrs[0].lcr: there is no "bda" among the lcrs, neither in the file nor in the database. Did you mean `bad`?']);
  t.same(await problemsOf(url, `${LCRS}
users: [{ username: alice, blacklistLcrs: [${[1, 2, 3, 4].map((threshold) => `{ threshold: ${threshold}, lcr: bad }`).join(', ')}] }]`), ['2 users[0]: breaks the rule: a user has at most three thresholds.']);
  t.match(await problemsOf(url, `${LCRS}
users: [{ username: alice, blacklistLcrs: [{ threshold: 1, lcr: bad }, { threshold: 1, lcr: worse }] }]`), [/is the same as in line/]);
});
