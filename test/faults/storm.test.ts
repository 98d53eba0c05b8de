/** Storms in their short form; `npm run test:faults` is the long one. */
import t from 'tap';
import type { Test } from 'tap';
import { audit } from '../calls/auditor.ts';
import { startPostgres } from '../lab/postgres.ts';
import { startPeer } from '../lab/sipp.ts';
import { SEED } from '../seed.ts';
import { closeServers, migratedDatabase } from '../store/servers.ts';
import { openFaultStage } from './stage.ts';
import type { FaultOptions } from './stage.ts';
import { kills, stopped, storm, stormTenant, tableText, ZEROS } from './storm.ts';
import type { Fault } from './storm.ts';

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.51' });
const postgres = await startPostgres();

async function lastsOut(t: Test, name: string, fault: Fault, options: FaultOptions): Promise<void> {
  const stage = await openFaultStage(stormTenant(far), { reservation: { sliceS: 5, extendBeforeS: 2 }, calls: { deadManS: 30 } }, options);
  t.teardown(async () => stage.close());
  const table = await storm(stage, fault);
  t.comment(tableText({ [name]: table }));
  t.match(table, ZEROS);
  t.ok(table.answered > 50, `${table.answered} calls were answered`);
  await audit(t, stage);
}

t.test('the lead is killed twice: nothing is lost, doubled or stuck', async (t) => {
  await lastsOut(t, 'killed', kills(2, SEED), { daemons: 2 });
});

t.test('Postgres is stopped for four seconds: calls go on being admitted, and all are settled', async (t) => {
  await lastsOut(t, 'Postgres away', stopped(postgres, 4000), { postgresUrl: await migratedDatabase(postgres.url) });
});

t.teardown(async () => {
  await postgres.stop();
  await far.stop();
  await closeServers();
});
