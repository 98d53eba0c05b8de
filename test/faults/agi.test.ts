/** Engine, Asterisk or Redis go away under calls that Dial() leads: the calls stay, and are billed to what was talked. */
import t from 'tap';
import { dialOptions } from '../calls/agi-stage.ts';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { freePort } from '../lab/ports.ts';
import { startRedis } from '../lab/redis.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const ADA = '127.0.1.71';
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.71' });
const refusing = await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.72' });
const redis = await startRedis();
const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy' }, { name: 'refusing', host: refusing.ip, port: refusing.port, tariff: 'buy' }],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['refusing', 'answering'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number', codecs: ['ulaw'] })],
};

const port = await freePort();
const stage = await openFaultStage(tenant, { agi: { port }, reconcileEveryS: 1 }, { redisUrl: redis.url, asterisk: dialOptions(port, 1, [{ endpoint: 'ada', ip: ADA }]) });

function start(to: string): Promise<Sipp> {
  return startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to });
}

/** It stands in the live view as answered, which the comparison with Asterisk's channels tells. */
async function talking(to: string): Promise<Sipp> {
  const caller = await start(to);
  await stage.known(to, 'state', 'answered');
  return caller;
}

function hangUpAll(): Promise<string> {
  return stage.asterisk.cli('channel request hangup all');
}

async function noChannels(): Promise<void> {
  await until(async () => ((await stage.asterisk.channelCount()) === 0 ? undefined : 'channels are up'));
}

t.test('the engine is killed, the call ends without it: closed by the event log', async (t) => {
  const [caller, other] = [await talking('37060010001'), await talking('37060020001')];
  await stage.engine.kill();
  await hangUpAll();
  await noChannels();
  await stage.engine.start();
  t.match(await stage.rowsOf(await caller.done), [{ attempt: 1, disposition: 'ANSWERED', end_source: 'witness', sip_code: 200 }]);
  t.match(await stage.rowsOf(await other.done), [{ attempt: 1, disposition: 'FAILED', hangup_cause: 34 }, { attempt: 2, disposition: 'ANSWERED', end_source: 'witness' }]);
});

t.test('the engine is killed and back before the end: the dialplan tells it to the new one', async (t) => {
  const caller = await talking('37060020002');
  await stage.engine.kill();
  await stage.engine.start();
  t.equal(await stage.redis.get('tollgate:calls:user:1:out'), '1', 'it is still counted');
  await hangUpAll();
  t.match(await stage.rowsOf(await caller.done), [{ attempt: 1, disposition: 'FAILED', hangup_cause: 34 }, { attempt: 2, disposition: 'ANSWERED', end_source: 'event' }]);
});

t.test('without an engine nobody is admitted, and each caller is told at once', async (t) => {
  await stage.engine.kill();
  const refused = await call({ scenario: 'refused', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010003', values: { status: 503 } });
  t.equal(refused.exitCode, 0, refused.errors);
  await stage.engine.start();
});

t.test('Redis is emptied: what runs is written down again, and finished', async (t) => {
  const caller = await talking('37060020004');
  const held = await stage.redis.hget('tollgate:payer:1', 'reserved');
  await stage.redis.flushdb();
  await until(async () => ((await stage.redis.zcard('tollgate:live')) === 1 ? undefined : 'the call is not written down again'), { timeoutMs: 10_000 });
  t.equal(await stage.redis.hget('tollgate:payer:1', 'reserved'), held);
  await hangUpAll();
  t.match(await stage.rowsOf(await caller.done), [{ attempt: 1, disposition: 'FAILED' }, { attempt: 2, disposition: 'ANSWERED', end_source: 'event' }]);
});

t.test('Asterisk is killed: the call ends when it died', async (t) => {
  const caller = await talking('37060010005');
  await stage.asterisk.kill();
  await stage.asterisk.start();
  t.match(await stage.rowsOf(await caller.stop()), [{ disposition: 'ANSWERED', end_source: 'estimate', hangup_cause: 41, terminated_by: 'system' }]);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
  await audit(t, { tenant, db: stage.db, quiet: () => stage.quiet(), asterisk: stage.asterisk });
});

t.teardown(async () => {
  await stage.close();
  await Promise.all([far.stop(), refusing.stop(), redis.stop()]);
  await closeServers();
});
