/** The storm in its short form; `npm run test:faults` is the long one. */
import t from 'tap';
import { audit } from '../calls/auditor.ts';
import { startPeer } from '../lab/sipp.ts';
import { SEED } from '../seed.ts';
import { closeServers } from '../store/servers.ts';
import { openFaultStage } from './stage.ts';
import { storm, stormTenant, tableText, ZEROS } from './storm.ts';

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.51' });
const stage = await openFaultStage(stormTenant(far), { reservation: { sliceS: 5, extendBeforeS: 2 }, calls: { deadManS: 30 } }, { daemons: 2 });

t.test('the lead is killed three times under fifty calls: nothing is lost, doubled or stuck', async (t) => {
  const table = await storm(stage, { kills: 3, seed: SEED, ratePerSecond: 20, holdMs: 2500 });
  t.comment(tableText(table));
  t.match(table, ZEROS);
  t.ok(table.answered > 50, `${table.answered} calls were answered`);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});
