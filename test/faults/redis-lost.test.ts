/** Redis is stopped, flushed, or comes back with less than it had, while calls run: they go on, and the books come out right. */
import t from 'tap';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { finalStatuses } from '../calls/trace.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { startRedis } from '../lab/redis.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const ADA = '127.0.1.61';
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.61' });
const server = await startRedis();

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy', callLimit: 50 }],
  ...waysByNumber({ 3706001: ['answering'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
};

const stage = await openFaultStage(tenant, { reservation: { sliceS: 30, extendBeforeS: 5 } }, { redisUrl: server.url });

function start(to: string): Promise<Sipp> {
  return startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to });
}

/** What Redis knows of the calls that are up. */
async function known(): Promise<Record<string, unknown>> {
  const counters: Record<string, string | null> = {};
  for (const key of (await stage.redis.keys('tollgate:calls:*')).toSorted()) counters[key] = await stage.redis.get(key);
  const ids = await stage.redis.zrange('tollgate:live', '0', '-1');
  const holds = await Promise.all(ids.map((id) => stage.redis.hget(`tollgate:call:${id}`, '_hold:1')));
  return { ids, holds, counters, reserved: await stage.redis.hget('tollgate:payer:1', 'reserved') };
}

async function bothHungUp(callers: readonly Sipp[]): Promise<void> {
  await stage.asterisk.cli('channel request hangup all');
  for (const caller of callers) {
    const result = await caller.done;
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', end_source: 'event' }]);
  }
}

async function nextCallWorks(): Promise<void> {
  await until(async () => {
    const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010099' });
    return finalStatuses(result)[0] === 200 ? undefined : `the next call gets ${finalStatuses(result)[0]}`;
  }, { timeoutMs: 10_000 });
}

t.test('Redis is emptied: what runs is written down again, to the place and to the digit', async (t) => {
  const callers = [await start('37060010001'), await start('37060010002')];
  await stage.known('37060010001', 'state', 'answered');
  await stage.known('37060010002', 'state', 'answered');
  const before = await known();
  await stage.redis.flushdb();
  await until(async () => ((await stage.redis.zcard('tollgate:live')) === 2 ? undefined : 'the calls are not written down again'), { timeoutMs: 10_000 });
  t.same(await known(), before);
  await nextCallWorks();
  await bothHungUp(callers);
});

t.test('Redis dies and comes back empty: the same', async (t) => {
  const callers = [await start('37060010003'), await start('37060010004')];
  await stage.known('37060010003', 'state', 'answered');
  await stage.known('37060010004', 'state', 'answered');
  const before = await known();
  await server.kill();
  const refused = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010098' });
  t.same(finalStatuses(refused), [503], 'without Redis nobody is admitted');
  await server.start();
  await until(async () => ((await stage.redis.zcard('tollgate:live').catch(() => 0)) === 2 ? undefined : 'the calls are not written down again'), { timeoutMs: 15_000 });
  t.same(await known(), before);
  await nextCallWorks();
  await bothHungUp(callers);
});

t.test('a call that ended just before Redis lost it keeps its CDR', async (t) => {
  const result = await call({ scenario: 'call', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010005', values: { holdMs: 200 } });
  await stage.redis.flushdb();
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED' }]);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await server.stop();
  await far.stop();
  await closeServers();
});
