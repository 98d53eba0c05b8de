/**
 * Rules about numbers and ways out, on real calls: what the far end gets, what the CDR says, and that `route` told it
 * before.
 */
import t from 'tap';
import type { Test } from 'tap';
import { routingSettings } from '../../engine/settings-of.ts';
import { hangupCause } from '../../routing/hangup-causes.ts';
import type { Decision } from '../../routing/plan.ts';
import { route } from '../../routing/route.ts';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const ALICE = '127.0.1.1';
const RULED = '127.0.1.2';
const FIXED = '127.0.1.3';
const FORMED = '127.0.1.4';
const CARRIER = '127.0.3.1';

const far = {
  plain: await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.1' }),
  special: await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.2' }),
  busy: await startPeer({ scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' }, ip: '127.0.2.3' }),
  refusing: await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.6' }),
  formed: await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.5' }),
  office: await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.4' }),
};
type Far = keyof typeof far;
const at = (name: Far): { name: string; host: string; port: number; tariff: string } => ({ name, host: far[name].ip, port: far[name].port, tariff: 'buy' });

const tenant: Tenant = {
  destinations: [{ prefix: '370', name: 'Lithuania' }, { prefix: '37067', name: 'Lithuania mobile', group: 'Mobile' }, { prefix: '37066', name: 'Lithuania other' }],
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'buy dear', purpose: 'provider', rates: [{ prefix: '370', rate: '0.081' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
    { name: 'dear', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.7' }] },
  ],
  providers: [
    at('plain'),
    { ...at('special'), rules: [{ name: 'national', cut: '370', add: '8', suffix: '#7' }, { name: 'callers', applies: 'source', cut: '370', add: '8' }] },
    at('busy'),
    { name: 'carrier', host: CARRIER, tariff: 'buy', location: 'abroad' },
    { ...at('busy'), name: 'busy goes on', goOnCodes: [486] },
    { ...at('refusing'), stopCodes: [34] },
    { ...at('plain'), name: 'dear', tariff: 'buy dear' },
    { ...at('formed'), destinationTransformation: '-371+8|\\+', sourceTransformation: '/^370(5[0-9]+)$/0\\1/' },
  ],
  lcrs: [lcr('plain', 'plain'), lcr('special', 'special'), lcr('busy', 'busy'), lcr('formed', 'formed'), lcr('codes go on', 'busy goes on', 'plain'), lcr('codes stop', 'refusing', 'plain'),
    { ...lcr('margin', 'dear', 'special'), minimalRateMarginPercent: 25 },
    { ...lcr('by destination', 'plain'), destinations: [{ prefix: 37066, lcr: 'busy' }, { group: 'Mobile', lcr: 'special' }, { name: '%other', lcr: 'formed' }, { prefix: 3706, lcr: 'codes stop' }] }, { name: 'none', providers: [] }],
  locations: [{ name: 'abroad', rules: [{ name: 'national', cut: '0', add: '370' }, { name: 'caller', applies: 'source', cut: '0', add: '49' }] }, {
    name: 'Vilnius',
    rules: [
      { name: 'national', cut: '8', add: '370', minLength: 9, maxLength: 9 },
      { name: 'mobile', cut: '86', add: '37060', minLength: 9, maxLength: 9 },
      { name: 'too short', maxLength: 4, lcr: 'none' },
      { name: 'special way', cut: '00', add: '', lcr: 'special' },
      { name: 'dear way', cut: '000', add: '', lcr: 'busy', tariff: 'dear' },
      { name: 'national caller', applies: 'source', cut: '8', add: '370' },
      { name: 'no name', applies: 'source', cut: 'anonymous', add: '37050000009' },
      { name: 'own caller', applies: 'combined', cut: '37069', add: '37069', sourceCut: '85', sourceAdd: '3705', lcr: 'special' },
      { name: 'codes go on', cut: '02', add: '', lcr: 'codes go on' },
      { name: 'codes stop', cut: '03', add: '', lcr: 'codes stop' },
      { name: 'margin', cut: '04', add: '', lcr: 'margin' },
      { name: 'by destination', cut: '05', add: '', lcr: 'by destination' },
      { name: 'formed way', cut: '01', add: '', lcr: 'formed' },
      { name: 'to the office', cut: '700', device: 'office' },
      { name: 'to the DID', cut: '800', did: '37052000001' },
    ],
  }],
  users: [{ username: 'alice', tariff: 'sell', lcr: 'plain', balance: '10' }, { username: 'owner', tariff: 'sell', lcr: 'plain', balance: '10' }],
  devices: [
    byAddress('alice', 'alice', ALICE, { location: 'Vilnius' }),
    byAddress('ruled', 'alice', RULED, { location: 'Vilnius', rules: [{ name: 'outside line', cut: '9', add: '' }, { name: 'extension', applies: 'source', cut: '1', add: '370511' }] }),
    byAddress('fixed', 'alice', FIXED, { location: 'Vilnius', callerIdNumber: '852123456', callerIdName: 'Desk' }),
    byAddress('formed', 'alice', FORMED, { location: 'Vilnius', destinationTransformation: '/^([0-9]{2})\\*([0-9]+)$/01\\1\\2/', sourceTransformation: '-\\+' }),
    byAddress('office', 'owner', far.office.ip, { port: far.office.port, trunk: true }),
  ],
  dids: [{ did: '37052000001', status: 'active', provider: 'plain', user: 'owner', device: 'office' }],
};

const IPS = { alice: ALICE, ruled: RULED, fixed: FIXED, formed: FORMED, carrier: CARRIER };

interface Case {
  /** Name of the way when it is not the far end's. */
  readonly ways?: readonly string[];

  readonly what: string;
  readonly device?: keyof typeof IPS;
  readonly dialled: string;
  readonly from?: string;
  /** Where the INVITE goes, with which number and which caller; null: nowhere. */
  readonly sent: { readonly to: Far; readonly number: string; readonly caller?: RegExp } | null;
  /** Final answer to the caller: 200 if nothing is said. */
  readonly status?: number;
  readonly row: Readonly<Record<string, unknown>>;
}

const NUMBERS: readonly Case[] = [
  { what: 'a number that no rule serves', dialled: '37060000101', sent: { to: 'plain', number: '37060000101', caller: /^"A" <sip:37050000001@/ }, row: { src: '37050000001', localized_dst: '37060000101' } },
  { what: 'a national number', dialled: '852000102', sent: { to: 'plain', number: '37052000102' }, row: { dst: '852000102', localized_dst: '37052000102' } },
  { what: 'the longest cut', dialled: '861234103', sent: { to: 'plain', number: '370601234103' }, row: { localized_dst: '370601234103' } },
  { what: 'a rule of other lengths', dialled: '8520001041', sent: null, status: 403, row: { hangup_cause: 203, localized_dst: '8520001041' } },
  { what: 'a number that is blocked by its length', dialled: '3701', sent: null, status: 403, row: { hangup_cause: 204 } },
  { what: 'a rule that switches the LCR, and the provider\'s rules', dialled: '0037060000106', sent: { to: 'special', number: '860000106#7', caller: /^"A" <sip:850000001@/ }, row: { src: '37050000001', localized_dst: '37060000106' } },
  { what: 'a rule that switches tariff and LCR', dialled: '00037060000107', sent: { to: 'busy', number: '37060000107' }, status: 486, row: { hangup_cause: 17, user_rate: '0.7000000000' } },
  { what: 'a rule for the caller', dialled: '37060000108', from: '852123456', sent: { to: 'plain', number: '37060000108', caller: /^"A" <sip:37052123456@/ }, row: { src: '37052123456', clid: '37052123456' } },
  { what: 'a rule for the caller without a number', dialled: '37060000109', from: 'anonymous', sent: { to: 'plain', number: '37060000109', caller: /<sip:37050000009@/ }, row: { src: '37050000009' } },
  { what: 'a combined rule', dialled: '37069000110', from: '852123456', sent: { to: 'special', number: '869000110#7', caller: /<sip:852123456@/ }, row: { src: '37052123456' } },
  { what: 'a combined rule for other callers', dialled: '37069000111', sent: { to: 'plain', number: '37069000111' }, row: { src: '37050000001' } },
  { what: 'the device\'s own rules, then its location\'s', device: 'ruled', dialled: '9861234112', from: '101', sent: { to: 'plain', number: '370601234112', caller: /<sip:37051101@/ }, row: { src: '37051101', dst: '9861234112' } },
  { what: 'a number of the device\'s own', device: 'fixed', dialled: '37060000113', sent: { to: 'plain', number: '37060000113', caller: /^"Desk" <sip:37052123456@/ }, row: { src: '37052123456' } },
  { what: 'transformations, new form of the device and old form of the provider', device: 'formed', dialled: '37*060000116', from: '+37050000001', sent: { to: 'formed', number: '+37060000116', caller: /<sip:050000001@/ }, row: { src: '37050000001', dst: '37*060000116', localized_dst: '37060000116' } },
  { what: 'transformations that do not match', device: 'formed', dialled: '003711000117', from: '44', sent: null, status: 403, row: { hangup_cause: 203, localized_dst: '3711000117' } },
  { what: 'a rule that sends to a device', dialled: '700114', from: '852123456', sent: { to: 'office', number: '114', caller: /^"A" <sip:37052123456@/ }, row: { direction: 'local', localized_dst: '114', provider_id: null, user_price: null, did_id: null } },
  { what: 'a rule that sends to a DID', dialled: '800115', from: '852123456', sent: { to: 'office', number: '37052000001', caller: /^"A" <sip:37052123456@/ }, row: { direction: 'inbound', dst: '800115', localized_dst: '37052000001', src: '37052123456' } },
  { what: 'a call that a provider brings, by its location', device: 'carrier', dialled: '052000001', from: '030123', sent: { to: 'office', number: '37052000001', caller: /^"A" <sip:4930123@/ }, row: { direction: 'inbound', dst: '052000001', localized_dst: '37052000001', src: '4930123' } },
];

const WAYS: readonly Case[] = [
  { what: 'a code of the provider goes on', dialled: '0237060000201', ways: ['busy goes on', 'plain'], sent: { to: 'plain', number: '37060000201' }, row: { attempt: 2, disposition: 'ANSWERED' } },
  { what: 'a code of the provider stops', dialled: '0337060000202', ways: ['refusing', 'plain'], sent: { to: 'refusing', number: '37060000202' }, status: 503, row: { attempt: 1, disposition: 'FAILED', hangup_cause: 34, sip_code: 503 } },
  { what: 'the LCR of the destination\'s own prefix, before its name', dialled: '0537066000204', sent: { to: 'busy', number: '37066000204' }, status: 486, row: { hangup_cause: 17 } },
  { what: 'the LCR of its group, before an inherited prefix', dialled: '0537067000205', sent: { to: 'special', number: '867000205#7' }, row: {} },
  { what: 'the LCR of an inherited prefix', dialled: '0537068000206', ways: ['refusing', 'plain'], sent: { to: 'refusing', number: '37068000206' }, status: 503, row: {} },
  { what: 'the LCR itself where no destination has its own', dialled: '0537052000207', sent: { to: 'plain', number: '37052000207' }, row: {} },
  { what: 'a provider that leaves too small a margin is passed over', dialled: '0437060000203', ways: ['special'], sent: { to: 'special', number: '860000203#7' }, row: { attempt: 1 } },
];

const stage = await openStage({ tenant });
t.teardown(() => stage.close());

function told({ device = 'alice', dialled, from = '37050000001' }: Case): Decision {
  const catalog = stage.store.catalog();
  if (catalog === null) throw new Error('There is no catalog.');
  const context = { catalog, settings: routingSettings(stage.settings), random: () => 0.5, quality: stage.store.quality(), dead: new Set<number>(), talk: stage.store.talk(), scores: null, explain: () => undefined };
  // A provider is known by its id.
  const endpoint = catalog.devicesByEndpoint.has(device) ? device : ([...catalog.providers.values()].find(({ name }) => name === device)?.endpoint ?? '');
  return route(context, { serverId: 1, port: 5060, ip: '', endpoint, dialled, callerNumber: from, atMs: Date.now() });
}

async function oneCall(t: Test, one: Case): Promise<void> {
  const { device = 'alice', dialled, from = '37050000001', sent, status = 200, row, ways = [sent?.to ?? ''] } = one;
  const decision = told(one);
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS[device], from, fromName: 'A', to: dialled, values: { holdMs: 100 } });
  t.same(finalStatuses(result), [status], result.errors);
  const rows = await stage.rowsOf(result);
  t.match(rows.at(-1), row);
  if (sent === null) {
    t.equal(decision.kind, 'refused');
    if (decision.kind === 'refused') t.same([decision.cause, hangupCause(decision.cause).sip], [row['hangup_cause'], status], 'as route told');
    return;
  }
  const invite = far[sent.to].invites().findLast((each) => headerOf(each, 'Call-ID') === rows.at(-1)?.['terminator_call_id']);
  // A # stands escaped in a URI.
  t.equal(invite === undefined ? 'nothing' : decodeURIComponent(requestUser(invite) ?? ''), sent.number, `what ${sent.to} got`);
  if (sent.caller !== undefined && invite !== undefined) t.match(headerOf(invite, 'From'), sent.caller);
  t.match(decision, { kind: 'plan', parties: { src: rows.at(-1)?.['src'], localizedDst: rows.at(-1)?.['localized_dst'] } }, 'as route told');
  if (decision.kind !== 'plan') return;
  t.same(decision.ways.map(({ name }) => name), ways, 'these ways and no other');
  t.equal(decision.ways[Number(rows.at(-1)?.['attempt']) - 1]?.number, sent.number, 'the number as route told it');
}

t.test('calls', async (t) => {
  t.jobs = 5;
  for (const one of [...NUMBERS, ...WAYS]) t.test(one.what, { buffered: true }, (t) => oneCall(t, one));
});

t.test('afterwards', async (t) => {
  t.same(await stage.leftovers(), NOTHING, 'nothing is held any more');
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await Promise.all(Object.values(far).map((peer) => peer.stop()));
  await closeServers();
});
