/** Price lists into Postgres: COPY into a temporary table, then one merge, whatever the size. */
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import type { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { copying } from '../postgres.ts';

const KEY = 'prefix, effective_from, day_type, start_time';
const VALUES = ['end_time', 'rate', 'connection_fee', 'increment_s', 'min_time_s', 'blocked', 'ghost_percent'] as const;
const COLUMNS = 'line, prefix, effective_from, day_type, start_time, end_time, rate, connection_fee, increment_s, min_time_s, blocked, ghost_percent';

const PACKET_CHARS = 65_536;

/** Lives as long as the transaction. */
export async function makeRatesTable(client: Client): Promise<void> {
  await client.query(`create temporary table import_rates (place integer generated always as identity, line integer, prefix text, effective_from timestamptz, day_type text, start_time time(0), end_time time(0),
    rate numeric(24,10), connection_fee numeric(24,10), increment_s integer, min_time_s integer, blocked boolean, ghost_percent integer) on commit drop`);
}

/** `open` gives the stream when its reader is there: a file may be wrong from its first byte on. The number of rates. */
export async function copyRates(client: Client, open: () => Readable): Promise<number> {
  const copied = client.query(copying(copyFrom(`copy import_rates (${COLUMNS}) from stdin`)));
  await pipeline(open(), gathered(), copied);
  return copied.rowCount ?? 0;
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
  readonly removed: number;
  readonly unchanged: number;
}

/** So many at a time that a person sees it go on, and that a statement costs nothing beside its rows. */
const ROWS_A_MERGE = 50_000;

/** What a blocked rate would cost says nothing. */
const OLD_VALUES = VALUES.map((column) => (column === 'rate' ? 'case when rates.blocked and excluded.blocked then excluded.rate else rates.rate end' : `rates.${column}`));

/** Rates that the file does not name stay as they are. `onMerged` hears how many of the `count` are done. */
export async function mergeRates(client: Client, tariffId: number, count: number, onMerged: (done: number) => void): Promise<Omit<Merged, 'removed'>> {
  const merged = { added: 0, changed: 0 };
  await client.query('create index on import_rates (place)');
  for (let done = 0; done < count; done += ROWS_A_MERGE) {
    const { rows } = await client.query<{ added: number; changed: number }>(`with merged as (
        insert into rates (tariff_id, ${KEY}, ${VALUES.join(', ')})
        select $1, ${KEY}, ${VALUES.join(', ')} from import_rates where place > $2 and place <= $3 order by prefix
        on conflict (tariff_id, ${KEY}) do update set ${VALUES.map((column) => `${column} = excluded.${column}`).join(', ')}
          where (${OLD_VALUES.join(', ')}) is distinct from (${VALUES.map((column) => `excluded.${column}`).join(', ')})
        returning (xmax = 0) as added)
      select count(*) filter (where added)::int as added, count(*) filter (where not added)::int as changed from merged`, [tariffId, done, done + ROWS_A_MERGE]);
    merged.added += rows[0]?.added ?? 0;
    merged.changed += rows[0]?.changed ?? 0;
    onMerged(Math.min(count, done + ROWS_A_MERGE));
  }
  return { ...merged, unchanged: count - merged.added - merged.changed };
}

/** Removes what the file does not name; the number of rates removed. */
export async function removeOthers(client: Client, tariffId: number): Promise<number> {
  const { rowCount } = await client.query(`delete from rates where tariff_id = $1 and not exists (
    select from import_rates i where (i.prefix, i.effective_from, i.day_type, i.start_time) = (rates.prefix, rates.effective_from, rates.day_type, rates.start_time))`, [tariffId]);
  return rowCount ?? 0;
}

export interface Overlapping {
  readonly line: number;
  /** null: a rate that was in the tariff before. */
  readonly other: number | null;
  readonly prefix: string;
}

/** After the merge: lines whose hours overlap with those of another rate of the same prefix and date. */
export async function overlappingRates(client: Client, tariffId: number): Promise<readonly Overlapping[]> {
  const { rows: windows } = await client.query(`select from rates where tariff_id = $1 and (day_type <> 'all' or start_time <> '00:00') limit 1`, [tariffId]);
  // The usual list has rates for the whole day only, which the key keeps apart.
  if (windows.length === 0) return [];
  const { rows } = await client.query<Overlapping>(`select i.line, o.line as other, i.prefix
    from import_rates i join rates r on r.tariff_id = $1 and r.prefix = i.prefix and r.effective_from = i.effective_from
      and (r.day_type, r.start_time) <> (i.day_type, i.start_time) and (r.day_type = i.day_type or 'all' in (r.day_type, i.day_type))
      and (${within('r.start_time', 'i')} or ${within('i.start_time', 'r')})
    left join import_rates o on (o.prefix, o.effective_from, o.day_type, o.start_time) = (r.prefix, r.effective_from, r.day_type, r.start_time)
    where o.line is null or o.line < i.line order by i.line limit 1000`, [tariffId]);
  return rows;
}

/** Whether a time lies in a row's hours, which may go over midnight. */
function within(time: string, row: string): string {
  return `case when ${row}.start_time <= ${row}.end_time then ${time} between ${row}.start_time and ${row}.end_time else ${time} >= ${row}.start_time or ${time} <= ${row}.end_time end`;
}
