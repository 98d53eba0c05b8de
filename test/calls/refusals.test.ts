/** Every refusal: its hangup cause in the CDR, its SIP answer to the caller, and nothing else. */
import t from 'tap';
import { callerByAddress } from '../lab/static-endpoints.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const CARRIER = '127.0.3.1';
const STRANGER = '127.0.9.9';

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.1' });
const at = { host: far.ip, port: far.port };

/** Users, each with a device of his name. The device's address follows from its place. */
const CALLERS = [
  { username: 'good', balance: '10' },
  { username: 'blocked', balance: '10', blocked: true },
  { username: 'of blocked reseller', owner: 'blocked reseller', balance: '10' },
  { username: 'of blocked partner', owner: 'blocked partner', balance: '10' },
  { username: 'of rateless reseller', owner: 'rateless reseller', balance: '10' },
  { username: 'of rateless partner', owner: 'rateless partner', balance: '10' },
  { username: 'no lcr', balance: '10', lcr: undefined },
  { username: 'no provider', balance: '10', lcr: 'unusable' },
  { username: 'poor', balance: '0' },
  { username: 'dust', balance: '0.001' },
  { username: 'held', balance: '0.03' },
  { username: 'in debt', balance: '-5', postpaid: true, credit: '5' },
  { username: 'of poor reseller', owner: 'poor reseller', balance: '10' },
  { username: 'of held reseller', owner: 'held reseller', balance: '10' },
  { username: 'of poor partner', owner: 'poor partner', balance: '10' },
  { username: 'at a loss for the reseller', owner: 'good reseller', tariff: 'cheap', balance: '10' },
  { username: 'at a loss for the partner', owner: 'good partner', tariff: 'cheap', balance: '10' },
  { username: 'black destinations', balance: '10', destinationList: { mode: 'blacklist', pool: 'bad' } },
  { username: 'white destinations', balance: '10', destinationList: { mode: 'whitelist', pool: 'bad' } },
  { username: 'black sources', balance: '10', sourceList: { mode: 'blacklist', pool: 'bad' } },
  { username: 'careful', balance: '10', maxCallRate: '0.5' },
] as const;

const ipOf = (username: string): string => `127.0.1.${CALLERS.findIndex((one) => one.username === username) + 1}`;
const deviceOf = (username: string): string => username.replaceAll(' ', '-');

const OWNERS = [
  { username: 'blocked reseller', type: 'reseller', blocked: true, tariff: 'sell', balance: '10' },
  { username: 'blocked partner', type: 'partner', blocked: true, tariff: 'sell', balance: '10' },
  { username: 'rateless reseller', type: 'reseller', tariff: 'elsewhere', balance: '10' },
  { username: 'rateless partner', type: 'partner', tariff: 'elsewhere', balance: '10' },
  { username: 'poor reseller', type: 'reseller', tariff: 'sell', balance: '0' },
  { username: 'held reseller', type: 'reseller', tariff: 'sell', balance: '0.03' },
  { username: 'poor partner', type: 'partner', tariff: 'sell', balance: '0' },
  { username: 'good reseller', type: 'reseller', tariff: 'sell', balance: '10' },
  { username: 'good partner', type: 'partner', tariff: 'sell', balance: '10' },
] as const;

const did = (number: string, more: Record<string, unknown>): { did: string } => Object.assign({ did: number, provider: 'carrier' }, more);
const active = (username: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({ status: 'active', user: username, device: deviceOf(username), ...more });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }, { prefix: '3709', rate: 'blocked' }] },
    { name: 'buy dear', purpose: 'provider', rates: [{ prefix: '370', rate: '9' }] },
    { name: 'elsewhere', purpose: 'user_wholesale', rates: [{ prefix: '999', rate: '0.1' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.6' }, { prefix: '3708', rate: 'blocked' }] },
    { name: 'cheap', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.5' }] },
    { name: 'did owner', purpose: 'did', rates: [{ prefix: '', rate: '0.6' }] },
    { name: 'did of some callers', purpose: 'did', rates: [{ prefix: '1', rate: '0.6' }] },
  ],
  pools: [{ name: 'bad', numbers: ['37066%', '4930666'] }, { name: 'all', numbers: ['3%'] }],
  providers: [
    { name: 'carrier', host: CARRIER, tariff: 'buy' },
    { name: 'usable', ...at, tariff: 'buy' },
    { name: 'inactive', ...at, tariff: 'buy', active: false },
    { name: 'dear', ...at, tariff: 'buy dear' },
    { name: 'black', ...at, tariff: 'buy', destinationList: { mode: 'blacklist', pool: 'all' } },
    { name: 'white', ...at, tariff: 'buy', destinationList: { mode: 'whitelist', pool: 'bad' } },
  ],
  lcrs: [lcr('plain', 'usable'), lcr('unusable', 'inactive', 'dear', 'black', 'white')],
  users: [...OWNERS, ...CALLERS.map((user) => ({ tariff: 'sell', lcr: 'plain', ...user }))],
  devices: [...CALLERS.map((user) => byAddress(deviceOf(user.username), user.username, ipOf(user.username))), byAddress('elsewhere', 'good', '127.0.1.99', { servers: [7] })],
  dids: [
    did('4401', { status: 'free' }),
    did('4402', { status: 'reserved', user: 'good' }),
    did('4403', { status: 'closed', user: 'good' }),
    did('4404', { status: 'terminated' }),
    did('4405', active('blocked')),
    did('4406', active('of blocked reseller')),
    did('4407', active('good', { sourcePool: 'bad' })),
    did('4408', active('black sources')),
    did('4409', active('good', { providerTariff: 'did of some callers' })),
    did('4410', active('poor', { ownerTariff: 'did owner' })),
    did('4411', { status: 'active', user: 'good' }),
    did('4412', active('good', { activeFrom: '2100-01-01T00:00:00Z' })),
  ],
};

const stage = await openStage({
  tenant,
  // An operator's own endpoint of a device's name, on a server the device does not belong to.
  asterisk: { additions: { 'pjsip.conf': callerByAddress({ name: 'elsewhere', ip: '127.0.1.99', context: 'tollgate' }) } },
});

interface Case {
  readonly name: string;
  readonly ip: string;
  readonly to: string;
  readonly cause: number;
  readonly sip: number;
  readonly from?: string;
  readonly scenario?: string;
}

const by = (username: string, cause: number, sip: number, to = '37060000001'): Case => ({ name: username, ip: ipOf(username), to, cause, sip });
const toDid = (to: string, cause: number, sip: number, from = '4930123456'): Case => ({ name: `DID ${to}`, ip: CARRIER, to, cause, sip, from });

/** SIP answers as the product's documents have them, not as the list of causes says. */
const CASES: readonly Case[] = [
  { name: 'a stranger', ip: STRANGER, to: '37060000001', cause: 200, sip: 403 },
  { ...by('good', 337, 403), name: 'a device on a server that is not its own', ip: '127.0.1.99' },
  by('blocked', 201, 403),
  by('of blocked reseller', 202, 403),
  by('of blocked partner', 250, 403),
  { ...by('good', 203, 403, '4912345'), name: 'no rate' },
  by('of rateless reseller', 242, 403),
  by('of rateless partner', 254, 403),
  by('no lcr', 204, 403),
  { ...by('no provider', 204, 403), name: 'every provider inactive, dear, or not for this number' },
  { ...by('good', 204, 403, '37090000001'), name: "blocked in the only provider's tariff" },
  { ...by('good', 207, 403, '370abc'), name: 'letters' },
  { ...by('good', 207, 403, `370${'6'.repeat(40)}`), name: 'a number that is too long' },
  { ...by('good', 336, 403, 'nobody'), name: 'no number', scenario: 'empty-number' },
  by('poor', 211, 503),
  by('in debt', 211, 503),
  by('dust', 210, 503),
  by('of poor reseller', 215, 503),
  by('of poor partner', 251, 403),
  by('at a loss for the reseller', 218, 403),
  by('at a loss for the partner', 253, 403),
  by('black destinations', 255, 403, '37066000001'),
  by('white destinations', 256, 403),
  { ...by('black sources', 262, 403), from: '4930666' },
  { ...by('good', 330, 403, '37080000001'), name: "blocked in the user's tariff" },
  by('careful', 340, 403),
  toDid('4401', 226, 404),
  toDid('4402', 229, 404),
  toDid('4403', 284, 403),
  toDid('4404', 207, 403),
  toDid('4405', 237, 403),
  toDid('4406', 202, 403),
  toDid('4407', 283, 403, '4930666'),
  toDid('4408', 262, 403, '4930666'),
  toDid('4409', 276, 403),
  toDid('4410', 213, 503),
  toDid('4411', 207, 403),
  toDid('4412', 207, 403),
  toDid('4499', 207, 403),
];

function dial(one: Case, scenario = one.scenario ?? 'any-answer'): Promise<SippResult> {
  return call({ scenario, target: stage.asterisk, ip: one.ip, from: one.from ?? '37069000001', to: one.to });
}

t.test('refusals', async (t) => {
  t.jobs = 5;
  for (const one of CASES) {
    t.test(`${one.name}: ${one.cause}, SIP ${one.sip}`, { buffered: true }, async (t) => {
      const result = await dial(one);
      t.same(finalStatuses(result), [one.sip]);
      t.match(result.messages.at(-2)?.text, /Reason: Q\.850;cause=(21|34|1)\r?\n/);
      const rows = await stage.rowsOf(result);
      t.match(rows, [{ attempt: 1, final: true, disposition: 'FAILED', hangup_cause: one.cause, sip_code: null, billsec: 0, duration_ms: Number, terminated_by: 'system', provider_id: null, originator_ip: one.ip }]);
      t.same(prices(rows), [], 'nobody pays');
    });
  }
});

function prices(rows: readonly Row[]): unknown[] {
  return rows.flatMap((row) => Object.entries(row).filter(([column, value]) => column.endsWith('_price') && value !== null && Number(value) !== 0));
}

t.test('money that other calls hold: 212 for a user, 216 for a reseller', async (t) => {
  for (const [username, cause] of [['held', 212], ['of held reseller', 216]] as const) {
    const first = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ipOf(username), from: '37069000001', to: '37060000001' });
    await until(() => (finalStatuses(first)[0] === 200 ? undefined : 'the first call is not answered'));
    const second = await dial(by(username, cause, 503));
    t.same(finalStatuses(second), [503]);
    t.match(await stage.rowsOf(second), [{ hangup_cause: cause, disposition: 'FAILED' }]);
    const [up] = await stage.store.listCalls();
    t.ok(stage.engine.hangUp(up?.callId ?? ''), 'the first goes on');
    t.equal((await first.done).exitCode, 0);
    await stage.quiet();
  }
});

t.test('nobody was called, nothing is left, and the books are right', async (t) => {
  t.equal(far.invites().length, 2, 'only the two calls that held the money');
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});
