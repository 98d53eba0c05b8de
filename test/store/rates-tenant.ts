/** A tenant whose price lists are imported, and what is found in them or wrong with them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from 'pg';
import { importRates } from '../../store/import/import.ts';
import type { TariffOptions } from '../../store/import/import.ts';
import { ImportError } from '../../store/import/problem.ts';
import type { Report } from '../../store/import/write.ts';
import { connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';

export interface RatesTenant {
  readonly url: string;
  readonly client: Client;
  /** Into tariff "Users" (id 2), unless told otherwise. */
  readonly import: (csv: string | Uint8Array, options?: Partial<TariffOptions>) => Promise<Report>;
  readonly rates: () => Promise<unknown[]>;
}

/** A database with a small tenant; files are written into the folder. */
export async function ratesTenant(folder: string): Promise<RatesTenant> {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  return {
    url,
    client,
    import: async (csv, options = {}) => {
      await writeFile(join(folder, 'rates.csv'), csv);
      return importRates(join(folder, 'rates.csv'), { postgresUrl: url, tariff: 'Users', separators: { separator: ',', decimal: '.' }, ...options });
    },
    rates: async () => (await client.query(`select prefix || ' ' || trim_scale(rate) || ' ' || trim_scale(connection_fee) || ' ' || increment_s || ' ' || min_time_s || case when blocked then ' blocked' else '' end
      || case when effective_from > 'epoch' then ' ' || to_char(effective_from at time zone 'UTC', 'YYYY-MM-DD HH24:MI') else '' end
      || case when day_type <> 'all' then ' ' || day_type || ' ' || start_time || '-' || end_time else '' end as line
      from rates where tariff_id = 2 order by prefix, effective_from, day_type`)).rows.map((row) => row.line),
  };
}

/** What is wrong with a file, as "line path: reason". */
export async function problemsOf(work: Promise<unknown>, withFile = false): Promise<string[]> {
  try {
    await work;
    return ['nothing was wrong'];
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    return error.problems.map(({ file, line, path, reason }) => `${withFile ? `${file}:` : ''}${line} ${path}: ${reason}`);
  }
}
