/** The engine is killed in mid-call, on each rung of a call's ladder: the call goes on, and comes out right. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { newFolder } from '../lab/lab-folder.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { toneFile } from '../lab/tone-file.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from '../calls/auditor.ts';
import type { Row } from '../calls/stage.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { received } from '../calls/trace.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const ADA = '127.0.1.31';
const EVE = '127.0.1.32';

const sounds = newFolder('sounds');
writeFileSync(join(sounds, 'long.wav'), toneFile(1000, 60));

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.31' });
const ringing = await startPeer({ scenario: 'peer-ring', ip: '127.0.2.32' });
const slow = await startPeer({ scenario: 'peer-answer', values: { ringMs: 1500 }, ip: '127.0.2.33' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'answering', host: far.ip, port: far.port, tariff: 'buy', ringTimeoutS: 10 },
    { name: 'ringing', host: ringing.ip, port: ringing.port, tariff: 'buy' },
    { name: 'slow', host: slow.ip, port: slow.port, tariff: 'buy', silenceMs: 20_000 },
  ],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['ringing'], 3706003: ['slow'] }),
  users: [
    { username: 'ada', tariff: 'sell', balance: '10' },
    { username: 'eve', tariff: 'sell', balance: '10', warning: { enabled: true, prompt: join(sounds, 'long'), playBeforeEveryCall: true, promptThreshold: '20' } },
  ],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' }), byAddress('eve', 'eve', EVE, { location: 'by number', codecs: ['ulaw'] })],
};

const stage = await openFaultStage(tenant, { reservation: { sliceS: 3, extendBeforeS: 1 }, calls: { deadManS: 15, announcementMaxS: 60 } });

function start(to: string, scenario = 'call', values = {}): Promise<Sipp> {
  return startCaller({ scenario, target: stage.asterisk, ip: ADA, from: '37069000001', to, values });
}

/** The caller's side ends the call; its row. */
async function hungUp(caller: Sipp): Promise<Row> {
  const [name = 'none'] = /^PJSIP\/ada-[0-9a-f]+/m.exec(await stage.asterisk.cli('core show channels concise')) ?? [];
  await stage.asterisk.cli(`channel request hangup ${name}`);
  const result = await caller.done;
  if (result.exitCode !== 0) throw new Error(result.errors);
  const rows = await stage.rowsOf(result);
  return rows[0] ?? {};
}

t.test('killed while people talk: the call goes on, is led on, extended and billed to its end', async (t) => {
  const caller = await start('37060010001', 'call-until-bye');
  await stage.known('37060010001', 'state', 'answered');
  await stage.engine.kill();
  await stage.engine.start();
  // More than the first slice, 3 s at 0.1 a minute, and what was talked meanwhile.
  await stage.known('37060010001', '_hold:1', /^[1-9]\d{4,}$/);
  const row = await hungUp(caller);
  t.match(row, { disposition: 'ANSWERED', end_source: 'event' });
  t.ok(Number(row['billsec']) > 3, `billed ${String(row['billsec'])} s`);
});

t.test('the call ends while no engine lives: the witness knows when', async (t) => {
  const caller = await start('37060010002', 'call', { holdMs: 1500 });
  await stage.known('37060010002', 'state', 'answered');
  await stage.engine.kill();
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  await stage.engine.start();
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 2, end_source: 'witness', terminated_by: 'originator' }]);
  await until(() => (received(far, 'BYE').length === 2 ? undefined : 'the far end is still up'));
});

t.test('killed while it rings: the far end answers meanwhile, and is billed from there', async (t) => {
  const caller = await start('37060030001', 'call-until-bye');
  await stage.known('37060030001', 'state', 'ringing');
  await stage.engine.kill();
  await until(() => (received(slow, 'ACK').length === 1 ? undefined : 'the far end has not answered'), { timeoutMs: 10_000 });
  await stage.engine.start();
  await stage.known('37060030001', 'state', 'answered');
  t.match(await hungUp(caller), { disposition: 'ANSWERED', end_source: 'event' });
});

t.test('killed while it rings: the caller cancels meanwhile', async (t) => {
  const caller = await start('37060020001', 'cancel', { cancelAfterMs: 800 });
  await stage.known('37060020001', 'state', 'ringing');
  await stage.engine.kill();
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  await stage.engine.start();
  t.match(await stage.rowsOf(result), [{ disposition: 'NO ANSWER', hangup_cause: 241, billsec: 0, end_source: 'witness' }]);
  await until(() => (received(ringing, 'CANCEL').length === 1 ? undefined : 'the far end still rings'));
});

t.test('killed while it rings on: led on to its end', async (t) => {
  const caller = await start('37060020002', 'any-answer');
  await stage.known('37060020002', 'state', 'ringing');
  await stage.engine.kill();
  const takeovers = (): number => stage.engine.log().filter(({ msg }) => /are taken over/.test(String(msg))).length;
  const before = takeovers();
  await stage.engine.start();
  await until(() => (takeovers() > before ? undefined : 'the call is not led on'));
  t.match(await hungUp(caller), { disposition: 'NO ANSWER', hangup_cause: 241, end_source: 'event' });
});

t.test('killed while it rings, and Redis is emptied: the caller is taken anew', async (t) => {
  const caller = await start('37060020004', 'any-answer');
  await stage.known('37060020004', 'state', 'ringing');
  await stage.engine.kill();
  await stage.redis.flushdb();
  await stage.engine.start();
  await stage.known('37060020004', 'state', 'ringing');
  t.match(await hungUp(caller), { attempt: 1, final: true, disposition: 'NO ANSWER', hangup_cause: 241, end_source: 'event' });
  const invites = ringing.invites().filter((invite) => invite.text.includes('37060020004'));
  t.equal(invites.length, 2, 'the far end was asked twice');
});

t.test('killed while the caller hears that his balance is low: the next one stops it and calls', async (t) => {
  const caller = await startCaller({ scenario: 'call', target: stage.asterisk, ip: EVE, from: '37069000002', to: '37060010005', values: { holdMs: 300 } });
  await until(() => (caller.messages().some(({ status }) => status === 183) ? undefined : 'he hears nothing yet'));
  await stage.engine.kill();
  await stage.engine.start();
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ attempt: 1, disposition: 'ANSWERED', billsec: 1, end_source: 'event' }]);
});

t.test('no engine comes back: Asterisk itself ends both legs a little after what is paid, and no more is billed', async (t) => {
  const caller = await start('37060010003', 'call-until-bye');
  await stage.known('37060010003', 'state', 'answered');
  await stage.engine.kill();
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  await until(async () => ((await stage.asterisk.channelCount()) === 0 ? undefined : 'a leg is still up'), { timeoutMs: 15_000 });
  await stage.engine.start();
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 3, end_source: 'witness', terminated_by: 'system' }]);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await Promise.all([far, ringing, slow].map((peer) => peer.stop()));
  await closeServers();
});
