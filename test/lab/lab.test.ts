/** The lab itself: its servers start, answer, survive what is done to them, and leave nothing behind. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redis as RedisClient } from 'ioredis';
import { Client } from 'pg';
import { test, type Test } from 'tap';
import { startAsterisk } from './asterisk.ts';
import { clearDeadRuns } from './lab-folder.ts';
import { freePort, freePortRange } from './ports.ts';
import { startPostgres } from './postgres.ts';
import { identify } from './process-identity.ts';
import { startRedis } from './redis.ts';
import { call } from './sipp.ts';
import { until, withTimeout } from './wait.ts';

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url, query_timeout: 1000, connectionTimeoutMillis: 1000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows.flatMap((row) => Object.values(row));
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function readKey(url: string): Promise<string | null> {
  const client = new RedisClient(url);
  const value = await client.get('k');
  client.disconnect();
  return value;
}

await test('Postgres: a template is made once, and each copy of it is a database of its own', async (t) => {
  const postgres = await startPostgres();
  t.teardown(() => postgres.stop());
  let prepared = 0;
  const prepare = async (url: string): Promise<void> => {
    prepared += 1;
    await query(url, 'create table t as select 1 as n');
  };
  const names = await Promise.all([1, 2, 3].map(async () => postgres.template('made', prepare)));
  t.same(names, ['made', 'made', 'made']);
  t.equal(prepared, 1);
  const [one, other] = await Promise.all([postgres.createDatabase('made'), postgres.createDatabase('made')]);
  await query(one, 'update t set n = 2');
  t.same(await query(other, 'select n from t'), [1]);
  await t.rejects(query(await postgres.createDatabase(), 'select n from t'), /relation "t" does not exist/);
});

await test('Postgres: frozen it does not answer, killed it comes back with what was committed', async (t) => {
  const postgres = await startPostgres();
  t.teardown(() => postgres.stop());
  const url = await postgres.createDatabase();
  await query(url, 'create table t as select 1 as n');
  const client = new Client({ connectionString: url, query_timeout: 200 });
  client.on('error', () => undefined);
  await client.connect();
  postgres.pause();
  await t.rejects(client.query('select 1'), /timeout/);
  postgres.resume();
  await until(async () => ((await query(url, 'select 1')).length === 1 ? undefined : 'no answer'));
  await query(url, 'insert into t values (2)');
  await postgres.kill();
  await t.rejects(query(url, 'select 1'), /ECONNREFUSED/);
  await postgres.start();
  t.same(await query(url, 'select n from t order by n'), [1, 2]);
});

await test('Redis: every database is empty, and append-only it survives a kill', async (t) => {
  const redis = await startRedis({ appendOnly: 'always' });
  t.teardown(() => redis.stop());
  const [one, other] = await Promise.all([redis.createDatabase(), redis.createDatabase()]);
  const client = new RedisClient(one);
  client.on('error', () => undefined);
  await client.set('k', 'v');
  client.disconnect();
  t.equal(await readKey(other), null);
  await redis.kill();
  await redis.start();
  t.equal(await readKey(one), 'v');
});

await test('Asterisk: starts without a complaint, answers 503 while no engine is there, comes back on its ports', async (t) => {
  const asterisk = await startAsterisk();
  t.teardown(() => asterisk.stop());
  t.same(asterisk.log().filter((line) => /\b(WARNING|ERROR)\b/.test(line)), []);
  t.match(await asterisk.cli('core show version'), /^Asterisk 2\d\./);
  const authorization = `Basic ${Buffer.from(`${asterisk.ariUser}:${asterisk.ariPassword}`).toString('base64')}`;
  t.equal((await fetch(`${asterisk.ariUrl}/ari/asterisk/ping`, { headers: { authorization } })).status, 200);
  for (const kill of [false, true]) {
    const refused = await call({ target: asterisk, scenario: 'refused', to: '37060012345', values: { status: 503 } });
    t.equal(refused.exitCode, 0, refused.errors);
    if (kill) await asterisk.kill();
    else await asterisk.stop();
    await asterisk.start();
  }
  t.equal(await asterisk.channelCount(), 0);
  const begun = asterisk.celRecords().filter((record) => record['eventtype'] === 'CHAN_START');
  t.equal(begun.length, 2, 'the witness saw a call before and after');
});

await test('ports: nobody gets the same twice, ranges start even', async (t) => {
  const ports = await Promise.all(Array.from({ length: 300 }, freePort));
  t.equal(new Set(ports).size, 300);
  const { first, last } = await freePortRange(1000);
  t.equal(first % 2, 0);
  t.ok(last - first >= 999);
  t.notOk(ports.some((port) => port >= first && port <= last));
});

function here(file: string): string {
  return JSON.stringify(new URL(file, import.meta.url).href);
}

type OtherRun = { folder: string; pids: number[]; ended: Promise<unknown> };

/** Another run, which starts servers, says where its folder is, and does what `ending` says. */
async function otherRun(t: Test, ending: string, servers: ('postgres' | 'redis')[] = ['redis']): Promise<OtherRun> {
  // The test runner loads itself into every child and listens for signals there; a run of its own has nobody who does.
  const program = `
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
    const { startPostgres } = await import(${here('postgres.ts')});
    const { startRedis } = await import(${here('redis.ts')});
    const { labFolder } = await import(${here('lab-folder.ts')});
    const start = { postgres: startPostgres, redis: startRedis };
    const servers = await Promise.all(${JSON.stringify(servers)}.map((name) => start[name]()));
    console.log(JSON.stringify({ folder: labFolder(), pids: servers.map((server) => server.pid) }));
    setInterval(() => undefined, 1000);
    ${ending}`;
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', program], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const ended = new Promise((done) => child.once('exit', done));
  const line = await withTimeout(
    () => 'the other run did not start',
    new Promise<string>((done) => child.stdout.setEncoding('utf8').once('data', done)),
    60_000,
  );
  return { ...(JSON.parse(line) as { folder: string; pids: number[] }), ended };
}

await test('everything ends with the run: on an exception, on Ctrl-C, and when it just ends', async (t) => {
  const endings = [
    'setTimeout(() => { throw new Error("broken"); }, 10);',
    'process.kill(process.pid, "SIGINT");',
    'process.exit(0);',
  ];
  const runs = await Promise.all(endings.map(async (ending) => otherRun(t, ending)));
  for (const run of runs) {
    await run.ended;
    await until(() => (run.pids.some((pid) => identify(pid) !== undefined) ? 'its servers still run' : undefined));
    t.notOk(existsSync(run.folder));
  }
});

await test('what a killed run left is cleared by the next, frozen servers and all files; a live run is left alone', async (t) => {
  const [killed, alive] = await Promise.all([
    otherRun(t, 'servers.forEach((server) => server.pause()); process.kill(process.pid, "SIGKILL");', ['postgres', 'redis']),
    otherRun(t, ''),
  ]);
  await killed.ended;
  const cleared = clearDeadRuns();
  t.notOk(existsSync(killed.folder), 'by this run or by one beside it');
  await until(() => (killed.pids.some((pid) => identify(pid) !== undefined) ? 'its servers still run' : undefined));
  t.notOk(cleared.includes(alive.folder));
  t.ok(existsSync(alive.folder));
  t.ok(alive.pids.every((pid) => identify(pid) !== undefined));
});
