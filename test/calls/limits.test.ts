/** Limits under simultaneous calls: exactly as many as allowed get in, and every place is given back. */
import t from 'tap';
import type { Test } from 'tap';
import { call, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, waysByNumber } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const CARRIER = '127.0.3.1';
const SERVER_LIMIT = 16;

const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });
const refusing = await startPeer({ scenario: 'peer-refuse', values: { status: 503 }, ip: '127.0.2.2' });
const trunk = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.3' });
const both = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.1.8' });
const at = { host: far.ip, port: far.port, tariff: 'buy' };

const IPS = { limited: '127.0.1.1', unlimited: '127.0.1.2', one: '127.0.1.3', two: '127.0.1.4', 'of-reseller-one': '127.0.1.5', 'of-reseller-two': '127.0.1.6', quick: '127.0.1.7', 'quick-device': '127.0.1.9', 'of-quick-reseller': '127.0.1.10', both: both.ip, owner: trunk.ip };
type Device = keyof typeof IPS;

const device = (endpoint: Device, user: string, more: object = {}): ReturnType<typeof byAddress> => byAddress(endpoint, user, IPS[endpoint], { location: 'by number', ...more });
const did = (number: string, user: string, endpoint: Device, more: object = {}): { did: string } => Object.assign({ did: number, status: 'active', provider: 'carrier', user, device: endpoint }, more);

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'carrier', host: CARRIER, tariff: 'buy' },
    { name: 'wide', ...at },
    { name: 'narrow', ...at, callLimit: 2 },
    { name: 'slow', ...at, cpsLimit: 1 },
    { name: 'refusing', host: refusing.ip, port: refusing.port, tariff: 'buy' },
  ],
  ...waysByNumber({ 3706001: ['wide'], 3706002: ['narrow', 'wide'], 3706003: ['narrow'], 3706004: ['refusing', 'narrow', 'wide'], 3706005: ['slow', 'wide'] }),
  users: [
    { username: 'any', tariff: 'sell', balance: '100' },
    { username: 'three', tariff: 'sell', balance: '100', outboundLimit: 3 },
    { username: 'reseller', type: 'reseller', tariff: 'sell', balance: '100', outboundLimit: 3 },
    { username: 'of reseller one', owner: 'reseller', tariff: 'sell', balance: '100' },
    { username: 'of reseller two', owner: 'reseller', tariff: 'sell', balance: '100' },
    { username: 'quick', tariff: 'sell', balance: '100', cpsLimit: 2 },
    { username: 'quick reseller', type: 'reseller', tariff: 'sell', balance: '100', cpsLimit: 2 },
    { username: 'of quick reseller', owner: 'quick reseller', tariff: 'sell', balance: '100' },
    { username: 'both', tariff: 'sell', balance: '100', combinedLimit: 2 },
    { username: 'owner', tariff: 'sell', balance: '100', inboundLimit: 3 },
  ],
  devices: [
    device('limited', 'any', { callLimit: 2 }),
    device('unlimited', 'any'),
    device('one', 'three'),
    device('two', 'three'),
    device('of-reseller-one', 'of reseller one'),
    device('of-reseller-two', 'of reseller two'),
    device('quick', 'quick'),
    device('quick-device', 'any', { cpsLimit: 2 }),
    device('of-quick-reseller', 'of quick reseller'),
    { ...device('both', 'both'), port: both.port },
    { ...device('owner', 'owner'), port: trunk.port, trunk: true },
  ],
  dids: [did('4401', 'owner', 'owner', { callLimit: 2 }), did('4402', 'owner', 'owner'), did('4403', 'both', 'both'), { ...did('4404', 'any', 'unlimited', { cpsLimit: 2, external: `SIP/1@${trunk.ip}:${trunk.port}` }), device: undefined }],
};

const stage = await openStage({ tenant, settings: { calls: { serverCallLimit: SERVER_LIMIT } } });

interface Flood {
  readonly ip: string;
  readonly to?: string;
  readonly calls: number;
  readonly holdMs?: number;
}

/** All at once; those that are answered stay long enough to be up together. */
function flood({ ip, to = '37060010001', calls, holdMs = 2000 }: Flood): Promise<SippResult> {
  return call({ scenario: 'any-answer', target: stage.asterisk, ip, from: '37069000001', to, calls, values: { holdMs } });
}

/** How many calls were answered and how many refused, by SIP and by the cause in the CDRs. */
async function outcome(...results: readonly SippResult[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count = (what: string): unknown => (counts[what] = (counts[what] ?? 0) + 1);
  for (const result of results) {
    for (const status of finalStatuses(result)) count(`SIP ${status}`);
    for (const row of await stage.rowsOf(result)) if (row['final'] === true) count(row['disposition'] === 'ANSWERED' ? 'answered' : `cause ${String(row['hangup_cause'])}`);
  }
  return counts;
}

async function counterReaches(key: string, value: number): Promise<void> {
  await until(async () => {
    const counters = await stage.store.counters();
    return counters[key] === value ? undefined : `${key} is not ${value}: ${JSON.stringify(counters)}`;
  }, { timeoutMs: 10_000 });
}

async function idOf(sql: string): Promise<number> {
  const { rows } = await stage.db.query<{ id: number }>(sql);
  return rows[0]?.id ?? 0;
}

async function givenBack(t: Test): Promise<void> {
  await until(async () => (Object.keys(await stage.store.counters()).length === 0 ? undefined : 'places are still taken'), { timeoutMs: 10_000 }).catch(() => undefined);
  t.same(await stage.store.counters(), {}, 'all places are given back');
}

t.test('a device: 2 of 5 get in, the others 221, and another device of his user is free to call', async (t) => {
  const id = await idOf(`select id from devices where endpoint = 'limited'`);
  const calls = Promise.all([flood({ ip: IPS.limited, calls: 5 }), flood({ ip: IPS.unlimited, calls: 2 })]);
  await counterReaches(`calls:device:${id}`, 2);
  const [limited, unlimited] = await calls;
  t.same(await outcome(limited), { 'SIP 200': 2, 'SIP 503': 3, answered: 2, 'cause 221': 3 });
  t.same(await outcome(unlimited), { 'SIP 200': 2, answered: 2 });
  await givenBack(t);
});

t.test('a user: 3 of 6 get in by whichever device, the others 220', async (t) => {
  const calls = Promise.all([flood({ ip: IPS.one, calls: 3 }), flood({ ip: IPS.two, calls: 3 })]);
  await counterReaches(`calls:user:${await stage.userId('three')}:out`, 3);
  t.same(await outcome(...(await calls)), { 'SIP 200': 3, 'SIP 503': 3, answered: 3, 'cause 220': 3 });
  await givenBack(t);
});

t.test('a reseller: 3 of 6 calls of his users together, the others 222', async (t) => {
  const calls = Promise.all([flood({ ip: IPS['of-reseller-one'], calls: 3 }), flood({ ip: IPS['of-reseller-two'], calls: 3 })]);
  await counterReaches(`calls:reseller:${await stage.userId('reseller')}`, 3);
  t.same(await outcome(...(await calls)), { 'SIP 200': 3, 'SIP 503': 3, answered: 3, 'cause 222': 3 });
  await givenBack(t);
});

t.test('a DID: 2 of 4 get in, the others 219', async (t) => {
  const calls = flood({ ip: CARRIER, to: '4401', calls: 4 });
  await counterReaches(`calls:did:${await idOf(`select id from dids where did = '4401'`)}`, 2);
  t.same(await outcome(await calls), { 'SIP 200': 2, 'SIP 503': 2, answered: 2, 'cause 219': 2 });
  await givenBack(t);
});

t.test('calls a user receives: 3 of 5 get in, the others 220', async (t) => {
  const calls = flood({ ip: CARRIER, to: '4402', calls: 5 });
  await counterReaches(`calls:user:${await stage.userId('owner')}:in`, 3);
  t.same(await outcome(await calls), { 'SIP 200': 3, 'SIP 503': 2, answered: 3, 'cause 220': 2 });
  await givenBack(t);
});

t.test('one limit for both directions: 2 of 6, made or received', async (t) => {
  const calls = Promise.all([flood({ ip: IPS.both, calls: 3 }), flood({ ip: CARRIER, to: '4403', calls: 3 })]);
  await counterReaches(`calls:user:${await stage.userId('both')}`, 2);
  t.same(await outcome(...(await calls)), { 'SIP 200': 2, 'SIP 503': 4, answered: 2, 'cause 220': 4 });
  await givenBack(t);
});

async function byProvider(result: SippResult): Promise<Record<string, number>> {
  const { rows } = await stage.db.query<{ id: number; name: string }>('select id, name from providers');
  const counts: Record<string, number> = {};
  for (const row of await stage.rowsOf(result)) {
    const name = `${rows.find((one) => one.id === row['provider_id'])?.name} ${String(row['disposition'])}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

t.test('a full provider is passed over for the next; with no next it is 204', async (t) => {
  const id = await idOf(`select id from providers where name = 'narrow'`);
  const next = flood({ ip: IPS.unlimited, to: '37060020001', calls: 5 });
  await counterReaches(`calls:provider:${id}`, 2);
  t.same(await byProvider(await next), { 'narrow ANSWERED': 2, 'wide ANSWERED': 3 });
  t.same(await outcome(await flood({ ip: IPS.unlimited, to: '37060030001', calls: 4 })), { 'SIP 200': 2, 'SIP 403': 2, answered: 2, 'cause 204': 2 });
  await givenBack(t);
});

t.test('a full provider is passed over in failover too', async (t) => {
  const result = await flood({ ip: IPS.unlimited, to: '37060040001', calls: 5 });
  t.same(await byProvider(result), { 'refusing FAILED': 5, 'narrow ANSWERED': 2, 'wide ANSWERED': 3 });
  await givenBack(t);
});

/** Seconds of Asterisk's clock, as the limit counts them, and what came of the calls of each. */
function bySecond(rows: readonly Row[], admitted: (row: Row) => boolean): { let: number; refused: number }[] {
  const seconds = new Map<number, { let: number; refused: number }>();
  for (const row of rows) {
    const second = Math.floor((row['calldate'] as Date).getTime() / 1000);
    const one = seconds.get(second) ?? { let: 0, refused: 0 };
    one[admitted(row) ? 'let' : 'refused'] += 1;
    seconds.set(second, one);
  }
  return [...seconds.values()];
}

const QUICK = [
  ['a user', { ip: IPS.quick }, 304],
  ['a device', { ip: IPS['quick-device'] }, 304],
  ['a reseller', { ip: IPS['of-quick-reseller'] }, 304],
  ['a DID', { ip: CARRIER, to: '4404' }, 219],
] as const;

for (const [whose, by, cause] of QUICK) {
  t.test(`calls a second of ${whose}: never more than 2 in a second, refused with ${cause} only when 2 were let in`, async (t) => {
    const rows = await stage.rowsOf(await flood({ ...by, calls: 9, holdMs: 100 }));
    const seconds = bySecond(rows, (row) => row['disposition'] === 'ANSWERED');
    t.ok(seconds.every((one) => one.let <= 2 && (one.refused === 0 || one.let === 2)), JSON.stringify(seconds));
    t.ok(rows.some((row) => row['hangup_cause'] === cause));
    t.same(rows.filter((row) => row['disposition'] !== 'ANSWERED' && row['hangup_cause'] !== cause), []);
    await givenBack(t);
  });
}

t.test('calls a second of a provider: the next one takes what is more', async (t) => {
  const result = await flood({ ip: IPS.unlimited, to: '37060050001', calls: 6, holdMs: 100 });
  const slow = await idOf(`select id from providers where name = 'slow'`);
  const seconds = bySecond(await stage.rowsOf(result), (row) => row['provider_id'] === slow);
  t.ok(seconds.every((one) => one.let === 1), JSON.stringify(seconds));
  t.same(await outcome(result), { 'SIP 200': 6, answered: 6 });
  await givenBack(t);
});

t.test('a server: no more than its limit at once, the others 208', async (t) => {
  const calls = flood({ ip: IPS.unlimited, calls: SERVER_LIMIT + 4, holdMs: 3000 });
  await counterReaches('calls:server:1', SERVER_LIMIT);
  t.same(await outcome(await calls), { 'SIP 200': SERVER_LIMIT, 'SIP 503': 4, answered: SERVER_LIMIT, 'cause 208': 4 });
  await givenBack(t);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await Promise.all([far.stop(), refusing.stop(), trunk.stop(), both.stop()]);
  await closeServers();
});
