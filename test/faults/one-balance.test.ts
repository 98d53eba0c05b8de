/** Many calls on one balance, in the short form; `npm run test:faults` has 200 of them. */
import t from 'tap';
import type { Test } from 'tap';
import { audit } from '../calls/auditor.ts';
import { startPeer } from '../lab/sipp.ts';
import { SEED } from '../seed.ts';
import { closeServers } from '../store/servers.ts';
import { ONE_BALANCE_SETTINGS, oneBalance, oneBalanceTenant } from './one-balance.ts';
import type { OneBalance } from './one-balance.ts';
import { openFaultStage } from './stage.ts';
import { tableText, ZEROS } from './storm.ts';

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.52' });

async function spentByAll(t: Test, wish: OneBalance): Promise<void> {
  const stage = await openFaultStage(oneBalanceTenant(far, wish), ONE_BALANCE_SETTINGS);
  t.teardown(async () => stage.close());
  const { table, looks } = await oneBalance(stage, wish);
  t.comment(tableText({ 'one balance': table }));
  t.match(table, ZEROS);
  t.ok(table.answered >= 20, `${table.answered} calls were answered`);
  t.ok(looks > 500, `looked at ${looks} times`);
  const { rows } = await stage.db.query(`select distinct terminated_by from calls where disposition = 'ANSWERED'`);
  t.same(rows, [{ terminated_by: 'system' }], 'all of them are cut, not a single one alone');
  await audit(t, stage);
}

t.test(`prepaid, with payments meanwhile (seed ${SEED})`, async (t) => {
  await spentByAll(t, { calls: 30, funds: '12', postpaid: false, payments: 6, largest: 4, seed: SEED });
});

t.test('postpaid: the credit limit cuts all calls', async (t) => {
  await spentByAll(t, { calls: 30, funds: '15', postpaid: true, payments: 0, largest: 0, seed: SEED });
});

t.teardown(async () => {
  await far.stop();
  await closeServers();
});
