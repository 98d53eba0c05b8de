/** A Postgres that takes nothing: read-only, its disk full, or slow. Calls go on, finished ones wait in order, and all are settled then. */
import { execFileSync } from 'node:child_process';
import { readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import t from 'tap';
import type { Test } from 'tap';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { startPostgres } from '../lab/postgres.ts';
import { call, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers, migratedDatabase } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';
import type { FaultStage } from './stage.ts';

const ADA = '127.0.1.89';
const CALLS = 4;
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.89' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy' }],
  ...waysByNumber({ 3706001: ['answering'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
};

const server = await startPostgres();
const postgresUrl = await migratedDatabase(server.url);
const stage = await openFaultStage(tenant, { settle: { everyMs: 50 } }, { postgresUrl });
const admin = new Client({ connectionString: postgresUrl });
admin.on('error', () => undefined);
await admin.connect();

interface Health {
  readonly ready: boolean;
  readonly store: { readonly backlog: number; readonly refused: number; readonly settling: { readonly ok: boolean; readonly reason: string } };
}

async function health(one: FaultStage): Promise<Health> {
  return (await (await fetch(`${one.engine.healthUrl}/health`)).json()) as Health;
}

/** Calls while `broken`; they wait, visibly, and are settled in their order when it is mended. */
async function waits(t: Test, { calls, waiting, reason, mend }: { readonly calls: number; readonly waiting: number; readonly reason: RegExp; readonly mend: () => Promise<unknown> }): Promise<void> {
  const results: SippResult[] = [];
  for (let number = 0; number < calls; number += 1) results.push(await call({ scenario: 'call', target: stage.asterisk, ip: ADA, from: '37069000001', to: `3706001000${number}`, values: { holdMs: 100 } }));
  for (const result of results) t.equal(result.exitCode, 0, result.errors);
  await until(async () => {
    const { store, ready } = await health(stage);
    return ready && store.backlog >= waiting && !store.settling.ok && reason.test(store.settling.reason) ? undefined : JSON.stringify(store);
  }, { timeoutMs: 15_000 });
  await mend();
  for (const result of results) t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', final: true }]);
  await until(async () => ((await health(stage)).store.settling.ok ? undefined : 'health still complains'), { timeoutMs: 15_000 });
  t.equal((await health(stage)).store.refused, 0, 'none was taken for one that cannot be settled');
  t.same(await stage.remains(), NOTHING_LEFT);
}

t.test('read-only', async (t) => {
  await admin.query('alter system set default_transaction_read_only = on');
  await admin.query('select pg_reload_conf()');
  await waits(t, {
    calls: CALLS, waiting: CALLS, reason: /read-only transaction/,
    mend: async () => {
      await admin.query('set default_transaction_read_only = off');
      await admin.query('alter system reset default_transaction_read_only');
      await admin.query('select pg_reload_conf()');
    },
  });
});

t.test('its disk full', async (t) => {
  // Rows of calls go to a small disk of their own, made where the server sees it.
  const disk = newFolder('small-disk');
  // In the server's own namespace of mounts, where its root is a folder: the disk goes with the server.
  const place = join(readlinkSync(join('/proc', String(server.pid), 'root')), disk);
  const there = (...command: readonly string[]): unknown => execFileSync('nsenter', ['-t', String(server.pid), '-m', ...command]);
  there('mount', '-t', 'tmpfs', '-o', 'size=24m,mode=0777', 'tmpfs', place);
  there('mkdir', join(place, 'data'));
  there('chown', `--reference=${join(place, '..', 'postgres-1', 'cluster')}`, join(place, 'data'));
  const inside = join('/proc', String(server.pid), 'root', disk);
  await admin.query(`create tablespace small location '${join(disk, 'data')}'`);
  const { rows } = await admin.query<{ name: string }>(`select inhrelid::regclass::text as name from pg_inherits where inhparent = 'calls'::regclass`);
  for (const { name } of rows) await admin.query(`alter table ${name} set tablespace small`);
  const filler = join(inside, 'filler');
  t.throws(() => writeFileSync(filler, Buffer.alloc(64 << 20)), { code: 'ENOSPC' });
  // The first rows still find room in pages that are there.
  await waits(t, { calls: 12, waiting: 3, reason: /No space left on device|could not extend file/, mend: async () => rmSync(filler) });
});

t.test('slow: somebody holds the table', async (t) => {
  await admin.query('begin');
  await admin.query('lock table calls in access exclusive mode');
  const results = [];
  for (let number = 0; number < CALLS; number += 1) results.push(await call({ scenario: 'call', target: stage.asterisk, ip: ADA, from: '37069000001', to: `3706001000${number}`, values: { holdMs: 100 } }));
  await until(async () => ((await stage.redis.xlen('tollgate:cdr')) === CALLS ? undefined : 'not all wait'));
  t.equal((await health(stage)).ready, true, 'calls are served');
  await admin.query('commit');
  for (const result of results) t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED' }]);
});

t.test('the rows came in the order of the calls, and the books are right', async (t) => {
  const { rows } = await stage.db.query(`select reference from balance_ledger where account = 'user' and account_id = 1 and cause = 'call' order by version`);
  const called = (await stage.db.query('select uniqueid from calls order by end_time')).rows;
  t.same(rows.map((row: { reference: string }) => row.reference), called.map((row: { uniqueid: string }) => row.uniqueid));
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await admin.end();
  await server.stop();
  await far.stop();
  await closeServers();
});
