import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { array, asyncProperty, bigInt, boolean, constant, constantFrom, integer, oneof, record, stringMatching, tuple, uniqueArray } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { Client } from 'pg';
import t from 'tap';
import { exportRates } from '../../store/export-rates.ts';
import { importRates } from '../../store/import/import.ts';
import type { Separators } from '../../store/import/load-rates.ts';
import type { Report } from '../../store/import/write.ts';
import { holdsAsync } from '../rating/holds.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(async () => {
  await closeServers();
  await rm(folder, { recursive: true, force: true });
});
const folder = await mkdtemp(join(tmpdir(), 'tollgate-export-'));
const POINT: Separators = { separator: ',', decimal: '.' };

class Text extends Writable {
  value = '';
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.value += chunk.toString();
    done();
  }
}

async function exported(postgresUrl: string, tariff: string, separators = POINT): Promise<string> {
  const text = new Text();
  await exportRates(text, { postgresUrl, tariff, separators });
  return text.value;
}

async function imported(postgresUrl: string, tariff: string, csv: string, separators = POINT): Promise<Report> {
  await writeFile(join(folder, 'rates.csv'), csv);
  return importRates(join(folder, 'rates.csv'), { postgresUrl, tariff, separators, replace: true });
}

/** Kinds of hours that a prefix and date can be divided into without an overlap. */
const DIVISIONS: readonly (readonly [days: string, start: string, end: string])[][] = [
  [['all', '00:00:00', '23:59:59']],
  [['all', '08:00:00', '19:59:59'], ['all', '20:00:00', '07:59:59']],
  [['work', '00:00:00', '23:59:59'], ['free', '00:00:00', '23:59:59']],
  [['work', '07:30:01', '16:00:00'], ['work', '16:00:01', '07:30:00'], ['free', '00:00:00', '11:59:59']],
  [['all', '00:00:00', '05:00:00']],
];
const ZONES = ['UTC', 'Europe/Vilnius', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia'];
/** Around the hours that clocks in Vilnius and New York show twice or never, else anywhere, to the microsecond. */
const MICROS = oneof(
  constant(0n),
  integer({ min: 0, max: 4_000_000 }).map((minutes) => BigInt(minutes) * 60_000_000n),
  tuple(constantFrom(1_792_886_400n, 1_793_512_800n, 1_774_746_000n), integer({ min: -7200, max: 7200 })).map(([near, off]) => (near + BigInt(off)) * 1_000_000n),
  bigInt({ min: 0n, max: 7_258_118_399_999_999n }),
);
const AMOUNT = oneof(constantFrom('0', '1', '0.1', '999999.9999999999'), stringMatching(/^\d{1,6}\.\d{1,10}$/));

interface Row {
  readonly key: string;
  readonly micros: bigint;
  readonly [column: string]: unknown;
}

function rowsOf(isDid: boolean): Arbitrary<Row[]> {
  const price = record({
    rate: AMOUNT, fee: oneof(constant('0'), AMOUNT), paysBack: boolean(), increment: constantFrom(1, 1, 6, 30, 60, 86_400), least: constantFrom(0, 0, 1, 30, 86_400),
    blocked: constantFrom(false, false, false, true), ghost: constantFrom(100, 100, 1, 90, 10_000),
  });
  const group = record({ prefix: stringMatching(isDid ? /^\d{0,15}$/ : /^\d{1,15}$/), micros: MICROS, division: constantFrom(...DIVISIONS), prices: array(price, { minLength: 3, maxLength: 3 }) });
  return uniqueArray(group, { maxLength: 12, selector: ({ prefix, micros }) => `${prefix} ${micros}` }).map((groups) => groups.flatMap(({ prefix, micros, division, prices }) => division.map(([days, start, end], place) => {
    const { rate, fee, paysBack, ...rest } = prices[place] as (typeof prices)[number];
    const sign = isDid && paysBack ? '-' : '';
    return { key: `${prefix} ${micros} ${days} ${start}`, prefix, micros, days, start, end, rate: sign + rate, fee: sign + fee, ...rest };
  })));
}

let tariffs = 0;
async function tariffOf(client: Client, rows: readonly Row[], { isDid, zone }: { isDid: boolean; zone: string }): Promise<string> {
  const name = `T${(tariffs += 1)}`;
  await client.query('insert into tariffs (name, purpose, time_zone) values ($1, $2, $3)', [name, isDid ? 'did' : 'provider', zone]);
  await client.query(`insert into rates select t.id, prefix, 'epoch'::timestamptz + micros * interval '1 microsecond', days, start, "end", rate, fee, increment, least, blocked, ghost
    from tariffs t, json_to_recordset($2) as r (prefix text, micros bigint, days text, start time(0), "end" time(0), rate numeric, fee numeric, increment int, least int, blocked boolean, ghost int)
    where t.name = $1`, [name, JSON.stringify(rows.map((row) => ({ ...row, micros: Number(row.micros) })))]);
  return name;
}

const CASE = tuple(boolean(), constantFrom(...ZONES), constantFrom<Separators>(POINT, { separator: ';', decimal: ',' }, { separator: 'tab', decimal: '.' }, { separator: '|', decimal: ',' }))
  .chain(([isDid, zone, separators]) => rowsOf(isDid).filter((rows) => rows.length > 0).map((rows) => ({ isDid, zone, separators, rows })));

t.test('importing what was exported changes nothing, whatever the rates', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await holdsAsync(t, asyncProperty(CASE, async ({ isDid, zone, separators, rows }) => {
    const name = await tariffOf(client, rows, { isDid, zone });
    const csv = await exported(url, name, separators);
    const { rates } = await imported(url, name, csv, separators);
    return rates?.unchanged === rows.length && rates.added + rates.changed + (rates.removed ?? 0) === 0 && (await exported(url, name, separators)) === csv;
  }), 60);
});

/** The same file written otherwise: other order of lines and columns, defaults said, zeros added, -1 for blocked, dates in UTC. */
function disguised(csv: string, order: readonly number[], isDid: boolean): string {
  const [header = [], ...lines] = csv.trimEnd().split('\n').map((line) => line.split(','));
  const defaults = ['', '', '0', '1', '0', '1970-01-01T00:00:00Z', 'all', '00:00', '23:59:59', '100'];
  const plain = lines.map((cells) => cells.map((cell, column) => {
    if (cell === '') return defaults[column] ?? '';
    if (column === 1) return cell === 'blocked' ? (isDid ? 'Blocked' : '-1') : `${cell.replace(/^-(?=0$)/, '')}${/\.\d{1,9}$/.test(cell) ? '0' : ''}`;
    return cell;
  }));
  return [header, ...plain.toReversed()].map((cells) => order.map((column) => cells[column]).join(',')).join('\r\n').concat('\r\n');
}

t.test('a file in any form comes out in the normal one', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  const columns = uniqueArray(integer({ min: 0, max: 9 }), { minLength: 10, maxLength: 10 });
  await holdsAsync(t, asyncProperty(CASE, columns, async ({ isDid, zone, rows }, order) => {
    const csv = await exported(url, await tariffOf(client, rows, { isDid, zone }));
    const other = await tariffOf(client, [], { isDid, zone });
    await imported(url, other, disguised(csv, order, isDid));
    return (await exported(url, other)) === csv;
  }), 60);
});

t.test('the normal form: sorted, nothing that a missing value means, dates on the tariff\'s clock', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  await client.query(`update tariffs set time_zone = 'Europe/Vilnius' where id = 2;
    insert into rates (tariff_id, prefix, rate, connection_fee, increment_s, min_time_s, effective_from, day_type, start_time, end_time, blocked, ghost_percent) values
      (2, '3706', 0.30, 0.01, 6, 12, '2026-12-31 22:00Z', 'work', '08:00', '19:59:59', false, 90), (2, '37090', 7, 0, 1, 0, '2026-06-01 05:30Z', 'all', '00:00', '23:59:59', true, 100),
      (2, '371', 1, 0, 1, 0, '2026-10-25 01:30Z', 'all', '00:00', '23:59:59', false, 100)`);
  t.equal(await exported(url, 'Users'), `prefix,rate,connection fee,increment,min time,effective from,day type,start time,end time,ghost percent
370,0.2,,,,,,,,
3706,0.25,,,,,,,,
3706,0.3,0.01,6,12,2027-01-01,work,08:00:00,19:59:59,90
37090,blocked,,,,2026-06-01 08:30,,,,
371,1,,,,2026-10-25T01:30:00Z,,,,
`);
  await t.rejects(exported(url, 'User'), { name: 'ExportError', message: 'There is no tariff "User". Did you mean `Users`?' });
  await t.rejects(exported(url, 'Retail'), { name: 'ExportError', message: /retail tariff.*tenant file/ });
});
