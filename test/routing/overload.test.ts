/** How many calls a second are let in: the ceiling, the law that follows the delay, and both in a world that answers back. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { holds } from '../rating/holds.ts';
import { Bucket, FREE, nextPace, Overload, shareRefused } from '../../routing/overload.ts';
import type { Pace, Window } from '../../routing/overload.ts';
import { play } from './overload-world.ts';

const fail = (): never => {
  throw new Error('There is no such order.');
};

const window = (standingMs: number, answers = 20, tookMs = 200): Window => ({ standingMs, answers, tookMs });

const PACES: readonly (readonly [what: string, before: Pace, seen: Window, after: Pace])[] = [
  ['nothing waits, no limit', FREE, window(0), FREE],
  ['the wait is as long as it may be', FREE, window(20), FREE],
  ['the wait is too long: less than what was served', FREE, window(30), { rate: 90, excessMs: 10 }],
  ['it grows on: less again', { rate: 90, excessMs: 10 }, window(31), { rate: 81, excessMs: 11 }],
  ['it stays: less again, however few were served after the cut', { rate: 90, excessMs: 10 }, window(30, 8), { rate: 81, excessMs: 10 }],
  ['it shrinks: the last cut is at work', { rate: 95, excessMs: 10 }, window(29), { rate: 95, excessMs: 9 }],
  ['it is gone: a little more is tried', { rate: 100, excessMs: 9 }, window(20), { rate: 103, excessMs: 0 }],
  ['a long window adds no more than a second does', { rate: 100, excessMs: 0 }, window(0, 1, 60_000), { rate: 115, excessMs: 0 }],
  ['what no Asterisk reaches is no limit', { rate: 9950, excessMs: 0 }, window(0, 0, 1000), FREE],
];

for (const [what, before, seen, after] of PACES) {
  test(`the rate when ${what}`, async (t) => {
    const { rate, excessMs } = nextPace(before, seen, 20);
    t.same({ rate: rate === null ? null : Math.round(rate * 1000) / 1000, excessMs }, after);
  });
}

const BUCKETS: readonly (readonly [what: string, rate: number, atMs: readonly number[], taken: string])[] = [
  ['one a second', 1, [0, 1, 999, 1000, 1001, 3000, 3000], '1001010'],
  ['two a second, both at once', 2, [0, 0, 0, 400, 500, 1000, 1000], '1100110'],
  ['fifty a second: five at once, then every 20 ms', 50, [0, 0, 0, 0, 0, 0, 10, 20, 30, 40], '1111100101'],
  ['a hundred a second: ten at once', 100, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], '11111111110'],
  ['less than one a second', 0.5, [0, 1000, 2000, 3000, 4000], '10101'],
];

for (const [what, rate, atMs, taken] of BUCKETS) {
  test(`let in at a rate of ${what}`, async (t) => {
    const bucket = new Bucket();
    t.equal(atMs.map((now) => (bucket.take(rate, now) ? '1' : '0')).join(''), taken);
  });
}

test('as many at once as a whole second allows', async (t) => {
  const bucket = new Bucket();
  t.equal([0, 0, 0, 0, 0, 0, 0, 0, 100, 200].map((now) => (bucket.take(7, now, 7) ? '1' : '0')).join(''), '1111111001');
});

test('after a pause nobody is let in for so long, and then not all at once', async (t) => {
  const bucket = new Bucket();
  bucket.pause(100, 50);
  const taken = [0, 40, 50, 59, 60, 61, 70].map((now) => bucket.take(100, now));
  t.same(taken, [false, false, false, false, true, false, true]);
});

test('Asterisk refuses what is beyond a little more than the rate', async (t) => {
  t.same([[100, 100], [100, 115], [100, 230], [100, 1150], [0, 50], [1, 100_000]].map(([rate = 0, offered = 0]) => shareRefused(rate, offered)), [0, 0, 500, 900, 990, 990]);
});

/** As many orders as it takes to believe that Asterisk stands still; the first is the oldest. */
function eightOrders(overload: Overload, nowMs: number): readonly ((answeredMs: number | null) => void)[] {
  return Array.from({ length: 8 }, () => overload.asked(nowMs));
}

test('eight orders without an answer shut the door, an answer opens it', async (t) => {
  const overload = new Overload({ callsPerSecond: 0, delayMs: 20 });
  t.equal(overload.arrive(0), true);
  const [told = fail] = eightOrders(overload, 0);
  overload.asked(1)(3);
  t.equal(overload.arrive(150), true);
  t.equal(overload.arrive(300), false);
  t.equal(overload.rate(300), 0);
  told(301);
  t.equal(overload.arrive(301), true);
  t.equal(overload.rate(301), null);
});

test('an Asterisk that answers nothing for long is let have fewer when it answers again', async (t) => {
  const overload = new Overload({ callsPerSecond: 0, delayMs: 20 });
  for (let n = 0; n < 9; n += 1) overload.asked(n * 20)(n * 20 + 2);
  const [told = fail] = eightOrders(overload, 200);
  for (let now = 200; now < 4000; now += 10) overload.arrive(now);
  told(4000);
  t.equal(overload.rate(4000), (0.9 * 8 * 1000) / 142, 'nine tenths of what it did before');
});

test('an order that failed opens it too, and says nothing of the wait', async (t) => {
  const overload = new Overload({ callsPerSecond: 0, delayMs: 20 });
  overload.asked(0)(2);
  const [told = fail] = eightOrders(overload, 0);
  t.equal(overload.arrive(300), false);
  told(null);
  t.equal(overload.arrive(300), true);
});

test('a few orders without an answer refuse nobody: the machine may have paused', async (t) => {
  const overload = new Overload({ callsPerSecond: 0, delayMs: 20 });
  for (let now = 0; now < 7; now += 1) overload.asked(now);
  t.equal(overload.arrive(900), true);
  t.equal(overload.rate(900), null);
  overload.asked(900);
  t.equal(overload.arrive(901), false);
});

test('without a watch no delay refuses anybody', async (t) => {
  const overload = new Overload({ callsPerSecond: 0, delayMs: 0 });
  overload.asked(0);
  t.equal(overload.arrive(60_000), true);
  t.equal(play({ capacity: 50, offered: 100, seconds: 8, holdMs: 500, seed: 1, delayMs: 0 }).refused, 0);
});

test('a few calls are never too many by their delay', async (t) => {
  const seen = play({ capacity: 100, offered: 1, seconds: 60, holdMs: 1000, seed: 3, wayMs: (now) => (now < 10_000 ? 2 : 150) });
  t.equal(seen.refused, 0);
});

test('a ceiling holds whatever comes, and refuses nobody below it', async (t) => {
  const flooded = play({ capacity: 1000, offered: 300, callsPerSecond: 60, seconds: 30, holdMs: 1000, seed: 5 });
  t.ok(Math.abs(flooded.admitted * 1000 - 60) < 1, `${flooded.admitted * 1000} calls a second`);
  t.equal(play({ capacity: 1000, offered: 30, callsPerSecond: 60, seconds: 30, holdMs: 1000, seed: 5 }).refused, 0);
});

test('a longer way to Asterisk is taken for load for a minute at most', async (t) => {
  const later = play({ capacity: 200, offered: 60, seconds: 200, holdMs: 1000, seed: 7, wayMs: (now) => (now < 20_000 ? 2 : 60) });
  t.ok(later.refused < 0.45, `${later.refused} of all are refused`);
  t.equal(play({ capacity: 200, offered: 60, seconds: 60, holdMs: 1000, seed: 7, wayMs: () => 60 }).refused, 0, 'and one that was always long never');
});

test('beyond the capacity what is let in stays near it, and waits little', async (t) => {
  const worlds = fc.record({ capacity: fc.integer({ min: 40, max: 300 }), times: fc.double({ min: 1.3, max: 6, noNaN: true }), holdMs: fc.integer({ min: 100, max: 8000 }), seed: fc.integer() });
  holds(t, fc.property(worlds, ({ capacity, times, holdMs, seed }) => {
    const seen = play({ capacity, offered: capacity * times, seconds: 25, holdMs, seed });
    const shown = JSON.stringify(seen);
    if (seen.admitted < 0.8 || seen.admitted > 1.05) throw new Error(`let in: ${shown}`);
    if (seen.waitP50Ms > 45 || seen.waitP99Ms > 350) throw new Error(`waited: ${shown}`);
  }), 40);
});

test('at six tenths of the capacity nobody is refused', async (t) => {
  const worlds = fc.record({ capacity: fc.integer({ min: 60, max: 300 }), holdMs: fc.integer({ min: 100, max: 8000 }), seed: fc.integer() });
  holds(t, fc.property(worlds, ({ capacity, holdMs, seed }) => {
    const seen = play({ capacity, offered: capacity * 0.6, seconds: 25, holdMs, seed });
    if (seen.refused > 0.002) throw new Error(`refused: ${JSON.stringify(seen)}`);
  }), 40);
});
