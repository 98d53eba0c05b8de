/** How often numbers of pools were shown as CallerIDs: counted in memory, added up in Postgres a little later. */
import type { Pool } from 'pg';
import type { DrawnNumber } from '../routing/caller-id.ts';
import { folded } from '../routing/packed-numbers.ts';
import type { Log } from './log.ts';

/** A process that dies loses the counts of so long. */
const FLUSH_MS = 2000;
/** Different numbers that wait while Postgres is away; more are not counted. */
const MOST_WAITING = 100_000;

/** Counts of a number that is gone, or spelled another way by now, go where they belong or nowhere. */
const ADD = `update numbers n set used = n.used + u.times from unnest($1::int[], $2::text[], $3::bigint[]) u (pool_id, folded, times)
  where n.pool_id = u.pool_id and n.folded = u.folded`;

export class NumberUse {
  readonly #pool: Pool;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  /** By pool and folded number. */
  #waiting = new Map<string, { readonly drawn: DrawnNumber; times: number }>();
  #writing: Promise<void> = Promise.resolve();

  constructor(pool: Pool, log: Log) {
    this.#pool = pool;
    this.#log = log;
    this.#timer = setInterval(() => {
      this.#writing = this.#writing.then(async () => this.#flush());
    }, FLUSH_MS);
    this.#timer.unref();
  }

  add(drawn: DrawnNumber, times = 1): void {
    const key = `${drawn.poolId}:${folded(drawn.number)}`;
    const known = this.#waiting.get(key);
    if (known !== undefined) known.times += times;
    else if (this.#waiting.size < MOST_WAITING) this.#waiting.set(key, { drawn, times });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#writing;
    await this.#flush();
  }

  /** Never throws: what could not be written waits on. */
  async #flush(): Promise<void> {
    const counted = [...this.#waiting.values()];
    if (counted.length === 0) return;
    this.#waiting = new Map();
    try {
      await this.#pool.query(ADD, [counted.map(({ drawn }) => drawn.poolId), counted.map(({ drawn }) => folded(drawn.number)), counted.map(({ times }) => times)]);
    } catch (error) {
      this.#log.debug({ reason: String(error) }, 'Uses of pool numbers are not written down yet.');
      for (const { drawn, times } of counted) this.add(drawn, times);
    }
  }
}
