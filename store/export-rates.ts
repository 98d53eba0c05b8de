/** A tariff's rates as CSV, in the form that `import` reads and in one normal form: equal tariffs give equal files. */
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import type { Separators } from './import/load-rates.ts';
import { momentText } from './import/moment-text.ts';
import { didYouMean, shown } from './import/problem.ts';
import { someNames } from './import/rows-sql.ts';
import { connectClient, copying } from './postgres.ts';

export interface ExportOptions {
  readonly postgresUrl: string;
  readonly tariff: string;
  readonly separators: Separators;
  /** Hears the rates written so far, of how many. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
}

/** What was asked for cannot be exported; the message says why. */
export class ExportError extends Error {
  override readonly name = 'ExportError';
}

const HEADER = ['prefix', 'rate', 'connection fee', 'increment', 'min time', 'effective from', 'day type', 'start time', 'end time', 'ghost percent'];
const PIECE_CHARACTERS = 65_536;
/** A tariff has few different dates. */
const MOST_MOMENTS = 1000;

/** Values that `import` fills in are left out. */
const SELECT = `select prefix, case when blocked then 'blocked' else trim_scale(rate)::text end, nullif(trim_scale(connection_fee), 0),
    nullif(increment_s, 1), nullif(min_time_s, 0), nullif((extract(epoch from effective_from) * 1000000)::bigint, 0), nullif(day_type, 'all'),
    nullif(start_time, '00:00:00'), nullif(end_time, '23:59:59'), nullif(ghost_percent, 100)
  from rates where tariff_id = ID order by prefix collate "C", effective_from, day_type, start_time`;

/** Streams to `output`, which stays open; resolves with the number of rates. Throws ExportError before the first byte. */
export async function exportRates(output: Writable, options: ExportOptions): Promise<number> {
  const client = await connectClient(options.postgresUrl, 'export', 0);
  try {
    // Counted and read as of one moment.
    await client.query('begin isolation level repeatable read read only');
    const { id, timeZone } = await findTariff(client, options.tariff);
    const { rows } = await client.query<{ count: number }>('select count(*)::int as count from rates where tariff_id = $1', [id]);
    const of = rows[0]?.count ?? 0;
    let done = 0;
    const csv = csvLines(timeZone, options.separators, (lines) => options.onProgress?.((done += lines), of));
    await pipeline(client.query(copying(copyTo(`copy (${SELECT.replace('ID', String(id))}) to stdout (null '')`))), csv, output, { end: false });
    return of;
  } finally {
    // The output may have failed in the middle of the copy: nothing is asked of this connection any more.
    await client.end();
  }
}

async function findTariff(client: Client, tariff: string): Promise<{ id: number; timeZone: string }> {
  const { rows } = await client.query<{ id: number; purpose: string; time_zone: string }>('select id, purpose, time_zone from tariffs where name = $1', [tariff]);
  const [found] = rows;
  if (found === undefined) throw new ExportError(`There is no tariff ${shown(tariff)}.${didYouMean(tariff, await someNames(client, 'tariffs'))}`);
  if (found.purpose === 'user_retail') throw new ExportError(`Tariff ${shown(tariff)} is a retail tariff: its prices are steps of destination groups, which no price list can hold; they are written in a tenant file.`);
  return { id: found.id, timeZone: found.time_zone };
}

/** Lines of COPY become lines of CSV; no value needs quotes. */
function csvLines(timeZone: string, { separator, decimal }: Separators, onLines: (count: number) => void): (chunks: AsyncIterable<Buffer>) => AsyncGenerator<string> {
  const between = separator === 'tab' ? '\t' : separator;
  const moments = new Map<string, string>();
  const moment = (micros: string): string => {
    const known = moments.get(micros) ?? momentText(BigInt(micros), timeZone);
    if (moments.size < MOST_MOMENTS) moments.set(micros, known);
    return known;
  };
  const line = (text: string): string => {
    const cells = text.split('\t');
    if (decimal === ',') for (const place of [1, 2]) cells[place] = (cells[place] ?? '').replace('.', ',');
    if (cells[5] !== '') cells[5] = moment(cells[5] ?? '0');
    return `${cells.join(between)}\n`;
  };
  return async function* lines(chunks) {
    let piece = `${HEADER.join(between)}\n`;
    let rest = '';
    for await (const chunk of chunks) {
      const texts = (rest + chunk.toString('latin1')).split('\n');
      rest = texts.pop() ?? '';
      onLines(texts.length);
      for (const text of texts) piece += line(text);
      if (piece.length < PIECE_CHARACTERS) continue;
      yield piece;
      piece = '';
    }
    yield piece;
  };
}
