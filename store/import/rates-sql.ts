/** Price lists into Postgres: COPY into a temporary table, then one merge, whatever the size. */
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';

const KEY = 'prefix, effective_from, day_type, start_time';
const VALUES = ['end_time', 'rate', 'connection_fee', 'increment_s', 'min_time_s', 'blocked', 'ghost_percent'] as const;
const COLUMNS = 'line, prefix, effective_from, day_type, start_time, end_time, rate, connection_fee, increment_s, min_time_s, blocked, ghost_percent';

const PACKET_CHARS = 65_536;

/** Lives as long as the transaction. */
export async function makeRatesTable(client: Client): Promise<void> {
  await client.query(`create temporary table import_rates (line integer, prefix text, effective_from timestamptz, day_type text, start_time time(0), end_time time(0),
    rate numeric(24,10), connection_fee numeric(24,10), increment_s integer, min_time_s integer, blocked boolean, ghost_percent integer) on commit drop`);
}

/** `open` gives the stream when its reader is there: a file may be wrong from its first byte on. */
export async function copyRates(client: Client, open: () => Readable): Promise<void> {
  await client.query('truncate import_rates');
  await pipeline(open(), gathered(), client.query(copyFrom(`copy import_rates (${COLUMNS}) from stdin`)));
}

/** Lines in packets: one message to Postgres a line would cost more than all the rest. */
function gathered(): Transform {
  let packet = '';
  return new Transform({
    writableObjectMode: true,
    transform(line: string, _encoding, done) {
      packet += line;
      if (packet.length < PACKET_CHARS) {
        done();
        return;
      }
      const full = packet;
      packet = '';
      done(null, full);
    },
    flush(done) {
      done(null, packet);
    },
  });
}

export interface Doubled {
  readonly line: number;
  readonly first: number;
  readonly prefix: string;
}

/** Lines with the prefix, date and window of an earlier line. */
export async function doubledRates(client: Client): Promise<readonly Doubled[]> {
  await client.query('analyze import_rates');
  const { rows } = await client.query<Doubled>(`select line, first, prefix from (
      select line, prefix, min(line) over (partition by ${KEY}) as first from import_rates) l
    where line <> first order by line limit 1000`);
  return rows;
}

export interface Merged {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
}

/** Rates that the file does not name stay as they are. */
export async function mergeRates(client: Client, tariffId: number): Promise<Merged> {
  const { rows } = await client.query<{ total: number; added: number; changed: number }>(`with merged as (
      insert into rates (tariff_id, ${KEY}, ${VALUES.join(', ')})
      select $1, ${KEY}, ${VALUES.join(', ')} from import_rates order by prefix
      on conflict (tariff_id, ${KEY}) do update set ${VALUES.map((column) => `${column} = excluded.${column}`).join(', ')}
        where (${VALUES.map((column) => `rates.${column}`).join(', ')}) is distinct from (${VALUES.map((column) => `excluded.${column}`).join(', ')})
      returning (xmax = 0) as added)
    select (select count(*)::int from import_rates) as total, count(*) filter (where added)::int as added, count(*) filter (where not added)::int as changed from merged`, [tariffId]);
  const { total, added, changed } = rows[0] ?? { total: 0, added: 0, changed: 0 };
  return { added, changed, unchanged: total - added - changed };
}
