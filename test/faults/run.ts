/**
 * `npm run test:faults`: the faults in their long form, on the real servers, and a table of what was lost, doubled or stuck.
 * KILLS=5 and AWAY_S=5 in the environment make it shorter.
 */
import { startPostgres } from '../lab/postgres.ts';
import { Progress } from '../lab/progress.ts';
import { startRedis } from '../lab/redis.ts';
import { startPeer } from '../lab/sipp.ts';
import { SEED } from '../seed.ts';
import { closeServers, migratedDatabase } from '../store/servers.ts';
import { openFaultStage } from './stage.ts';
import type { FaultOptions } from './stage.ts';
import { kills, stopped, storm, stormTenant, tableText, ZEROS } from './storm.ts';
import type { Fault, Table } from './storm.ts';

const times = Number(process.env['KILLS'] ?? 20);
const awayMs = Number(process.env['AWAY_S'] ?? 30) * 1000;
const progress = new Progress();
process.stderr.write(`Under 20 calls a second, about 50 at once (seed ${SEED})\n`);
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.51' });
const [postgres, redis] = await Promise.all([startPostgres(), startRedis({ appendOnly: 'everysec' })]);

const tables: Record<string, Table> = {};

async function run(name: string, fault: Fault, options: FaultOptions): Promise<void> {
  progress.show('running', name);
  const stage = await openFaultStage(stormTenant(far), { reservation: { sliceS: 60, extendBeforeS: 15 }, calls: { deadManS: 60 } }, options);
  tables[name] = await storm(stage, fault);
  await stage.close();
}

await run(`${times} kills`, kills(times, SEED, (kill) => progress.show('killed', `${kill} of ${times} times`)), { daemons: 2 });
await run('Postgres stopped', stopped(postgres, awayMs), { postgresUrl: await migratedDatabase(postgres.url) });
await run('Redis stopped', stopped(redis, awayMs), { redisUrl: redis.url });
await Promise.all([postgres.stop(), redis.stop(), far.stop()]);
await closeServers();
process.stdout.write(`${tableText(tables)}\n`);
const names = Object.keys(ZEROS) as (keyof typeof ZEROS)[];
process.exit(Object.values(tables).every((table) => names.every((name) => table[name] === 0)) ? 0 : 1);
