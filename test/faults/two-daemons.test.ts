/** Two daemons on one Asterisk: one leads, the other takes over from one that is killed, paused or stopped. */
import t from 'tap';
import { audit } from '../calls/auditor.ts';
import type { Row } from '../calls/stage.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { finalStatuses } from '../calls/trace.ts';
import type { EngineProcess } from '../lab/engine.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const ADA = '127.0.1.41';
/** A lease and what follows it: connecting, reading the channels, pushing the devices. */
const TAKEOVER_MS = 5000;

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.41' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy' }],
  ...waysByNumber({ 3706001: ['answering'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
};

const stage = await openFaultStage(tenant, { reservation: { sliceS: 3, extendBeforeS: 1 }, calls: { deadManS: 15 } }, { daemons: 2 });

interface Health {
  readonly engine: { readonly servers: readonly { readonly leads: boolean; readonly connected: boolean; readonly provisioned: boolean; readonly calls: number }[] };
}

async function serverOf(engine: EngineProcess): Promise<Health['engine']['servers'][number]> {
  const answer = await fetch(`${engine.healthUrl}/health`, { signal: AbortSignal.timeout(1000) });
  const server = ((await answer.json()) as Health).engine.servers[0];
  if (server === undefined) throw new Error('no server in /health');
  return server;
}

/** Resolves when it leads and serves; with the milliseconds that took. */
async function leads(engine: EngineProcess): Promise<number> {
  const started = performance.now();
  await until(async () => {
    const server = await serverOf(engine);
    return server.leads && server.connected && server.provisioned ? undefined : `it ${server.leads ? 'leads, but does not serve yet' : 'stands by'}`;
  }, { timeoutMs: 15_000, everyMs: 20 });
  return performance.now() - started;
}

const [first, second] = stage.engines as [EngineProcess, EngineProcess];

function start(to: string): Promise<Sipp> {
  return startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to });
}

async function hungUp(caller: Sipp): Promise<Row[]> {
  await stage.asterisk.cli('channel request hangup all');
  const result = await caller.done;
  if (result.exitCode !== 0) throw new Error(result.errors);
  return stage.rowsOf(result);
}

async function nextCallWorks(): Promise<void> {
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010099' });
  t.same(finalStatuses(result), [200], 'the next call works');
}

t.test('one leads, the other stands by and is ready', async (t) => {
  t.equal((await serverOf(first)).leads, true);
  t.match(await serverOf(second), { leads: false, connected: false, calls: 0 });
  t.equal((await fetch(`${second.healthUrl}/ready`)).status, 200);
});

t.test('the lead is killed: the other takes over within 5 s, and goes on extending', async (t) => {
  const caller = await start('37060010001');
  await stage.known('37060010001', 'state', 'answered');
  await first.kill();
  const took = await leads(second);
  t.comment(`took over ${Math.round(took)} ms later`);
  t.ok(took < TAKEOVER_MS, `it took ${Math.round(took)} ms`);
  await stage.known('37060010001', '_hold:1', /^[1-9]\d{4,}$/);
  await nextCallWorks();
  t.match(await hungUp(caller), [{ disposition: 'ANSWERED', end_source: 'event' }]);
  await first.start();
  t.equal((await serverOf(first)).leads, false, 'whoever comes back stands by');
});

t.test('the lead is paused: the other takes over, and what wakes up changes nothing any more', async (t) => {
  const caller = await start('37060010002');
  await stage.known('37060010002', 'state', 'answered');
  second.pause();
  const took = await leads(first);
  t.comment(`took over ${Math.round(took)} ms later`);
  t.ok(took < TAKEOVER_MS, `it took ${Math.round(took)} ms`);
  await stage.known('37060010002', '_hold:1', /^[1-9]\d{4,}$/);
  second.resume();
  await until(async () => ((await serverOf(second)).leads ? 'it still believes that it leads' : undefined));
  t.equal((await serverOf(first)).leads, true);
  t.equal(await stage.asterisk.channelCount(), 2, 'the cut that was due in its sleep cuts nobody');
  t.match(await hungUp(caller), [{ disposition: 'ANSWERED', end_source: 'event' }]);
  await nextCallWorks();
});

t.test('the lead is stopped in order: the other leads on at once', async (t) => {
  const caller = await start('37060010003');
  await stage.known('37060010003', 'state', 'answered');
  const stopped = first.stop();
  const took = await leads(second);
  t.comment(`took over ${Math.round(took)} ms later`);
  t.ok(took < 2500, `it took ${Math.round(took)} ms`);
  await stopped;
  await nextCallWorks();
  t.match(await hungUp(caller), [{ disposition: 'ANSWERED', end_source: 'event' }]);
  await first.start();
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});
