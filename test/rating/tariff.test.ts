import t from 'tap';
import { charge } from '../../rating/charge.ts';
import { longestCall } from '../../rating/credit.ts';
import { moneyText, parseMoney } from '../../rating/money.ts';
import { answeredAt, perMinute, rateFromJson, rateToJson } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import { buildCustomRates, buildDestinations, buildRetailTariff } from '../../rating/retail.ts';
import { minuteStep } from '../../rating/step.ts';
import { buildTariff, findRate, findRates, tariffBuffers, TariffBuilder, withExchangeRate } from '../../rating/tariff.ts';
import type { RateRefusal, RateRow, Tariff } from '../../rating/tariff.ts';
import type { TariffError } from '../../rating/tariff-meta.ts';
import { below, pick, seededRandom } from './random-rates.ts';
import { SEED } from '../seed.ts';

const NOON = Date.UTC(2026, 6, 1, 12);
const row = (prefix: string, rate: string, more: Partial<RateRow> = {}): RateRow => ({ prefix, rate: rate === 'blocked' ? rate : parseMoney(rate), ...more });

function priceOf(found: Rate | RateRefusal): string {
  return typeof found === 'string' ? found : moneyText(perMinute(found));
}

t.test('the longest prefix that the number begins with is taken', (t) => {
  const tariff = buildTariff({ tariffId: 7 }, [row('37', '0.9'), row('370', '0.5'), row('3706', '0.6'), row('37060', '0.7'), row('4', '0.1')]);
  const expected: [string, string][] = [
    ['37061234567', '0.6'], ['37060123456', '0.7'], ['37051234567', '0.5'], ['371', '0.9'], ['37', '0.9'], ['370', '0.5'], ['3', 'noRate'],
    ['', 'noRate'], ['49', '0.1'], ['5', 'noRate'], ['370abc', '0.5'], ['+370', 'noRate'], ['3706012345678901234567890', '0.7'],
  ];
  for (const [number, price] of expected) t.equal(priceOf(findRate(tariff, number, NOON)), price, number);
  t.match(findRate(tariff, '37061234567', NOON), { tariffId: 7, prefix: '3706', destinationId: null, effectiveFromMs: null });
  t.end();
});

t.test('prefixes of 1 and of 15 digits, and digits 0', (t) => {
  const tariff = buildTariff({ tariffId: 1 }, [row('0', '0.1'), row('00', '0.2'), row('123456789012345', '0.3'), row('000000000000000', '0.4'), row('999999999999999', '0.5')]);
  t.equal(priceOf(findRate(tariff, '0', NOON)), '0.1');
  t.equal(priceOf(findRate(tariff, '001', NOON)), '0.2');
  t.equal(priceOf(findRate(tariff, '00000000000000', NOON)), '0.2', 'one digit short of the longest');
  t.equal(priceOf(findRate(tariff, '0000000000000000', NOON)), '0.4');
  t.equal(priceOf(findRate(tariff, '1234567890123456', NOON)), '0.3');
  t.equal(priceOf(findRate(tariff, '12345678901234', NOON)), 'noRate');
  t.equal(priceOf(findRate(tariff, '999999999999999', NOON)), '0.5');
  t.end();
});

t.test('an empty tariff has no rate', (t) => {
  t.equal(findRate(buildTariff({ tariffId: 1 }, []), '37061234567', NOON), 'noRate');
  t.end();
});

t.test('of several dates the latest that has begun is in force; before the first the shorter prefix is', (t) => {
  const tariff = buildTariff({ tariffId: 1 }, [
    row('370', '0.1'), row('3706', '0.4', { effectiveFromMs: 3000 }), row('3706', '0.2', { effectiveFromMs: 1000 }), row('3706', '0.3', { effectiveFromMs: 2000 }),
  ]);
  const expected: [number, string][] = [[999, '0.1'], [1000, '0.2'], [1999, '0.2'], [2000, '0.3'], [2999, '0.3'], [3000, '0.4'], [9e15, '0.4']];
  for (const [atMs, price] of expected) t.equal(priceOf(findRate(tariff, '37061234567', Math.min(atMs, 8e15))), price, String(atMs));
  t.match(findRate(tariff, '3706', 2500), { effectiveFromMs: 2000 });
  t.end();
});

t.test('a destination is blocked by the word or by -1, from its date on', (t) => {
  const tariff = buildTariff({ tariffId: 1 }, [row('370', '0.1'), row('3709', 'blocked'), row('3708', '-1', { effectiveFromMs: 1000 })]);
  t.equal(findRate(tariff, '37091', NOON), 'blocked');
  t.equal(findRate(tariff, '37081', 1000), 'blocked');
  t.equal(priceOf(findRate(tariff, '37081', 999)), '0.1');
  t.end();
});

t.test('day and night are told by the clock of the tariff, and its summer time', (t) => {
  const tariff = buildTariff({ tariffId: 1, timeZone: 'Europe/Vilnius' }, [
    row('370', '0.5', { startTime: '08:00:00', endTime: '17:59:59' }), row('370', '0.3', { startTime: '18:00:00', endTime: '07:59:59' }),
  ]);
  t.equal(priceOf(findRate(tariff, '3706', Date.UTC(2026, 0, 15, 5, 59, 59))), '0.3', '07:59:59 in winter');
  t.equal(priceOf(findRate(tariff, '3706', Date.UTC(2026, 0, 15, 6))), '0.5', '08:00:00 in winter');
  t.equal(priceOf(findRate(tariff, '3706', Date.UTC(2026, 6, 15, 5))), '0.5', '08:00:00 in summer');
  t.equal(priceOf(findRate(tariff, '3706', Date.UTC(2026, 6, 15, 14, 59, 59, 999))), '0.5', 'the last second belongs to it');
  t.equal(priceOf(findRate(tariff, '3706', Date.UTC(2026, 6, 15, 15))), '0.3');
  t.end();
});

t.test('work days, free days and single days', (t) => {
  const tariff = buildTariff({ tariffId: 1, freeDays: ['2026-12-25'] }, [
    row('1', '0.5', { dayType: 'workDays' }), row('1', '0.3', { dayType: 'freeDays' }), row('2', '0.7', { dayType: [4] }), row('2', '0.6', { dayType: [0, 1, 2, 3, 5, 6] }),
  ]);
  t.equal(priceOf(findRate(tariff, '1', Date.UTC(2026, 11, 24, 12))), '0.5', 'Thursday');
  t.equal(priceOf(findRate(tariff, '1', Date.UTC(2026, 11, 25, 12))), '0.3', 'a free Friday');
  t.equal(priceOf(findRate(tariff, '1', Date.UTC(2026, 11, 26, 12))), '0.3', 'Saturday');
  t.equal(priceOf(findRate(tariff, '2', Date.UTC(2026, 11, 25, 12))), '0.7', 'Friday stays Friday');
  t.equal(priceOf(findRate(tariff, '2', Date.UTC(2026, 11, 27, 12))), '0.6', 'Sunday');
  t.end();
});

t.test('outside its hours a row counts as absent: an older date, then a shorter prefix', (t) => {
  const hours = { startTime: '08:00:00', endTime: '17:59:59' };
  const tariff = buildTariff({ tariffId: 1 }, [row('370', '0.1'), row('3706', '0.4', { ...hours, effectiveFromMs: 2000 }), row('3705', '0.4', hours), row('3706', '0.3', { effectiveFromMs: 1000 })]);
  t.equal(priceOf(findRate(tariff, '3706', NOON)), '0.4');
  t.equal(priceOf(findRate(tariff, '3706', NOON + 8 * 3_600_000)), '0.3');
  t.equal(priceOf(findRate(tariff, '3705', NOON + 8 * 3_600_000)), '0.1');
  t.end();
});

t.test('several tariffs asked at once answer as each alone', (t) => {
  const tariffs: Tariff[] = ['0.1', '0.2'].map((rate, tariffId) => buildTariff({ tariffId }, [row('370', rate)]));
  tariffs.push(buildTariff({ tariffId: 3 }, [row('370', 'blocked')]), buildTariff({ tariffId: 4 }, []));
  t.strictSame(findRates(tariffs, '3706', NOON), tariffs.map((tariff) => findRate(tariff, '3706', NOON)));
  t.strictSame(findRates([], '3706', NOON), []);
  t.end();
});

t.test('random tariffs: what is found is what a look at every row finds', (t) => {
  const seed = SEED;
  t.comment(`seed ${seed} (TEST_SEED=${seed} repeats it)`);
  const random = seededRandom(seed);
  for (let run = 0; run < 200; run++) {
    const rows = randomRows(random);
    const tariff = buildTariff({ tariffId: run }, rows);
    for (let call = 0; call < 50; call++) {
      const number = String(below(random, 10 ** pick(random, [2, 4, 6, 15])));
      const atMs = below(random, 5);
      const found = findRate(tariff, number, atMs);
      const expected = naive(rows, number, atMs);
      if (expected === undefined ? found !== 'noRate' : typeof found === 'string' || found.steps[0]?.rate !== expected.rate || found.prefix !== expected.prefix) {
        t.fail(JSON.stringify({ seed, run, number, atMs, rows: rows.map((one) => ({ ...one, rate: String(one.rate) })) }));
        t.end();
        return;
      }
    }
  }
  t.pass('all the same');
  t.end();
});

function randomRows(random: () => number): RateRow[] {
  const rows = new Map<string, RateRow>();
  for (let count = below(random, 60); count >= 0; count--) {
    const prefix = String(below(random, 10 ** pick(random, [1, 2, 3, 4, 9])));
    const effectiveFromMs = below(random, 5);
    rows.set(`${prefix} ${effectiveFromMs}`, { prefix, effectiveFromMs, rate: BigInt(below(random, 1e9)) });
  }
  return [...rows.values()];
}

function naive(rows: readonly RateRow[], number: string, atMs: number): RateRow | undefined {
  return rows
    .filter((one) => number.startsWith(one.prefix) && (one.effectiveFromMs ?? 0) <= atMs)
    .sort((a, b) => b.prefix.length - a.prefix.length || (b.effectiveFromMs ?? 0) - (a.effectiveFromMs ?? 0))[0];
}

t.test('under the split rule every second has the price of its window', (t) => {
  const meta = { tariffId: 1, timeZone: 'Europe/Vilnius', windowRule: 'split' as const };
  const tariff = buildTariff(meta, [
    row('370', '0.6', { startTime: '08:00:00', endTime: '17:59:59', incrementS: 60 }), row('370', '0.3', { startTime: '18:00:00', endTime: '07:59:59' }),
  ]);
  const admittedMs = Date.UTC(2026, 6, 15, 14, 57, 0);
  const found = findRate(tariff, '3706', admittedMs) as Rate;
  const rate = answeredAt(found, admittedMs + 30_000);
  // 17:57:30 to 18:00:00 is 150 s in increments of 60: 180 s at 0.6; then 90 s at 0.3.
  t.strictSame(charge(rate, 240), { billedS: 270, price: parseMoney('2.25') });
  t.strictSame(charge(rate, 150), { billedS: 180, price: parseMoney('1.8') });
  t.equal(longestCall(rate, parseMoney('2.25'), 7200), 240);
  t.strictSame(charge(found, 150), { billedS: 180, price: parseMoney('1.8') }, 'until it is answered it counts from the admission');
  t.strictSame(rateFromJson(JSON.parse(JSON.stringify(rateToJson(rate)))), rate);
  t.end();
});

t.test('under the split rule a gap between windows, and a blocked window, leave a running call its price', (t) => {
  const tariff = buildTariff({ tariffId: 1, windowRule: 'split' }, [row('370', '0.6', { startTime: '08:00:00', endTime: '12:59:59' }), row('370', 'blocked', { startTime: '15:00:00', endTime: '16:59:59' })]);
  const rate = findRate(tariff, '3706', NOON) as Rate;
  t.equal(rate.split, null);
  t.equal(charge(rate, 6 * 3600).price, parseMoney('216'));
  t.end();
});

t.test('under the start rule the window of the start holds for the whole call', (t) => {
  const tariff = buildTariff({ tariffId: 1 }, [row('370', '0.6', { startTime: '08:00:00', endTime: '12:59:59' }), row('370', '0.3', { startTime: '13:00:00', endTime: '07:59:59' })]);
  t.equal(charge(findRate(tariff, '3706', NOON) as Rate, 2 * 3600).price, parseMoney('72'));
  t.end();
});

t.test('a tariff is handed to another thread without copying, and answers there', (t) => {
  const tariff = buildTariff({ tariffId: 1, timeZone: 'Europe/Vilnius' }, [row('370', '0.6', { startTime: '08:00:00', endTime: '12:59:59' }), row('371', '0.2', { destinationId: 5 })]);
  const there = structuredClone(tariff, { transfer: tariffBuffers(tariff) });
  t.equal(tariff.rows.rates.length, 0, 'it is gone here');
  t.match(findRate(there, '3716', NOON), { destinationId: 5 });
  t.equal(charge(findRate(there, '3706', NOON - 4 * 3_600_000) as Rate, 60).price, parseMoney('0.6'));
  t.end();
});

t.test('a new exchange rate makes a new tariff over the same rows', (t) => {
  const tariff = buildTariff({ tariffId: 1, currency: 'EUR', exchangeRate: '0.5' }, [row('370', '0.6')]);
  const refreshed = withExchangeRate(tariff, '0.6');
  t.equal(priceOf(findRate(tariff, '3706', NOON)), '1.2');
  t.equal(priceOf(findRate(refreshed, '3706', NOON)), '1');
  t.equal(refreshed.rows, tariff.rows);
  t.end();
});

t.test('DID rates may pay, and may hold for every caller', (t) => {
  const tariff = buildTariff({ tariffId: 1, paysBack: true }, [row('', '-0.02'), row('370', '-1', { connectionFee: parseMoney('-0.1') })]);
  t.equal(priceOf(findRate(tariff, '', NOON)), '-0.02');
  t.equal(priceOf(findRate(tariff, '49', NOON)), '-0.02');
  t.equal(charge(findRate(tariff, '370', NOON) as Rate, 60).price, parseMoney('-1.1'));
  t.end();
});

const BAD_ROWS: [string, RateRow[], number, string, string][] = [
  ['letters in a prefix', [row('370', '1'), row('37O', '1')], 2, 'badPrefix', 'prefix'],
  ['an empty prefix', [row('', '1')], 1, 'badPrefix', 'prefix'],
  ['a prefix of 16 digits', [row('1234567890123456', '1')], 1, 'badPrefix', 'prefix'],
  ['a prefix with a plus', [row('+370', '1')], 1, 'badPrefix', 'prefix'],
  ['a prefix and date twice', [row('370', '1'), row('371', '1'), row('370', '2')], 3, 'duplicateRow', 'prefix'],
  ['the same date twice', [row('370', '1', { effectiveFromMs: 5 }), row('370', '2', { effectiveFromMs: 5 })], 2, 'duplicateRow', 'prefix'],
  ['overlapping hours', [row('370', '1', { startTime: '08:00:00', endTime: '18:00:00' }), row('370', '2', { startTime: '18:00:00', endTime: '07:59:59' })], 2, 'windowsOverlap', 'startTime'],
  ['hours beside a row for the whole day', [row('370', '1'), row('370', '2', { startTime: '18:00:00' })], 2, 'windowsOverlap', 'startTime'],
  ['a price below 0', [row('370', '-0.5')], 1, 'negative', 'rate'],
  ['a fee below 0', [row('370', '1', { connectionFee: -1n })], 1, 'negative', 'connectionFee'],
  ['an absurd price', [row('370', '900000001')], 1, 'tooLarge', 'rate'],
  ['an increment of 0', [row('370', '1', { incrementS: 0 })], 1, 'zeroIncrement', 'incrementS'],
  ['a negative increment', [row('370', '1', { incrementS: -6 })], 1, 'negative', 'incrementS'],
  ['a negative minimal time', [row('370', '1', { minTimeS: -1 })], 1, 'negative', 'minTimeS'],
  ['a time that does not exist', [row('370', '1', { startTime: '24:00:00' })], 1, 'badTime', 'startTime'],
  ['an end that is no time', [row('370', '1', { endTime: '8 pm' })], 1, 'badTime', 'endTime'],
  ['a day that does not exist', [row('370', '1', { dayType: [7] })], 1, 'badDays', 'dayType'],
  ['no days', [row('370', '1', { dayType: [] })], 1, 'badDays', 'dayType'],
  ['a date that is no number', [row('370', '1', { effectiveFromMs: NaN })], 1, 'badDate', 'effectiveFromMs'],
  ['a price that is missing', [{ prefix: '370' } as unknown as RateRow], 1, 'badMoney', 'rate'],
  ['a destination that is no id', [row('370', '1', { destinationId: -1 })], 1, 'wrongType', 'destinationId'],
];

for (const [what, rows, line, code, field] of BAD_ROWS) {
  t.test(`${what} is named by line ${line}, and nothing of the tariff is built`, (t) => {
    t.throws(() => buildTariff({ tariffId: 1 }, rows), { name: 'TariffError', count: 1, problems: [{ line, error: { name: 'RateError', code, field } }] });
    t.end();
  });
}

t.test('a DID rate of 0 goes with a fee of either sign, and the other way round', (t) => {
  for (const [rate, fee] of [['0', '-1'], ['0', '1'], ['-1', '0'], ['1', '0'], ['1', '1'], ['-1', '-1']] as const) {
    t.doesNotThrow(() => buildTariff({ tariffId: 1, paysBack: true }, [row('370', rate, { connectionFee: parseMoney(fee) })]), `${rate} and ${fee}`);
  }
  for (const [rate, fee] of [['1', '-1'], ['-1', '1']] as const) {
    t.throws(() => buildTariff({ tariffId: 1, paysBack: true }, [row('370', rate, { connectionFee: parseMoney(fee) })]), { name: 'TariffError', problems: [{ error: { code: 'mixedSigns' } }] });
  }
  t.end();
});

t.test('equal price lists are stored once, and those that begin alike are kept apart', (t) => {
  const night = { startTime: '20:00', endTime: '07:59:59' };
  const day = { startTime: '08:00', endTime: '19:59:59' };
  const tariff = buildTariff({ tariffId: 1 }, [
    row('1', '0.5', day), row('1', '0.3', night), row('2', '0.5', day), row('2', '0.3', night), row('3', '0.5', day), row('4', '0.5', day), row('4', '0.3', night), row('5', '0.5', day),
  ]);
  t.equal(tariff.rows.size, 3, 'two rows of 1, 2 and 4, one row of 3 and 5');
  t.strictSame(['1', '2', '3', '4', '5'].map((number) => priceOf(findRate(tariff, number, NOON + 10 * 3_600_000))), ['0.3', '0.3', 'noRate', '0.3', 'noRate']);
  t.strictSame(['1', '3', '5'].map((number) => priceOf(findRate(tariff, number, NOON))), ['0.5', '0.5', '0.5']);
  t.end();
});

t.test('all broken rows are listed, the first 1,000 of them with their reason, by the lines of the file', (t) => {
  const builder = new TariffBuilder({ tariffId: 1 });
  for (let line = 2; line < 5002; line++) builder.add(row(line % 2 === 0 ? 'x' : String(line), '1'), line);
  try {
    builder.finish();
    t.fail('it was built');
  } catch (error) {
    const { count, problems, message } = error as TariffError;
    t.equal(count, 2500);
    t.equal(problems.length, 1000);
    t.equal(problems[1]?.line, 4);
    t.match(message, /^2500 broken rows in the tariff\. line 2: prefix/);
  }
  t.end();
});

const clock = (second: number): string => new Date(second * 1000).toISOString().slice(11, 19);

t.test('a million rows of one prefix and many windows of one date end in errors, not in an endless search', (t) => {
  const builder = new TariffBuilder({ tariffId: 1 });
  for (let line = 0; line < 20_000; line++) builder.add({ prefix: '370', rate: 1n, effectiveFromMs: line });
  builder.add({ prefix: '370', rate: 1n, effectiveFromMs: 0 });
  t.throws(() => builder.finish(), { name: 'TariffError', count: 1 });
  const many = Array.from({ length: 200 }, (_, at) => row('370', '1', { startTime: clock(at), endTime: clock(at) }));
  t.throws(() => buildTariff({ tariffId: 1 }, many), { name: 'TariffError', problems: [{ error: { code: 'tooLarge' } }] });
  t.end();
});

t.test('a tariff that is wrong as a whole is refused before any row', (t) => {
  const bad = (meta: object, expected: object): unknown => t.throws(() => new TariffBuilder({ tariffId: 1, ...meta }), { name: 'RateError', ...expected });
  bad({ timeZone: 'Europe/Vilnus' }, { code: 'badZone', field: 'timeZone' });
  bad({ freeDays: ['2026-02-28', '2026-02-30'] }, { code: 'badDate', field: 'freeDays[1]' });
  bad({ exchangeRate: '0.7351.1' }, { code: 'badDecimal', field: 'exchangeRate' });
  bad({ priceDecimals: 12 }, { code: 'tooLarge', field: 'priceDecimals' });
  bad({ windowRule: 'middle' }, { code: 'wrongType', field: 'windowRule' });
  t.end();
});

const DESTINATIONS = buildDestinations([
  { prefix: '7', destinationId: 70, groupId: 1 }, { prefix: '79', destinationId: 79, groupId: 2 }, { prefix: '34', destinationId: 34, groupId: 3 }, { prefix: '346', destinationId: 346, groupId: null },
]);
const perMinuteSteps = (rate: string): ReturnType<typeof minuteStep>[] => [minuteStep(0, null, { rate: parseMoney(rate) })];
const GOLD = buildRetailTariff({ tariffId: 9 }, DESTINATIONS, [{ groupId: 1, steps: perMinuteSteps('0.7') }, { groupId: 3, steps: perMinuteSteps('0.8') }]);

t.test('a retail tariff prices the group of the destination; without a group, or a price for it, there is no rate', (t) => {
  t.match(findRate(GOLD, '7495', NOON), { tariffId: 9, prefix: '7', destinationId: 70 });
  t.equal(priceOf(findRate(GOLD, '7495', NOON)), '0.7');
  t.equal(findRate(GOLD, '7901', NOON), 'noRate', 'a group without a price does not fall back to the shorter prefix');
  t.equal(findRate(GOLD, '34600', NOON), 'noRate', 'a destination without group');
  t.equal(findRate(GOLD, '49', NOON), 'noRate');
  t.end();
});

t.test('GOLD has Russia 0.7 and Spain 0.8; user A has Russia for 0.5, user B Spain for 0.6, all else as GOLD', (t) => {
  const userA = buildCustomRates([{ groupId: 1, steps: perMinuteSteps('0.5') }]);
  const userB = buildCustomRates([{ groupId: 3, steps: perMinuteSteps('0.6') }]);
  t.strictSame(['7495', '3491'].map((number) => priceOf(findRate(GOLD, number, NOON, userA))), ['0.5', '0.8']);
  t.strictSame(['7495', '3491'].map((number) => priceOf(findRate(GOLD, number, NOON, userB))), ['0.7', '0.6']);
  t.end();
});

t.test('retail prices have windows too, may be blocked, and split', (t) => {
  const rows = [{ groupId: 1, steps: perMinuteSteps('0.7'), dayType: 'workDays' as const }, { groupId: 1, steps: perMinuteSteps('0.2'), dayType: 'freeDays' as const }, { groupId: 3, steps: 'blocked' as const }];
  const tariff = buildRetailTariff({ tariffId: 9, windowRule: 'split' }, DESTINATIONS, rows);
  t.equal(priceOf(findRate(tariff, '7495', Date.UTC(2026, 6, 4))), '0.2', 'Saturday');
  t.equal(findRate(tariff, '3491', NOON), 'blocked');
  const sundayNight = findRate(tariff, '7495', Date.UTC(2026, 6, 5, 23, 59)) as Rate;
  t.equal(charge(sundayNight, 120).price, parseMoney('0.9'));
  t.end();
});

t.test('broken retail rows are named by their line', (t) => {
  t.throws(() => buildDestinations([{ prefix: '7', destinationId: 1, groupId: 1 }, { prefix: 'x', destinationId: 2, groupId: 1 }]), { name: 'TariffError', problems: [{ line: 2, error: { code: 'badPrefix' } }] });
  t.throws(() => buildDestinations([{ prefix: '7', destinationId: 1, groupId: 1 }, { prefix: '7', destinationId: 2, groupId: 1 }]), { name: 'TariffError', problems: [{ line: 2, error: { code: 'duplicateRow' } }] });
  const bad = (rows: Parameters<typeof buildCustomRates>[0], code: string): unknown => t.throws(() => buildCustomRates(rows), { name: 'TariffError', problems: [{ error: { code } }] });
  bad([{ groupId: 1, steps: [] }], 'stepsMissing');
  bad([{ groupId: 1, steps: [minuteStep(5, null, { rate: 1n })] }], 'stepsGap');
  bad([{ groupId: 1, steps: [minuteStep(0, null, { rate: -1n })] }], 'negative');
  bad([{ groupId: 1, steps: perMinuteSteps('1') }, { groupId: 1, steps: perMinuteSteps('2'), dayType: 'workDays' }], 'windowsOverlap');
  t.end();
});
