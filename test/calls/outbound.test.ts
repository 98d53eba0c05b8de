/** Calls of devices to the world, by real SIP through a real Asterisk, over both transports. */
import t from 'tap';
import type { Test } from 'tap';
import { freePort } from '../lab/ports.ts';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import type { SipMessage } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import type { CallerOptions, Sipp, SippResult } from '../lab/sipp.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row, Stage } from './stage.ts';
import { byAddress, waysByNumber } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { answers, callIdsOf, reasonOf, received, statuses } from './trace.ts';

const ALICE = '127.0.1.1';

const far = {
  answering: await startPeer({ scenario: 'peer-answer', values: { ringMs: 100 }, ip: '127.0.2.1' }),
  refusing: await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.2' }),
  busy: await startPeer({ scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' }, ip: '127.0.2.3' }),
  ringing: await startPeer({ scenario: 'peer-ring', ip: '127.0.2.4' }),
  leaving: await startPeer({ scenario: 'peer-hangup', values: { ringMs: 50, talkMs: 1300 }, ip: '127.0.2.5' }),
  early: await startPeer({ scenario: 'peer-early-media', values: { ringMs: 300 }, ip: '127.0.2.6' }),
  moved: await startPeer({ scenario: 'peer-refuse', values: { status: 302, reason: 'Moved', headers: 'Contact: <sip:37069999999@127.0.2.1>' }, ip: '127.0.2.9' }),
};

const at = (peer: Sipp): { host: string; port: number; tariff: string } => ({ host: peer.ip, port: peer.port, tariff: 'buy' });
const nobody = async (ip: string): Promise<{ host: string; port: number; tariff: string }> => ({ host: ip, port: await freePort(), tariff: 'buy' });

const WAYS = {
  3706001: ['answering'],
  3706002: ['refusing', 'answering'],
  3706003: ['busy', 'answering'],
  3706004: ['busy goes on', 'answering'],
  3706005: ['ringing', 'answering'],
  3706006: ['ringing goes on', 'answering'],
  3706007: ['silent', 'answering'],
  3706008: ['silent'],
  3706009: ['ringing long'],
  3706010: ['early'],
  3706011: ['leaving'],
  3706012: ['moved', 'answering'],
  3706013: ['nowhere', 'answering'],
  3706014: ['silent by default', 'answering'],
  3706015: ['refusing'],
};

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1', connectionFee: '0.01' }] },
    { name: 'resell', purpose: 'user_wholesale', rates: [{ prefix: '3706', rate: '0.07', incrementS: 6, minTimeS: 30 }, { prefix: '37', rate: '9' }] },
  ],
  providers: [
    { name: 'answering', ...at(far.answering), balance: '5' },
    { name: 'refusing', ...at(far.refusing) },
    { name: 'busy', ...at(far.busy) },
    { name: 'busy goes on', ...at(far.busy), interpretBusyAsFailed: true },
    { name: 'ringing', ...at(far.ringing), ringTimeoutS: 1 },
    { name: 'ringing goes on', ...at(far.ringing), ringTimeoutS: 1, interpretNoAnswerAsFailed: true },
    { name: 'ringing long', ...at(far.ringing) },
    { name: 'leaving', ...at(far.leaving) },
    { name: 'early', ...at(far.early) },
    { name: 'moved', ...at(far.moved) },
    { name: 'silent', ...(await nobody('127.0.2.7')), silenceMs: 400 },
    { name: 'silent by default', ...(await nobody('127.0.2.8')) },
    { name: 'nowhere', host: 'nowhere.invalid', tariff: 'buy', silenceMs: 1500 },
  ],
  ...waysByNumber(WAYS),
  destinations: [{ prefix: '370', name: 'Lithuania', direction: 'LTU' }],
  users: [
    { username: 'carol', type: 'reseller', tariff: 'resell', balance: '20' },
    { username: 'alice', owner: 'carol', tariff: 'sell', balance: '10' },
    { username: 'fiona', tariff: 'sell', balance: '10' },
  ],
  devices: [
    byAddress('alice', 'alice', ALICE, { location: 'by number', codecs: ['ulaw', 'alaw'] }),
    { endpoint: 'fiona', user: 'fiona', auth: 'password', password: 'secret-of-fiona', location: 'by number' },
  ],
};

let stage: Stage;

function dial(to: string, more: Partial<CallerOptions> = {}): Promise<SippResult> {
  return call({ scenario: 'call', target: stage.asterisk, ip: ALICE, from: '37060000001', to, ...more, values: { holdMs: 300, ...more.values } });
}

function inviteTo(peer: Sipp, number: string): SipMessage | undefined {
  // The other transport's calls went to the same far ends.
  return peer.invites().findLast((invite) => requestUser(invite) === number);
}

async function idOf(table: string, name: string): Promise<unknown> {
  const key = { users: 'username', devices: 'endpoint', providers: 'name', destinations: 'prefix' }[table];
  return (await stage.db.query<Row>(`select id from ${table} where ${key} = $1`, [name])).rows[0]?.['id'];
}

/** Named one after the other: rows of one call. */
function attempts(t: Test, rows: readonly Row[], ...expected: object[]): void {
  t.match(rows, expected.map((one, index) => ({ attempt: index + 1, final: index === expected.length - 1, ...one })));
  t.equal(rows.length, expected.length, `${expected.length} attempts`);
}

async function ratedCall(t: Test): Promise<void> {
  const result = await dial('37060010001', { fromName: 'Alice', values: { holdMs: 1200 } });
  t.equal(result.exitCode, 0, result.errors);
  t.same(statuses(result), [180, 200]);
  const invite = inviteTo(far.answering, '37060010001');
  if (invite === undefined) throw new Error('The far end got no INVITE.');
  t.match(headerOf(invite, 'From'), /^"Alice" <sip:37060000001@/);
  t.match(headerOf(invite, 'P-Asserted-Identity'), /^"Alice" <sip:37060000001@/);
  t.equal(headerOf(invite, 'Privacy'), undefined);
  const [row, ...more] = await stage.rowsOf(result);
  t.equal(more.length, 0, 'one attempt');
  t.match(row, {
    attempt: 1, final: true, direction: 'outbound', server_id: 1, disposition: 'ANSWERED', hangup_cause: 16, sip_code: 200, terminated_by: 'originator', end_source: 'event',
    clid: '"Alice" <37060000001>', src: '37060000001', dst: '37060010001', localized_dst: '37060010001', prefix: '370', destination_id: await idOf('destinations', '370'), billsec: 2, flash_call: false,
    user_id: await idOf('users', 'alice'), reseller_id: await idOf('users', 'carol'), partner_id: null, device_id: await idOf('devices', 'alice'), provider_id: await idOf('providers', 'answering'),
    dst_user_id: null, dst_device_id: null, did_id: null, did_provider_id: null, originator_codec: 'ulaw', terminator_codec: 'ulaw', originator_ip: ALICE, terminator_call_id: headerOf(invite, 'Call-ID'),
    user_rate: '0.1000000000', user_billsec: 2, user_price: '0.0133330000', reseller_rate: '0.0700000000', reseller_billsec: 30, reseller_price: '0.0350000000',
    provider_rate: '0.0500000000', provider_billsec: 2, provider_price: '0.0016670000', partner_price: null, did_price: null,
  });
  t.ok(Number(row?.['pdd_ms']) < 1000, 'ringing came soon after the INVITE');
  t.ok(Number(row?.['duration_ms']) > Number(row?.['bill_ms']), 'the ringing is part of the duration only');
}

async function failover(t: Test): Promise<void> {
  const result = await dial('37060020001', { ip: '127.0.0.1', from: 'fiona', auth: { username: 'fiona', password: 'secret-of-fiona' } });
  t.equal(result.exitCode, 0, result.errors);
  t.same(statuses(result), [180, 200]);
  t.ok(inviteTo(far.refusing, '37060020001') && inviteTo(far.answering, '37060020001'), 'both were asked');
  attempts(t, await stage.rowsOf(result),
    { provider_id: await idOf('providers', 'refusing'), disposition: 'FAILED', hangup_cause: 34, sip_code: 503, terminated_by: 'terminator', billsec: 0, answer_time: null },
    { provider_id: await idOf('providers', 'answering'), disposition: 'ANSWERED', hangup_cause: 16, reseller_id: null, originator_ip: '127.0.0.1' });
}

async function busyStops(t: Test): Promise<void> {
  const result = await dial('37060030001', { scenario: 'refused', values: { status: 486 } });
  t.equal(result.exitCode, 0, result.errors);
  t.match(reasonOf(answers(result)), /cause=17/);
  t.equal(inviteTo(far.answering, '37060030001'), undefined, 'nobody else was asked');
  attempts(t, await stage.rowsOf(result), { disposition: 'BUSY', hangup_cause: 17, sip_code: 486, terminated_by: 'terminator' });
}

async function cancelled(t: Test): Promise<void> {
  const result = await dial('37060090001', { scenario: 'cancel', values: { cancelAfterMs: 150 } });
  t.equal(result.exitCode, 0, result.errors);
  t.same(statuses(result), [180, 487]);
  attempts(t, await stage.rowsOf(result), { disposition: 'NO ANSWER', hangup_cause: 241, sip_code: 487, terminated_by: 'originator', billsec: 0 });
  const callId = headerOf(inviteTo(far.ringing, '37060090001') as SipMessage, 'Call-ID');
  const cancel = received(far.ringing, 'CANCEL').filter((message) => headerOf(message, 'Call-ID') === callId);
  t.equal(cancel.length, 1, 'the far end got the CANCEL');
}

/** Some are over before the engine hears of them: Asterisk gives those up by itself, and they have no CDR. */
async function cancelledAtOnce(t: Test): Promise<void> {
  const result = await dial('37060140003', { scenario: 'cancel-early', calls: 8, ratePerSecond: 20, values: { cancelAfterMs: 15 } });
  t.equal(result.exitCode, 0, result.errors);
  const ids = callIdsOf(result);
  const rows = (await stage.cdrs()).filter(({ originator_call_id: id }) => ids.includes(String(id)));
  t.ok(rows.length > 0, 'the engine heard of some');
  for (const row of rows) {
    attempts(t, [row], { disposition: 'FAILED', hangup_cause: 241, sip_code: 487, terminated_by: 'originator' });
    t.ok(Number(row['duration_ms']) < 900, `given up after ${String(row['duration_ms'])} ms`);
  }
}

async function restOfOutbound(t: Test): Promise<void> {
  t.test('the far end hangs up: the caller gets its BYE', { buffered: true }, async (t) => {
    const result = await dial('37060110001', { scenario: 'call-until-bye' });
    t.equal(result.exitCode, 0, result.errors);
    t.match(reasonOf(received(result, 'BYE')), /cause=16/);
    attempts(t, await stage.rowsOf(result), { disposition: 'ANSWERED', hangup_cause: 16, terminated_by: 'terminator', billsec: 2 });
  });

  t.test('every way refuses: the caller is answered with the last cause', { buffered: true }, async (t) => {
    const result = await dial('37060150001', { scenario: 'refused', values: { status: 503 } });
    t.equal(result.exitCode, 0, result.errors);
    t.match(reasonOf(answers(result)), /cause=34/);
    attempts(t, await stage.rowsOf(result), { disposition: 'FAILED', hangup_cause: 34, sip_code: 503 });
  });

  t.test('a provider whose BUSY counts as FAILED is left for the next', { buffered: true }, async (t) => {
    const result = await dial('37060040001');
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'BUSY', hangup_cause: 17, sip_code: 486 }, { disposition: 'ANSWERED' });
  });

  t.test('ringing ends at its limit: NO ANSWER, and no other way', { buffered: true }, async (t) => {
    const result = await dial('37060050001', { scenario: 'refused', values: { status: 480 } });
    t.equal(result.exitCode, 0, result.errors);
    t.same(statuses(result), [180, 480]);
    const [row] = await stage.rowsOf(result);
    attempts(t, [row ?? {}], { disposition: 'NO ANSWER', hangup_cause: 19, billsec: 0 });
    t.ok(Number(row?.['duration_ms']) >= 1000 && Number(row?.['duration_ms']) < 2500, `rang for ${String(row?.['duration_ms'])} ms`);
    t.equal(inviteTo(far.answering, '37060050001'), undefined, 'nobody else was asked');
    t.ok(received(far.ringing, 'CANCEL').some((message) => requestUser(message) === '37060050001'), 'the far end got a CANCEL');
  });

  t.test('a provider whose NO ANSWER counts as FAILED is left for the next', { buffered: true }, async (t) => {
    const result = await dial('37060060001');
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'NO ANSWER', hangup_cause: 19 }, { disposition: 'ANSWERED' });
    t.ok(received(far.ringing, 'CANCEL').some((message) => requestUser(message) === '37060060001'), 'the first got a CANCEL');
  });

  t.test('a silent provider is left for the next after its own setting', { buffered: true }, async (t) => {
    const result = await dial('37060070001');
    t.equal(result.exitCode, 0, result.errors);
    const rows = await stage.rowsOf(result);
    attempts(t, rows, { disposition: 'FAILED', hangup_cause: 18, sip_code: null, pdd_ms: null, terminated_by: 'system' }, { disposition: 'ANSWERED' });
    const waitedMs = Number(rows[0]?.['duration_ms']);
    t.ok(waitedMs >= 350 && waitedMs < 2500, `waited ${waitedMs} ms`);
  });

  t.test('a silent provider without a setting is left after three seconds', { buffered: true }, async (t) => {
    const result = await dial('37060140001');
    t.equal(result.exitCode, 0, result.errors);
    const rows = await stage.rowsOf(result);
    attempts(t, rows, { disposition: 'FAILED', hangup_cause: 18 }, { disposition: 'ANSWERED' });
    const waitedMs = Number(rows[0]?.['duration_ms']);
    t.ok(waitedMs >= 2900 && waitedMs < 5000, `waited ${waitedMs} ms`);
  });

  t.test('when the only provider is silent, the caller gets 408', { buffered: true }, async (t) => {
    const result = await dial('37060080001', { scenario: 'refused', values: { status: 408 } });
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'FAILED', hangup_cause: 18 });
  });

  t.test('the caller cancels before anything rings', { buffered: true }, async (t) => {
    const result = await dial('37060140002', { scenario: 'cancel-early', values: { cancelAfterMs: 200 } });
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'FAILED', hangup_cause: 241, sip_code: 487, terminated_by: 'originator' });
  });

  t.test('early media passes: 183 with its SDP', { buffered: true }, async (t) => {
    const result = await dial('37060100001');
    t.equal(result.exitCode, 0, result.errors);
    t.same(statuses(result), [183, 200]);
    t.match(answers(result)[0]?.text, /\r?\nm=audio /);
    const [row] = await stage.rowsOf(result);
    attempts(t, [row ?? {}], { disposition: 'ANSWERED' });
    t.ok(Number(row?.['pdd_ms']) < 1000);
  });

  t.test('a far end that has moved is not followed: the next way is taken', { buffered: true }, async (t) => {
    const result = await dial('37060120001');
    t.equal(result.exitCode, 0, result.errors);
    const rows = await stage.rowsOf(result);
    attempts(t, rows, { disposition: 'FAILED', hangup_cause: 23, sip_code: 302 }, { disposition: 'ANSWERED' });
    t.equal(inviteTo(far.answering, '37069999999'), undefined);
  });

  t.test('a provider whose name nobody knows is left for the next', { buffered: true }, async (t) => {
    const result = await dial('37060130001');
    t.equal(result.exitCode, 0, result.errors);
    attempts(t, await stage.rowsOf(result), { disposition: 'FAILED' }, { disposition: 'ANSWERED' });
  });
}

for (const transport of ['websocket', 'ari-client'] as const) {
  t.test(`over ${transport}`, async (t) => {
    stage = await openStage({ transport, tenant });
    t.teardown(() => stage.close());

    await t.test('calls', async (t) => {
      t.jobs = 5;
      t.test('an answered call is rated at every level', { buffered: true }, ratedCall);
      t.test('a provider that answers 503 is left for the next', { buffered: true }, failover);
      t.test('busy stops the routing: the caller gets 486', { buffered: true }, busyStops);
      t.test('the caller cancels: the far end gets a CANCEL, the caller 487', { buffered: true }, cancelled);
      if (transport === 'websocket') await restOfOutbound(t);
    });
    await t.test('callers who cancel at once: their places and money are not kept waiting', cancelledAtOnce);

    t.same(await stage.leftovers(), NOTHING, 'nothing is held any more');
    t.same(stage.complaints(), []);
    await audit(t, stage);
  });
}

t.teardown(async () => {
  await Promise.all(Object.values(far).map((peer) => peer.stop()));
  await closeServers();
});
