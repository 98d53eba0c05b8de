/** Brings a database to the newest schema: forward only, one migrator at a time, each file in its own transaction. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { Client } from 'pg';

const FOLDER = new URL('./migrations/', import.meta.url);
const FILE_FORM = /^(\d{4})_[a-z0-9-]+\.sql$/;
/** Any fixed number: it names the lock that keeps two migrators apart. */
const MIGRATION_LOCK = 7_160_421;

export interface Migration {
  readonly name: string;
  readonly sql: string;
  /** SHA-256 of the file: an applied file that changes later is an error, not a surprise. */
  readonly checksum: string;
}

export interface MigrateResult {
  readonly applied: readonly string[];
  readonly present: number;
  readonly partitionsMade: number;
}

/** The files of the migrations folder in order. Throws if a name or a number is out of line. */
export async function readMigrations(folder: URL = FOLDER): Promise<readonly Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const migrations: Migration[] = [];
  for (const [index, name] of names.entries()) {
    const number = Number(FILE_FORM.exec(name)?.[1]);
    if (number !== index + 1) throw new Error(`Migration ${name} is out of line: expected number ${String(index + 1).padStart(4, '0')}.`);
    const sql = await readFile(new URL(name, folder), 'utf8');
    migrations.push({ name, sql, checksum: createHash('sha256').update(sql).digest('hex') });
  }
  return migrations;
}

/** Applies what is missing and makes call partitions from this month to two months ahead. */
export async function migrate(postgresUrl: string, options: { nowMs?: number; onApplied?: (name: string) => void } = {}): Promise<MigrateResult> {
  const migrations = await readMigrations();
  const client = new Client({ connectionString: postgresUrl, application_name: 'tollgate migrate' });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const applied = await applyMissing(client, migrations, options.onApplied);
    const partitionsMade = await makeCallPartitions(client, options.nowMs ?? Date.now(), 2);
    return { applied, present: migrations.length, partitionsMade };
  } finally {
    await client.end();
  }
}

async function applyMissing(client: Client, migrations: readonly Migration[], onApplied?: (name: string) => void): Promise<readonly string[]> {
  await client.query(`create table if not exists migrations (
    name text primary key, checksum text not null, applied_at timestamptz not null default now())`);
  const { rows } = await client.query<{ name: string; checksum: string }>('select name, checksum from migrations order by name');
  checkApplied(rows, migrations);
  const applied: string[] = [];
  for (const migration of migrations.slice(rows.length)) {
    await applyOne(client, migration);
    applied.push(migration.name);
    onApplied?.(migration.name);
  }
  return applied;
}

function checkApplied(rows: readonly { name: string; checksum: string }[], migrations: readonly Migration[]): void {
  for (const [index, row] of rows.entries()) {
    const known = migrations[index];
    if (known?.name !== row.name) {
      throw new Error(`The database has migration ${row.name}, which this version does not know at that place; use the version that made it, or a newer one.`);
    }
    if (known.checksum !== row.checksum) {
      throw new Error(`Migration ${row.name} was changed after it had been applied; put the file back and write a new migration.`);
    }
  }
}

async function applyOne(client: Client, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.sql);
    await client.query('insert into migrations (name, checksum) values ($1, $2)', [migration.name, migration.checksum]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`Migration ${migration.name} failed: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Number of migrations a database lacks; null when it was never migrated. */
export async function missingMigrations(client: Pick<Client, 'query'>): Promise<number | null> {
  const { rows } = await client.query<{ there: boolean }>(`select to_regclass('migrations') is not null as there`);
  if (rows[0]?.there !== true) return null;
  const applied = await client.query<{ name: string; checksum: string }>('select name, checksum from migrations order by name');
  const migrations = await readMigrations();
  checkApplied(applied.rows, migrations);
  return migrations.length - applied.rows.length;
}

/** Months are those of UTC; month 0 is the one of `nowMs`. Returns how many were made. */
export async function makeCallPartitions(client: Pick<Client, 'query'>, nowMs: number, monthsAhead: number): Promise<number> {
  const now = new Date(nowMs);
  let made = 0;
  for (let month = 0; month <= monthsAhead; month += 1) {
    const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + month, 1)).toISOString().slice(0, 10);
    const { rows } = await client.query<{ made: boolean }>('select make_call_partition($1) as made', [first]);
    if (rows[0]?.made === true) made += 1;
  }
  return made;
}
