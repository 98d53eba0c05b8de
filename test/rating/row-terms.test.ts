import t from 'tap';
import { TermsColumns, termsAt, termsBuffers } from '../../rating/row-terms.ts';
import type { TermsOfRow, TermsTable } from '../../rating/row-terms.ts';

/** Sets that differ in one term each, all of them. */
const DIFFERENT: readonly [TermsOfRow, bigint, boolean][] = [
  [{}, 0n, false],
  [{ incrementS: 60 }, 0n, false],
  [{ minTimeS: 30 }, 0n, false],
  [{ ghostPercent: 90 }, 0n, false],
  [{ effectiveFromMs: 0 }, 0n, false],
  [{ effectiveFromMs: 1 }, 0n, false],
  [{ startTime: '08:00' }, 0n, false],
  [{ endTime: '08:00' }, 0n, false],
  [{ dayType: 'workDays' }, 0n, false],
  [{ dayType: 'freeDays' }, 0n, false],
  [{}, 1n, false],
  [{}, 0n, true],
];

function tableOf(sets: readonly (readonly [TermsOfRow, bigint, boolean])[]): { places: number[]; table: TermsTable; size: number } {
  const columns = new TermsColumns();
  const places = sets.map(([row, fee, blocked]) => columns.placeOf(row, fee, blocked));
  return { places, table: columns.table(), size: columns.size };
}

t.test('sets that differ in any term are kept apart, equal ones are stored once', (t) => {
  const { places, table, size } = tableOf([...DIFFERENT, ...DIFFERENT.toReversed()]);
  t.equal(size, DIFFERENT.length);
  t.equal(new Set(places).size, DIFFERENT.length);
  t.strictSame(places.slice(DIFFERENT.length), places.slice(0, DIFFERENT.length).toReversed());
  t.strictSame(termsAt(table, places[0] ?? -1), { effectiveFromMs: null, connectionFee: 0n, incrementS: 1, minTimeS: 0, ghostPercent: 100, isBlocked: false, window: null });
  t.match(termsAt(table, places[1] ?? -1), { incrementS: 60, minTimeS: 0 });
  t.match(termsAt(table, places[2] ?? -1), { incrementS: 1, minTimeS: 30 });
  t.match(termsAt(table, places[3] ?? -1), { ghostPercent: 90 });
  t.match(termsAt(table, places[4] ?? -1), { effectiveFromMs: 0 });
  t.match(termsAt(table, places[6] ?? -1), { window: { startS: 28_800, endS: 86_399 } });
  t.match(termsAt(table, places[8] ?? -1), { window: { days: 31 } });
  t.match(termsAt(table, places[10] ?? -1), { connectionFee: 1n, isBlocked: false });
  t.match(termsAt(table, places[11] ?? -1), { connectionFee: 0n, isBlocked: true });
  t.end();
});

t.test('the whole day said in words is no window', (t) => {
  const { places, table } = tableOf([[{ startTime: '00:00:00', endTime: '23:59:59', dayType: 'all' }, 0n, false], [{}, 0n, false]]);
  t.equal(places[0], places[1]);
  t.equal(table.windows.length, 0);
  t.end();
});

const clock = (minute: number): string => `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

t.test('many sets and windows are found again, and read back as they were, from the first to the last', (t) => {
  const sets = Array.from({ length: 5000 }, (_, n) => [{ incrementS: 1 + n, startTime: clock(n % 1000) }, BigInt(n), n % 2 === 1] as const);
  const { places, table, size } = tableOf([...sets, ...sets]);
  t.equal(size, 5000);
  t.equal(table.windows.length, 999, 'the window from midnight on is none');
  t.ok(places.every((place, at) => place === at % 5000));
  for (const at of [0, 1, 15, 16, 17, 4095, 4096, 4999]) {
    const expected = { incrementS: 1 + at, connectionFee: BigInt(at), isBlocked: at % 2 === 1, window: at % 1000 === 0 ? null : { startS: (at % 1000) * 60 } };
    t.match(termsAt(table, at), expected, `set ${at}`);
    t.match(termsAt(table, at), expected, 'and again');
  }
  t.equal(termsAt(table, 7), termsAt(table, 7), 'those asked for often are made once');
  t.ok(table.made.length < 5000, 'not all of them, as they are cloned one by one');
  t.end();
});

t.test('windows that differ in one part are kept apart, in whatever order they come', (t) => {
  const parts: TermsOfRow[] = [{ startTime: '08:00', endTime: '12:00' }, { startTime: '08:00', endTime: '13:00' }, { startTime: '09:00', endTime: '12:00' }, { startTime: '08:00', endTime: '12:00', dayType: 'workDays' }];
  const { places, table } = tableOf([...parts, ...parts].map((row) => [row, 0n, false] as const));
  t.strictSame(places, [0, 1, 2, 3, 0, 1, 2, 3]);
  t.strictSame(table.windows.map(({ days, startS, endS }) => [days, startS / 3600, endS / 3600]), [[16_383, 8, 12], [16_383, 8, 13], [16_383, 9, 12], [31, 8, 12]]);
  t.end();
});

t.test('broken terms are named, and leave nothing behind', (t) => {
  const columns = new TermsColumns();
  const bad: [TermsOfRow, string, string][] = [
    [{ incrementS: 0 }, 'zeroIncrement', 'incrementS'], [{ incrementS: 1.5 }, 'notWhole', 'incrementS'], [{ minTimeS: -1 }, 'negative', 'minTimeS'],
    [{ minTimeS: 2 ** 31 }, 'tooLarge', 'minTimeS'], [{ ghostPercent: -1 }, 'negative', 'ghostPercent'], [{ effectiveFromMs: Number.NaN }, 'badDate', 'effectiveFromMs'], [{ startTime: '8' }, 'badTime', 'startTime'],
  ];
  for (const [row, code, field] of bad) t.throws(() => columns.placeOf(row, 0n, false), { code, field }, `${field} ${code}`);
  t.equal(columns.size, 0);
  t.end();
});

t.test('all but the memory of a table lies in the buffers that are handed over', (t) => {
  const { table, places } = tableOf(DIFFERENT);
  const there = structuredClone(table, { transfer: termsBuffers(table) });
  t.equal(table.numbers.length + table.fees.length + table.times.length, 0);
  t.match(termsAt(there, places[1] ?? -1), { incrementS: 60 });
  t.end();
});
