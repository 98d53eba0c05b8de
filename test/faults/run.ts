/**
 * `npm run test:faults`: the faults in their long form, on the real servers, and a table of what was lost, doubled or stuck; exit
 * code 1 unless all of it is 0. In the environment: RUNS=3 repeats the whole, KILLS=5 and AWAY_S=5 make it shorter,
 * ONLY=Redis takes only the faults that are named so, TEST_SEED=new takes a seed of the moment.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../lab/postgres.ts';
import { Progress } from '../lab/progress.ts';
import { startRedis } from '../lab/redis.ts';
import { startPeer } from '../lab/sipp.ts';
import { SEED } from '../seed.ts';
import { closeServers, migratedDatabase } from '../store/servers.ts';
import { ONE_BALANCE_SETTINGS, oneBalance, oneBalanceTenant } from './one-balance.ts';
import type { OneBalance } from './one-balance.ts';
import { openFaultStage } from './stage.ts';
import type { FaultOptions } from './stage.ts';
import { asteriskRestarted, died, flushed, kills, stopped, storm, stormTenant, tableText, takeovers, ZEROS } from './storm.ts';
import type { Fault, Table } from './storm.ts';

const times = Number(process.env['KILLS'] ?? 20);
const awayMs = Number(process.env['AWAY_S'] ?? 30) * 1000;
const runs = Number(process.env['RUNS'] ?? 1);
const only = process.env['ONLY'] ?? '';
const few = Math.max(1, Math.ceil(times / 5));
const progress = new Progress();

// Each run in a process of its own: the ports of its servers are free again afterwards.
if (runs > 1) {
  for (let run = 1; run <= runs; run += 1) {
    process.stderr.write(`Run ${run} of ${runs}\n`);
    const { status } = spawnSync(process.execPath, ['--import=tsx', fileURLToPath(import.meta.url)], { env: { ...process.env, RUNS: '1' }, stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
  process.exit(0);
}

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.51' });

async function underCalls(fault: Fault, options: FaultOptions = {}): Promise<Table> {
  const stage = await openFaultStage(stormTenant(far), { reservation: { sliceS: 60, extendBeforeS: 15 }, calls: { deadManS: 60 } }, options);
  const table = await storm(stage, fault);
  await stage.close();
  return table;
}

const ONE_BALANCE: OneBalance = { calls: 200, funds: '80', postpaid: false, payments: 12, largest: 40, seed: SEED };

async function onOneBalance(): Promise<Table> {
  const stage = await openFaultStage(oneBalanceTenant(far, ONE_BALANCE), ONE_BALANCE_SETTINGS);
  const { table } = await oneBalance(stage, ONE_BALANCE);
  await stage.close();
  return table;
}

async function withPostgres(): Promise<Table> {
  const server = await startPostgres();
  const table = await underCalls(stopped(server, awayMs), { postgresUrl: await migratedDatabase(server.url) });
  await server.stop();
  return table;
}

/** `keeps`: its log is on disk. */
async function withRedis(keeps: boolean, fault: (server: Awaited<ReturnType<typeof startRedis>>) => Fault): Promise<Table> {
  const server = await startRedis(keeps ? { appendOnly: 'everysec' } : {});
  const table = await underCalls(fault(server), { redisUrl: server.url });
  await server.stop();
  return table;
}

const FAULTS: Readonly<Record<string, () => Promise<Table>>> = {
  [`${times} kills`]: async () => underCalls(kills(times, SEED, (kill) => progress.show('killed', `${kill} of ${times} times`)), { daemons: 2 }),
  Takeovers: async () => underCalls(takeovers(few), { daemons: 2 }),
  'Postgres stopped': withPostgres,
  'Redis stopped': async () => withRedis(true, (server) => stopped(server, awayMs)),
  'Redis flushed': async () => underCalls(flushed(few)),
  'Redis empty again': async () => withRedis(false, (server) => died(server, few)),
  'Asterisk restarted': async () => underCalls(asteriskRestarted(Math.min(few, 2))),
  'One balance': onOneBalance,
};

process.stderr.write(`Under 20 calls a second, about 50 at once (seed ${SEED})\n`);
const tables: Record<string, Table> = {};
for (const [name, fault] of Object.entries(FAULTS).filter(([each]) => each.includes(only))) {
  progress.show('running', name);
  tables[name] = await fault();
}
process.stdout.write(`${tableText(tables)}\n`);
const names = Object.keys(ZEROS) as (keyof typeof ZEROS)[];
const clean = Object.values(tables).every((table) => names.every((name) => table[name] === 0));
await far.stop();
await closeServers();
process.exit(clean ? 0 : 1);
