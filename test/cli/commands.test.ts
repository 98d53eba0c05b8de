/** The commands as a user runs them: as processes, on real servers. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startAsterisk } from '../lab/asterisk.ts';
import { startEngine } from '../lab/engine.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { freePort } from '../lab/ports.ts';
import { ServerProcess } from '../lab/server-process.ts';
import { PROGRAM } from './program.ts';
import { closeServers, freshDatabase, freshRedis } from '../store/servers.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const folder = newFolder('cli');
t.teardown(closeServers);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function tollgate(args: readonly string[], settings?: object): Promise<Ran> {
  const config = join(folder, `settings-${Math.random().toString(36).slice(2)}.yaml`);
  if (settings !== undefined) writeFileSync(config, JSON.stringify(settings));
  const all = [...PROGRAM, ...(settings === undefined ? [] : ['--config', config]), ...args];
  return new Promise((resolve) => {
    execFile(process.execPath, all, { cwd: PROJECT, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

const TENANT = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'carrier', host: '127.0.0.9', tariff: 'buy' }],
  lcrs: [{ name: 'main', order: 'price', providers: [{ provider: 'carrier' }] }],
  users: [{ username: 'bob', tariff: 'sell', lcr: 'main', balance: '1' }],
  devices: [{ endpoint: 'bob', user: 'bob', auth: 'password', password: 'Very-Secret-1' }],
};

t.test('every command has a help with an example', async (t) => {
  const names = ['run', 'migrate', 'import', 'route', 'calls', 'hangup', 'spy', 'doctor', 'price', 'did', 'rerate'];
  const all = await tollgate(['--help']);
  for (const [index, { code, out }] of (await Promise.all(names.map((name) => tollgate([name, '--help'])))).entries()) {
    t.equal(code, 0);
    t.match(out, /Examples?:/, `${names[index]} --help shows an example`);
    t.match(all.out, new RegExp(`^  ${names[index]} `, 'm'), `--help names ${names[index]}`);
  }
});

t.test('wrong settings stop a command with the key, the problem and the nearest key', async (t) => {
  const { code, err } = await tollgate(['doctor'], { asterisk: [{ id: 1, password: 'hidden-one', urll: 'x' }], calls: { priceDecimals: 12 } });
  t.equal(code, 1);
  const run = await tollgate(['run'], { asterisk: [{ id: 1, password: 'hidden-one', urll: 'x' }], calls: { priceDecimals: 12 } });
  t.equal(run.code, 1);
  t.match(run.err, /asterisk\[0\]\.urll: there is no such setting; the nearest key is url/);
  t.match(run.err, /calls\.priceDecimals: /);
  t.notMatch(run.err + err, /hidden-one/);
});

t.test('with nothing there, run says what is missing, keeps trying and is not ready', async (t) => {
  const port = await freePort();
  const nowhere = await freePort();
  const settings = { postgresUrl: `postgres://tollgate:pg-secret@127.0.0.1:${nowhere}/x`, redisUrl: `redis://:redis-secret@127.0.0.1:${nowhere}/0`, asterisk: [{ id: 1, url: `http://127.0.0.1:${nowhere}`, password: 'ari-secret' }], health: { port }, drainTimeoutS: 0 };
  const config = join(folder, 'nowhere.yaml');
  writeFileSync(config, JSON.stringify(settings));
  const logFile = join(folder, 'nowhere.log');
  const engine = await ServerProcess.start({
    name: 'tollgate', folder: PROJECT, logFile,
    command: { file: process.execPath, args: [...PROGRAM, '--config', config, 'run'] },
    whyNotReady: async () => ((await fetch(`http://127.0.0.1:${port}/health`)).status === 200 ? undefined : 'no health yet'),
  });
  const ready = await fetch(`http://127.0.0.1:${port}/ready`);
  const body = (await ready.json()) as { ready: boolean; store: { postgres: { ok: boolean; reason: string }; redis: { ok: boolean; reason: string } }; engine: { servers: { connected: boolean }[] } };
  t.equal(ready.status, 503);
  t.match(body, { ready: false, store: { postgres: { ok: false, reason: /./ }, redis: { ok: false, reason: /./ } }, engine: { servers: [{ connected: false }] } });
  t.notMatch(JSON.stringify(body), /secret/);
  await engine.stop('SIGTERM');
});

t.test('on real servers', async (t) => {
  const [postgresUrl, redisUrl, asterisk] = await Promise.all([freshDatabase(), freshRedis(), startAsterisk()]);
  const settings = { postgresUrl, redisUrl, asterisk: [{ id: 1, url: asterisk.ariUrl, username: asterisk.ariUser, password: asterisk.ariPassword }], health: { port: 0 } };
  const file = join(folder, 'tenant.yaml');
  writeFileSync(file, JSON.stringify(TENANT, null, 1));

  t.test('import brings a tenant in, and again changes nothing', async (t) => {
    t.equal((await tollgate(['import', file], settings)).code, 0);
    const again = await tollgate(['import', file, '--json'], settings);
    t.equal(again.code, 0);
    const { report } = JSON.parse(again.out) as { report: Record<string, { added?: number; changed?: number }> };
    t.notMatch(JSON.stringify(report), /"(added|changed)":[1-9]/);
  });

  t.test('doctor finds nothing that stands in the way, and names what does', async (t) => {
    const good = await tollgate(['doctor', '--json'], settings);
    t.equal(good.code, 0, good.out);
    const { checks } = JSON.parse(good.out) as { checks: { about: string; state: string; found: string }[] };
    t.same(checks.filter((check) => check.state === 'bad'), []);
    t.match(checks.find(({ about }) => about === 'Asterisk 1 endpoints'), { state: 'good' });
    const wrong = await tollgate(['doctor'], { ...settings, asterisk: [{ ...settings.asterisk[0], password: 'not-it' }], redisUrl: 'redis://127.0.0.1:1/0' });
    t.equal(wrong.code, 1);
    t.match(wrong.out, /BAD {3}Asterisk 1: answers 401/);
    t.match(wrong.out, /BAD {3}Redis: cannot be reached/);
    t.notMatch(wrong.out, /not-it/);
  });

  t.test('route explains a call, a refusal, and a device that is not there', async (t) => {
    const engine = await startEngine({ postgresUrl, redisUrl, asterisks: [asterisk] });
    t.teardown(() => engine.stop());
    const allowed = await tollgate(['route', 'bob', '37061234567', '--json'], settings);
    t.match(JSON.parse(allowed.out), { allowed: true, cause: null, longestS: 600, ways: [{ name: 'carrier', dials: '37061234567@provider-1' }] });
    const started = performance.now();
    const refused = await tollgate(['route', 'bob', '4930123456', '--json'], settings);
    t.ok(performance.now() - started < 12_000, 'a command ends when it has answered, not 15 s later with a timer of a COPY');
    t.match(JSON.parse(refused.out), { allowed: false, cause: 203, sip: 403 });
    t.match((await tollgate(['route', 'bob', '37061234567'], settings)).out, /could last 600 s/);
    const nobody = await tollgate(['route', 'bobby', '1'], settings);
    t.equal(nobody.code, 1);
    t.match(nobody.err, /There is no device bobby\. Similar: bob/);
    t.notMatch(JSON.stringify(engine.log()), /Very-Secret-1/, 'no password in the log');
  });

  t.test('calls shows that nothing is up', async (t) => {
    t.same(JSON.parse((await tollgate(['calls', '--json'], settings)).out), { calls: [], counters: {} });
    t.match((await tollgate(['calls', '--once'], settings)).out, /0 calls/);
  });

  t.teardown(() => asterisk.stop());
});
