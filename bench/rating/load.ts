// A million rates on their real way: imported into Postgres, built in the worker, in force in a process that goes on
// pricing calls; and what its event loop notices of it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { findRate } from '../../rating/tariff.ts';
import type { Tariff } from '../../rating/tariff.ts';
import { Balances } from '../../store/balances.ts';
import { Follower } from '../../store/catalog/follow.ts';
import { monotonicMs } from '../../store/clock.ts';
import { importRates } from '../../store/import/import.ts';
import { migrate } from '../../store/migrate.ts';
import { startPostgres } from '../../test/lab/postgres.ts';
import { pause, until } from '../../test/lab/wait.ts';
import { BusyTime } from '../../test/store/busy-time.ts';
import { sink } from './measure.ts';
import { makePrefixes } from './price-list.ts';
import { priceCall } from './priced-calls.ts';
import { seededRandom } from './random.ts';
import { writeRateFile } from './rate-file.ts';

export interface Loading {
  readonly rates: number;
  /** `import` of the price list. */
  readonly importMs: number;
  /** From the start of a follower to the tariff in force: starting the worker, connecting, reading, checking, sorting, packing. */
  readonly loadMs: number;
  /** From the commit of one changed rate to the whole list in force anew. */
  readonly swapMs: number;
  /** The longest time in which the event loop did nothing else: by the clock, and of its own work (other programs' time left out). */
  readonly idle: Pause;
  readonly swap: Pause;
}

export interface Pause {
  readonly clockMs: number;
  readonly ownMs: number;
}

const NUMBER = '37061234567';
const AT_MS = 1_782_864_000_000;
const PATIENCE = { timeoutMs: 120_000 };
const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

/** A turn of the event loop every millisecond, pricing a few calls, and the longest delay of one. */
class Pulse {
  #longestMs = 0;
  #due = performance.now();
  readonly #busy = new BusyTime();
  readonly #timer: NodeJS.Timeout;

  constructor(turn: () => void) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#longestMs = Math.max(this.#longestMs, now - this.#due);
      turn();
      this.#due = performance.now() + 1;
    }, 1);
  }

  /** The longest pauses since the last time this was asked. */
  take(): Pause {
    const clockMs = this.#longestMs;
    this.#longestMs = 0;
    return { clockMs, ownMs: this.#busy.takeMs() };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#busy.stop();
  }
}

export async function measureLoading(rates: number): Promise<Loading> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'));
  const postgres = await startPostgres();
  const client = new Client(await postgres.createDatabase());
  try {
    const url = postgres.url.replace(/[^/]*$/, client.database ?? '');
    await migrate(url);
    await client.connect();
    const path = join(folder, 'rates.csv');
    await writeRateFile(path, [...new Set([...makePrefixes(rates - 1, seededRandom(5)), NUMBER.slice(0, 5)])], seededRandom(6));
    const started = performance.now();
    await importRates(path, { postgresUrl: url, tariff: 'Large', purpose: 'provider', separators: { separator: ',', decimal: '.' } });
    const importMs = performance.now() - started;
    return { rates, importMs, ...(await follow(url, client)) };
  } finally {
    await client.end();
    await postgres.stop();
    await rm(folder, { recursive: true });
  }
}

async function follow(postgresUrl: string, client: Client): Promise<Omit<Loading, 'rates' | 'importMs'>> {
  const follower = new Follower({ postgresUrl, priceDecimals: 6, closedDidDays: 90, balances: new Balances({ set: async () => undefined, offer: async () => [] }, SILENT), log: SILENT, now: monotonicMs, onCatalog: () => undefined });
  const large = (): Tariff | undefined => [...(follower.catalog?.tariffs.values() ?? [])][0];
  const started = performance.now();
  follower.start();
  try {
    await until(() => (large() === undefined ? follower.reason || 'the tariff is not in force' : undefined), PATIENCE);
    const loadMs = performance.now() - started;
    const pulse = new Pulse(() => {
      const tariff = large();
      if (tariff?.kind === 'wholesale') for (let call = 0; call < 20; call++) sink.value = priceCall([tariff], NUMBER, AT_MS, 60);
    });
    await pause(2000);
    const idle = pulse.take();
    const changed = performance.now();
    await client.query('update rates set rate = 0.7777 where prefix = $1', [NUMBER.slice(0, 5)]);
    await until(() => (rateOf(large()) === 7_777_000_000n ? undefined : 'the changed rate is not in force'), PATIENCE);
    const swapMs = performance.now() - changed;
    // The old list is thrown away a little later.
    await pause(500);
    const swap = pulse.take();
    pulse.stop();
    return { loadMs, swapMs, idle, swap };
  } finally {
    await follower.close();
  }
}

function rateOf(tariff: Tariff | undefined): bigint | null {
  const rate = tariff === undefined ? 'noRate' : findRate(tariff, NUMBER, AT_MS);
  return typeof rate === 'string' ? null : (rate.steps[0]?.rate ?? null);
}
