// The same look-up and price by one SQL statement: what a rater that asks its database for every call pays.

import { once } from 'node:events';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { startPostgres } from '../../test/lab/postgres.ts';
import { dayNightRows, makeNumbers, makePrefixes, NUMBER_LENGTH } from './price-list.ts';
import { seededRandom } from './random.ts';

export interface SqlFigures {
  readonly prefixes: number;
  /** One level, then three in one statement; microseconds a call over one connection, prepared. */
  readonly oneLevelUs: number;
  readonly threeLevelsUs: number;
}

const SCHEMA = `
  create table rates (
    tariff_id int not null, prefix text not null, effective_from timestamptz not null,
    start_time time not null, end_time time not null,
    rate numeric not null, connection_fee numeric not null, increment_s int not null, min_time_s int not null
  )`;
const INDEX = 'create index on rates (tariff_id, prefix, effective_from desc)';

/** $1: prefixes of the number, $2: start of the call, $3: seconds, $4: tariffs. All levels have the one list that is loaded. */
const PRICE = `
  select level.position, found.prefix,
    round(found.connection_fee
      + ceil(greatest($3::int, found.min_time_s)::numeric / found.increment_s) * found.increment_s * found.rate / 60, 6) as price
  from unnest($4::int[]) with ordinality as level (tariff_id, position)
  cross join lateral (
    select * from rates
    where rates.tariff_id = level.tariff_id and rates.prefix = any ($1::text[]) and rates.effective_from <= $2::timestamptz
      and case when start_time <= end_time
        then ($2::timestamptz at time zone 'Europe/Vilnius')::time(0) between start_time and end_time
        else ($2::timestamptz at time zone 'Europe/Vilnius')::time(0) not between end_time + interval '1 second' and start_time - interval '1 second' end
    order by length(rates.prefix) desc, rates.effective_from desc
    limit 1
  ) as found`;

export async function measureSql(prefixCount: number, calls: number): Promise<SqlFigures> {
  const postgres = await startPostgres();
  const client = new Client({ connectionString: await postgres.createDatabase() });
  try {
    await client.connect();
    const random = seededRandom(prefixCount);
    const prefixes = makePrefixes(prefixCount, random);
    await client.query(SCHEMA);
    await copyRates(client, prefixes);
    await client.query(INDEX);
    await client.query('vacuum analyze rates');
    const numbers = makeNumbers(prefixes, calls, random);
    // The first pass brings the pages and the plan into the server's memory.
    await timeCalls(client, numbers, [1, 1, 1]);
    const oneLevelUs = await timeCalls(client, numbers, [1]);
    const threeLevelsUs = await timeCalls(client, numbers, [1, 1, 1]);
    return { prefixes: prefixCount, oneLevelUs, threeLevelsUs };
  } finally {
    await client.end();
    await postgres.stop();
  }
}

async function copyRates(client: Client, prefixes: readonly string[]): Promise<void> {
  const stream = client.query(copyFrom('copy rates from stdin'));
  for (const row of dayNightRows(prefixes, seededRandom(1))) {
    const rate = (Number(row.rate) / 1e10).toFixed(4);
    const line = `1\t${row.prefix}\t2026-01-01 00:00:00+00\t${row.startTime ?? ''}\t${row.endTime ?? ''}\t${rate}\t0\t${row.incrementS ?? 1}\t0\n`;
    if (!stream.write(line)) await once(stream, 'drain');
  }
  stream.end();
  await once(stream, 'finish');
}

/** Microseconds a call. */
async function timeCalls(client: Client, numbers: string, tariffs: readonly number[]): Promise<number> {
  const count = numbers.length / NUMBER_LENGTH;
  const started = performance.now();
  for (let call = 0; call < count; call++) {
    const number = numbers.slice(call * NUMBER_LENGTH, (call + 1) * NUMBER_LENGTH);
    const prefixes = Array.from({ length: NUMBER_LENGTH }, (_, at) => number.slice(0, at + 1));
    const at = `2026-07-01 ${String(call % 24).padStart(2, '0')}:30:00+00`;
    const { rows } = await client.query({ name: 'price', text: PRICE, values: [prefixes, at, 1 + (call % 600), tariffs] });
    if (rows.length !== tariffs.length) throw new Error(`${number} has ${rows.length} rates by SQL.`);
  }
  return ((performance.now() - started) * 1000) / count;
}
