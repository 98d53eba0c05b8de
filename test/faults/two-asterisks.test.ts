/** Two Asterisks, each led by a daemon of its own: they share one user's limit and one user's money, to the last unit. */
import t from 'tap';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import type { Asterisk } from '../lab/asterisk.ts';
import { startEngine } from '../lab/engine.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers, freshDatabase, freshRedis } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const ADA = '127.0.1.95';
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.95' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    // 1 unit a second.
    { name: 'second', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
  ],
  providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy' }],
  ...waysByNumber({ 3706001: ['answering'] }),
  users: [{ username: 'ada', tariff: 'second', balance: '20', outboundLimit: 4 }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
};

const [postgresUrl, redisUrl] = await Promise.all([freshDatabase(), freshRedis()]);
const settings = { reservation: { sliceS: 3, extendBeforeS: 1 }, calls: { promptBeforeEndS: 0 } };
const stage = await openFaultStage(tenant, settings, { postgresUrl, redisUrl });
const other = await startAsterisk({ rtpPorts: 100 });
const second = await startEngine({
  postgresUrl, redisUrl, asterisks: [],
  settings: { ...settings, asterisk: [{ id: 2, url: other.ariUrl, username: other.ariUser, password: other.ariPassword, witness: other.celFile }] },
});

/** Three calls at once, each at most until its money ends. */
function three(target: Asterisk): ReturnType<typeof startCaller> {
  return startCaller({ scenario: 'any-answer', target, ip: ADA, from: '37069000001', to: '37060010001', calls: 3, values: { holdMs: 25_000 }, timeoutS: 60 });
}

t.test('one limit and one balance for calls on both', async (t) => {
  const callers = await Promise.all([three(stage.asterisk), three(other)]);
  await until(async () => ((await stage.redis.get('tollgate:calls:user:1:out')) === '4' ? undefined : 'not four of his calls are up'));
  const results = await Promise.all(callers.map((caller) => caller.done));
  const rows = (await Promise.all(results.map((result) => stage.rowsOf(result)))).flat();
  const of = (disposition: string): typeof rows => rows.filter((row) => row['disposition'] === disposition);
  t.same(of('FAILED').map((row) => row['hangup_cause']), [220, 220], 'four of six');
  t.equal(of('ANSWERED').reduce((sum, row) => sum + Number(row['billsec']), 0), 20, 'together they talked for all of his money');
  t.equal(new Set(of('ANSWERED').map((row) => row['server_id'])).size, 2, 'on both Asterisks');
  t.same((await stage.db.query("select trim_scale(balance)::text as balance from users where username = 'ada'")).rows, [{ balance: '0' }]);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.equal(await other.channelCount(), 0);
  const celRecords = (serverId: number): ReturnType<Asterisk['celRecords']> => (serverId === 1 ? stage.asterisk : other).celRecords();
  await audit(t, { tenant, db: stage.db, quiet: () => stage.quiet(), asterisk: { celRecords } });
});

t.teardown(async () => {
  await second.stop();
  await other.stop();
  await stage.close();
  await far.stop();
  await closeServers();
});
