/** Calls from a device to the world: rates and losses of each level, limits, and the order in which refusals are named. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { parseMoney } from '../../rating/money.ts';
import type { Catalog, User } from '../../routing/catalog.ts';
import { GLOBAL_LOCATION_ID } from '../../routing/catalog.ts';
import { HANGUP_CAUSES } from '../../routing/hangup-causes.ts';
import { route } from '../../routing/route.ts';
import { blacklist, catalogOf, device, did, given, lcr, location, NOW_MS, ownRule, provider, rule, SETTINGS, tariff, user, whitelist } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';
import { holds, seededRandom } from './property.ts';

const MOBILE = '37060000000';

/** User 5 of reseller 6 of partner 7, who pay 0.6, 0.5 and 0.4; the provider asks for 0.3. */
function chain(prices: { readonly user?: string; readonly reseller?: string; readonly partner?: string; readonly provider?: string } = {}, allowLoss: readonly number[] = []): Given {
  const allowLossCalls = (id: number): boolean => allowLoss.includes(id);
  return {
    providers: [provider(11, prices.provider ?? '0.3')],
    tariffs: [tariff(1, { 370: prices.user ?? '0.6' }), tariff(2, { 370: prices.reseller ?? '0.5' }), tariff(3, { 370: prices.partner ?? '0.4' })],
    users: [
      user(5, { ownerId: 6, allowLossCalls: allowLossCalls(5) }),
      user(6, { type: 'reseller', ownerId: 7, tariffId: 2, allowLossCalls: allowLossCalls(6) }),
      user(7, { type: 'partner', tariffId: 3, allowLossCalls: allowLossCalls(7) }),
    ],
  };
}

test('an unknown endpoint cannot be identified', async () => {
  given({}).whenDeviceCalls('37060000000', { endpoint: 'stranger' }).refusedWith(200);
  given({ devices: [device(41, 5, { endpoint: 'desk', blocked: true })] }).whenDeviceCalls('37060000000').refusedWith(200);
  given({ devices: [device(41, 99, { endpoint: 'desk' })] }).whenDeviceCalls('37060000000').refusedWith(200);
});

test('an inactive provider is no longer known', async (t) => {
  const routed = given({ providers: [provider(11, '0.3', { active: false })], dids: [did(51, '4420')] }).whenProviderCalls('4420');
  t.equal(routed.decision.kind, 'plan', 'PJSIP has no account of it, so it cannot arrive here');
});

test('every level of the chain is priced by its own tariff, from the answer on', async (t) => {
  const { plan } = given(chain()).whenDeviceCalls(MOBILE);
  t.match(plan.levels, [{ level: 'user', from: 'answer', rate: { tariffId: 1 } }, { level: 'reseller', from: 'answer', rate: { tariffId: 2 } }, { level: 'partner', from: 'answer', rate: { tariffId: 3 } }]);
  t.match(plan.payers, [
    { userId: 5, causes: { tooLow: 211, simultaneous: 212, underOneSecond: 210 } },
    { userId: 6, causes: { tooLow: 215, simultaneous: 216, underOneSecond: 215 } },
    { userId: 7, causes: { tooLow: 251, simultaneous: 252, underOneSecond: 251 } },
  ]);
  t.match(plan.parties, { direction: 'outbound', src: '37050000000', dst: MOBILE, localizedDst: MOBILE, userId: 5, resellerId: 6, partnerId: 7, deviceId: 41, prefix: '370', destinationId: 7, didId: null });
  t.equal(plan.catalogVersion, 3);
});

test('a partner may sell to users directly', async (t) => {
  const { plan } = given({ ...chain(), users: [user(5, { ownerId: 7 }), user(7, { type: 'partner', tariffId: 3 })] }).whenDeviceCalls(MOBILE);
  t.same(plan.levels.map(({ level }) => level), ['user', 'partner']);
  t.match(plan.parties, { resellerId: null, partnerId: 7 });
});

test('the grace time of the device is the user\'s alone', async (t) => {
  const { plan } = given({ ...chain(), devices: [device(41, 5, { endpoint: 'desk', graceS: 3 })] }).whenDeviceCalls(MOBILE);
  t.same(plan.levels.map(({ rate }) => rate.graceS), [3, 0, 0]);
});

test('who has unlimited credit is priced, but his money limits nothing', async (t) => {
  const { plan } = given({ users: [user(5, { postpaid: true, credit: null })] }).whenDeviceCalls(MOBILE);
  t.equal(plan.levels.length, 1);
  t.same(plan.payers, []);
});

const REFUSALS: readonly (readonly [string, Given, number])[] = [
  ['a blocked user', { users: [user(5, { blocked: true })] }, 201],
  ['a user whose reseller is blocked', { users: [user(5, { ownerId: 6 }), user(6, { type: 'reseller', blocked: true })] }, 202],
  ['a user whose partner is blocked', { users: [user(5, { ownerId: 6 }), user(6, { type: 'reseller', ownerId: 7 }), user(7, { type: 'partner', blocked: true })] }, 250],
  ['a device that may call from other servers only', { devices: [device(41, 5, { endpoint: 'desk', serverIds: [2] })] }, 337],
  ['a source in the user\'s blacklist', { pools: { 1: ['37050000000'] }, users: [user(5, { sourceList: blacklist(1) })] }, 262],
  ['a destination in the user\'s blacklist', { pools: { 1: ['3706%'] }, users: [user(5, { destinationList: blacklist(1) })] }, 255],
  ['a destination not in the user\'s whitelist', { pools: { 1: ['44%'] }, users: [user(5, { destinationList: whitelist(1) })] }, 256],
  ['a user without a rate', { tariffs: [tariff(1, { 44: '1' })] }, 203],
  ['a user without a tariff', { users: [user(5, { tariffId: null })] }, 203],
  ['a reseller without a rate', { ...chain(), tariffs: [tariff(2, { 44: '1' }), tariff(3, { 370: '0.4' })] }, 242],
  ['a partner without a rate', { ...chain(), tariffs: [tariff(2, { 370: '0.5' }), tariff(3, { 44: '1' })] }, 254],
  ['a destination blocked in the user\'s tariff', { tariffs: [tariff(1, { 370: '0.6', 37060: 'blocked' })] }, 330],
  ['a destination blocked in the reseller\'s tariff', { ...chain(), tariffs: [tariff(1, { 370: '0.6' }), tariff(2, { 370: 'blocked' }), tariff(3, { 370: '0.4' })] }, 330],
  ['a rate above the user\'s greatest', { users: [user(5, { maxCallRate: parseMoney('0.5999') })] }, 340],
  ['a reseller who sells at a loss', chain({ user: '0.49' }), 218],
  ['a partner who sells at a loss', chain({ reseller: '0.39' }), 253],
  ['a user without an LCR', { users: [user(5, { lcrId: null })] }, 204],
  ['an LCR that is empty', { lcrs: [lcr(1, [])] }, 204],
  ['a provider dearer than the user', { providers: [provider(11, '0.7')] }, 204],
];

for (const [what, parts, cause] of REFUSALS) {
  test(`${what} is refused with ${cause}`, async () => {
    given(parts).whenDeviceCalls(MOBILE).refusedWith(cause);
  });
}

test('exactly the greatest rate, and none at all, are allowed', async () => {
  given({ users: [user(5, { maxCallRate: parseMoney('0.6') })] }).whenDeviceCalls(MOBILE).goesBy('P11');
  given({ users: [user(5, { maxCallRate: 0n })] }).whenDeviceCalls(MOBILE).goesBy('P11');
});

test('a level that allows losses lets them pass', async () => {
  given(chain({ user: '0.49' }, [5])).whenDeviceCalls(MOBILE).goesBy('P11');
  given(chain({ reseller: '0.39' }, [6])).whenDeviceCalls(MOBILE).goesBy('P11');
  given(chain({ user: '0.5', reseller: '0.5', partner: '0.5', provider: '0.5' })).whenDeviceCalls(MOBILE).goesBy('P11');
});

test('who buys from the admin decides whether the way out is a loss', async () => {
  given(chain({ provider: '0.45' })).whenDeviceCalls(MOBILE).passesOver('P11 224').refusedWith(204);
  given(chain({ provider: '0.45' }, [5, 6])).whenDeviceCalls(MOBILE).refusedWith(204);
  given(chain({ provider: '0.45' }, [7])).whenDeviceCalls(MOBILE).goesBy('P11');
});

test('the source whitelist of the user does not concern what he sends', async () => {
  given({ pools: { 1: ['1%'] }, users: [user(5, { sourceList: whitelist(1) })] }).whenDeviceCalls(MOBILE).goesBy('P11');
});

test('lists see the number after localization', async () => {
  const parts = { locations: [location(GLOBAL_LOCATION_ID, rule('86', '3706'))], pools: { 1: ['3706%'] }, users: [user(5, { destinationList: blacklist(1) })] };
  given(parts).whenDeviceCalls('860000000').refusedWith(255);
});

test('the number sent out is the localized one, in the provider\'s form', async (t) => {
  const parts = { locations: [location(GLOBAL_LOCATION_ID, rule('86', '3706'))], providers: [provider(11, '0.3', { rules: [ownRule('', '00')] })] };
  const { plan } = given(parts).whenDeviceCalls('860000000');
  t.match(plan.parties, { dst: '860000000', localizedDst: MOBILE });
  t.equal(plan.ways[0]?.number, `00${MOBILE}`);
});

test('a number of no form is refused before anything else is known of it', async (t) => {
  t.match(given({}).whenDeviceCalls('').refusedWith(336).decision.parties, { userId: 5, deviceId: 41 });
  given({}).whenDeviceCalls('alice').refusedWith(207);
  given({ settings: { letters: 'clean' } }).whenDeviceCalls('370A60000000').goesBy('P11');
  given({ settings: { letters: 'keep' } }).whenDeviceCalls('3706000ALICE').goesBy('P11');
});

/** All reasons at once; each step takes away the one that was named. */
test('the first of several reasons is named, in the order of docs/HANGUP_CAUSES.md', async () => {
  const dear = provider(11, '9');
  const bad: Given = {
    providers: [dear], tariffs: [tariff(1, { 44: '1' }), tariff(2, { 44: '1' }), tariff(3, { 44: '1' })], pools: { 1: ['370%'] },
    devices: [device(41, 5, { endpoint: 'desk', serverIds: [2] })],
    users: [user(5, { ownerId: 6, blocked: true, sourceList: blacklist(1), destinationList: blacklist(1), maxCallRate: 1n }), user(6, { type: 'reseller', ownerId: 7, blocked: true, tariffId: 2 }), user(7, { type: 'partner', blocked: true, tariffId: 3 })],
  };
  const [five, six, seven] = bad.users ?? [];
  const users = (own: object, reseller: object = {}, partner: object = {}): readonly User[] => [{ ...five!, ...own }, { ...six!, ...reseller }, { ...seven!, ...partner }];
  const free = { blocked: false };
  const no = { mode: 'no', poolId: null } as const;
  const steps: readonly (readonly [Given, number])[] = [
    [{}, 337],
    [{ devices: [] }, 201],
    [{ users: users(free) }, 202],
    [{ users: users(free, free) }, 250],
    [{ users: users(free, free, free) }, 262],
    [{ users: users({ ...free, sourceList: no }, free, free) }, 255],
    [{ users: users({ ...free, sourceList: no, destinationList: no }, free, free) }, 203],
    [{ tariffs: [tariff(1, { 370: '0.6' }), tariff(2, { 44: '1' }), tariff(3, { 44: '1' })] }, 242],
    [{ tariffs: [tariff(1, { 370: '0.6' }), tariff(2, { 370: '0.7' }), tariff(3, { 44: '1' })] }, 254],
    [{ tariffs: [tariff(1, { 370: '0.6' }), tariff(2, { 370: '0.7' }), tariff(3, { 370: '0.8' })] }, 340],
    [{ users: users({ ...free, sourceList: no, destinationList: no, maxCallRate: 0n }, free, free) }, 218],
    [{ users: users({ ...free, sourceList: no, destinationList: no, maxCallRate: 0n, allowLossCalls: true }, free, free) }, 253],
    [{ users: users({ ...free, sourceList: no, destinationList: no, maxCallRate: 0n, allowLossCalls: true }, { ...free, allowLossCalls: true }, free) }, 204],
  ];
  let parts = bad;
  for (const [better, cause] of steps) {
    parts = { ...parts, ...better };
    given(parts).whenDeviceCalls(MOBILE).refusedWith(cause);
  }
  given({ ...parts, providers: [provider(11, '0.1')] }).whenDeviceCalls(MOBILE).goesBy('P11');
});

const words = ({ key, limit, cause }: { readonly key: string; readonly limit: number; readonly cause: number }): string => `${key} ${limit} ${cause}`;

test('places are taken of the device, the user, the reseller, the partner and the server, in this order', async (t) => {
  const { plan } = given({
    ...chain(), settings: { serverCallLimit: 100, serverCpsLimit: 10 }, devices: [device(41, 5, { endpoint: 'desk', callLimit: 1, cpsLimit: 3 })],
    users: [user(5, { ownerId: 6, outboundLimit: 2, combinedLimit: 3, cpsLimit: 4 }), user(6, { type: 'reseller', ownerId: 7, tariffId: 2, outboundLimit: 5, cpsLimit: 8 }), user(7, { type: 'partner', tariffId: 3, combinedLimit: 6, outboundLimit: 99, cpsLimit: 9 })],
  }).whenDeviceCalls(MOBILE, { serverId: 2 });
  t.same(plan.counters.map(words), ['calls:device:41 1 221', 'calls:user:5:out 2 220', 'calls:user:5 3 220', 'calls:reseller:6 5 222', 'calls:partner:7 6 249', 'calls:server:2 100 208']);
  t.same(plan.perSecond.map(words), ['cps:server:2 10 208', 'cps:device:41 3 304', 'cps:user:5 4 304', 'cps:reseller:6 8 304', 'cps:partner:7 9 304']);
});

const longest = (callTimeoutS: number, globalCallTimeoutS: number): number => given({ settings: { globalCallTimeoutS }, devices: [device(41, 5, { endpoint: 'desk', callTimeoutS })] }).whenDeviceCalls(MOBILE).plan.maxTalkS;

test('the shortest timeout of device and switch holds', async (t) => {
  t.same([longest(0, 7200), longest(60, 7200), longest(9999, 7200)], [7200, 60, 7200]);
});

test('every step of the way is told, and nothing is built when nobody asks', async (t) => {
  const { steps } = given({ ...chain(), providers: [provider(11, '0.3'), provider(12, '9')], lcrs: [lcr(1, [11, 12])] }).whenDeviceCalls(MOBILE);
  t.same(steps.map(({ check, outcome, cause }) => `${check} ${outcome}${cause === undefined ? '' : ` ${cause}`}`), [
    'user passed', 'localization passed', 'user rate passed', 'reseller rate passed', 'partner rate passed', 'LCR passed', 'provider skipped 224', 'provider chosen',
  ]);
  const context = { catalog: catalogOf(chain()), settings: SETTINGS, random: () => 0, quality: new Map(), dead: new Set<number>(), talk: new Map(), scores: null, explain: null };
  t.equal(route(context, { serverId: 1, port: 5060, ip: '', endpoint: 'desk', dialled: MOBILE, callerNumber: '1', atMs: NOW_MS }).kind, 'plan');
});

/** Catalogs in which anything may be wrong. */
const anything = fc.record({ blocked: fc.boolean(), loss: fc.boolean(), noFailover: fc.boolean(), order: fc.constantFrom('price', 'priority', 'percent'), limit: fc.option(fc.nat(50)), prices: fc.array(fc.nat(9), { maxLength: 4 }), active: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), user: fc.nat(9), failover: fc.option(fc.nat(4)), status: fc.constantFrom<'active' | 'free' | 'closed'>('active', 'active', 'free', 'closed'), number: fc.constantFrom(MOBILE, '4420', '44', '', 'x', '+37061', '370'), from: fc.constantFrom('desk', 'office', 'provider-11', 'nobody') });

test('whatever the catalog, a decision is a refusal with a cause of the list, told at the end, or a plan with ways', async (t) => {
  holds(t, fc.property(anything, fc.nat(), (one, seed) => {
    const catalog: Catalog = catalogOf({
      users: [user(5, { blocked: one.blocked, allowLossCalls: one.loss })], tariffs: [tariff(1, { 370: `0.${one.user}` })],
      providers: one.prices.map((price, index) => provider(11 + index, `0.${price}`, { active: one.active[index] ?? true })),
      lcrs: [lcr(1, one.prices.map((_, index) => 11 + index), { order: one.order, pricePercentLimit: one.limit, noFailover: one.noFailover, failoverProviderId: one.failover === null ? null : 11 + one.failover })],
      dids: [did(51, '44*', { status: one.status })],
    });
    const told: (number | undefined)[] = [];
    const decision = route({ catalog, settings: SETTINGS, random: seededRandom(seed), quality: new Map(), dead: new Set<number>(), talk: new Map(), scores: null, explain: ({ outcome, cause }) => told.push(outcome === 'skipped' || outcome === 'refused' ? (cause ?? -1) : undefined) }, { serverId: 1, port: 5060, ip: '', endpoint: one.from, dialled: one.number, callerNumber: '1', atMs: NOW_MS });
    if (told.some((cause) => cause !== undefined && !HANGUP_CAUSES.has(cause))) return false;
    if (decision.kind === 'refused') return HANGUP_CAUSES.has(decision.cause) && told.at(-1) === decision.cause;
    const ids = decision.ways.map(({ id }) => id);
    return ids.length > 0 && new Set(ids).size === ids.length && decision.levels.length > 0 === (decision.parties.direction === 'outbound') && decision.maxTalkS > 0;
  }), 200);
});
