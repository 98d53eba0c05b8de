/** Calls to DIDs: from a provider and from devices of ours, to the owner's device or trunk. */
import t from 'tap';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { CallerOptions, SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses, received, statuses } from './trace.ts';

/** The provider's calls come from here. */
const CARRIER = '127.0.3.1';
const ALICE = '127.0.1.1';

const phone = await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.1' });
const trunk = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.2' });
const busy = await startPeer({ scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' }, ip: '127.0.2.3' });
const ringing = await startPeer({ scenario: 'peer-ring', ip: '127.0.2.4' });
/** Nobody's device. */
const outside = await startPeer({ scenario: 'peer-answer', values: { ringMs: 50 }, ip: '127.0.2.10' });

const inactive = (did: string, status: string, user?: string): { did: string } => ({ did, status, provider: 'carrier', ...(user === undefined ? {} : { user }) }) as { did: string };

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
    { name: 'did owner', purpose: 'did', rates: [{ prefix: '49', rate: '0.06' }, { prefix: '370', rate: '0.03' }] },
    { name: 'did incoming', purpose: 'did', rates: [{ prefix: '370', rate: '0.02' }] },
    // Below zero: we pay the provider.
    { name: 'did provider', purpose: 'did', rates: [{ prefix: '49', rate: '-0.01' }, { prefix: '370', rate: '-0.01' }] },
  ],
  providers: [{ name: 'carrier', host: CARRIER, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [
    { username: 'owner', tariff: 'sell', lcr: 'main', balance: '10' },
    { username: 'alice', tariff: 'sell', lcr: 'main', balance: '10' },
    { username: 'broke', tariff: 'sell', balance: '0' },
    { username: 'blocked', tariff: 'sell', balance: '10', blocked: true },
  ],
  pools: [{ name: 'nuisance', numbers: ['4930666%'] }],
  devices: [
    { endpoint: 'phone', user: 'owner', auth: 'password', password: 'phone-password', nat: false },
    byAddress('pbx', 'owner', trunk.ip, { port: trunk.port, trunk: true }),
    byAddress('alice', 'alice', ALICE),
    { endpoint: 'absent', user: 'owner', auth: 'password', password: 'absent-password' },
    byAddress('busy', 'owner', busy.ip, { port: busy.port }),
    byAddress('ringing', 'owner', ringing.ip, { port: ringing.port, ringTimeoutS: 1 }),
    byAddress('brokes', 'broke', '127.0.2.8'),
    byAddress('blockeds', 'blocked', '127.0.2.9'),
  ],
  dids: [
    { did: '37052000001', status: 'active', provider: 'carrier', user: 'owner', device: 'phone', ownerTariff: 'did owner', incomingTariff: 'did incoming', providerTariff: 'did provider', sourcePool: 'nuisance' },
    { did: '3705200*', status: 'active', provider: 'carrier', user: 'owner', device: 'pbx', ownerTariff: 'did owner' },
    { did: '37052000009', status: 'active', provider: 'carrier', user: 'owner', device: 'pbx', callLimit: 1, maxDurationS: 2 },
    { did: '37052000010', status: 'active', provider: 'carrier', user: 'broke', device: 'brokes', ownerTariff: 'did owner' },
    { did: '37052000011', status: 'active', provider: 'carrier', user: 'blocked', device: 'blockeds' },
    { did: '37052000012', status: 'active', provider: 'carrier', user: 'owner', device: 'pbx', activeTill: '2020-01-01T00:00:00Z' },
    { did: '370520008*', status: 'active', provider: 'carrier', user: 'owner', device: 'pbx' },
    { did: '370ABC', status: 'active', provider: 'carrier', user: 'owner', device: 'pbx' },
    { did: '37054000001', status: 'active', provider: 'carrier', user: 'owner', device: 'absent', ownerTariff: 'did owner' },
    { did: '37054000002', status: 'active', provider: 'carrier', user: 'owner', device: 'busy', ownerTariff: 'did owner' },
    { did: '37054000003', status: 'active', provider: 'carrier', user: 'owner', device: 'ringing', ownerTariff: 'did owner' },
    { did: '37055000001', status: 'active', provider: 'carrier', user: 'owner', external: `SIP/7788@${outside.ip}:${outside.port}`, ownerTariff: 'did owner' },
    { did: '37055000002', status: 'active', provider: 'carrier', user: 'owner', device: 'pbx' },
    inactive('37053000001', 'free'),
    inactive('37053000002', 'reserved', 'owner'),
    inactive('37053000003', 'closed', 'owner'),
    inactive('37053000004', 'terminated'),
  ],
};

const stage = await openStage({ tenant, settings: { dids: { unassigned: '37055000002' } } });
t.teardown(async () => {
  await stage.close();
  await Promise.all([phone.stop(), trunk.stop(), busy.stop(), ringing.stop(), outside.stop()]);
  await closeServers();
});

function from(ip: string, to: string, more: Partial<CallerOptions> = {}): Promise<SippResult> {
  return call({ scenario: 'call', target: stage.asterisk, ip, from: '4930123456', to, ...more, values: { holdMs: 1200, ...more.values } });
}

t.before(async () => {
  const registered = await call({ scenario: 'register', target: stage.asterisk, ip: phone.ip, auth: { username: 'phone', password: 'phone-password' }, values: { contactPort: phone.port, expiresS: 300 } });
  t.equal(registered.exitCode, 0, registered.errors);
  await until(async () => ((await stage.asterisk.cli('pjsip show contacts')).includes('phone/') ? undefined : 'the phone has no contact'));
});

t.test("an exact DID rings the owner's registered device and is priced by its own rates, ringing included", async (t) => {
  const result = await from(CARRIER, '37052000001');
  t.equal(result.exitCode, 0, result.errors);
  t.same(statuses(result), [180, 200]);
  const [row, ...more] = await stage.rowsOf(result);
  t.match(row, { direction: 'inbound', disposition: 'ANSWERED', dst_user_id: await stage.userId('owner'), user_id: null, provider_id: null, did_inc_price: null });
  t.equal(more.length, 0);
  t.equal(phone.invites().length, 1);
  t.ok(Number(row?.['did_billsec']) >= Number(row?.['billsec']), 'a DID is billed from the arrival');
});

t.test('a wildcard DID goes to the trunk, which is told the whole number; the exact one has precedence', async (t) => {
  const result = await from(CARRIER, '+37052000777');
  t.equal(result.exitCode, 0, result.errors);
  t.equal(requestUser(trunk.invites().at(-1) ?? t.fail('nothing reached the trunk') as never), '37052000777');
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', dst: '+37052000777' }]);
});

t.test("a DID leads to somebody else's server, and its owner pays", async (t) => {
  const result = await from(CARRIER, '37055000001');
  t.equal(result.exitCode, 0, result.errors);
  t.same(statuses(result), [180, 200]);
  t.equal(requestUser(outside.invites().at(-1) ?? t.fail('nothing reached the server') as never), '7788');
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', direction: 'inbound', dst_user_id: await stage.userId('owner'), dst_device_id: null, provider_id: null }]);
});

t.test('what the provider brings for a number that is no DID goes to the DID for such calls', async (t) => {
  const result = await from(CARRIER, '37059999999');
  t.equal(result.exitCode, 0, result.errors);
  t.equal(requestUser(trunk.invites().at(-1) ?? t.fail('nothing reached the trunk') as never), '37059999999');
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', dst: '37059999999' }]);
});

t.test('a DID that is closed takes no calls, and takes them again when it is given back', async (t) => {
  const change = async (status: string): Promise<void> => {
    const version = stage.store.catalog()?.version ?? 0;
    await stage.db.query("update dids set status = $1 where did = '37055000002'", [status]);
    await until(() => ((stage.store.catalog()?.version ?? 0) > version ? undefined : 'the change is not in force'));
  };
  await change('closed');
  const refused = await from(CARRIER, '37055000002', { scenario: 'any-answer' });
  t.match(await stage.rowsOf(refused), [{ disposition: 'FAILED', hangup_cause: 284 }]);
  await change('active');
  t.match(await stage.rowsOf(await from(CARRIER, '37055000002')), [{ disposition: 'ANSWERED' }]);
  const { rows } = await stage.db.query("select c.from_status, c.to_status from did_changes c join dids d on d.id = c.did_id where d.did = '37055000002' order by c.id");
  t.strictSame(rows.slice(-2), [{ from_status: 'active', to_status: 'closed' }, { from_status: 'closed', to_status: 'active' }]);
});

t.test("a device of ours that dials a DID pays the DID's incoming rate, its owner the owner's", async (t) => {
  const result = await from(ALICE, '37052000001', { from: '37060000001' });
  t.equal(result.exitCode, 0, result.errors);
  const [row] = await stage.rowsOf(result);
  t.match(row, { user_id: await stage.userId('alice'), dst_user_id: await stage.userId('owner'), direction: 'inbound' });
  t.ok(Number(row?.['did_inc_price']) > 0 && Number(row?.['did_price']) > 0);
});

t.test('refusals of DIDs', async (t) => {
  const cases = [
    ['37053000001', 226, 404], ['37053000002', 229, 404], ['37053000003', 284, 403],
    ['37052000010', 213, 503], ['37052000011', 237, 403],
  ] as const;
  for (const [did, cause, sip] of cases) {
    const result = await from(CARRIER, did, { scenario: 'any-answer' });
    t.same(finalStatuses(result), [sip], `${did}: ${sip}`);
    t.match(await stage.rowsOf(result), [{ hangup_cause: cause, disposition: 'FAILED' }], `${did}: ${cause}`);
  }
  const nuisance = await from(CARRIER, '37052000001', { scenario: 'any-answer', from: '4930666001' });
  t.match(await stage.rowsOf(nuisance), [{ hangup_cause: 283 }]);
});

async function didOf(row: Row | undefined): Promise<string | undefined> {
  const { rows } = await stage.db.query<{ did: string }>('select did from dids where id = $1', [row?.['did_id']]);
  return rows[0]?.did;
}

t.test('the longest wildcard is taken, and a DID may hold letters', async (t) => {
  for (const [to, did] of [['37052000888', '370520008*'], ['37052000788', '3705200*'], ['370ABC', '370ABC']] as const) {
    const result = await from(CARRIER, to, { scenario: 'any-answer' });
    t.same(finalStatuses(result), [200], to);
    const [row] = await stage.rowsOf(result);
    t.equal(await didOf(row), did);
    t.ok(trunk.invites().some((invite) => requestUser(invite) === to), `the trunk is told ${to}`);
  }
});

t.test('a device that is not there, is busy, or does not answer: the caller is told, and nobody pays', async (t) => {
  const cases = [
    ['37054000001', 480, { disposition: 'FAILED', hangup_cause: 20, sip_code: null }],
    ['37054000002', 486, { disposition: 'BUSY', hangup_cause: 17, sip_code: 486 }],
    ['37054000003', 480, { disposition: 'NO ANSWER', hangup_cause: 19 }],
  ] as const;
  for (const [to, status, row] of cases) {
    const result = await from(CARRIER, to, { scenario: 'any-answer' });
    t.same(finalStatuses(result), [status], to);
    t.match(await stage.rowsOf(result), [{ ...row, attempt: 1, final: true, billsec: 0, did_price: '0.0000000000' }]);
  }
});

t.test('the caller of a DID cancels: the device gets the CANCEL', async (t) => {
  const result = await from(CARRIER, '37054000003', { scenario: 'cancel', values: { cancelAfterMs: 100 } });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'NO ANSWER', hangup_cause: 241, terminated_by: 'originator', did_price: '0.0000000000' }]);
  await until(() => (received(ringing, 'CANCEL').length === 2 ? undefined : 'the device got no CANCEL'));
});

t.test('the device is told who calls, but no number that its owner keeps private', async (t) => {
  const open = await from(CARRIER, '37052000801', { scenario: 'any-answer', fromName: 'Karl' });
  const hidden = await from(CARRIER, '37052000802', { scenario: 'any-answer', from: 'anonymous', headers: ['P-Asserted-Identity: "Karl" <sip:4930123456@x>', 'Privacy: id'] });
  const invites = ['37052000801', '37052000802'].map((to) => trunk.invites().find((invite) => requestUser(invite) === to));
  t.match(invites[0] === undefined ? '' : headerOf(invites[0], 'From'), /^"Karl" <sip:4930123456@/);
  t.match(invites[1] === undefined ? '' : headerOf(invites[1], 'From'), /anonymous/i);
  t.notMatch(invites[1]?.text, /4930123456/, 'in no header at all');
  t.match([...(await stage.rowsOf(open)), ...(await stage.rowsOf(hidden))], [{ src: '4930123456' }, { src: '4930123456' }], 'the CDR has it');
});

t.test('a DID that is no longer in force does not exist: the wildcard takes its call', async (t) => {
  const result = await from(CARRIER, '37052000012', { values: { holdMs: 100 } });
  t.equal(result.exitCode, 0, result.errors);
  const [row] = await stage.rowsOf(result);
  t.equal(await didOf(row), '3705200*');
});

t.test("a DID's call limit and its longest call", async (t) => {
  const first = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: CARRIER, from: '4930123456', to: '37052000009' });
  await until(async () => ((await stage.store.counters())[`calls:did:${await didId('37052000009')}`] === 1 ? undefined : 'the first call is not counted yet'));
  const second = await from(CARRIER, '37052000009', { scenario: 'any-answer' });
  t.same(finalStatuses(second), [503]);
  t.match(await stage.rowsOf(second), [{ hangup_cause: 219 }]);
  t.equal((await first.done).exitCode, 0, 'cut by us');
  t.match(await stage.rowsOf(await first.done), [{ billsec: 2, bill_ms: 2000, terminated_by: 'system' }]);
});

async function didId(did: string): Promise<number> {
  const { rows } = await stage.db.query<{ id: number }>('select id from dids where did = $1', [did]);
  return rows[0]?.id ?? 0;
}

t.test('nothing is held any more, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});
