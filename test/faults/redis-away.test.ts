/** Redis is away for longer than what calls have on hold: they talk on, by either policy; new ones as the policy says. */
import t from 'tap';
import type { Test } from 'tap';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { finalStatuses } from '../calls/trace.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { startRedis } from '../lab/redis.ts';
import type { Redis as RedisServer } from '../lab/redis.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';
import type { FaultStage } from './stage.ts';

const IPS = { ada: '127.0.1.81', poor: '127.0.1.82', bound: '127.0.1.83' };
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.81' });
const busy = await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.82' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    // 1 unit a second.
    { name: 'second', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
  ],
  providers: [
    { name: 'answering', host: far.ip, port: far.port, tariff: 'buy', callLimit: 2 },
    { name: 'busy', host: busy.ip, port: busy.port, tariff: 'buy' },
  ],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['busy', 'answering'] }),
  users: [
    { username: 'ada', tariff: 'second', balance: '1000' },
    { username: 'poor', tariff: 'second', balance: '8' },
    { username: 'bound', tariff: 'second', balance: '1000' },
  ],
  devices: Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip, { location: 'by number' })),
};

interface Scene {
  readonly stage: FaultStage;
  readonly server: RedisServer;
}

async function scene(t: Test, policy: 'refuse' | 'allow'): Promise<Scene> {
  const server = await startRedis({ appendOnly: 'everysec' });
  const stage = await openFaultStage(tenant, { reservation: { sliceS: 3, extendBeforeS: 1 }, calls: { promptBeforeEndS: 0 }, redisAway: { policy, bound: 10 } }, { redisUrl: server.url });
  t.teardown(async () => {
    await stage.close();
    await server.stop();
  });
  return { stage, server };
}

/** All calls are over, and nothing is lost. */
async function rightInTheEnd(t: Test, stage: FaultStage): Promise<void> {
  t.same(await stage.remains(), NOTHING_LEFT);
  await audit(t, stage);
}

async function talking(stage: FaultStage, from: keyof typeof IPS, to: string): Promise<Sipp> {
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS[from], from: '37069000001', to, timeoutS: 60, values: { giveUpMs: 50_000 } });
  await stage.known(to, 'state', 'answered');
  return caller;
}

/** Until the caller has talked for so long since his call was answered. */
async function talked(caller: Sipp, seconds: number): Promise<void> {
  const answered = caller.messages().find(({ status }) => status === 200)?.atMicros ?? 0;
  await until(() => (Date.now() * 1000 - answered > seconds * 1e6 ? undefined : 'they talk'), { timeoutMs: 60_000, everyMs: 50 });
}

async function rowOf(stage: FaultStage, caller: Sipp): Promise<Record<string, unknown>> {
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  return (await stage.rowsOf(result)).at(-1) ?? {};
}

async function listed(stage: FaultStage, calls: number): Promise<void> {
  await until(async () => ((await stage.redis.zcard('tollgate:live').catch(() => -1)) === calls ? undefined : 'not all calls are in Redis'), { timeoutMs: 15_000 });
}

t.test('refuse: running calls are extended and cut by what is known here, new ones get 503', async (t) => {
  const { stage, server } = await scene(t, 'refuse');
  const [ada, poor] = [await talking(stage, 'ada', '37060010001'), await talking(stage, 'poor', '37060010002')];
  await server.kill();
  await talked(poor, 5);
  const refused = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.ada, from: '37069000001', to: '37060010009' });
  t.same(finalStatuses(refused), [503]);
  const cut = await poor.done;
  t.equal(cut.exitCode, 0, cut.errors);
  await talked(ada, 9);
  t.equal(await stage.asterisk.channelCount(), 2, 'ada talks on');
  await server.start();
  await listed(stage, 1);
  await stage.asterisk.cli('channel request hangup all');
  t.match((await stage.rowsOf(cut))[0], { disposition: 'ANSWERED', billsec: 8, terminated_by: 'system' }, 'cut where his money ended, to the second');
  const row = await rowOf(stage, ada);
  t.match(row, { disposition: 'ANSWERED', end_source: 'event' });
  t.ok(Number(row['billsec']) >= 9, `billed ${String(row['billsec'])} s`);
  await rightInTheEnd(t, stage);
});

t.test('allow: new calls are taken, by their limits, the next way and the bound; Redis learns of all of them', async (t) => {
  const { stage, server } = await scene(t, 'allow');
  const first = await talking(stage, 'ada', '37060010001');
  await server.kill();
  await until(async () => {
    const { ready, store } = (await (await fetch(`${stage.engine.healthUrl}/health`)).json()) as { ready: boolean; store: { redis: { ok: boolean } } };
    return ready && !store.redis.ok ? undefined : 'nobody stands in for Redis';
  });
  const second = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS.bound, from: '37069000001', to: '37060020001', timeoutS: 60, values: { giveUpMs: 50_000 } });
  await until(() => (second.messages().some(({ status }) => status === 200) ? undefined : 'the second way has not answered'));
  const full = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.poor, from: '37069000001', to: '37060010003' });
  t.same(finalStatuses(full), [403], 'the provider has its two calls');
  await talked(second, 5);
  await server.start();
  await listed(stage, 2);
  await until(async () => ((await stage.redis.get('tollgate:calls:provider:1')) === '2' ? undefined : 'the places are not written down'));
  await stage.asterisk.cli('channel request hangup all');
  t.match(await rowOf(stage, first), { disposition: 'ANSWERED', end_source: 'event' });
  t.match(await rowOf(stage, second), { disposition: 'ANSWERED', end_source: 'event', attempt: 2 });
  t.match(await stage.rowsOf(full), [{ disposition: 'FAILED', hangup_cause: 204 }]);
  await rightInTheEnd(t, stage);
});

t.test('a Redis that is back and does not take what it is told: told again until it does, then new calls go on', async (t) => {
  const { stage, server } = await scene(t, 'refuse');
  const ada = await talking(stage, 'ada', '37060010001');
  const [id] = await stage.redis.zrange('tollgate:live', '0', '0');
  const key = `tollgate:call:${id}`;
  await stage.redis.rename(key, 'kept');
  await stage.redis.set(key, 'this is no call');
  const told = async (sentence: RegExp): Promise<void> => until(() => (stage.engine.log().some(({ msg }) => sentence.test(String(msg))) ? undefined : `the log does not say ${String(sentence)}`), { timeoutMs: 15_000 });
  const another = async (): Promise<number[]> => finalStatuses(await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.bound, from: '37069000001', to: '37060010009' }));
  await server.kill();
  t.same(await another(), [503], 'Redis is away');
  await server.start();
  await told(/lost again before all calls were written down/);
  t.same(await another(), [503], 'it does not know all calls that are up');
  await stage.redis.rename('kept', key);
  await until(async () => ((await another())[0] === 200 ? undefined : 'new calls are still refused'), { timeoutMs: 15_000 });
  await stage.asterisk.cli('channel request hangup all');
  t.match(await rowOf(stage, ada), { disposition: 'ANSWERED', end_source: 'event' });
  await rightInTheEnd(t, stage);
});

t.test('the bound cuts whoever talks on and on, whatever he has', async (t) => {
  const { stage, server } = await scene(t, 'allow');
  const one = await talking(stage, 'bound', '37060010001');
  await server.kill();
  const result = await one.done;
  await server.start();
  const [row] = await stage.rowsOf(result);
  t.match(row, { disposition: 'ANSWERED', terminated_by: 'system' });
  const billed = Number(row?.['billsec']);
  t.ok(billed >= 10 && billed <= 16, `what was on hold, and 10 more: ${billed} s`);
  await rightInTheEnd(t, stage);
});

t.teardown(async () => {
  await Promise.all([far.stop(), busy.stop()]);
  await closeServers();
});
