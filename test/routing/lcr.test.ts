/** From an LCR to the ways out: which providers are usable, in which order, and why the others are passed over. */
import * as fc from 'fast-check';
import { test } from 'tap';
import type { Lcr, Provider } from '../../routing/catalog.ts';
import { byPercent } from '../../routing/lcr/percent.ts';
import { byPrice, overPriceLimit } from '../../routing/lcr/price.ts';
import type { Candidate } from '../../routing/lcr/order.ts';
import { rate } from '../call/call-builder.ts';
import { blacklist, given, lcr, location, ownRule, provider, rule, tariff, user, whitelist } from './catalog-builder.ts';
import type { Given, Routed } from './catalog-builder.ts';
import { holds, seededRandom } from './property.ts';

/** The LCR of user 5, over three providers at 0.3, 0.2 and 0.1. */
function byLcr(parts: Partial<Lcr>, more: Given = {}): ReturnType<typeof given> {
  return given({ providers: [provider(11, '0.3'), provider(12, '0.2'), provider(13, '0.1')], lcrs: [lcr(1, [11, 12, 13], parts)], ...more });
}

const { provider: anyProvider } = provider(1, '0.1');

const candidate = (id: number, percent: number, price = '0.1', priority = id): Candidate => {
  const priced = rate(price);
  return { provider: { ...anyProvider, id }, place: { providerId: id, priority, percent, active: true }, rate: priced, perMinute: priced.steps[0]!.rate, dialled: '' };
};

test('by price the cheapest comes first', async () => {
  byLcr({}).whenDeviceCalls('37060000000').goesBy('P13', 'P12', 'P11').passesOver();
});

test('a dead provider is passed over, also as failover provider', async () => {
  byLcr({}, { dead: [13] }).whenDeviceCalls('37060000000').goesBy('P12', 'P11').passesOver('P13 247');
  byLcr({ failoverProviderId: 11 }, { dead: [11, 12] }).whenDeviceCalls('37060000000').goesBy('P13').passesOver('P12 247', 'P11 247');
  byLcr({ noFailover: true }, { dead: [13] }).whenDeviceCalls('37060000000').goesBy('P12').passesOver('P13 247', 'P11 204');
  byLcr({}, { dead: [11, 12, 13] }).whenDeviceCalls('37060000000').passesOver('P11 247', 'P12 247', 'P13 247').refusedWith(204);
});

/** First and second, of which the first has limits and was talked by. */
const limited = (talk: [monthS: number, dayS: number] | null, parts: Partial<Provider> = { monthlyMinutes: 100, dailyMinutes: 10 }): Routed =>
  given({ providers: [provider(11, '0.1', parts), provider(12, '0.2')], talk: new Map(talk === null ? [] : [[11, { monthS: talk[0], dayS: talk[1] }]]) }).whenDeviceCalls('37060000000');

const told = (routed: Routed): string[] => routed.steps.filter(({ check }) => check === 'provider').map(({ detail }) => detail);

test('a provider whose minutes of the month or of the day are used up is passed over', async () => {
  limited(null).goesBy('P11', 'P12');
  limited([5999, 599]).goesBy('P11', 'P12');
  limited([6000, 0]).goesBy('P12').passesOver('P11 285');
  limited([600, 600]).goesBy('P12').passesOver('P11 285');
  limited([60_000, 600], { dailyMinutes: 11 }).goesBy('P11', 'P12');
  limited([60_000, 0], { dailyMinutes: 11 }).goesBy('P11', 'P12');
  limited([600, 600], { monthlyMinutes: 11 }).goesBy('P11', 'P12');
});

test('route tells minutes used and limit', async (t) => {
  t.same(told(limited([605, 59])), ['P11: 370 by price; 10.0 of 100 minutes this month, 0.9 of 10 minutes today', 'P12: 370 by price']);
  t.same(told(limited([605, 600])), ['P11: used up: 10.0 of 100 minutes this month, 10.0 of 10 minutes today', 'P12: 370 by price']);
});

test('equal prices go by priority, then by id, never by chance', async () => {
  given({ providers: [provider(13, '0.1'), provider(11, '0.1'), provider(12, '0.1')], lcrs: [lcr(1, [13, { providerId: 12, priority: 2 }, { providerId: 11, priority: 2 }])] }).whenDeviceCalls('37060000000').goesBy('P13', 'P11', 'P12');
});

test('the price is that of the longest prefix', async () => {
  given({ providers: [provider(11, { 370: '0.1', 3706: '0.5' }), provider(12, '0.2')] }).whenDeviceCalls('37060000000').goesBy('P12', 'P11');
});

test('a provider dearer than the cheapest by more than x percent is passed over: the page\'s example', async () => {
  const priced = { providers: [provider(11, '0.10'), provider(12, '0.11'), provider(13, '0.30')], lcrs: [lcr(1, [11, 12, 13], { pricePercentLimit: 20 })] };
  given(priced).whenDeviceCalls('37060000000').goesBy('P11', 'P12').passesOver('P13 235');
});

const over = (price: string, percent: number | null): boolean => overPriceLimit(candidate(12, 0, price), candidate(11, 0, '0.10'), percent);

test('at the limit itself a provider is still used, whatever decimals the percent has', async (t) => {
  t.notOk(over('0.12', 20));
  t.ok(over('0.1200000001', 20));
  t.notOk(over('0.1125', 12.5));
  t.ok(over('0.1126', 12.5));
  t.notOk(over('0.10', 0));
  t.ok(over('0.1000000001', 0));
  t.notOk(over('900', null), 'without a limit any price is taken');
});

const MARGINS: readonly (readonly [selling: string, buying: string, percent: number, kept: boolean])[] = [
  ['0.6', '0.6', 0, true],
  ['0.6', '0.6000000001', 0, false],
  ['0.6', '0.5', 20, true],
  ['0.6', '0.5000000001', 20, false],
  ['0.6', '0.6', 0.0001, false],
  ['0.1125', '0.1', 12.5, true],
  ['0.1124999999', '0.1', 12.5, false],
  ['0.6', '0.3', 100, true],
  ['0.6', '0.3000000001', 100, false],
  ['0', '0', 50, true],
];

for (const [selling, buying, percent, kept] of MARGINS) {
  test(`a provider at ${buying} is ${kept ? 'used' : 'passed over'} where ${selling} must leave ${percent} %`, async () => {
    const parts = { tariffs: [tariff(1, { 370: selling })], providers: [provider(11, buying)], lcrs: [lcr(1, [11], { minimalRateMarginPercent: percent })] };
    if (kept) given(parts).whenDeviceCalls('37060000000').goesBy('P11');
    else given(parts).whenDeviceCalls('37060000000').passesOver('P11 224').refusedWith(204);
  });
}

test('the margin is of no concern where losses are allowed, and to the failover provider', async () => {
  const dear = { providers: [provider(11, '0.6'), provider(12, '0.7')] };
  given({ ...dear, lcrs: [lcr(1, [11], { minimalRateMarginPercent: 50, allowLossCalls: true })] }).whenDeviceCalls('37060000000').goesBy('P11');
  given({ ...dear, users: [user(5, { allowLossCalls: true })], lcrs: [lcr(1, [11], { minimalRateMarginPercent: 50 })] }).whenDeviceCalls('37060000000').goesBy('P11');
  given({ ...dear, lcrs: [lcr(1, [11], { minimalRateMarginPercent: 50, failoverProviderId: 12 })] }).whenDeviceCalls('37060000000').passesOver('P11 224').goesBy('P12');
});

test('who buys from the admin is whose rate must leave the margin', async () => {
  const parts = {
    tariffs: [tariff(1, { 370: '0.9' }), tariff(2, { 370: '0.5' })], providers: [provider(11, '0.4')], users: [user(5, { ownerId: 6 }), user(6, { type: 'reseller', tariffId: 2 })],
  };
  given({ ...parts, lcrs: [lcr(1, [11], { minimalRateMarginPercent: 25 })] }).whenDeviceCalls('37060000000').goesBy('P11');
  given({ ...parts, lcrs: [lcr(1, [11], { minimalRateMarginPercent: 26 })] }).whenDeviceCalls('37060000000').passesOver('P11 224').refusedWith(204);
});

test('a provider whose rules leave no number, or one too long to dial, is passed over', async () => {
  const parts = { providers: [provider(11, '0.3', { rules: [ownRule('37060000000', '')] }), provider(12, '0.3', { rules: [ownRule('', '1'.repeat(40), { suffix: '2'.repeat(40) })] }), provider(13, '0.3')] };
  given(parts).whenDeviceCalls('37060000000').goesBy('P13').passesOver('P11 204', 'P12 204');
});

test('by price the order is complete, sorted and stable for any prices', async (t) => {
  const some = fc.uniqueArray(fc.record({ id: fc.nat(50), cents: fc.nat(5), priority: fc.nat(3) }), { selector: ({ id }) => id, maxLength: 12 });
  holds(t, fc.property(some, (parts) => {
    const candidates = parts.map(({ id, cents, priority }) => candidate(id, 10, `0.0${cents}`, priority));
    const sorted = byPrice(candidates);
    const keys = sorted.map(({ perMinute, place, provider: one }) => [perMinute, BigInt(place.priority), BigInt(one.id)] as const);
    const ascending = keys.every((key, at) => at === 0 || compare(keys[at - 1]!, key) < 0);
    return ascending && sorted.length === candidates.length && byPrice(candidates.toReversed()).every((one, at) => one === sorted[at]);
  }));
});

function compare(a: readonly bigint[], b: readonly bigint[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (a[at] ?? 0n) < (b[at] ?? 0n) ? -1 : 1;
}

test('by priority the operator\'s order stands, whatever the prices', async () => {
  byLcr({ order: 'priority' }).whenDeviceCalls('37060000000').goesBy('P11', 'P12', 'P13');
});

test('the limit of x percent concerns an LCR by price only', async () => {
  const priced = [provider(11, '0.10'), provider(12, '0.11'), provider(13, '0.30')];
  for (const order of ['priority', 'percent'] as const) {
    given({ providers: priced, lcrs: [lcr(1, [11, 12, 13], { pricePercentLimit: 20, order })] }).whenDeviceCalls('37060000000').goesBy('P11', 'P12', 'P13').passesOver();
  }
});

test('by percent the next one is drawn among those that are left', async () => {
  const places = [{ providerId: 11, percent: 50 }, { providerId: 12, percent: 30 }, { providerId: 13, percent: 20 }];
  for (const [point, order] of [[0, ['P11', 'P12', 'P13']], [0.499, ['P11', 'P12', 'P13']], [0.5, ['P12', 'P11', 'P13']], [0.799, ['P12', 'P13', 'P11']], [0.8, ['P13', 'P12', 'P11']], [0.999, ['P13', 'P12', 'P11']]] as const) {
    byLcr({ order: 'percent' }, { lcrs: [lcr(1, places, { order: 'percent' })], random: () => point }).whenDeviceCalls('37060000000').goesBy(...order);
  }
});

test('over many draws each order comes as often as its weights say', async (t) => {
  const random = seededRandom(20_261_124);
  const drawn = new Map<string, number>();
  const candidates = [candidate(1, 50), candidate(2, 30), candidate(3, 20)];
  const draws = 30_000;
  for (let draw = 0; draw < draws; draw += 1) {
    const order = byPercent(candidates, random).map(({ provider: one }) => one.id).join('');
    drawn.set(order, (drawn.get(order) ?? 0) + 1);
  }
  // 50/100 first, then 30 of the 50 that are left, and so on.
  for (const [order, share] of [['123', 0.5 * 0.6], ['132', 0.5 * 0.4], ['213', 0.3 * (50 / 70)], ['231', 0.3 * (20 / 70)], ['312', 0.2 * (50 / 80)], ['321', 0.2 * (30 / 80)]] as const) {
    const expected = share * draws;
    // Five standard deviations: with this seed the numbers are always the same.
    t.ok(Math.abs((drawn.get(order) ?? 0) - expected) < 5 * Math.sqrt(draws * share * (1 - share)), `${order}: ${drawn.get(order)} of about ${expected}`);
  }
});

test('99 to 1 still fails over to the other one', async (t) => {
  const random = seededRandom(7);
  const candidates = [candidate(1, 99), candidate(2, 1)];
  let otherFirst = 0;
  for (let draw = 0; draw < 20_000; draw += 1) if (byPercent(candidates, random)[0]?.provider.id === 2) otherFirst += 1;
  t.ok(otherFirst > 130 && otherFirst < 275, `${otherFirst} of about 200`);
});

test('a draw loses nobody, and a weight of 0 comes behind all others', async (t) => {
  const weights = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 }), fc.double({ min: 0.01, max: 100, noNaN: true })), { maxLength: 10 });
  holds(t, fc.property(weights, fc.nat(), fc.constantFrom(0, 1), (percents, seed, edge) => {
    const random = seededRandom(seed);
    const candidates = percents.map((percent, index) => candidate(index + 1, percent));
    // A point just below the total falls to the last one, even where fractions do not add up.
    const drawn = byPercent(candidates, edge === 1 ? () => 1 - 2 ** -53 : random);
    const zeros = drawn.findIndex(({ place }) => place.percent === 0);
    return drawn.length === candidates.length && new Set(drawn).size === drawn.length && (zeros < 0 || drawn.slice(zeros).every(({ place }) => place.percent === 0));
  }));
});

test('every permutation of positive weights can come', async (t) => {
  const random = seededRandom(3);
  const seen = new Set<string>();
  const candidates = [candidate(1, 40), candidate(2, 30), candidate(3, 20), candidate(4, 10)];
  for (let draw = 0; draw < 3000; draw += 1) seen.add(byPercent(candidates, random).map(({ provider: one }) => one.id).join(''));
  t.equal(seen.size, 24);
});

test('the failover provider comes last, even at a loss, and has no place of its own', async () => {
  const dear = [provider(11, '0.3'), provider(12, '0.2'), provider(19, '5')];
  given({ providers: dear, lcrs: [lcr(1, [11, 12], { failoverProviderId: 19 })] }).whenDeviceCalls('37060000000').goesBy('P12', 'P11', 'P19').passesOver();
  given({ providers: dear, lcrs: [lcr(1, [19, 11, 12], { failoverProviderId: 19 })] }).whenDeviceCalls('37060000000').goesBy('P12', 'P11', 'P19');
  given({ providers: dear, lcrs: [lcr(1, [11, 12], { failoverProviderId: 11, order: 'priority' })] }).whenDeviceCalls('37060000000').goesBy('P12', 'P11');
  given({ providers: [provider(11, '1'), provider(19, '5')], lcrs: [lcr(1, [11], { failoverProviderId: 19 })] }).whenDeviceCalls('37060000000').goesBy('P19').passesOver('P11 224');
});

const withFailover = (failover: ReturnType<typeof provider>): ReturnType<typeof given> => given({ providers: [provider(11, '0.3'), failover], lcrs: [lcr(1, [11], { failoverProviderId: 19 })] });

test('the failover provider is passed over when it cannot be used at all', async () => {
  withFailover(provider(19, '5', { active: false })).whenDeviceCalls('37060000000').goesBy('P11').passesOver('P19 204');
  withFailover(provider(19, { 44: '5' })).whenDeviceCalls('37060000000').goesBy('P11').passesOver('P19 204');
  withFailover(provider(19, { 370: 'blocked' })).whenDeviceCalls('37060000000').goesBy('P11').passesOver('P19 331');
});

test('the cheapest that the limit is measured by is never the failover provider', async () => {
  given({ providers: [provider(11, '0.3'), provider(12, '0.31'), provider(19, '0.01')], lcrs: [lcr(1, [11, 12], { failoverProviderId: 19, pricePercentLimit: 10 })] }).whenDeviceCalls('37060000000').goesBy('P11', 'P12', 'P19');
});

test('without failover only the first way is tried, and the others are told', async () => {
  byLcr({ noFailover: true }).whenDeviceCalls('37060000000').goesBy('P13').passesOver('P12 204', 'P11 204');
  byLcr({ noFailover: true, failoverProviderId: 11 }).whenDeviceCalls('37060000000').goesBy('P13').passesOver('P12 204', 'P11 204');
});

test('a provider dearer than the user is a loss, unless somebody allows it', async () => {
  const priced = { providers: [provider(11, '0.7'), provider(12, '0.6')] };
  given(priced).whenDeviceCalls('37060000000').goesBy('P12').passesOver('P11 224');
  given({ ...priced, users: [user(5, { allowLossCalls: true })] }).whenDeviceCalls('37060000000').goesBy('P12', 'P11');
  given({ ...priced, lcrs: [lcr(1, [11, 12], { allowLossCalls: true })] }).whenDeviceCalls('37060000000').goesBy('P12', 'P11');
});

test('a provider that cannot be used is passed over with its cause', async () => {
  const lists = { pools: { 1: ['37060%'] } };
  const cases: readonly (readonly [string, Given, string])[] = [
    ['not active', { providers: [provider(11, '0.3'), provider(12, '0.1', { active: false })] }, 'P12 204'],
    ['not active in this LCR', { providers: [provider(11, '0.3'), provider(12, '0.1')], lcrs: [lcr(1, [11, { providerId: 12, active: false }])] }, 'P12 204'],
    ['not there', { lcrs: [lcr(1, [11, 99])] }, 'provider 99 204'],
    ['without a rate', { providers: [provider(11, '0.3'), provider(12, { 44: '0.1' })] }, 'P12 204'],
    ['blocked in its tariff', { providers: [provider(11, '0.3'), provider(12, { 370: '0.1', 37060: 'blocked' })] }, 'P12 331'],
    ['destination in its blacklist', { ...lists, providers: [provider(11, '0.3'), provider(12, '0.1', { destinationList: blacklist(1) })] }, 'P12 281'],
    ['destination not in its whitelist', { ...lists, providers: [provider(11, '0.3'), provider(12, '0.1', { destinationList: whitelist(2) })] }, 'P12 282'],
  ];
  for (const [, parts, skipped] of cases) given(parts).whenDeviceCalls('37060000000').goesBy('P11').passesOver(skipped);
});

test('with nobody left there is no usable provider', async () => {
  given({ providers: [provider(11, '0.7')] }).whenDeviceCalls('37060000000').passesOver('P11 224').refusedWith(204);
  given({ providers: [] }).whenDeviceCalls('37060000000').refusedWith(204);
  given({ users: [user(5, { lcrId: null })] }).whenDeviceCalls('37060000000').refusedWith(204);
});

test('a rule of the location may change tariff and LCR', async (t) => {
  const techPrefix = location(1, rule('00', '', { lcrId: 2, tariffId: 103 }), rule('000', '', { lcrId: 1 }));
  const parts = { providers: [provider(11, '0.3'), provider(12, '0.2'), provider(3, '0.25')], lcrs: [lcr(1, [11]), lcr(2, [12])], locations: [techPrefix] };
  const bad = given(parts).whenDeviceCalls('0037060000000').goesBy('P12');
  t.equal(bad.plan.levels[0]?.rate.tariffId, 103);
  given(parts).whenDeviceCalls('00037060000000').goesBy('P11');
  given(parts).whenDeviceCalls('37060000000').goesBy('P11');
});

test('a way holds what dialling needs', async (t) => {
  const one = provider(11, '0.3', {
    graceS: 3, ringTimeoutS: 45, callTimeoutS: 600, silenceMs: 900, interpretBusyAsFailed: true, interpretNoAnswerAsFailed: true, callerIdNumber: '37052000000', callerIdName: 'Acme',
    callLimit: 30, cpsLimit: 5, rules: [ownRule('370', '8'), ownRule('3706', '00'), ownRule('370', '9', { applies: 'source' })],
  });
  const [way] = given({ providers: [one] }).whenDeviceCalls('37060000000').plan.ways;
  t.match(way, {
    kind: 'provider', id: 11, name: 'P11', endpoint: 'provider-11', number: '000000000', ringTimeoutS: 45, callTimeoutS: 600, silenceMs: 900, busyAsFailed: true, noAnswerAsFailed: true,
    callerIdNumber: '37052000000', callerIdName: 'Acme', rate: { graceS: 3, prefix: '370' },
  });
  t.same(way?.claims, [{ key: 'calls:provider:11', limit: 30, cause: 223 }, { key: 'cps:provider:11', limit: 5, cause: 329 }]);
  t.equal(given({}).whenDeviceCalls('37060000000').plan.ways[0]?.silenceMs, 3000, 'the global setting');
});
