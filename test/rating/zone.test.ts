import t from 'tap';
import { parseDay, parseMoment, parseTimeOfDay } from '../../rating/dates.ts';
import { nextEdge, timeWindow } from '../../rating/window.ts';
import { dayNumber, localMs, nextClockChange, weekdayOf, zoneOf } from '../../rating/zone.ts';
import { below, pick, seededRandom } from './random-rates.ts';
import { SEED } from '../seed.ts';

t.test('local time is what a calendar in that zone shows', (t) => {
  const seed = SEED;
  t.comment(`seed ${seed} (TEST_SEED=${seed} repeats it)`);
  const random = seededRandom(seed);
  for (let run = 0; run < 2000; run++) {
    const name = pick(random, ['Europe/Vilnius', 'America/St_Johns', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC', 'Africa/Casablanca']);
    // Half of them within minutes of a change of clocks in Europe.
    const ms = random() < 0.5 ? Date.UTC(2026, 2, 29, 0, below(random, 120)) : below(random, 4_000_000_000_000);
    const shown = new Date(localMs(zoneOf(name), ms)).toISOString().slice(0, 19);
    const expected = new Date(ms).toLocaleString('sv-SE', { timeZone: name }).replace(' ', 'T');
    if (shown !== expected) t.equal(shown, expected, `${name} ${ms} seed ${seed}`);
  }
  t.pass('all the same');
  t.end();
});

t.test('days are counted as the Gregorian calendar does', (t) => {
  for (const date of ['1970-01-01', '1969-12-31', '2000-02-29', '1900-03-01', '2100-02-28', '2026-11-24', '0001-01-01']) {
    const [year, month, day] = date.split('-').map(Number) as [number, number, number];
    t.equal(dayNumber(year, month, day), Date.parse(`${date}T00:00:00Z`) / 86_400_000, date);
  }
  t.equal(weekdayOf(0), 3, '1970-01-01 was a Thursday');
  t.equal(weekdayOf(-1), 2);
  t.end();
});

t.test('a zone nobody knows is refused by its name', (t) => {
  for (const name of ['Europe/Vilnus', '', 'Mars/Base']) t.throws(() => zoneOf(name), { name: 'RateError', code: 'badZone' });
  t.end();
});

t.test('dates and times that do not exist are refused', (t) => {
  for (const text of ['2026-02-30', '2026-02-29', '2026-13-01', '2026-00-10', '2026-04-31', '2026-1-1', '01.02.2026', '1900-02-29']) t.throws(() => parseDay(text), { code: 'badDate' }, text);
  t.equal(parseDay('2024-02-29'), Date.UTC(2024, 1, 29) / 86_400_000);
  t.equal(parseDay('2000-02-29'), Date.UTC(2000, 1, 29) / 86_400_000);
  for (const text of ['24:00', '8:00', '12:60', '12:00:60', 'noon']) t.throws(() => parseTimeOfDay(text), { code: 'badTime' }, text);
  t.equal(parseTimeOfDay('23:59:59'), 86_399);
  t.equal(parseTimeOfDay('08:30'), 30_600);
  t.end();
});

t.test('a moment is read on the clock of its zone; skipped hours do not exist, of doubled ones it is the first', (t) => {
  const vilnius = zoneOf('Europe/Vilnius');
  t.equal(parseMoment('2026-07-01', vilnius), Date.UTC(2026, 5, 30, 21));
  t.equal(parseMoment('2026-01-01 08:30', vilnius), Date.UTC(2026, 0, 1, 6, 30));
  t.equal(parseMoment('2026-01-01T08:30:15', vilnius), Date.UTC(2026, 0, 1, 6, 30, 15));
  t.throws(() => parseMoment('2026-03-29 03:30', vilnius), { code: 'badDate', message: /clocks go forward/ });
  t.equal(parseMoment('2026-10-25 03:30', vilnius), Date.UTC(2026, 9, 25, 0, 30));
  t.throws(() => parseMoment('2026-02-30 10:00', vilnius), { code: 'badDate' });
  t.throws(() => parseMoment('tomorrow', vilnius), { code: 'badDate' });
  t.end();
});

t.test('windows change at their edges, at midnight and when the clocks do', (t) => {
  const vilnius = zoneOf('Europe/Vilnius');
  const day = timeWindow({ startTime: '08:00:00', endTime: '17:59:59' });
  t.equal(nextEdge(vilnius, [day], Date.UTC(2026, 6, 1, 5, 0, 0)), Date.UTC(2026, 6, 1, 15), 'from the start to behind the end');
  t.equal(nextEdge(vilnius, [day], Date.UTC(2026, 6, 1, 15)), Date.UTC(2026, 6, 1, 21), 'midnight');
  t.equal(nextEdge(vilnius, [], Date.UTC(2026, 2, 28, 22, 30)), Date.UTC(2026, 2, 29, 1), 'the clocks go forward before midnight');
  t.equal(nextClockChange(vilnius, Date.UTC(2026, 2, 29, 1), Date.UTC(2026, 2, 30)), Date.UTC(2026, 2, 30), 'a change is not found twice');
  t.end();
});
