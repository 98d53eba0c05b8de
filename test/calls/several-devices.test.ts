/** DIDs with several devices, on real calls: who rings, who answers, what the CDRs say, and that `route` told it before. */
import t from 'tap';
import type { Test } from 'tap';
import { routingSettings } from '../../engine/settings-of.ts';
import type { Step } from '../../routing/explain.ts';
import type { Plan } from '../../routing/plan.ts';
import { route } from '../../routing/route.ts';
import { headerOf } from '../lab/sip-message.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp, SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses, received } from './trace.ts';

/** The provider's calls come from here. */
const CARRIER = '127.0.3.1';

const far = {
  busy: await startPeer({ scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' }, ip: '127.0.2.1' }),
  refusing: await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.2' }),
  ringing: await startPeer({ scenario: 'peer-ring', ip: '127.0.2.3' }),
  answering: await startPeer({ scenario: 'peer-answer', values: { ringMs: 200 }, ip: '127.0.2.4' }),
  other: await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.5' }),
  /** Of devices that ring at once. */
  busyToo: await startPeer({ scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' }, ip: '127.0.2.6' }),
  ringingToo: await startPeer({ scenario: 'peer-ring', ip: '127.0.2.7' }),
};
type Far = keyof typeof far;

const device = (name: Far, more: Readonly<Record<string, unknown>> = {}): ReturnType<typeof byAddress> => byAddress(name, 'owner', far[name].ip, { port: far[name].port, ringTimeoutS: 1, ...more });

/** DIDs by what they are for. */
const DIDS = {
  busyFirst: { did: '37052000001', devices: ['busy', 'answering'] },
  silentFirst: { did: '37052000002', devices: ['ringing', 'answering'] },
  failingFirst: { did: '37052000003', devices: ['refusing', 'busy', 'answering'] },
  answeringFirst: { did: '37052000004', devices: ['answering', 'other'] },
  allBusy: { did: '37052000005', devices: ['refusing', 'busy'] },
  nobody: { did: '37052000006', devices: ['busy', 'ringing'] },
  fullFirst: { did: '37052000007', devices: ['other', 'answering'] },
  ringing: { did: '37052000011', devices: ['ringing', 'answering'], ring: 'at_once' },
  oneBusy: { did: '37052000012', devices: ['busy', 'refusing', 'answering'], ring: 'at_once' },
  bothBusy: { did: '37052000013', devices: ['busy', 'busyToo'], ring: 'at_once' },
  bothRinging: { did: '37052000014', devices: ['ringing', 'ringingToo'], ring: 'at_once' },
  oneFails: { did: '37052000015', devices: ['refusing', 'busy'], ring: 'at_once' },
} as const;
type DidName = keyof typeof DIDS;

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
    { name: 'did owner', purpose: 'did', rates: [{ prefix: '49', rate: '0.06' }] },
  ],
  providers: [{ name: 'carrier', host: CARRIER, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [{ username: 'owner', tariff: 'sell', lcr: 'main', balance: '10' }],
  devices: [device('busy'), device('refusing'), device('ringing'), device('answering', { callLimit: 1 }), device('other', { callLimit: 1 }), device('busyToo'), device('ringingToo')],
  dids: Object.values(DIDS).map((one) => ({ ...one, user: 'owner', provider: 'carrier', ownerTariff: 'did owner' })),
};

const stage = await openStage({ tenant });
t.teardown(async () => {
  await stage.close();
  await Promise.all(Object.values(far).map((peer) => peer.stop()));
  await closeServers();
});

interface Told {
  readonly plan: Plan;
  readonly steps: readonly Step[];
}

/** What `route` says of a call to the DID. */
function told(name: DidName): Told {
  const catalog = stage.store.catalog();
  if (catalog === null) throw new Error('There is no catalog.');
  const steps: Step[] = [];
  const context = { catalog, settings: routingSettings(stage.settings), random: () => 0.5, quality: stage.store.quality(), dead: new Set<number>(), talk: stage.store.talk(), scores: null, explain: (step: Step) => void steps.push(step) };
  const [provider] = catalog.providers.values();
  const decision = route(context, { serverId: 1, port: 5060, ip: '', endpoint: provider?.endpoint ?? '', dialled: DIDS[name].did, callerNumber: '4930123456', atMs: Date.now() });
  if (decision.kind !== 'plan') throw new Error(`refused with ${decision.cause}`);
  return { plan: decision, steps };
}

function dial(name: DidName, scenario = 'any-answer', values: Readonly<Record<string, number>> = {}): Promise<SippResult> {
  return call({ scenario, target: stage.asterisk, ip: CARRIER, from: '4930123456', to: DIDS[name].did, values: { holdMs: 300, ...values } });
}

const names = await stage.db.query<{ id: number; endpoint: string }>('select id, endpoint from devices');
const nameOf = (id: unknown): string => names.rows.find((row) => row.id === id)?.endpoint ?? 'none';
const idOf = (name: Far): number => names.rows.find((row) => row.endpoint === name)?.id ?? 0;

/** Which far end each attempt's INVITE reached, by its Call-ID. */
function reached(rows: readonly Row[]): string[] {
  return rows.map((row) => Object.entries(far).find(([, peer]) => peer.invites().some((invite) => headerOf(invite, 'Call-ID') === row['terminator_call_id']))?.[0] ?? 'nobody');
}

const invitesOf = (): Readonly<Record<string, number>> => Object.fromEntries(Object.entries(far).map(([name, peer]) => [name, peer.invites().length]));

/** INVITEs that came since, by far end; those that got none are left out. */
function since(before: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(invitesOf()).map(([name, count]): [string, number] => [name, count - (before[name] ?? 0)]).filter(([, count]) => count > 0));
}

interface Case {
  readonly what: string;
  readonly did: DidName;
  readonly status: number;
  readonly reached: readonly Far[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

const BUSY = { disposition: 'BUSY', hangup_cause: 17, sip_code: 486, billsec: 0, did_price: '0.0000000000' };
const SILENT = { disposition: 'NO ANSWER', hangup_cause: 19, billsec: 0 };
const FAILED = { disposition: 'FAILED', hangup_cause: 34, sip_code: 503, billsec: 0 };
const ANSWERED = { disposition: 'ANSWERED', hangup_cause: 16 };

const IN_TURN: readonly Case[] = [
  { what: 'the first is busy, the second answers', did: 'busyFirst', status: 200, reached: ['busy', 'answering'], rows: [BUSY, ANSWERED] },
  { what: 'the first does not answer, the second does', did: 'silentFirst', status: 200, reached: ['ringing', 'answering'], rows: [SILENT, ANSWERED] },
  { what: 'one refuses, one is busy, the third answers', did: 'failingFirst', status: 200, reached: ['refusing', 'busy', 'answering'], rows: [FAILED, BUSY, ANSWERED] },
  { what: 'the first answers: the second does not ring', did: 'answeringFirst', status: 200, reached: ['answering'], rows: [ANSWERED] },
  { what: 'nobody takes the call: the last one says why', did: 'allBusy', status: 486, reached: ['refusing', 'busy'], rows: [FAILED, BUSY] },
  { what: 'nobody answers', did: 'nobody', status: 480, reached: ['busy', 'ringing'], rows: [BUSY, SILENT] },
];

async function oneCall(t: Test, one: Case): Promise<void> {
  const before = invitesOf();
  const { plan, steps } = told(one.did);
  const result = await dial(one.did);
  t.same(finalStatuses(result), [one.status], result.errors);
  const rows = await stage.rowsOf(result);
  t.match(rows, one.rows.map((row, index) => ({ ...row, direction: 'inbound', attempt: index + 1, final: index === one.rows.length - 1 })));
  t.equal(rows.length, one.rows.length);
  t.same(reached(rows), one.reached);
  t.same(since(before), Object.fromEntries(one.reached.map((name) => [name, 1])), 'and nobody else rang');
  t.same(plan.ways.slice(0, one.reached.length).map(({ name }) => name), one.reached, 'as route told');
  const { devices } = DIDS[one.did];
  t.same(steps.filter(({ check }) => check === 'device').map(({ detail }) => detail), devices.map((name, index) => `${name} of owner, in turn, ${index + 1} of ${devices.length}`));
  const last = rows.at(-1);
  if (last?.['disposition'] === 'ANSWERED') t.equal(nameOf(last['dst_device_id']), one.reached.at(-1), 'the row names who answered');
  if (last?.['disposition'] === 'ANSWERED') t.ok(Number(last['did_price']) > 0, 'and its owner pays');
}

for (const one of IN_TURN) t.test(`in turn: ${one.what}`, (t) => oneCall(t, one));

t.test('in turn: the caller cancels while the second rings; the third never does', async (t) => {
  const before = invitesOf();
  await stage.db.query(`update did_devices set device_id = $1 where position = 2 and did_id = (select id from dids where did = $2)`, [idOf('ringing'), DIDS.busyFirst.did]);
  await until(() => (told('busyFirst').plan.ways[1]?.name === 'ringing' ? undefined : 'the change is not in force'));
  const result = await dial('busyFirst', 'cancel', { cancelAfterMs: 100 });
  t.equal(result.exitCode, 0, result.errors);
  const rows = await stage.rowsOf(result);
  t.match(rows, [{ ...BUSY, final: false }, { disposition: 'NO ANSWER', hangup_cause: 241, terminated_by: 'originator', final: true }]);
  t.same(reached(rows), ['busy', 'ringing']);
  t.same(since(before), { busy: 1, ringing: 1 });
  const callId = rows[1]?.['terminator_call_id'];
  await until(() => (received(far.ringing, 'CANCEL').some((cancel) => headerOf(cancel, 'Call-ID') === callId) ? undefined : 'the device got no CANCEL'));
});

t.test('in turn: a device without room is passed over, and is no attempt; 204 when none has room', async (t) => {
  const up: Sipp[] = [];
  for (const name of ['other', 'answering'] as const) {
    const before = invitesOf();
    const key = `calls:device:${idOf(name)}`;
    const acks = received(far[name], 'ACK').length;
    up.push(await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: CARRIER, from: '4930123456', to: DIDS.fullFirst.did }));
    await until(async () => ((await stage.store.counters())[key] === 1 && received(far[name], 'ACK').length > acks ? undefined : `${name} does not talk yet`));
    t.same(since(before), { [name]: 1 });
  }
  const before = invitesOf();
  const third = await dial('fullFirst');
  t.same(finalStatuses(third), [403]);
  t.match(await stage.rowsOf(third), [{ disposition: 'FAILED', hangup_cause: 204, attempt: 1 }]);
  t.same(since(before), {});
  await stage.asterisk.cli('channel request hangup all');
  for (const [index, name] of (['other', 'answering'] as const).entries()) {
    const result = await up[index]?.done;
    if (result === undefined) return;
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ ...ANSWERED, attempt: 1, dst_device_id: idOf(name) }]);
  }
});

/** The leg that this far end had last gets a CANCEL. */
async function cancelled(name: Far): Promise<void> {
  const peer = far[name];
  const invite = peer.invites().at(-1);
  if (invite === undefined) throw new Error(`${name} got no INVITE`);
  const callId = headerOf(invite, 'Call-ID');
  await until(() => (received(peer, 'CANCEL').some((cancel) => headerOf(cancel, 'Call-ID') === callId) ? undefined : `${name} got no CANCEL`));
}

interface AtOnce {
  readonly what: string;
  readonly did: DidName;
  readonly status: number;
  readonly row: Readonly<Record<string, unknown>>;
  /** Whom the row names; where nobody answers, the first one. */
  readonly names: Far;
  readonly cancelled?: readonly Far[];
  readonly scenario?: string;
}

const AT_ONCE: readonly AtOnce[] = [
  { what: 'both ring, the second answers, the first is cancelled', did: 'ringing', status: 200, row: ANSWERED, names: 'answering', cancelled: ['ringing'] },
  { what: 'one is busy, one refuses, the third answers', did: 'oneBusy', status: 200, row: ANSWERED, names: 'answering' },
  { what: 'both are busy', did: 'bothBusy', status: 486, row: BUSY, names: 'busy' },
  { what: 'one refuses, one is busy: busy says more', did: 'oneFails', status: 486, row: BUSY, names: 'refusing' },
  { what: 'nobody answers', did: 'bothRinging', status: 480, row: SILENT, names: 'ringing', cancelled: ['ringing', 'ringingToo'] },
  { what: 'the caller cancels', did: 'bothRinging', status: 487, row: { disposition: 'NO ANSWER', hangup_cause: 241, terminated_by: 'originator', billsec: 0 }, names: 'ringing', cancelled: ['ringing', 'ringingToo'], scenario: 'cancel' },
];

async function allAtOnce(t: Test, one: AtOnce): Promise<void> {
  const before = invitesOf();
  const { plan, steps } = told(one.did);
  const result = await dial(one.did, one.scenario, { cancelAfterMs: 100 });
  t.same(finalStatuses(result), [one.status], result.errors);
  const rows = await stage.rowsOf(result);
  t.match(rows, [{ ...one.row, direction: 'inbound', attempt: 1, final: true }]);
  t.equal(rows.length, 1, 'one row, however many rang');
  t.equal(nameOf(rows[0]?.['dst_device_id']), one.names);
  if (one.row === ANSWERED) t.same(reached(rows), [one.names]);
  const { devices } = DIDS[one.did];
  t.same(since(before), Object.fromEntries(devices.map((name) => [name, 1])), 'all of them rang');
  for (const name of one.cancelled ?? []) await cancelled(name);
  t.same(plan.ways.map(({ fork }) => fork?.map(({ endpoint }) => endpoint)), [devices], 'as route told');
  t.same(steps.filter(({ check }) => check === 'device').map(({ detail }) => detail), devices.map((name, index) => `${name} of owner, at once, ${index + 1} of ${devices.length}`));
  if (one.row === ANSWERED) t.ok(Number(rows[0]?.['did_price']) > 0, 'the owner pays');
}

for (const one of AT_ONCE) t.test(`at once: ${one.what}`, (t) => allAtOnce(t, one));

t.test('nothing is held any more, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});
