/** When a user's hour was last, on his own clock, over the changes of the clocks. */
import { test } from 'tap';
import { lastDue } from '../../../jobs/due.ts';

/** The hour, the moment of the question, the moment that is due, its day. */
const CASES: readonly (readonly [what: string, zone: string, hour: number, now: string, due: string, day: string])[] = [
  ['before the hour: yesterday', 'UTC', 9, '2026-11-24T08:59:59Z', '2026-11-23T09:00:00Z', '2026-11-23'],
  ['at the hour', 'UTC', 9, '2026-11-24T09:00:00Z', '2026-11-24T09:00:00Z', '2026-11-24'],
  ['after the hour', 'UTC', 9, '2026-11-24T23:59:59Z', '2026-11-24T09:00:00Z', '2026-11-24'],
  ['midnight', 'UTC', 0, '2026-11-24T00:00:00Z', '2026-11-24T00:00:00Z', '2026-11-24'],
  ['east of Greenwich the day is another', 'Pacific/Auckland', 1, '2026-11-24T13:30:00Z', '2026-11-24T12:00:00Z', '2026-11-25'],
  ['west of it too', 'America/Los_Angeles', 20, '2026-11-24T05:00:00Z', '2026-11-24T04:00:00Z', '2026-11-23'],
  ['half an hour beside', 'Asia/Kolkata', 9, '2026-11-24T04:00:00Z', '2026-11-24T03:30:00Z', '2026-11-24'],
  ['Vilnius in winter', 'Europe/Vilnius', 9, '2026-01-10T07:00:00Z', '2026-01-10T07:00:00Z', '2026-01-10'],
  ['Vilnius in summer', 'Europe/Vilnius', 9, '2026-07-10T06:00:00Z', '2026-07-10T06:00:00Z', '2026-07-10'],
  ['the clocks go forward over it: in that moment', 'Europe/Vilnius', 3, '2026-03-29T01:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29'],
  ['and a second before it was yesterday', 'Europe/Vilnius', 3, '2026-03-29T00:59:59Z', '2026-03-28T01:00:00Z', '2026-03-28'],
  ['and in the evening it is still that moment', 'Europe/Vilnius', 3, '2026-03-29T20:00:00Z', '2026-03-29T01:00:00Z', '2026-03-29'],
  ['the clocks go back over it: the first time', 'Europe/Vilnius', 3, '2026-10-25T00:00:00Z', '2026-10-25T00:00:00Z', '2026-10-25'],
  ['and the second time is none', 'Europe/Vilnius', 3, '2026-10-25T01:30:00Z', '2026-10-25T00:00:00Z', '2026-10-25'],
  ['the hour after the change, New York', 'America/New_York', 2, '2026-03-08T07:00:00Z', '2026-03-08T07:00:00Z', '2026-03-08'],
  ['a change of half an hour', 'Australia/Lord_Howe', 2, '2026-10-03T15:30:00Z', '2026-10-03T15:30:00Z', '2026-10-04'],
];

for (const [what, zone, hour, now, due, day] of CASES) {
  test(`${what}: ${hour} h in ${zone}`, async (t) => {
    const found = lastDue(zone, hour, Date.parse(now));
    t.strictSame([new Date(found.atMs).toISOString().replace('.000', ''), found.day], [due, day]);
  });
}

test('every hour of two years in five zones: each local day has its warning once, in order', async (t) => {
  for (const zone of ['UTC', 'Europe/Vilnius', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe']) {
    for (const hour of [0, 1, 2, 3, 12, 23]) {
      const days: string[] = [];
      for (let at = Date.parse('2026-01-01T00:00:00Z'); at < Date.parse('2028-01-01T00:00:00Z'); at += 3_600_000) {
        const { atMs, day } = lastDue(zone, hour, at);
        if (atMs > at - 3_600_000) days.push(day);
      }
      const expected = days.length;
      t.ok(expected >= 729 && expected <= 731, `${zone} ${hour} h: ${expected} warnings`);
      t.equal(new Set(days).size, expected, 'no day twice');
      t.strictSame(days, [...days].sort());
    }
  }
});
