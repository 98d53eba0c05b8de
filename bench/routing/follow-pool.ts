// A large pool on its real way: read from Postgres by the worker, in force, and one number of it changed; and what the
// event loop of the process that takes calls notices of it.

import { Client } from 'pg';
import { matchPool } from '../../routing/number-pool.ts';
import type { NumberPool } from '../../routing/number-pool.ts';
import { Balances } from '../../store/balances.ts';
import { Follower } from '../../store/catalog/follow.ts';
import { monotonicMs } from '../../store/clock.ts';
import { migrate } from '../../store/migrate.ts';
import { startPostgres } from '../../test/lab/postgres.ts';
import { until } from '../../test/lab/wait.ts';
import { BusyTime } from '../../test/store/busy-time.ts';

export interface FollowedPool {
  readonly numbers: number;
  /** From the start of the follower to the pool in force. */
  readonly loadMs: number;
  /** From the commit of one number to its being in force, the middle of 9. */
  readonly changeMs: number;
  /** Longest time in which the event loop did nothing else: while the pool came, and while numbers of it changed. */
  readonly loadPauseMs: number;
  readonly changePauseMs: number;
}

const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const PATIENCE = { timeoutMs: 300_000 };

export async function measureFollowing(numbers: number, say: (text: string) => void): Promise<FollowedPool> {
  const postgres = await startPostgres();
  const client = new Client(await postgres.createDatabase());
  try {
    const postgresUrl = postgres.url.replace(/[^/]*$/, client.database ?? '');
    await migrate(postgresUrl);
    await client.connect();
    await client.query(`insert into number_pools (id, name) values (1, 'Large')`);
    for (let done = 0; done < numbers; done += 1_000_000) {
      await client.query('insert into numbers (pool_id, number) select 1, (370000000000 + i)::text from generate_series($1::int, $2::int) i', [done, Math.min(numbers, done + 1_000_000) - 1]);
      say(`${Math.min(numbers, done + 1_000_000)} numbers are in Postgres`);
    }
    return { numbers, ...(await follow(postgresUrl, client, numbers)) };
  } finally {
    await client.end();
    await postgres.stop();
  }
}

async function follow(postgresUrl: string, client: Client, numbers: number): Promise<Omit<FollowedPool, 'numbers'>> {
  const follower = new Follower({ postgresUrl, priceDecimals: 6, closedDidDays: 90, balances: new Balances({ set: async () => undefined, offer: async () => [] }, SILENT), log: SILENT, now: monotonicMs, onCatalog: () => undefined });
  const pool = (): NumberPool | undefined => follower.catalog?.pools.get(1);
  const busy = new BusyTime();
  const started = performance.now();
  follower.start();
  try {
    await until(() => (pool()?.size === numbers ? undefined : follower.reason || 'the pool is not in force'), PATIENCE);
    const loadMs = performance.now() - started;
    const loadPauseMs = busy.takeMs();
    const taken: number[] = [];
    for (let time = 0; time < 9; time += 1) {
      const number = `49${time}`;
      const changed = performance.now();
      await client.query('insert into numbers (pool_id, number) values (1, $1)', [number]);
      await until(() => (matchPool(pool() as NumberPool, number) === number ? undefined : 'the number is not in force'), PATIENCE);
      taken.push(performance.now() - changed);
    }
    return { loadMs, changeMs: taken.toSorted((a, b) => a - b)[4] ?? NaN, loadPauseMs, changePauseMs: busy.takeMs() };
  } finally {
    busy.stop();
    await follower.close();
  }
}
