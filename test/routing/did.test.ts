/** Calls to DIDs: which DID a number belongs to, who may call it, where it goes and what it costs whom. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { parseMoney } from '../../rating/money.ts';
import type { Did } from '../../routing/catalog.ts';
import { buildDidIndex, didProblem, findDid } from '../../routing/did.ts';
import { blacklist, device, did, given, location, NOW_MS, provider, rule, tariff, user, whitelist } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';
import { holds } from './property.ts';

const found = (dids: readonly Did[], number: string, atMs = NOW_MS): number | undefined => findDid(buildDidIndex(dids), number, atMs)?.id;

test('a wildcard stands for one or more characters: the page\'s example', async (t) => {
  const dids = [did(1, '37088888*')];
  for (const number of ['3708888881', '3708888872', '3708888893', '370888885555555', '37088888a']) t.equal(found(dids, number), 1, number);
  t.equal(found(dids, '37088888'), undefined);
  t.equal(found(dids, '3708888'), undefined);
});

test('an exact DID comes before a wildcard, and the longest wildcard before a shorter one', async (t) => {
  const dids = [did(1, '370*'), did(2, '37088888*'), did(3, '3708888881'), did(4, '37088*')];
  t.equal(found(dids, '3708888881'), 3);
  t.equal(found(dids, '3708888882'), 2);
  t.equal(found(dids, '3708877777'), 4);
  t.equal(found(dids, '3705'), 1);
});

test('outside its active time a DID is as good as not there, and a wildcard may take its place', async (t) => {
  const dids = [did(1, '4420', { activeFromMs: 1000, activeTillMs: 2000 }), did(2, '44*', { activeTillMs: 5000 })];
  for (const [atMs, id] of [[999, 2], [1000, 1], [1999, 1], [2000, 2], [4999, 2], [5000, undefined]] as const) t.equal(found(dids, '4420', atMs), id, `at ${atMs}`);
});

test('a terminated DID is history: its number may be there again', async (t) => {
  t.equal(found([did(1, '4420', { status: 'terminated' })], '4420'), undefined);
  t.equal(found([did(1, '4420'), did(2, '4420', { status: 'terminated' })], '4420'), 1);
});

test('what cannot be a DID is told why', async (t) => {
  for (const good of ['37060000000', '0B69847249887528', '37088888*', '3*']) t.equal(didProblem(good), null, good);
  t.match(didProblem('B0698'), /begins with a digit/);
  t.match(didProblem('*'), /stands once, at the end/);
  t.match(didProblem('370*8'), /stands once, at the end/);
  t.match(didProblem('370**'), /stands once, at the end/);
  t.match(didProblem('+370'), /only 0-9, a-z, A-Z/);
  t.match(didProblem('370 60'), /only 0-9, a-z, A-Z/);
  t.match(didProblem('1'.repeat(41)), /at most 40/);
});

const text = fc.string({ unit: fc.constantFrom('0', '1', 'a'), minLength: 1, maxLength: 5 });
const time = fc.option(fc.nat(10));
const someDids = fc.uniqueArray(fc.record({ number: text, wildcard: fc.boolean(), activeFromMs: time, activeTillMs: time, terminated: fc.constantFrom(false, false, false, true) }), { selector: ({ number, wildcard }) => `${number}${wildcard ? '*' : ''}`, maxLength: 10 });

test('any number finds the DID that a naive scan finds', async (t) => {
  holds(t, fc.property(someDids, text, fc.nat(12), (parts, number, atMs) => {
    const dids = parts.map((part, index) => did(index + 1, `${part.number}${part.wildcard ? '*' : ''}`, { activeFromMs: part.activeFromMs, activeTillMs: part.activeTillMs, status: part.terminated ? 'terminated' : 'active' }));
    const [naive] = dids
      .filter((one) => one.status !== 'terminated' && (one.activeFromMs === null || one.activeFromMs <= atMs) && (one.activeTillMs === null || atMs < one.activeTillMs))
      .filter((one) => (one.did.endsWith('*') ? number.length >= one.did.length && number.startsWith(one.did.slice(0, -1)) : one.did === number))
      .sort((a, b) => Number(a.did.endsWith('*')) - Number(b.did.endsWith('*')) || b.did.length - a.did.length);
    return found(dids, number, atMs) === naive?.id;
  }), 300);
});

test('a call to a DID goes to its owner\'s device', async (t) => {
  const routed = given({ dids: [did(51, '4420')] }).whenProviderCalls('+4420').goesBy('office');
  t.match(routed.plan.ways[0], { kind: 'device', id: 48, endpoint: 'office', number: null, rate: null, silenceMs: 0, noAnswerAsFailed: false, busyAsFailed: false });
  t.match(routed.plan.parties, { direction: 'inbound', src: '4930123', dst: '+4420', localizedDst: '4420', userId: null, deviceId: null, dstUserId: 8, dstDeviceId: 48, didId: 51, didProviderId: 11, prefix: '4420' });
});

test('a trunk gets the full number that was dialled', async (t) => {
  const trunk = { devices: [device(48, 8, { endpoint: 'office', trunk: true, ringTimeoutS: 20 })], dids: [did(51, '4420*')] };
  t.match(given(trunk).whenProviderCalls('+44207946').plan.ways[0], { number: '44207946', ringTimeoutS: 20 });
});

test('a DID may lead to somebody else\'s server instead of a device', async (t) => {
  const external = { number: '100', host: 'sip.example.com:5070' };
  const { plan } = given({ dids: [did(51, '4420', { deviceIds: [], external, maxDurationS: 90 })] }).whenProviderCalls('4420');
  t.match(plan.ways, [{ kind: 'external', id: 51, endpoint: 'tollgate-external', number: '100', host: 'sip.example.com:5070', rate: null }]);
  t.match(plan.parties, { dstUserId: 8, dstDeviceId: null, didId: 51 });
  t.equal(plan.maxTalkS, 90);
  given({ dids: [did(51, '4420', { deviceIds: [], external, userId: null })] }).whenProviderCalls('4420').refusedWith(207);
});

test('what providers bring for numbers that are no DID goes to the DID for such calls', async (t) => {
  const parts: Given = { settings: { unassignedDid: '4420' }, dids: [did(51, '4420'), did(52, '4421')] };
  t.match(given(parts).whenProviderCalls('4999').plan.parties, { didId: 51, dst: '4999', localizedDst: '4999' });
  t.match(given(parts).whenProviderCalls('4421').plan.parties, { didId: 52 });
  given({ ...parts, dids: [did(51, '4420', { status: 'closed' })] }).whenProviderCalls('4999').refusedWith(284);
  given({ ...parts, dids: [] }).whenProviderCalls('4999').refusedWith(207);
  given({ ...parts, dids: [did(51, '4420')], settings: {} }).whenProviderCalls('4999').refusedWith(207);
  t.match(given(parts).whenDeviceCalls('4999').decision, { kind: 'refused' }, 'a device that dials it wants the world');
});

test('a DID may hold letters whatever the setting says', async () => {
  for (const letters of ['refuse', 'clean', 'keep'] as const) {
    given({ settings: { letters }, dids: [did(51, '0B69')] }).whenProviderCalls('0B69').goesBy('office');
    given({ settings: { letters }, dids: [did(51, '0B69')] }).whenDeviceCalls('0B69').goesBy('office');
  }
});

const STATES: readonly (readonly [string, Given, number])[] = [
  ['a number that is no DID', {}, 207],
  ['a free DID', { dids: [did(51, '4420', { status: 'free' })] }, 226],
  ['a reserved DID', { dids: [did(51, '4420', { status: 'reserved' })] }, 229],
  ['a closed DID', { dids: [did(51, '4420', { status: 'closed' })] }, 284],
  ['a terminated DID', { dids: [did(51, '4420', { status: 'terminated' })] }, 207],
  ['a DID before its active time', { dids: [did(51, '4420', { activeFromMs: NOW_MS + 1 })] }, 207],
  ['a DID after its active time', { dids: [did(51, '4420', { activeTillMs: NOW_MS })] }, 207],
  ['a DID without a device', { dids: [did(51, '4420', { deviceIds: [] })] }, 207],
  ['a DID without an owner', { dids: [did(51, '4420', { userId: null })] }, 207],
  ['a DID to a blocked device', { dids: [did(51, '4420')], devices: [device(48, 8, { endpoint: 'office', blocked: true })] }, 207],
  ['a DID of a blocked user', { dids: [did(51, '4420')], users: [user(8, { blocked: true })] }, 237],
  ['a DID of a user whose reseller is blocked', { dids: [did(51, '4420')], users: [user(8, { ownerId: 6 }), user(6, { type: 'reseller', blocked: true })] }, 202],
  ['a DID of a user whose partner is blocked', { dids: [did(51, '4420')], users: [user(8, { ownerId: 6 }), user(6, { type: 'reseller', ownerId: 7 }), user(7, { type: 'partner', blocked: true })] }, 250],
  ['a caller in the DID\'s blacklist', { dids: [did(51, '4420', { sourcePoolId: 1 })], pools: { 1: ['4930%'] } }, 283],
  ['a caller in the owner\'s blacklist', { dids: [did(51, '4420')], pools: { 1: ['4930%'] }, users: [user(8, { sourceList: blacklist(1) })] }, 262],
  ['a caller not in the owner\'s whitelist', { dids: [did(51, '4420')], pools: { 1: ['37%'] }, users: [user(8, { sourceList: whitelist(1) })] }, 263],
  ['a caller without a rate of the DID provider', { dids: [did(51, '4420', { providerTariffId: 2 })], tariffs: [tariff(2, { 44: '0.1' }, { paysBack: true })] }, 276],
];

for (const [what, parts, cause] of STATES) {
  test(`${what} is refused with ${cause}`, async () => {
    given(parts).whenProviderCalls('4420').refusedWith(cause);
  });
}

test('the first of several reasons is named: state, owner, device, blocks, lists, rate', async () => {
  const all = { pools: { 1: ['4930%'] }, tariffs: [tariff(2, { 44: '0.1' }, { paysBack: true })] };
  const parts = { sourcePoolId: 1, providerTariffId: 2 };
  const blocked = user(8, { blocked: true, sourceList: blacklist(1) });
  given({ ...all, dids: [did(51, '4420', { ...parts, status: 'closed', deviceIds: [] })], users: [blocked] }).whenProviderCalls('4420').refusedWith(284);
  given({ ...all, dids: [did(51, '4420', { ...parts, deviceIds: [] })], users: [blocked] }).whenProviderCalls('4420').refusedWith(207);
  given({ ...all, dids: [did(51, '4420', parts)], users: [blocked] }).whenProviderCalls('4420').refusedWith(237);
  given({ ...all, dids: [did(51, '4420', parts)], users: [user(8, { sourceList: blacklist(1) })] }).whenProviderCalls('4420').refusedWith(283);
  given({ ...all, dids: [did(51, '4420', { ...parts, sourcePoolId: null })], users: [user(8, { sourceList: blacklist(1) })] }).whenProviderCalls('4420').refusedWith(262);
  given({ ...all, dids: [did(51, '4420', { ...parts, sourcePoolId: null })] }).whenProviderCalls('4420').refusedWith(276);
});

test('a whitelist of the user limits whom he hears, not whom he calls', async () => {
  const parts = { dids: [did(51, '4420')], pools: { 1: ['9%'] }, users: [user(5, { sourceList: whitelist(1) })] };
  given(parts).whenDeviceCalls('4420').goesBy('office');
  given(parts).whenDeviceCalls('37060000000').goesBy('P11');
});

const RATES = {
  tariffs: [tariff(2, { '': '-0.01' }, { paysBack: true }), tariff(3, { '': '0.05', 370: '0.07' }, { paysBack: true }), tariff(4, { '': '0.09' }, { paysBack: true })],
  dids: [did(51, '4420', { providerTariffId: 2, incomingTariffId: 3, ownerTariffId: 4, graceS: 2, maxDurationS: 600 })],
} as const;

test('from outside the provider\'s and the owner\'s rate apply, from the arrival on', async (t) => {
  const { plan } = given(RATES).whenProviderCalls('4420');
  t.match(plan.levels, [{ level: 'didProvider', from: 'arrival', rate: { tariffId: 2, graceS: 2 } }, { level: 'did', from: 'arrival', rate: { tariffId: 4, graceS: 2 } }]);
  t.equal(plan.levels.length, 2);
  t.match(plan.payers, [{ userId: 8, causes: { tooLow: 213, simultaneous: 214, underOneSecond: 213 } }]);
  t.equal(plan.payers.length, 1);
  t.equal(plan.maxTalkS, 600);
});

test('a caller of ours pays the incoming rate by his number', async (t) => {
  const { plan } = given(RATES).whenDeviceCalls('4420');
  t.same(plan.levels.map(({ level, rate }) => `${level} ${rate.prefix}`), ['didProvider ', 'didIncoming 370', 'did ']);
  t.match(plan.payers, [{ userId: 5, causes: { tooLow: 211, simultaneous: 212, underOneSecond: 210 } }, { userId: 8, causes: { tooLow: 213 } }]);
});

test('an owner who calls his own DID does not pay for receiving', async (t) => {
  const { plan } = given({ ...RATES, dids: [{ ...RATES.dids[0], userId: 5 }] }).whenDeviceCalls('4420');
  t.same(plan.levels.map(({ level }) => level), ['didProvider', 'didIncoming']);
  t.same(plan.payers.map(({ userId }) => userId), [5]);
});

test('somebody with unlimited credit pays, but his money limits nothing', async (t) => {
  const { plan } = given({ ...RATES, users: [user(8, { postpaid: true, credit: null }), user(5, { postpaid: true, credit: parseMoney('10') })] }).whenDeviceCalls('4420');
  t.same(plan.levels.map(({ level }) => level), ['didProvider', 'didIncoming', 'did']);
  t.same(plan.payers.map(({ userId }) => userId), [5], 'a credit limit does');
});

const longest = (didS: number, deviceS: number): number => given({ dids: [did(51, '4420', { maxDurationS: didS })], devices: [device(48, 8, { endpoint: 'office', callTimeoutS: deviceS })] }).whenProviderCalls('4420').plan.maxTalkS;

test('the shortest timeout of DID, device and switch holds', async (t) => {
  t.same([longest(0, 0), longest(600, 0), longest(0, 60), longest(600, 60), longest(9999, 0)], [7200, 600, 60, 60, 7200]);
});

const claims = (routed: ReturnType<ReturnType<typeof given>['whenDeviceCalls']>): readonly string[] => [...routed.plan.counters, ...routed.plan.perSecond].map(({ key, limit, cause }) => `${key} ${limit} ${cause}`);

test('places are taken for the DID first, then of the caller\'s side, then of the owner\'s, then of the server', async (t) => {
  const parts: Given = {
    settings: { serverCallLimit: 100, serverCpsLimit: 10 },
    users: [user(5, { ownerId: 6, outboundLimit: 2 }), user(6, { type: 'reseller', combinedLimit: 20 }), user(8, { inboundLimit: 3, combinedLimit: 0, cpsLimit: 9 })],
    devices: [device(41, 5, { endpoint: 'desk', callLimit: 1 }), device(48, 8, { endpoint: 'office', callLimit: 4 })],
    dids: [did(51, '4420', { callLimit: 5, cpsLimit: 7 })],
  };
  const owner = ['calls:device:48 4 221', 'calls:user:8:in 3 220', 'calls:user:8 0 220', 'calls:server:1 100 208', 'cps:server:1 10 208'];
  t.same(claims(given(parts).whenProviderCalls('4420')), ['calls:did:51 5 219', ...owner, 'cps:did:51 7 219']);
  t.same(claims(given(parts).whenDeviceCalls('4420')), ['calls:did:51 5 219', 'calls:device:41 1 221', 'calls:user:5:out 2 220', 'calls:user:5 0 220', 'calls:reseller:6 20 222', ...owner, 'cps:user:5 0 304', 'cps:did:51 7 219']);
});

test('a provider of ours is no device: what it dials must be a DID', async () => {
  given({ providers: [provider(11, '0.3')] }).whenProviderCalls('37060000000').refusedWith(207);
  given({}).whenProviderCalls('').refusedWith(336);
  given({}).whenProviderCalls('4420\'--').refusedWith(207);
});

test('a call to a DID in its national form reaches the DID', async (t) => {
  const uk = { locations: [location(2, rule('0', '44'))], devices: [device(41, 5, { endpoint: 'desk', locationId: 2 })], dids: [did(51, '442012345')] };
  const routed = given(uk).whenDeviceCalls('02012345').goesBy('office');
  t.match(routed.plan.parties, { direction: 'inbound', dst: '02012345', localizedDst: '442012345', didId: 51, deviceId: 41, userId: 5, dstUserId: 8, dstDeviceId: 48 });
});

test('hostile text does not get through a wildcard', async () => {
  const wild = given({ dids: [did(51, '442*')], devices: [device(48, 8, { endpoint: 'office', trunk: true })] });
  for (const text of ['4420"; drop table', '442\r\nVia: x', '4420%s', '4420@evil', '4420&PJSIP/x', '4420😀', '442 0', `442${'0'.repeat(60)}`]) {
    wild.whenDeviceCalls(text).refusedWith(207);
    wild.whenProviderCalls(text).refusedWith(207);
  }
});

test('whoever may not call may not call a DID either', async () => {
  const office = { dids: [did(51, '4420')] };
  given({ ...office, users: [user(5, { blocked: true })] }).whenDeviceCalls('4420').refusedWith(201);
  given({ ...office, users: [user(5, { ownerId: 6 }), user(6, { type: 'reseller', blocked: true })] }).whenDeviceCalls('4420').refusedWith(202);
  given({ ...office, users: [user(5, { ownerId: 7 }), user(7, { type: 'partner', blocked: true })] }).whenDeviceCalls('4420').refusedWith(250);
  given({ ...office, devices: [device(41, 5, { endpoint: 'desk', serverIds: [2, 3] })] }).whenDeviceCalls('4420').refusedWith(337);
  given({ ...office, pools: { 1: ['44%'] }, users: [user(5, { destinationList: blacklist(1) })] }).whenDeviceCalls('4420').refusedWith(255);
  given({ ...office, pools: { 1: ['370%'] }, users: [user(5, { destinationList: whitelist(1) })] }).whenDeviceCalls('4420').refusedWith(256);
  given({ ...office, pools: { 1: ['37050000000'] }, users: [user(5, { sourceList: blacklist(1) })] }).whenDeviceCalls('4420').refusedWith(262);
});

test('a caller who sends a + is the same caller', async () => {
  const listed = { pools: { 1: ['4930%'] } };
  given({ ...listed, users: [user(5, { sourceList: blacklist(1) })] }).whenDeviceCalls('37060000000', { callerNumber: '+4930123' }).refusedWith(262);
  given({ ...listed, dids: [did(51, '4420', { sourcePoolId: 1 })] }).whenProviderCalls('4420', { callerNumber: '+4930123' }).refusedWith(283);
  given({ pools: { 1: ['+4930%'] }, dids: [did(51, '4420', { sourcePoolId: 1 })] }).whenProviderCalls('4420', { callerNumber: '4930123' }).refusedWith(283);
  given({ tariffs: [tariff(2, { 49: '0.02' }, { paysBack: true })], dids: [did(51, '4420', { providerTariffId: 2 })] }).whenProviderCalls('4420', { callerNumber: '+4930123' }).goesBy('office');
});

test('a DID whose blacklist is lost lets nobody in', async () => {
  given({ dids: [did(51, '4420', { sourcePoolId: 9 })] }).whenProviderCalls('4420').refusedWith(283);
});
