/** Reservation in the mode `frozen`: money for a whole call is held once, at its start. */
import t from 'tap';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const IPS = { rich: '127.0.1.1', short: '127.0.1.2', postpaid: '127.0.1.3' };
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    // 1 unit a second: a minute is 60.
    { name: 'second', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [
    { username: 'rich', tariff: 'second', lcr: 'main', balance: '90' },
    { username: 'short', tariff: 'second', lcr: 'main', balance: '2.5' },
    { username: 'postpaid', tariff: 'second', lcr: 'main', postpaid: true, credit: 'unlimited', balance: '0' },
  ],
  devices: Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip)),
};

const stage = await openStage({ tenant, settings: { reservation: { mode: 'frozen', frozenTimeMinutes: 1 } } });
t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});

async function onHold(username: string): Promise<number> {
  return Number(await stage.redis.hget(`tollgate:payer:${await stage.userId(username)}`, 'reserved')) / 1_000_000;
}

t.test('each call holds a minute or what is left, the next is refused, and what is not used comes back', async (t) => {
  const caller = await startCaller({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.rich, from: '37060000001', to: '37061000000', calls: 2, values: { holdMs: 2200 } });
  await until(async () => ((await onHold('rich')) === 90 ? undefined : `${await onHold('rich')} are on hold, not 60 and 30`));
  const third = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.rich, from: '37060000001', to: '37061000000' });
  t.same(finalStatuses(third), [503]);
  t.match(await stage.rowsOf(third), [{ hangup_cause: 212, disposition: 'FAILED' }]);
  const rows = await stage.rowsOf(await caller.done);
  t.match(rows, [{ disposition: 'ANSWERED', terminated_by: 'originator' }, { disposition: 'ANSWERED', terminated_by: 'originator' }]);
  await until(async () => ((await onHold('rich')) === 0 ? undefined : `${await onHold('rich')} are on hold`));
  const left = String(rows.reduce((balance, row) => balance - Number(row['billsec']), 90));
  await until(async () => ((await stage.balance('rich')) === left ? undefined : `the balance is ${await stage.balance('rich')}, not ${left}`));
});

t.test('a call is cut where the money ends', async (t) => {
  const result = await call({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS.short, from: '37060000001', to: '37061000000' });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ billsec: 2, bill_ms: 2000, user_price: '2.0000000000', terminated_by: 'system' }]);
});

t.test('nothing is held for unlimited credit', async (t) => {
  const caller = await startCaller({ scenario: 'call', target: stage.asterisk, ip: IPS.postpaid, from: '37060000001', to: '37061000000', values: { holdMs: 500 } });
  await until(() => (finalStatuses(caller)[0] === 200 ? undefined : 'not answered yet'));
  t.equal(await onHold('postpaid'), 0);
  t.equal((await caller.done).exitCode, 0);
});

t.test('nothing is held any more, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});
