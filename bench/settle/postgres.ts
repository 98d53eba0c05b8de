/** Finished calls a second into Postgres by the settler, beside row-by-row inserts and COPY of the same rows; all wait for the disk. */
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Balances } from '../../store/balances.ts';
import { CALL_COLUMNS, cdrLine } from '../../store/cdr-row.ts';
import { migrate } from '../../store/migrate.ts';
import { copying } from '../../store/postgres.ts';
import { connectRedis } from '../../store/redis/connect.ts';
import { entryFields } from '../../store/redis/finish.ts';
import { CDR_STREAM } from '../../store/redis/keys.ts';
import { makeUnits } from '../../store/redis/units.ts';
import { Settler } from '../../store/settle.ts';
import { startPostgres } from '../../test/lab/postgres.ts';
import { startRedis } from '../../test/lab/redis.ts';
import { until } from '../../test/lab/wait.ts';
import { callOf, FIRST_USER, RESELLERS, USERS } from '../scaling/one-call.ts';
import { median } from './median.ts';
import { ending } from './redis.ts';

/** Calls a second; medians of rounds that alternate. */
export interface PostgresFigures {
  readonly calls: number;
  readonly batch: number;
  /** Rows, three debits each with their ledger rows and balances, and the entries taken from Redis. */
  readonly settled: number;
  /** The same rows alone: by COPY in transactions of the same size, by one COPY, by a prepared INSERT each. */
  readonly copied: number;
  readonly copiedAtOnce: number;
  readonly inserted: number;
}

const UNITS = makeUnits(6);
const LOG = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const NAMES = CALL_COLUMNS.map(([name]) => name);
/** Row by row is slow. */
const INSERTS = 500;

export async function accounts(pool: Pool): Promise<void> {
  await pool.query(`
    insert into tariffs (id, name, purpose) values (1, 'buy', 'provider'), (2, 'sell', 'user_wholesale');
    insert into rates (tariff_id, prefix, rate) values (1, '370', 0.3), (2, '370', 0.6);
    insert into lcrs (id, name) values (1, 'main');
    insert into providers (id, name, host, tariff_id) select n, 'provider ' || n, '127.0.0.1', 1 from generate_series(11, 13) n;
    insert into lcr_providers (lcr_id, provider_id) select 1, n from generate_series(11, 13) n;
    insert into users (id, username, type, balance, tariff_id, lcr_id)
      select n, 'user ' || n, case when n >= ${FIRST_USER + USERS} then 'reseller' else 'user' end, 1000000, 2, 1 from generate_series(${FIRST_USER}, ${FIRST_USER + USERS + RESELLERS - 1}) n`);
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

async function copy(pool: Pool, lines: readonly string[]): Promise<void> {
  const client = await pool.connect();
  await pipeline(Readable.from([lines.join('')]), client.query(copying(copyFrom(`copy calls (${NAMES.join(', ')}) from stdin`))));
  client.release();
}

async function insert(pool: Pool, rows: readonly (readonly unknown[])[]): Promise<void> {
  const text = `insert into calls (${NAMES.join(', ')}) values (${NAMES.map((_, index) => `$${index + 1}`).join(', ')})`;
  const client = await pool.connect();
  for (const values of rows) await client.query({ name: 'one-call', text, values: [...values] });
  client.release();
}

interface House {
  readonly pool: Pool;
  /** Fills the stream; the settler has a connection of its own, as in the daemon. */
  readonly filling: Redis;
  readonly settler: Settler;
  readonly batch: number;
}

type Round = Omit<PostgresFigures, 'calls' | 'batch'>;

async function settleRound({ filling, settler }: House, count: number, id: (index: number) => string): Promise<number> {
  for (let index = 0; index < count; index += 1) {
    const queued = filling.xadd(CDR_STREAM, '*', ...entryFields(ending({ ...callOf(index), id: id(index) }), UNITS));
    if (index % 200 === 199 || index === count - 1) await queued;
  }
  const took = await seconds(async () => {
    while ((await settler.settleOnce()) > 0);
  });
  return count / took;
}

async function round(house: House, count: number, number: number): Promise<Round> {
  const { pool, batch } = house;
  const rows = (way: string, many: number): ReturnType<typeof ending>['cdrs'][number][] => Array.from({ length: many }, (_, index) => ending({ ...callOf(index), id: `${way}-${number}.${index}` }).cdrs[0]).filter((row) => row !== undefined);
  const batched = rows('copied', count).map(cdrLine);
  const whole = rows('whole', count).map(cdrLine);
  const single = rows('single', INSERTS).map((row) => CALL_COLUMNS.map(([, cell]) => cell(row)));
  const settled = await settleRound(house, count, (index) => `settled-${number}.${index}`);
  const copied = await seconds(async () => {
    for (let at = 0; at < count; at += batch) await copy(pool, batched.slice(at, at + batch));
  });
  const atOnce = await seconds(async () => copy(pool, whole));
  const inserted = await seconds(async () => insert(pool, single));
  return { settled, copied: count / copied, copiedAtOnce: count / atOnce, inserted: INSERTS / inserted };
}

export async function measurePostgres(count: number, rounds: number): Promise<PostgresFigures> {
  const batch = 2000;
  const [postgres, redisServer] = await Promise.all([startPostgres({ fsync: true }), startRedis({ appendOnly: 'everysec' })]);
  const url = await postgres.createDatabase();
  await migrate(url);
  const pool = new Pool({ connectionString: url, max: 3 });
  await accounts(pool);
  const redis = connectRedis(redisServer.url, LOG);
  await until(() => (redis.status === 'ready' ? undefined : 'Redis does not answer'));
  const filling = new Redis(redisServer.url);
  const settler = new Settler({ pool, redis, usable: () => true, units: UNITS, balances: new Balances({ set: async () => undefined, offer: async () => [] }, LOG), log: LOG, batch, everyMs: 500, now: Date.now, onBacklog: () => undefined });
  const found: Round[] = [];
  // The first round warms up, and makes the partition.
  for (let number = 0; number <= rounds; number += 1) {
    const one = await round({ pool, filling, settler, batch }, count, number);
    if (number > 0) found.push(one);
    const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from calls');
    const expected = (number + 1) * (3 * count + INSERTS);
    if (rows[0]?.n !== expected) throw new Error(`${rows[0]?.n} rows are there, not ${expected}: the figures mean nothing.`);
  }
  await pool.end();
  redis.disconnect();
  filling.disconnect();
  await Promise.all([postgres.stop(), redisServer.stop()]);
  const of = (name: keyof Round): number => median(found.map((one) => one[name]));
  return { calls: count, batch, settled: of('settled'), copied: of('copied'), copiedAtOnce: of('copiedAtOnce'), inserted: of('inserted') };
}
