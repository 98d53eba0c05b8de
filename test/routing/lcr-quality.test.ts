/** LCR by quality: marks, scores, and the order that they make. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { holds } from '../rating/holds.ts';
import { byQuality, marksOf, scoreOf } from '../../routing/lcr/quality.ts';
import type { ProviderQuality } from '../../routing/lcr/quality.ts';
import type { Candidate } from '../../routing/lcr/order.ts';
import { given, lcr, provider, QUALITY } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';

const figures = (attempts: number, answered: number, parts: Partial<ProviderQuality> = {}): ProviderQuality => ({ attempts, answered, talkMs: answered * 90_000, rang: attempts, pddMs: attempts * 2500, ...parts });

const MARKS: readonly (readonly [what: string, quality: ProviderQuality | undefined, marks: { asr: number; acd: number; pdd: number }])[] = [
  ['nothing is known', undefined, { asr: 1, acd: 1, pdd: 1 }],
  ['too little is known', figures(19, 0), { asr: 1, acd: 1, pdd: 1 }],
  ['enough is known', figures(20, 10), { asr: 0.5, acd: 0.5, pdd: 0.75 }],
  ['nobody answers', figures(20, 0), { asr: 0, acd: 0, pdd: 0.75 }],
  ['nothing even rings', figures(20, 0, { rang: 0, pddMs: 0 }), { asr: 0, acd: 0, pdd: 0 }],
  ['long talks count no more than full ones', figures(20, 20, { talkMs: 20 * 3_600_000 }), { asr: 1, acd: 1, pdd: 0.75 }],
  ['long delays count no less than the worst', figures(20, 20, { pddMs: 20 * 60_000 }), { asr: 1, acd: 0.5, pdd: 0 }],
  ['the delay is that of the attempts that rang', figures(40, 20, { rang: 20, pddMs: 20 * 5000 }), { asr: 0.5, acd: 0.5, pdd: 0.5 }],
];

for (const [what, quality, marks] of MARKS) {
  test(`marks when ${what}`, async (t) => {
    t.same(marksOf(quality, QUALITY), marks);
  });
}

test('the score is the weighted sum', async (t) => {
  t.equal(scoreOf({ asr: 0.5, acd: 0.25, pdd: 1 }, 0.5, QUALITY), 40 * 0.5 + 20 * 0.25 + 10 + 30 * 0.5);
});

const THREE: Given = { providers: [provider(11, '0.1'), provider(12, '0.2'), provider(13, '0.4')], lcrs: [lcr(1, [11, 12, 13], { order: 'quality' })] };
const ordered = (quality: Readonly<Record<number, ProviderQuality>>, order: readonly string[], parts: Given = THREE): unknown =>
  given({ ...parts, quality: new Map(Object.entries(quality).map(([id, one]) => [Number(id), one])) }).whenDeviceCalls('37060000000').goesBy(...order);

test('a provider that fails comes last, though it is the cheapest', async () => {
  ordered({}, ['P11', 'P12', 'P13']);
  ordered({ 11: figures(100, 0), 12: figures(100, 50), 13: figures(100, 50) }, ['P12', 'P13', 'P11']);
  ordered({ 11: figures(100, 50), 12: figures(100, 50), 13: figures(100, 95, { talkMs: 95 * 180_000 }) }, ['P13', 'P11', 'P12']);
});

test('one that is not known yet counts as perfect', async () => {
  ordered({ 11: figures(100, 60), 12: figures(100, 60) }, ['P13', 'P11', 'P12']);
});

test('equal scores go as by price', async () => {
  const same = { ...THREE, settings: { quality: { ...QUALITY, priceWeight: 0 } } };
  ordered({ 11: figures(40, 20), 12: figures(40, 20), 13: figures(40, 20) }, ['P11', 'P12', 'P13'], same);
});

test('free providers are as cheap as can be', async () => {
  ordered({}, ['P11', 'P12'], { providers: [provider(11, '0'), provider(12, '0.2')], lcrs: [lcr(1, [12, 11], { order: 'quality' })] });
});

test('limits of price, losses and failover are as everywhere', async () => {
  const routed = given({ providers: [provider(11, '0.9'), provider(12, '0.2'), provider(13, '0.8')], lcrs: [lcr(1, [11, 12], { order: 'quality', failoverProviderId: 13 })] });
  routed.whenDeviceCalls('37060000000').goesBy('P12', 'P13').passesOver('P11 224');
});

test('route tells what each was judged by', async (t) => {
  const { steps } = given({ ...THREE, quality: new Map([[11, figures(40, 30)], [12, figures(3, 3)]]) }).whenDeviceCalls('37060000000');
  const told = steps.filter(({ check, outcome }) => check === 'provider' && outcome === 'chosen').map(({ detail }) => detail);
  t.same(told.sort(), [
    'P11: 370 by quality (40 attempts, ASR 75 %, ACD 90 s, PDD 2500 ms)',
    'P12: 370 by quality (3 of 20 attempts: not judged yet)',
    'P13: 370 by quality (0 of 20 attempts: not judged yet)',
  ]);
});

const some = fc.record({ attempts: fc.nat(60), share: fc.nat(100), talkS: fc.nat(600), rangShare: fc.nat(100), pddMs: fc.nat(30_000), cents: fc.nat(9) });

test('nobody is lost, marks stay within 0 and 1, and who is better in everything comes first', async (t) => {
  holds(t, fc.property(fc.array(some, { maxLength: 8 }), (parts) => {
    const view = new Map(parts.map(({ attempts, share, talkS, rangShare, pddMs }, id): [number, ProviderQuality] => {
      const [answered, rang] = [Math.floor((attempts * share) / 100), Math.floor((attempts * rangShare) / 100)];
      return [id, { attempts, answered, talkMs: answered * talkS * 1000, rang, pddMs: rang * pddMs }];
    }));
    const candidates = parts.map(({ cents }, id) => ({ provider: { id }, place: { priority: 1 }, perMinute: BigInt(cents) }) as unknown as Candidate);
    const order = byQuality(candidates, view, QUALITY);
    if (order.length !== candidates.length || new Set(order).size !== order.length) return false;
    const marks = order.map((one) => marksOf(view.get(one.provider.id), QUALITY));
    if (marks.some((one) => Object.values(one).some((mark) => !(mark >= 0 && mark <= 1)))) return false;
    return order.every((one, at) => order.slice(at + 1).every((later, behind) => {
      const [a, b] = [marks[at]!, marks[at + 1 + behind]!];
      return !(b.asr > a.asr && b.acd > a.acd && b.pdd > a.pdd && later.perMinute < one.perMinute);
    }));
  }), 500);
});
