/** Dynamic blacklist: from three scores to the LCR; and scores that fade. */
import * as fc from 'fast-check';
import { test } from 'tap';
import type { BlacklistLcr, User } from '../../routing/catalog.ts';
import { buildDestinationLcrs } from '../../routing/lcr/destination.ts';
import { levelOf, pointsAt, scoreItem, together } from '../../routing/score.ts';
import { given, lcr, location, NOW_MS, provider, rule, SCORES, user } from './catalog-builder.ts';
import type { Given, Routed } from './catalog-builder.ts';
import { holds } from './property.ts';

const DST = '37060000000';
const SRC = '37050000000';
const IP = '192.0.2.1';
const HOUR_MS = SCORES.halfLifeMs;

const level = (points: number): number => levelOf(points, NOW_MS, HOUR_MS);

/** Raised by calls: the caller's number, the called one, the address. */
function raised(source: number, destination = 0, ip = 0): ReadonlyMap<string, number> {
  const items: [string, number][] = [[`source:${SRC}`, source], [`destination:${DST}`, destination], [`ip:${IP}`, ip]];
  return new Map(items.filter(([, points]) => points > 0).map(([item, points]) => [item, level(points)]));
}

const thresholds = (...steps: readonly (readonly [number, number])[]): readonly BlacklistLcr[] => steps.map(([threshold, lcrId]) => ({ threshold, lcrId }));
const admin = (...steps: readonly (readonly [number, number])[]): User => user(0, { username: 'admin', type: 'admin', blacklistLcrs: thresholds(...steps) });

/** LCR 1 has P11, LCR 2 P12, LCR 3 P13, LCR 4 P14. From 50 LCR 2, from 100 LCR 3, from 150 LCR 4. */
function call(parts: Given = {}, users: readonly User[] = [admin([150, 4], [100, 3], [50, 2])]): Routed {
  const providers = [11, 12, 13, 14].map((id) => provider(id, '0.1'));
  const lcrs = [11, 12, 13, 14].map((id, index) => lcr(index + 1, [id]));
  return given({ providers, lcrs, scores: new Map(), ...parts, users }).whenDeviceCalls(DST);
}

const told = ({ steps }: Routed): string[] => steps.filter(({ check }) => check === 'dynamic blacklist').map(({ outcome, detail }) => `${outcome}: ${detail}`);

test('the highest threshold that the sum reaches counts', async () => {
  const cases: readonly (readonly [number, number, number, string])[] = [
    [0, 0, 0, 'P11'], [49, 0, 0, 'P11'], [50, 0, 0, 'P12'], [0, 50, 0, 'P12'], [0, 0, 50, 'P12'], [20, 20, 9, 'P11'], [20, 20, 10, 'P12'],
    [99, 0, 0, 'P12'], [40, 40, 20, 'P13'], [149, 0, 0, 'P13'], [50, 50, 50, 'P14'], [1_000_000, 0, 0, 'P14'],
  ];
  for (const [source, destination, ip, way] of cases) call({ scores: raised(source, destination, ip) }).goesBy(way);
});

test('route tells scores, sum, threshold, whose it is, and LCR', async (t) => {
  t.same(told(call({ scores: raised(20, 0, 29) })), ['passed: source 20 + destination 0 (default) + IP 29 = 49, below 50 of all users']);
  t.same(told(call({ scores: raised(20, 60, 29) })), ['chosen: source 20 + destination 60 + IP 29 = 109, reaches 100 of all users: LCR 3']);
  const set = { [`source:${SRC}`]: 7, [`ip:${IP}`]: 0 };
  t.same(told(call({ scores: raised(20, 60, 29), setScores: set })), ['chosen: source 7 (set) + destination 60 + IP 0 (set) = 67, reaches 50 of all users: LCR 2']);
});

test('it is off without thresholds, for a user who wants none, and as a whole; then nothing is told', async (t) => {
  const bad = raised(1000);
  for (const routed of [
    call({ scores: bad }, []),
    call({ scores: bad }, [admin()]),
    call({ scores: bad }, [admin([1, 2]), user(5, { dynamicBlacklist: 'off', blacklistLcrs: thresholds([1, 2]) })]),
    call({ scores: bad }, [admin([1, 2]), user(5, { dynamicBlacklist: 'own' })]),
    call({ scores: null, setScores: { [`source:${SRC}`]: 1000 } }),
  ]) {
    routed.goesBy('P11');
    t.same(told(routed), []);
  }
});

test('own thresholds stand in place of the global ones', async (t) => {
  const own = user(5, { dynamicBlacklist: 'own', blacklistLcrs: thresholds([60, 3]) });
  call({ scores: raised(59) }, [admin([50, 2]), own]).goesBy('P11');
  const routed = call({ scores: raised(60) }, [admin([50, 2]), own]).goesBy('P13');
  t.match(told(routed), [/reaches 60 of user 5: LCR 3$/]);
  call({ scores: raised(60) }, [admin([50, 2]), { ...own, dynamicBlacklist: 'global' }]).goesBy('P12');
});

test('the default score is where everybody begins', async () => {
  const settings = { scores: { ...SCORES, defaults: { source: 10, destination: 20, ip: 15 } } };
  call({ settings }).goesBy('P11');
  call({ settings, scores: raised(4) }).goesBy('P11');
  call({ settings, scores: raised(5) }).goesBy('P12');
  call({ settings, scores: raised(5), setScores: { [`destination:${DST}`]: 0 } }).goesBy('P11');
});

test('it comes behind the LCR of a localization rule, and before LCRs by destination', async () => {
  const locations = [location(1, rule('370', '370', { lcrId: 3 }))];
  call({ locations }).goesBy('P13');
  call({ locations, scores: raised(50) }).goesBy('P12');
  const providers = [11, 12, 13, 14].map((id) => provider(id, '0.1'));
  const lcrs = [lcr(1, [11]), lcr(2, [12], { byDestination: buildDestinationLcrs([{ by: 'prefix', prefix: '3706', lcrId: 4 }]) }), lcr(4, [14])];
  given({ providers, lcrs, scores: raised(50), users: [admin([50, 2])] }).whenDeviceCalls(DST).goesBy('P14');
});

test('what is blocked stays blocked: bad scores open no door', async () => {
  const blocking = [location(1, rule('370', '370', { lcrId: 9 }))];
  const providers = [11, 12].map((id) => provider(id, '0.1'));
  const lcrs = [lcr(1, [11]), lcr(2, [12]), lcr(9, [])];
  given({ providers, lcrs, locations: blocking, scores: raised(50), users: [admin([50, 2])] }).whenDeviceCalls(DST).refusedWith(204);
  given({ providers, lcrs, scores: raised(50), users: [admin([50, 2]), user(5, { lcrId: null })] }).whenDeviceCalls(DST).refusedWith(204);
  given({ providers, lcrs, scores: raised(50), users: [admin([50, 9])] }).whenDeviceCalls(DST).refusedWith(204);
});

test('numbers are known as lists know them', async () => {
  const scores = new Map([[scoreItem('source', '+370ABC'), level(50)]]);
  const providers = [11, 12].map((id) => provider(id, '0.1'));
  const all = given({ providers, lcrs: [lcr(1, [11]), lcr(2, [12])], scores, users: [admin([50, 2])] });
  all.whenDeviceCalls(DST, { callerNumber: '370abc' }).goesBy('P12');
  all.whenDeviceCalls(DST, { callerNumber: '+370abc' }).goesBy('P12');
  all.whenDeviceCalls(DST, { callerNumber: '370abd' }).goesBy('P11');
  all.whenDeviceCalls(DST, { callerNumber: '', ip: '' }).goesBy('P11');
});

test('a score halves in a half-life, counts in whole points, and fades to nothing', async (t) => {
  const at = (hours: number): number => pointsAt(level(100), NOW_MS + hours * HOUR_MS, HOUR_MS);
  t.same([0, 1, 2, 3, 7, 8].map(at), [100, 50, 25, 13, 1, 0]);
  t.equal(pointsAt(levelOf(100, NOW_MS, 0), NOW_MS + 1000 * HOUR_MS, 0), 100, 'without a half-life it stays');
  const five = Array.from({ length: 5 }, (_, index) => levelOf(10, NOW_MS + index * 6000, HOUR_MS)).reduce((sum, one) => together(sum, one));
  t.equal(pointsAt(five, NOW_MS + 25_000, HOUR_MS), 50, 'five calls of 10 within half a minute are 50');
  call({ scores: new Map([[`source:${SRC}`, levelOf(100, NOW_MS - HOUR_MS, HOUR_MS)]]) }).goesBy('P12');
  call({ scores: new Map([[`source:${SRC}`, levelOf(98, NOW_MS - HOUR_MS, HOUR_MS)]]) }).goesBy('P11');
});

const rise = fc.record({ points: fc.integer({ min: 1, max: 1000 }), atMs: fc.integer({ min: NOW_MS - 30 * HOUR_MS, max: NOW_MS }) });
const sum = (rises: readonly { points: number; atMs: number }[], halfLifeMs: number): number => rises.map(({ points, atMs }) => levelOf(points, atMs, halfLifeMs)).reduce((one, other) => together(one, other));

test('scores are the sum of what each rise has faded to, in whichever order they came; never negative, never growing', async (t) => {
  const halfLife = fc.constantFrom(0, HOUR_MS, 24 * HOUR_MS);
  holds(t, fc.property(fc.array(rise, { minLength: 1, maxLength: 40 }), halfLife, fc.integer({ min: 0, max: 100 }), (rises, halfLifeMs, hours) => {
    const later = NOW_MS + hours * HOUR_MS;
    const naive = rises.reduce((total, { points, atMs }) => total + (halfLifeMs === 0 ? points : points * 0.5 ** ((later - atMs) / halfLifeMs)), 0);
    const levels = [sum(rises, halfLifeMs), sum(rises.toReversed(), halfLifeMs), sum(rises.toSorted((a, b) => a.points - b.points), halfLifeMs)];
    const points = levels.map((one) => pointsAt(one, later, halfLifeMs));
    return points.every((one) => Number.isInteger(one) && one >= 0 && Math.abs(one - naive) <= 0.5 + naive * 1e-9)
      && pointsAt(levels[0] ?? 0, later + HOUR_MS, halfLifeMs) <= (points[0] ?? 0);
  }));
});
