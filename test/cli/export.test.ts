/** `export` and `import` of a price list as a user runs them. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { newFolder } from '../lab/lab-folder.ts';
import { PROGRAM } from './program.ts';
import { closeServers, connect, freshDatabase } from '../store/servers.ts';
import { smallTenant } from '../store/tenant.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const folder = newFolder('export');
t.teardown(closeServers);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function world(): Promise<(...args: string[]) => Promise<Ran>> {
  const postgresUrl = await freshDatabase();
  await smallTenant(await connect(postgresUrl));
  const settings = join(folder, 'settings.yaml');
  writeFileSync(settings, JSON.stringify({ postgresUrl, asterisk: [{ id: 1, url: 'http://127.0.0.1:1', username: 'x', password: 'x' }] }));
  return (...args) => new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, '--config', settings, ...args], { cwd: PROJECT, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

t.test('a tariff goes out and comes in again unchanged; a file is there whole or not at all', async (t) => {
  const tollgate = await world();
  t.match(await tollgate('export', '--help'), { code: 0, out: /Examples:/ });
  const file = join(folder, 'rates.csv');
  const list = 'prefix;rate;connection fee;increment;min time;effective from;day type;start time;end time;ghost percent\n370;0,2;;;;;;;;\n3706;0,25;;;;;;;;\n';
  const form = ['--separator', ';', '--decimal', ','];
  t.strictSame(await tollgate('export', 'Users', ...form), { code: 0, out: list, err: '' });
  t.match(await tollgate('export', 'Users', ...form, '--out', file, '--json'), { code: 0, out: `{"tariff":"Users","file":"${file}","rates":2}\n` });
  t.equal(readFileSync(file, 'utf8'), list);
  t.match(await tollgate('import', file, '--tariff', 'Users', '--replace', ...form, '--json'), { code: 0, out: '{"report":{"rates":{"added":0,"changed":0,"removed":0,"unchanged":2}},"dryRun":false}\n' });
  writeFileSync(file, 'prefix,rate\n370,0.3\n');
  const dry = await tollgate('import', file, '--tariff', 'Users', '--replace', '--dry-run');
  t.match(dry.out, /added.*changed.*removed.*unchanged\s[^]*rates\D+0\D+1\D+1\D+0[^]*Nothing was changed: a dry run/);
  t.match(await tollgate('export', 'Users', ...form), { out: list });

  t.match(await tollgate('export', 'User', '--out', join(folder, 'none.csv')), { code: 1, err: /no tariff "User"\. Did you mean `Users`\?/ });
  t.notOk(existsSync(join(folder, 'none.csv')) || existsSync(join(folder, 'none.csv.part')));
  t.match(await tollgate('export', 'Users', '--out', join(folder, 'no-folder', 'x.csv')), { code: 1, err: /no file was written.*no-folder/ });
  t.match(await tollgate('export', 'Users', '--decimal', ','), { code: 1, err: /cannot be the same/ });
  t.match(await tollgate('import', file, '--tariff', 'Users', '--effective-from', 'soon'), { code: 1, err: /^--effective-from: .*is not a date/ });
  t.match(await tollgate('import', file, '--replace'), { code: 1, err: /needs --tariff/ });
});
