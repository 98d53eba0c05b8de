import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import t from 'tap';
import { importRates } from '../../store/import/import.ts';
import { problemsOf, ratesTenant } from './rates-tenant.ts';
import { closeServers } from './servers.ts';

t.teardown(async () => {
  await closeServers();
  await rm(folder, { recursive: true, force: true });
});
const folder = await mkdtemp(join(tmpdir(), 'tollgate-rates-'));

t.test('columns are found by their header, in any order; a second time changes nothing', async (t) => {
  const world = await ratesTenant(folder);
  const csv = '\uFEFFDestination,Rate,PREFIX,connection fee,Min Time,increment,Effective From,Day Type,Start Time,End Time\r\n'
    + '"Lithuania, fixed",0.2,370,,,,,,,\r\n'
    + 'Mobile,0.22,3706,0.01,10,30,2026-06-01,work,08:00,17:59:59\r\n\r\n'
    + 'Premium,Blocked,37090,,,,,,,\r\nOld,-1,37091,,,,2026-06-01T12:00:00+03:00,,,\r\n';
  t.match(await world.import(csv), { rates: { added: 3, changed: 0, unchanged: 1 } });
  t.strictSame(await world.rates(), ['370 0.2 0 1 0', '3706 0.25 0 1 0', '3706 0.22 0.01 30 10 2026-06-01 00:00 work 08:00:00-17:59:59', '37090 0 0 1 0 blocked', '37091 0 0 1 0 blocked 2026-06-01 09:00']);
  t.match(await world.import(csv), { rates: { added: 0, changed: 0, unchanged: 4 } });
  t.match(await world.import('prefix,rate\n370,0.3\n371,0.1'), { rates: { added: 1, changed: 1, unchanged: 0 } }, 'the last line needs no line break');
});

t.test('separators of other countries; a point is then as wrong as a comma otherwise', async (t) => {
  const world = await ratesTenant(folder);
  await world.import('prefix;rate;connection fee\n370;0,35;0,5\n', { separators: { separator: ';', decimal: ',' } });
  t.match(await world.rates(), ['370 0.35 0.5 1 0', '3706 0.25 0 1 0']);
  t.match(await problemsOf(world.import('prefix;rate\n370;0.35\n', { separators: { separator: ';', decimal: ',' } })), [/2 rate: "0\.35" has a point/]);
  t.match(await problemsOf(world.import('prefix\trate\n370\t0,35\n', { separators: { separator: 'tab', decimal: '.' } })), [/2 rate: "0,35" has a comma/]);
  t.match(await problemsOf(world.import('prefix;rate\n370;1\n')), [/1 : column "prefix;rate" is unknown/, /no column `prefix`; is the separator right/, /no column `rate`/]);
});

t.test('every broken line is named, and nothing is half imported', async (t) => {
  const world = await ratesTenant(folder);
  const before = await world.rates();
  const problems = await problemsOf(world.import([
    'prefix,rate,increment,effective from,start time,dialcodes',
    '37x,1,1,,,', '370,1;5,1,,,', '371,1,0,,,', '372,1,1,2026-02-30,,', '373,1,1,31.12.2026,,', '374,1,1,,25:00,', '375,1', '376,0.12345678901,1,,,', '377,37061234567,1,,,', '378,,1,,,', '1234567890123456,1,1,,,', '379,-0.5,1,,,',
  ].join('\n')));
  t.match(problems, [
    /^1 : column "dialcodes" is unknown\. Did you mean `dialcode`\?/,
    /^2 prefix: "37x" is not a prefix/, /^3 rate: "1;5" is not an amount/, /^4 incrementS: "0" is not a whole number from 1/,
    /^5 effectiveFrom: .*does not exist/, /^6 effectiveFrom: .*is not a date/, /^7 startTime: /, /^8 : has 2 columns, the header 6; is the file complete/,
    /^9 rate: .*11 decimals/, /^10 rate: .*too much for a price/, /^11 rate: is missing/, /^12 prefix: /, /^13 rate: -0\.5 is below 0/,
  ]);
  t.equal(problems.length, 13);
  t.match(await problemsOf(world.import('prefix,rate\n380,1\n381,1\n380,2\n')), ['4 prefix: 380 with the same date and hours is already in line 2.']);
  t.match(await problemsOf(world.import('prefix,rate\n380,"1\n')), [/: a quote is not closed; is the file complete/]);
  t.match(await problemsOf(world.import(Buffer.concat([Buffer.from('prefix,rate,destination\n380,1,Liet\n381,1,'), Buffer.from([0xe9, 0x0a])]))), [/^3 : is not UTF-8/]);
  t.match(await problemsOf(world.import('')), [/^1 : the file is empty/]);
  t.match(await problemsOf(world.import('prefix,rate,rate\n')), [/column `rate` stands 2 times/]);
  t.strictSame(await world.rates(), before);
});

t.test('the tariff must be there, or be made', async (t) => {
  const world = await ratesTenant(folder);
  t.match(await problemsOf(world.import('prefix,rate\n370,1\n', { tariff: 'User' })), [/no tariff "User"\. Did you mean `Users`\?.*--purpose/]);
  t.match(await problemsOf(world.import('prefix,rate\n370,1\n', { tariff: 'Retail' })), [/retail tariff/]);
  t.match(await world.import('prefix,rate\n,-0.5\n', { tariff: 'New DIDs', purpose: 'did' }), { tariffs: { added: 1 }, rates: { added: 1 } });
  t.match(await world.import('prefix,rate\n370,7\n', { dryRun: true }), { rates: { changed: 1 } });
  t.match(await world.rates(), ['370 0.2 0 1 0', '3706 0.25 0 1 0'], 'a dry run changes nothing');
});

t.test('with replace the tariff becomes the file, and a dry run tells what would', async (t) => {
  const world = await ratesTenant(folder);
  const csv = 'prefix,rate\n370,0.3\n371,0.1\n';
  const counts = { rates: { added: 1, changed: 1, removed: 1, unchanged: 0 } };
  t.strictSame(await world.import(csv, { replace: true, dryRun: true }), counts);
  t.strictSame(await world.rates(), ['370 0.2 0 1 0', '3706 0.25 0 1 0']);
  t.strictSame(await world.import(csv, { replace: true }), counts);
  t.strictSame(await world.rates(), ['370 0.3 0 1 0', '371 0.1 0 1 0']);
  t.strictSame(await world.import(csv, { replace: true }), { rates: { added: 0, changed: 0, removed: 0, unchanged: 2 } });
  t.equal((await world.client.query('select from rates where tariff_id = 1')).rowCount, 1, 'other tariffs are not touched');

  t.match(await problemsOf(world.import('prefix,rate\n', { replace: true })), [/^0 : has no rates/]);
  t.match(await problemsOf(world.import('prefix,rate\n370,0.31', { replace: true })), [/^2 : the last line has no line break at its end; is the file complete/], 'it may be cut, and would remove what was cut off');
  t.match(await problemsOf(world.import('prefix,rate\n37x,1\n', { replace: true })), [/^2 prefix/]);
  t.strictSame(await world.rates(), ['370 0.3 0 1 0', '371 0.1 0 1 0']);
});

t.test('a date for the lines that have none', async (t) => {
  const world = await ratesTenant(folder);
  await world.client.query(`update tariffs set time_zone = 'Europe/Vilnius' where id = 2`);
  const csv = 'prefix,rate,effective from\n370,0.3,\n371,0.1,2026-06-01\n';
  t.match(await world.import(csv, { effectiveFrom: '2026-12-31 08:00' }), { rates: { added: 2 } }, 'the rate in force stays');
  t.strictSame(await world.rates(), ['370 0.2 0 1 0', '370 0.3 0 1 0 2026-12-31 06:00', '3706 0.25 0 1 0', '371 0.1 0 1 0 2026-05-31 21:00']);
  t.match(await problemsOf(world.import(csv, { effectiveFrom: '2026-02-30' })), [/2026-02-30 does not exist/]);
  t.match(await problemsOf(world.import(csv, { effectiveFrom: 'tomorrow' })), [/is not a date/]);
});

t.test('a blocked rate stays unchanged whatever it would cost', async (t) => {
  const world = await ratesTenant(folder);
  await world.client.query(`insert into rates (tariff_id, prefix, rate, blocked) values (2, '372', 5, true), (2, '373', 5, false)`);
  t.match(await world.import('prefix,rate\n372,blocked\n373,blocked\n'), { rates: { added: 0, changed: 1, unchanged: 1 } });
});

function* manyLines(): Generator<string> {
  yield 'prefix,rate,connection fee,increment,effective from\n';
  for (let n = 0; n < 60_000; n += 1) yield `${37_000_000 + n},0.${String(n % 1000).padStart(4, '0')},0.001,1,2026-01-01\n`;
}

t.test('60,000 rates take bounded memory and show their progress', { timeout: 100_000 }, async (t) => {
  const world = await ratesTenant(folder);
  const file = join(folder, 'large.csv');
  await pipeline(Readable.from(manyLines()), createWriteStream(file));
  const seen: number[] = [];
  const written: number[] = [];
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  const options = { postgresUrl: world.url, tariff: 'Users', separators: { separator: ',', decimal: '.' } as const };
  const report = await importRates(file, { ...options, onProgress: ({ stage, done }) => {
    if (stage === 'reading') seen.push(done);
    if (stage === 'writing') written.push(done);
    most = Math.max(most, process.memoryUsage().heapUsed);
  } });
  t.match(report, { rates: { added: 60_000 } });
  t.ok(seen.length > 3 && seen.every((bytes, index) => index === 0 || bytes > (seen[index - 1] ?? 0)), 'progress in bytes');
  t.strictSame(written, [50_000, 60_000], 'and in rates written');
  t.ok(most - before < 150_000_000, `${Math.round((most - before) / 1e6)} MB more at most`);
});
