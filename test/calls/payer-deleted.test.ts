/** A payer is deleted while his call is up: who has a ledger stays; the call of one who has none yet ends with its reason told. */
import t from 'tap';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const IPS = { paying: '127.0.1.97', fresh: '127.0.1.98' };
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.97' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.6' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [
    { username: 'paying', tariff: 'sell', lcr: 'main', balance: '5' },
    { username: 'fresh', tariff: 'sell', lcr: 'main', postpaid: true, credit: '5', balance: '0' },
  ],
  devices: Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip)),
};

const stage = await openStage({ tenant });

async function talking(from: keyof typeof IPS): Promise<Awaited<ReturnType<typeof startCaller>>> {
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS[from], from: '37069000001', to: '37060000001' });
  await until(() => (caller.messages().some(({ status }) => status === 200) ? undefined : 'not answered'));
  return caller;
}

const remove = async (username: string): Promise<unknown> => stage.db.query(`with d as (delete from devices where user_id = (select id from users where username = $1)) delete from users where username = $1`, [username]);

t.test('who has rows in the ledger cannot be deleted, and his call is billed', async (t) => {
  const caller = await talking('paying');
  await t.rejects(remove('paying'), /ledger|foreign key/);
  await stage.asterisk.cli('channel request hangup all');
  t.match(await stage.rowsOf(await caller.done), [{ disposition: 'ANSWERED' }]);
});

t.test('one without any is gone: his call goes on to its end, its row is put aside with the reason, the books stay right', async (t) => {
  const caller = await talking('fresh');
  const id = await stage.userId('fresh');
  const ledger = (await stage.db.query('select count(*)::int as rows from balance_ledger')).rows;
  await stage.db.query('delete from devices where user_id = $1', [id]);
  await remove('fresh');
  await stage.asterisk.cli('channel request hangup all');
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  await until(async () => ((await stage.store.backlog()).refused === 1 ? undefined : 'its row is not put aside'));
  const [[, fields]] = (await stage.redis.xrange('tollgate:cdr:refused', '-', '+')) as unknown as [[string, string[]]];
  t.match(fields.at(-1), new RegExp(`account that does not exist.*user, ${id}`));
  t.same((await stage.db.query('select count(*)::int as rows from balance_ledger')).rows, ledger);
  await until(async () => {
    const again = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.fresh, from: '37069000001', to: '37060000001' });
    return [401, 403].includes(finalStatuses(again)[0] ?? 0) ? undefined : `he gets ${finalStatuses(again)[0]}`;
  });
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});
