import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { importTenant } from '../../store/import/import.ts';
import { problemsOf, ratesTenant } from './rates-tenant.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';

t.teardown(async () => {
  await closeServers();
  await rm(folder, { recursive: true, force: true });
});
const folder = await mkdtemp(join(tmpdir(), 'tollgate-bad-'));

const HEADER = 'prefix,rate,connection fee,increment,min time,effective from,day type,start time,end time,ghost percent\n';
const GOOD = '371,0.1,,,,,,,,\n';

/** A line of a price list and how it is refused; each stands in line 3 of a file whose other lines are good. */
const LINES: readonly [what: string, line: string, reason: RegExp][] = [
  ['a prefix with letters', '37x,1,,,,,,,,', /^3 prefix: "37x" is not a prefix/],
  ['a prefix with a plus', '+370,1,,,,,,,,', /^3 prefix: "\+370" is not a prefix/],
  ['no prefix', ',1,,,,,,,,', /^3 prefix: is missing/],
  ['a price with a comma', '370,"1,5",,,,,,,,', /^3 rate: "1,5" has a comma/],
  ['a price with letters', '370,0.1O,,,,,,,,', /^3 rate: "0\.1O" has letters/],
  ['a price with an exponent', '370,1e-3,,,,,,,,', /^3 rate: "1e-3" is written with an exponent/],
  ['a price with 30 decimals', `370,0.${'1'.repeat(30)},,,,,,,,`, /^3 rate: .* has 30 decimals; an amount has at most 10/],
  ['no price', '370,,,,,,,,,', /^3 rate: is missing/],
  ['a price below 0', '370,-0.5,,,,,,,,', /^3 rate: -0\.5 is below 0/],
  ['a fee with a comma', '370,1,"0,1",,,,,,,', /^3 connectionFee: "0,1" has a comma/],
  ['a fee below 0', '370,1,-1,,,,,,,', /^3 connectionFee: -1 is below 0/],
  ['an increment of 0', '370,1,,0,,,,,,', /^3 incrementS: "0" is not a whole number from 1 to 86400/],
  ['a negative increment', '370,1,,-6,,,,,,', /^3 incrementS: "-6" is not/],
  ['a negative minimum time', '370,1,,,-1,,,,,', /^3 minTimeS: "-1" is not a whole number from 0/],
  ['half a second', '370,1,,0.5,,,,,,', /^3 incrementS: "0\.5" is not/],
  ['a day that does not exist', '370,1,,,,2026-02-30,,,,', /^3 effectiveFrom: 2026-02-30 does not exist/],
  ['a day that does not exist, with an offset', '370,1,,,,2026-02-30T00:00:00Z,,,,', /^3 effectiveFrom: 2026-02-30 does not exist/],
  ['an hour that does not exist', '370,1,,,,2026-02-20 24:30,,,,', /^3 effectiveFrom: .*is not a time of day/],
  ['an offset that does not exist', '370,1,,,,2026-02-20T08:00:00+25:00,,,,', /^3 effectiveFrom: .*offset/],
  ['a date in words', '370,1,,,,3 Feb 2026 Z,,,,', /^3 effectiveFrom: .*is not a date/],
  ['a date written another way', '370,1,,,,31.12.2026,,,,', /^3 effectiveFrom: .*is not a date/],
  ['a date before 1970', '370,1,,,,1969-12-31,,,,', /^3 effectiveFrom: .*from 1970-01-01 to 2199-12-31/],
  ['a date after 2199', '370,1,,,,2200-01-01,,,,', /^3 effectiveFrom: .*from 1970-01-01 to 2199-12-31/],
  ['unknown days', '370,1,,,,,weekend,,,', /^3 dayType: "weekend" is not one of all, work, free/],
  ['a time that does not exist', '370,1,,,,,,25:00,,', /^3 startTime: "25:00" is not a time of day/],
  ['an end that does not exist', '370,1,,,,,,,24:00,', /^3 endTime: "24:00" is not a time of day/],
  ['a ghost percent of 0', '370,1,,,,,,,,0', /^3 ghostPercent: "0" is not/],
  ['the same prefix and date again', '371,0.2,,,,,,,,', /^3 prefix: 371 with the same date and hours is already in line 2/],
  ['hours within those of another line', '371,0.2,,,,,,08:00,09:00,', /^3 startTime: the hours of 371 overlap with those of line 2/],
  ['hours over midnight that meet those of the tariff', '3706,0.2,,,,,,22:00,01:00,', /^3 startTime: the hours of 3706 overlap with those of a rate in the tariff/],
  ['one column less', '370,1', /^3 : has 2 columns, the header 10; is the file complete/],
  ['one column more', '370,1,,,,,,,,,5', /^3 : has 11 columns/],
];

t.test('every broken line is refused by its number, and nothing of its file is imported', async (t) => {
  const world = await ratesTenant(folder);
  const before = await world.rates();
  for (const [what, line, reason] of LINES) t.match(await problemsOf(world.import(`${HEADER}${GOOD}${line}\n`)), [reason], what);
  t.strictSame(await world.rates(), before);
});

t.test('lines that only meet at an edge, or on other days, or from other dates on are good', async (t) => {
  const world = await ratesTenant(folder);
  await world.import(`${HEADER}372,1,,,,,work,08:00,19:59:59,\n372,2,,,,,work,20:00,07:59:59,\n372,3,,,,,free,,,\n372,4,,,,2026-01-01,,07:00,,\n`);
  t.equal((await world.client.query(`select from rates where prefix = '372'`)).rowCount, 4);
});

t.test('where the amounts are wrong by their decimal separator, the column is named', async (t) => {
  const world = await ratesTenant(folder);
  t.match(await problemsOf(world.import('prefix;rate;connection fee\n370;0,35;0.5\n', { separators: { separator: ';', decimal: ',' } })), [/^2 connectionFee: "0\.5" has a point/]);
});

t.test('rates of a DID: the fee and the rate go the same way', async (t) => {
  const world = await ratesTenant(folder);
  t.match(await problemsOf(world.import('prefix,rate,connection fee\n370,-0.1,-1\n371,-0.1,1\n372,0.1,-1\n', { tariff: 'DIDs' })), [/^3 connectionFee: .*both/, /^4 connectionFee: .*both/]);
});

t.test('files in another encoding, and files that were cut, are refused', async (t) => {
  const world = await ratesTenant(folder);
  const before = await world.rates();
  const text = 'prefix,rate,destination\n380,1,Kyjiv\n381,1,Bělehrad\n';
  t.match(await problemsOf(world.import(Buffer.from(text.replace('ě', 'é'), 'latin1'))), [/^3 : is not UTF-8 text; save the file as UTF-8/]);
  t.match(await problemsOf(world.import(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]))), [/^1 : is not UTF-8/]);
  t.match(await problemsOf(world.import(Buffer.from(text, 'utf16le'))), [/^1 : column .* is unknown/]);
  const bytes = Buffer.from(text);
  t.match(await problemsOf(world.import(bytes.subarray(0, bytes.indexOf(0xc4) + 1))), [/^3 : is not UTF-8/], 'within a letter');
  t.match(await problemsOf(world.import(text.slice(0, text.indexOf('381') + 5))), [/^3 : has 2 columns, the header 3; is the file complete/], 'within a line');
  t.match(await problemsOf(world.import('prefix,rate\n380,"1')), [/a quote is not closed; is the file complete/], 'within quotes');
  t.match(await problemsOf(world.import('')), [/^1 : the file is empty/]);
  t.strictSame(await world.rates(), before);
});

/** Rates of a retail tariff as they stand in a tenant file, from line 5 on, and how they are refused. */
const RETAIL: readonly [what: string, rates: string, reason: RegExp][] = [
  ['a gap between steps', '{ group: A, rate: 1, fromS: 1, durationS: 60 }\n      - { group: A, rate: 2, fromS: 62 }', /:6 tariffs\[0\]\.rates\[1\]\.fromS: .*no price/],
  ['steps that overlap', '{ group: A, rate: 1, fromS: 1, durationS: 60 }\n      - { group: A, rate: 2, fromS: 31 }', /:6 tariffs\[0\]\.rates\[1\]\.fromS: .*already priced/],
  ['a first step that begins late', '{ group: A, rate: 1, fromS: 2 }', /:5 tariffs\[0\]\.rates\[0\]\.fromS: .*no price/],
  ['a negative duration', '{ group: A, rate: 1, durationS: -5 }', /:5 tariffs\[0\]\.rates\[0\]\.durationS: "-5" is not a number of seconds/],
  ['a duration of 0', '{ group: A, rate: 1, durationS: 0 }', /:5 tariffs\[0\]\.rates\[0\]\.durationS: .*at least 1 second/],
  ['an increment of 0', '{ group: A, rate: 1, roundByS: 0 }', /:5 tariffs\[0\]\.rates\[0\]\.roundByS: "0" is not a whole number from 1/],
  ['hours that overlap', '{ group: A, rate: 1 }\n      - { group: A, rate: 2, startTime: "08:00" }', /:6 tariffs\[0\]\.rates\[1\]\.startTime: the hours overlap/],
  ['the same step again', '{ group: A, rate: 1 }\n      - { group: A, rate: 2 }', /:6 tariffs\[0\]\.rates\[1\]\.fromS: .*already priced/],
];

t.test('steps with a gap, an overlap or a wrong duration are refused by line', async (t) => {
  const url = await freshDatabase();
  for (const [what, rates, reason] of RETAIL) {
    const file = join(folder, 'tenant.yaml');
    await writeFile(file, `tariffs:\n  - name: R\n    purpose: user_retail\n    rates:\n      - ${rates}\n`);
    t.match(await problemsOf(importTenant(file, { postgresUrl: url, separators: { separator: ',', decimal: '.' } }), true), [reason], what);
  }
  t.equal((await (await connect(url)).query('select from tariffs')).rowCount, 0, 'nothing is imported');
});

t.test('an unknown time zone, and a tariff clock that skips an hour', async (t) => {
  const url = await freshDatabase();
  const file = join(folder, 'zones.yaml');
  await writeFile(file, `tariffs:
  - { name: Mars, purpose: provider, timeZone: Mars/Phobos }
`);
  t.match(await problemsOf(importTenant(file, { postgresUrl: url, separators: { separator: ',', decimal: '.' } }), true), [/:2 tariffs\[0\]\.timeZone: "Mars\/Phobos" is not a known time zone/]);
  await writeFile(file, `tariffs:
  - { name: Vilnius, purpose: provider, timeZone: Europe/Vilnius, rates: [{ prefix: 370, rate: 1, effectiveFrom: "2026-03-29 03:30" }] }
`);
  t.match(await problemsOf(importTenant(file, { postgresUrl: url, separators: { separator: ',', decimal: '.' } }), true), [/:2 .*effectiveFrom: .*the clocks go forward over it/]);
});
