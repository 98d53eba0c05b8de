/** Calls that Dial() leads, by FastAGI: two Asterisks, one engine, the operator's sample dialplan. */
import t from 'tap';
import type { Test } from 'tap';
import { startAsterisk } from '../lab/asterisk.ts';
import { freePort } from '../lab/ports.ts';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { CallerOptions, SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { dialOptions } from './agi-stage.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, waysByNumber } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { reasonOf, answers, statuses } from './trace.ts';

const IPS = { alice: '127.0.1.1', carol: '127.0.1.2', bob: '127.0.1.3', poor: '127.0.1.4', mute: '127.0.1.5', stranger: '127.0.1.6', loop: '127.0.1.7', flash: '127.0.1.8' };

const far = {
  answering: await startPeer({ scenario: 'peer-answer', values: { ringMs: 100 }, ip: '127.0.2.1' }),
  refusing: await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.2' }),
  busy: await startPeer({ scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' }, ip: '127.0.2.3' }),
  ringing: await startPeer({ scenario: 'peer-ring', ip: '127.0.2.4' }),
  leaving: await startPeer({ scenario: 'peer-hangup', values: { ringMs: 50, talkMs: 1300 }, ip: '127.0.2.5' }),
};

const at = (peer: { ip: string; port: number }): { host: string; port: number; tariff: string } => ({ host: peer.ip, port: peer.port, tariff: 'buy' });

const WAYS = {
  3706001: ['answering'],
  3706002: ['refusing', 'answering'],
  3706003: ['busy', 'answering'],
  3706005: ['ringing', 'answering'],
  3706009: ['ringing long'],
  3706011: ['leaving'],
  3706015: ['refusing'],
};

const devices = Object.entries(IPS).filter(([name]) => name !== 'stranger').map(([name, ip]) => byAddress(name, name, ip, { location: 'by number', codecs: ['ulaw'] }));
const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1', connectionFee: '0.01' }] },
    { name: 'resell', purpose: 'user_wholesale', rates: [{ prefix: '3706', rate: '0.07', incrementS: 6, minTimeS: 30 }] },
    // 1 unit a second.
    { name: 'second', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
  ],
  providers: [
    { name: 'answering', ...at(far.answering), balance: '5', callerIdNumber: '37052000000', callerIdName: 'Shown' },
    { name: 'refusing', ...at(far.refusing) },
    { name: 'busy', ...at(far.busy) },
    { name: 'ringing', ...at(far.ringing), ringTimeoutS: 1 },
    { name: 'ringing long', ...at(far.ringing) },
    { name: 'leaving', ...at(far.leaving) },
  ],
  ...waysByNumber(WAYS),
  users: [
    { username: 'seller', type: 'reseller', tariff: 'resell', balance: '20' },
    { username: 'alice', owner: 'seller', tariff: 'sell', balance: '10' },
    { username: 'carol', owner: 'seller', tariff: 'sell', balance: '10' },
    { username: 'bob', tariff: 'sell', balance: '10', outboundLimit: 1 },
    { username: 'poor', tariff: 'second', balance: '2' },
    { username: 'mute', tariff: 'sell', balance: '10' },
    { username: 'loop', tariff: 'sell', balance: '10' },
    { username: 'flash', tariff: 'sell', balance: '10', flashCalls: { enabled: true, price: '0.05', ringMs: 2500 } },
  ],
  devices,
};

/** Tells nothing at the end, and asks for no further way. */
const MUTE = `
[mute]
exten => _X.,1,AGI(\${TOLLGATE_AGI}/authorize?server=\${TOLLGATE_SERVER})
 same => n,Dial(\${TOLLGATE_DIAL_1},\${TOLLGATE_TIMEOUT_1},L(\${TOLLGATE_LIMIT_MS}))
exten => h,1,NoOp()
`;

/** Tries the ways by itself. */
const LOOP = `
[loop]
exten => _X.,1,Set(CHANNEL(hangup_handler_push)=tollgate-finish,s,1)
 same => n,AGI(\${TOLLGATE_AGI}/authorize?server=\${TOLLGATE_SERVER})
 same => n(again),Dial(\${TOLLGATE_DIAL_\${TOLLGATE_WAY}},\${TOLLGATE_TIMEOUT_\${TOLLGATE_WAY}},L(\${TOLLGATE_LIMIT_MS}))
 same => n,GotoIf($["\${DIALSTATUS}"="ANSWER"]?over)
 same => n,Set(TOLLGATE_WAY=$[\${TOLLGATE_WAY}+1])
 same => n,GotoIf($[\${TOLLGATE_WAY} <= \${TOLLGATE_WAYS}]?again)
 same => n(over),Hangup()
`;

/** As extensions.conf sends all devices there. */
const THROUGH = `
[through]
exten => _!!,1,Set(ENTERED=1)
 same => n,Goto(tollgate-dial,\${FILTER(0-9A-Za-z*#+._?-,\${EXTEN})},1)
`;

const agiPort = await freePort();
const here = ['alice', 'poor', 'stranger'].map((endpoint) => ({ endpoint, ip: IPS[endpoint as keyof typeof IPS] }));
const own = (['mute', 'loop'] as const).map((endpoint) => ({ endpoint, ip: IPS[endpoint], context: endpoint }));
const through = { endpoint: 'flash', ip: IPS.flash, context: 'through' };
const other = await startAsterisk(dialOptions(agiPort, 2, [{ endpoint: 'bob', ip: IPS.bob }]));
const stage = await openStage({ tenant, asterisk: dialOptions(agiPort, 1, [...here, ...own, through], MUTE + LOOP + THROUGH), others: [other], settings: { agi: { port: agiPort }, reconcileEveryS: 1 } });
await until(() => (stage.engine.health().agi ? undefined : 'FastAGI does not listen'));

t.teardown(async () => {
  await stage.close();
  await other.stop();
  await Promise.all(Object.values(far).map((peer) => peer.stop()));
  await closeServers();
});

function dial(ip: string, to: string, more: Partial<CallerOptions> = {}): Promise<SippResult> {
  return call({ scenario: 'call', target: stage.asterisk, ip, from: '37060000001', to, ...more, values: { holdMs: 1200, ...more.values } });
}

function attempts(t: Test, rows: readonly Row[], ...expected: object[]): void {
  t.match(rows, expected.map((one, index) => ({ attempt: index + 1, final: index === expected.length - 1, ...one })));
  t.equal(rows.length, expected.length, `${expected.length} attempts`);
}

/** What two calls of two users of one kind do not share. */
const OWN = new Set(['id', 'uniqueid', 'calldate', 'answer_time', 'end_time', 'settled_at', 'user_id', 'device_id', 'originator_call_id', 'terminator_call_id', 'terminator_codec', 'originator_ip', 'duration_ms', 'bill_ms', 'pdd_ms']);

function shared(row: Row | undefined): object {
  return Object.fromEntries(Object.entries(row ?? {}).filter(([key]) => !OWN.has(key)));
}

t.test('an answered call has the row of one by ARI', async (t) => {
  const byAgi = await dial(IPS.alice, '37060010001', { fromName: 'Alice' });
  const byAri = await dial(IPS.carol, '37060010001', { fromName: 'Alice' });
  t.equal(byAgi.exitCode, 0, byAgi.errors);
  t.same(statuses(byAgi), [180, 200]);
  const [[one], [same]] = await Promise.all([stage.rowsOf(byAgi), stage.rowsOf(byAri)]);
  t.same(shared(one), shared(same));
  // Each as long as Asterisk itself saw it, to the millisecond: the books at the end tell.
  for (const field of ['duration_ms', 'bill_ms', 'pdd_ms']) t.type(one?.[field], 'number', field);
  t.match(one, { disposition: 'ANSWERED', billsec: 2, terminated_by: 'originator', hangup_cause: 16 });
  const shown = far.answering.invites().filter((invite) => requestUser(invite) === '37060010001').map((invite) => headerOf(invite, 'From')?.replace(/@.*/, ''));
  t.equal(new Set(shown).size, 1, `both show ${shown.join(' and ')}`);
});

t.test('a flash call is one', async (t) => {
  const short = await dial(IPS.flash, '37060090002', { scenario: 'cancel', values: { cancelAfterMs: 200 } });
  const long = await dial(IPS.flash, '37060090003', { scenario: 'cancel', values: { cancelAfterMs: 3500 } });
  attempts(t, await stage.rowsOf(short), { disposition: 'NO ANSWER', hangup_cause: 241, flash_call: true, user_price: '0.0500000000' });
  attempts(t, await stage.rowsOf(long), { disposition: 'NO ANSWER', hangup_cause: 241, flash_call: false });
});

t.test('calls', async (t) => {
  t.jobs = 4;

  t.test('the far end hangs up', { buffered: true }, async (t) => {
    const result = await dial(IPS.alice, '37060110001', { scenario: 'call-until-bye' });
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'ANSWERED', hangup_cause: 16, terminated_by: 'terminator', billsec: 2 });
  });

  t.test('a way that fails is left for the next', { buffered: true }, async (t) => {
    const result = await dial(IPS.alice, '37060020001');
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'FAILED', hangup_cause: 34, sip_code: 503 }, { disposition: 'ANSWERED', sip_code: 200, billsec: 2 });
  });

  t.test('busy stops the routing', { buffered: true }, async (t) => {
    const result = await dial(IPS.alice, '37060030001', { scenario: 'refused', values: { status: 486 } });
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'BUSY', hangup_cause: 17, sip_code: 486 });
  });

  t.test('every way refuses: the caller hears the last cause', { buffered: true }, async (t) => {
    const result = await dial(IPS.alice, '37060150001', { scenario: 'refused', values: { status: 503 } });
    t.equal(result.exitCode, 0, result.errors);
    t.match(reasonOf(answers(result)), /cause=34/);
    attempts(t, await stage.rowsOf(result), { disposition: 'FAILED', hangup_cause: 34, sip_code: 503, terminated_by: 'terminator' });
  });

  t.test('ringing ends at its limit', { buffered: true }, async (t) => {
    const result = await dial(IPS.alice, '37060050001', { scenario: 'refused', values: { status: 480 } });
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'NO ANSWER', hangup_cause: 19, billsec: 0 });
  });

  t.test('the caller cancels', { buffered: true }, async (t) => {
    const result = await dial(IPS.alice, '37060090001', { scenario: 'cancel', values: { cancelAfterMs: 300 } });
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'NO ANSWER', hangup_cause: 241, sip_code: 487, terminated_by: 'originator', flash_call: false });
  });

  t.test('strangers and unknown numbers are refused with their row', { buffered: true }, async (t) => {
    const stranger = await dial(IPS.stranger, '37060010002', { scenario: 'refused', values: { status: 403 } });
    t.equal(stranger.exitCode, 0, stranger.errors);
    attempts(t, await stage.rowsOf(stranger), { disposition: 'FAILED', hangup_cause: 200, terminated_by: 'system' });
  });

  t.test('the money ends: the call is cut, and billed to the second', { buffered: true }, async (t) => {
    const result = await dial(IPS.poor, '37060010003', { scenario: 'call-until-bye' });
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'ANSWERED', billsec: 2, terminated_by: 'system' });
    const again = await dial(IPS.poor, '37060010003', { scenario: 'refused', values: { status: 403 } });
    t.match(await stage.rowsOf(again), [{ disposition: 'FAILED' }]);
  });

  t.test('a dialplan that tries the ways by itself is billed by the one it used', { buffered: true }, async (t) => {
    const result = await dial(IPS.loop, '37060020002');
    t.equal(result.exitCode, 0, result.errors);
    const { rows } = await stage.db.query<Row>("select id from providers where name = 'answering'");
    attempts(t, await stage.rowsOf(result), { disposition: 'ANSWERED', provider_id: rows[0]?.['id'], billsec: 2 });
  });

  t.test('the other Asterisk: one limit for both, held between authorize and finish', { buffered: true }, async (t) => {
    const first = await startCaller({ scenario: 'call-until-bye', target: other, ip: IPS.bob, from: '37060000001', to: '37060010004' });
    await until(async () => ((await stage.redis.get(`tollgate:calls:user:${await stage.userId('bob')}:out`)) === '1' ? undefined : 'it does not stand in Redis'));
    const second = await call({ scenario: 'refused', target: other, ip: IPS.bob, from: '37060000001', to: '37060010004', values: { status: 503 } });
    t.match(await stage.rowsOf(second), [{ disposition: 'FAILED', hangup_cause: 220, server_id: 2 }]);
    const [name = 'none'] = /^PJSIP\/bob-[0-9a-f]+(?=!.*!Up!)/m.exec(await other.cli('core show channels concise')) ?? [];
    await other.cli(`channel request hangup ${name}`);
    attempts(t, await stage.rowsOf(await first.done), { disposition: 'ANSWERED', server_id: 2 });
  });

  t.test('a finish that never comes: closed by the event log, as exactly', { buffered: true }, async (t) => {
    const [talked, left, cancelled, refused] = await Promise.all([
      dial(IPS.mute, '37060010005'),
      dial(IPS.mute, '37060110005', { scenario: 'call-until-bye' }),
      dial(IPS.mute, '37060090005', { scenario: 'cancel', values: { cancelAfterMs: 300 } }),
      dial(IPS.mute, '37060150005', { scenario: 'refused', values: { status: 503 } }),
    ]);
    attempts(t, await stage.rowsOf(talked), { disposition: 'ANSWERED', billsec: 2, end_source: 'witness', terminated_by: 'originator' });
    attempts(t, await stage.rowsOf(left), { disposition: 'ANSWERED', billsec: 2, end_source: 'witness', terminated_by: 'terminator' });
    attempts(t, await stage.rowsOf(cancelled), { hangup_cause: 241, end_source: 'witness', billsec: 0 });
    attempts(t, await stage.rowsOf(refused), { disposition: 'FAILED', hangup_cause: 34, terminated_by: 'terminator', end_source: 'witness' });
  });
});

t.test('an operator ends a call', async (t) => {
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS.alice, from: '37060000001', to: '37060010006' });
  await until(async () => {
    const [id = ''] = await stage.redis.zrange('tollgate:live', '0', '-1');
    return (await stage.redis.hget(`tollgate:call:${id}`, 'state')) === 'answered' && stage.engine.hangUp(id) ? undefined : 'it is not seen answered';
  });
  attempts(t, await stage.rowsOf(await caller.done), { disposition: 'ANSWERED', terminated_by: 'system' });
  t.notOk(stage.engine.hangUp('1-no.such'));
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.equal(await other.channelCount(), 0);
  t.same(stage.complaints(), []);
  await audit(t, { tenant, db: stage.db, quiet: () => stage.quiet(), asterisk: { celRecords: (serverId: number) => (serverId === 1 ? stage.asterisk : other).celRecords() } });
});
