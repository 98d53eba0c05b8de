/** Postgres: reachable, new enough, migrated, clock. */
import { Client } from 'pg';
import { missingMigrations } from '../../store/migrate.ts';
import { bad, clockCheck, good, reasonOf } from './check.ts';
import type { Check } from './check.ts';

const ABOUT = 'Postgres';
const LEAST_VERSION = 150_000;

export async function postgresChecks(url: string): Promise<readonly Check[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3000, query_timeout: 5000 });
  try {
    await client.connect();
  } catch (error) {
    return [bad(ABOUT, `cannot be reached: ${reasonOf(error)}`, 'start it, or correct postgresUrl (its host, port, user, password and database)')];
  }
  try {
    const { rows } = await client.query<{ version: string; name: string; now: string }>("select current_setting('server_version_num') as version, current_setting('server_version') as name, extract(epoch from clock_timestamp()) * 1000 as now");
    const [row] = rows;
    const version = Number(row?.version) >= LEAST_VERSION ? good(ABOUT, `version ${row?.name}`) : bad(ABOUT, `version ${row?.name}`, 'version 15 or newer is needed');
    return [version, clockCheck(ABOUT, Number(row?.now) - Date.now()), await migrations(client)];
  } catch (error) {
    return [bad(ABOUT, `does not answer: ${reasonOf(error)}`, 'look at its log')];
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function migrations(client: Client): Promise<Check> {
  const missing = await missingMigrations(client);
  if (missing === 0) return good('tables', 'all migrations are applied');
  return bad('tables', missing === null ? 'there are none' : `${missing} migrations are not applied`, 'npm run -s tollgate -- migrate');
}
