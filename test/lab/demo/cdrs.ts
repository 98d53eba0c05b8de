/** The CDRs of placed calls, read from Postgres once they are all there. */

import type { Client } from 'pg';
import { until } from '../wait.ts';
import { LEVELS, type LevelName } from './calls.ts';
import type { PlacedCall } from './placing.ts';

export type CdrRow = {
  sipCallId: string;
  attempt: number;
  src: string;
  dst: string;
  localizedDst: string;
  username: string;
  way: string;
  disposition: string;
  cause: number;
  seconds: number;
  final: boolean;
  /** As numeric's own text, without zeros at the end. */
  prices: Partial<Record<LevelName, string>>;
};

const SQL = `
  select originator_call_id as "sipCallId", attempt, src, dst, localized_dst as "localizedDst", coalesce(u.username, '') as username,
    coalesce(p.name, d.endpoint, '') as way, disposition, hangup_cause as cause, billsec as seconds, final,
    ${LEVELS.map((level) => `trim_scale(${level}_price)::text as ${level}`).join(', ')}
  from calls c
    left join users u on u.id = coalesce(c.user_id, c.dst_user_id)
    left join providers p on p.id = c.provider_id
    left join devices d on d.id = c.dst_device_id
  where originator_call_id = any ($1)
  order by calldate, attempt`;

type SqlRow = Omit<CdrRow, 'prices'> & Record<LevelName, string | null>;

/** In the order of their calls; waits until each call has its final row. */
export async function readCdrs(db: Client, placed: readonly PlacedCall[]): Promise<readonly CdrRow[]> {
  const ids = placed.map((one) => one.sipCallId);
  let rows: CdrRow[] = [];
  await until(
    async () => {
      rows = (await db.query<SqlRow>(SQL, [ids])).rows.map((row) => cdrRow(row));
      const missing = placed.filter((one) => !rows.some((row) => row.final && row.sipCallId === one.sipCallId));
      return missing.length === 0 ? undefined : `No CDR yet of the calls ${missing.map(({ call }) => call.letter).join(', ')}`;
    },
    { timeoutMs: 15_000, everyMs: 100 },
  );
  return rows;
}

function cdrRow(row: SqlRow): CdrRow {
  const prices: CdrRow['prices'] = {};
  for (const level of LEVELS) {
    const price = row[level];
    if (price !== null) prices[level] = price;
  }
  return { ...row, prices };
}
