/** Asterisk dies under its calls: they are closed at the second in which it died, not at the one in which it is back. */
import t from 'tap';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { finalStatuses } from '../calls/trace.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';
import { pauseFor } from './storm.ts';

const ADA = '127.0.1.99';
/** So long Asterisk is away: what would be billed if its return counted. */
const AWAY_MS = 4000;
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.99' });
const ringing = await startPeer({ scenario: 'peer-ring', ip: '127.0.2.98' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'answering', host: far.ip, port: far.port, tariff: 'buy' },
    { name: 'ringing', host: ringing.ip, port: ringing.port, tariff: 'buy' },
  ],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['ringing'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
};

const stage = await openFaultStage(tenant, { reservation: { sliceS: 30, extendBeforeS: 5 } });

async function talking(to: string): Promise<Sipp> {
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to });
  await stage.known(to, 'state', 'answered');
  return caller;
}

/** Milliseconds from the answer, as the caller saw it, until now. */
function talkedMs(caller: Sipp): number {
  const answered = caller.messages().find(({ status }) => status === 200)?.atMicros ?? 0;
  return Date.now() - answered / 1000;
}

async function nextCallWorks(): Promise<void> {
  await until(async () => {
    const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010099' });
    return finalStatuses(result)[0] === 200 ? undefined : `the next call gets ${finalStatuses(result)[0]}`;
  }, { timeoutMs: 15_000 });
}

async function closedAt(caller: Sipp, talked: number): Promise<void> {
  const [row] = await stage.rowsOf(await caller.stop());
  t.match(row, { disposition: 'ANSWERED', end_source: 'estimate', hangup_cause: 41, terminated_by: 'system' });
  const billed = Number(row?.['bill_ms']);
  t.ok(Math.abs(billed - talked) < 1000, `billed ${billed} ms, talked for ${Math.round(talked)}`);
}

t.test('killed: its calls end when it died, its places are free, the next call works', async (t) => {
  const caller = await talking('37060010001');
  const rings = await startCaller({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060020001' });
  await stage.known('37060020001', 'state', 'ringing');
  await stage.asterisk.kill();
  const talked = talkedMs(caller);
  await pauseFor(AWAY_MS);
  await stage.asterisk.start();
  await nextCallWorks();
  await closedAt(caller, talked);
  t.match(await stage.rowsOf(await rings.stop()), [{ disposition: 'NO ANSWER', hangup_cause: 41, billsec: 0, final: true, terminated_by: 'system' }]);
});

t.test('killed, and the engine with it: no later than Asterisk itself was started again', async (t) => {
  const caller = await talking('37060010002');
  await stage.engine.kill();
  await stage.asterisk.kill();
  await stage.asterisk.start();
  const latest = talkedMs(caller);
  // The engine comes when Asterisk has been back for long.
  await pauseFor(AWAY_MS);
  await stage.engine.start();
  await nextCallWorks();
  const [row] = await stage.rowsOf(await caller.stop());
  t.match(row, { disposition: 'ANSWERED', end_source: 'estimate', hangup_cause: 41 });
  t.ok(Number(row?.['bill_ms']) <= latest, `billed ${String(row?.['bill_ms'])} ms of at most ${Math.round(latest)}`);
});

t.test('restarted in order: each call has its true end', async (t) => {
  const caller = await talking('37060010003');
  const talked = talkedMs(caller);
  await stage.asterisk.restart();
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  const [row] = await stage.rowsOf(result);
  t.match(row, { disposition: 'ANSWERED', end_source: /event|witness/ });
  t.ok(Number(row?.['bill_ms']) - talked < 1500, `billed ${String(row?.['bill_ms'])} ms, talked for ${Math.round(talked)} when it was told to`);
  await nextCallWorks();
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await Promise.all([far.stop(), ringing.stop()]);
  await closeServers();
});
