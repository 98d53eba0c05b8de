/**
 * Keeps the catalog and the balances in step with Postgres.
 * A notification wakes the reader, the log of changes tells what to read; without any notification it looks twice a second.
 */
import type { Client } from 'pg';
import type { Catalog } from '../../routing/catalog.ts';
import { makeBackOff, Sleeper } from '../back-off.ts';
import { loadBalances } from '../balances.ts';
import type { Balances } from '../balances.ts';
import type { Log } from '../log.ts';
import type { Spendable } from '../redis/calls.ts';
import { connectClient, dropClient } from '../postgres.ts';
import { assemble } from './assemble.ts';
import { BackgroundLoader } from './background-loader.ts';
import { jobKey } from './build-job.ts';
import type { BuiltPool } from './build-job.ts';
import { freeClosedDids } from '../did-changes.ts';
import { byTopic, LOG_KEPT_MS, purgeChanges, readChanges, readPosition } from './changes.ts';
import type { Position } from './changes.ts';
import type { Broken } from './load.ts';
import { isTopic, noParts, putTariffs, readTopic, TOPICS } from './parts.ts';
import type { Parts, ReadContext } from './parts.ts';
import { putPools, readPools } from './pools.ts';

const POLL_MS = 500;
/** For the largest table there may be. */
const READ_TIMEOUT_MS = 120_000;
const PURGE_EVERY_MS = 600_000;

/** undefined_table: the first thing that is read is missing. */
const NO_TABLE = '42P01';

function reasonOf(error: unknown): string {
  if ((error as { code?: string } | null)?.code === NO_TABLE) return 'The database has no tables of this version: run the command migrate.';
  return error instanceof Error ? error.message : String(error);
}

export interface FollowOptions {
  readonly postgresUrl: string;
  readonly priceDecimals: number;
  readonly balances: Balances;
  readonly log: Log;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** A closed DID is free again after so many days. */
  readonly closedDidDays: number;
  readonly onCatalog: (catalog: Catalog) => void;
}

export class Follower {
  readonly #options: FollowOptions;
  readonly #sleeper = new Sleeper();
  readonly #loader: BackgroundLoader;
  #parts: Parts = noParts();
  #catalog: Catalog | null = null;
  #position: Position | null = null;
  #readAt = 0;
  #purgedAt = 0;
  #reported: ReadonlyMap<string, Broken> = new Map();
  #connected = false;
  #connections = 0;
  #closed = false;
  #client: Client | null = null;
  #done: Promise<void> = Promise.resolve();
  #lastReason = '';

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#loader = new BackgroundLoader(options.postgresUrl, () => this.#sleeper.wake());
  }

  get catalog(): Catalog | null {
    return this.#catalog;
  }

  /** Whether Postgres answers at present. */
  get connected(): boolean {
    return this.#connected;
  }

  /** How often it began to answer. */
  get connections(): number {
    return this.#connections;
  }

  /** Why it does not, or ''. */
  get reason(): string {
    return this.#connected ? '' : this.#lastReason;
  }

  start(): void {
    this.#done = this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#sleeper.wake();
    if (this.#client !== null) dropClient(this.#client);
    await this.#done;
  }

  async #run(): Promise<void> {
    const backOff = makeBackOff(this.#sleeper);
    while (!this.#closed) {
      try {
        await this.#follow(() => backOff.reset());
      } catch (error) {
        this.#failed(error);
        if (!this.#closed) await backOff.wait();
      }
    }
  }

  #succeeded(): void {
    if (!this.#connected) {
      this.#connections += 1;
      this.#options.log.info({}, 'Postgres is connected; the catalog follows it.');
    }
    this.#connected = true;
    this.#lastReason = '';
  }

  #failed(error: unknown): void {
    this.#connected = false;
    const reason = reasonOf(error);
    if (!this.#closed && reason !== this.#lastReason) this.#options.log.warn({ reason }, 'Postgres cannot be read; the last catalog stays in force, trying again.');
    this.#lastReason = reason;
  }

  async #follow(onRead: () => void): Promise<void> {
    const client = await connectClient(this.#options.postgresUrl, 'catalog', READ_TIMEOUT_MS);
    this.#client = client;
    this.#loader.open();
    try {
      client.on('notification', () => this.#sleeper.wake());
      client.on('end', () => this.#sleeper.wake());
      await client.query('listen tollgate_change');
      while (!this.#closed) {
        await this.#read(client);
        this.#takeBuilt();
        this.#succeeded();
        onRead();
        await this.#sleeper.sleep(POLL_MS);
      }
    } finally {
      this.#client = null;
      this.#loader.close();
      dropClient(client);
    }
  }

  async #read(client: Client): Promise<void> {
    const startedMs = this.#options.now();
    const position = startedMs - this.#readAt < LOG_KEPT_MS / 2 ? this.#position : null;
    if (position === null) await this.#readAll(client);
    else await this.#readNews(client, position);
    this.#readAt = startedMs;
    if (startedMs - this.#purgedAt < PURGE_EVERY_MS) return;
    this.#purgedAt = startedMs;
    await purgeChanges(client);
    await freeClosedDids(client, this.#options.closedDidDays);
  }

  async #readAll(client: Client): Promise<void> {
    const position = await readPosition(client);
    await this.#inSnapshot(client, new Map([...TOPICS.map((topic) => [topic, null] as const), ['balances', null]]));
    this.#position = position;
  }

  async #readNews(client: Client, from: Position): Promise<void> {
    const { changes, position } = await readChanges(client, from);
    if (changes.length > 0) await this.#inSnapshot(client, byTopic(changes));
    this.#position = position;
  }

  /** All tables as of one moment: a device never comes without its user. */
  async #inSnapshot(client: Client, topics: ReadonlyMap<string, ReadonlySet<string> | null>): Promise<void> {
    const parts: Parts = { ...this.#parts, broken: new Map(this.#parts.broken) };
    const version = (this.#catalog?.version ?? 0) + 1;
    const context: ReadContext = {
      reader: client, priceDecimals: this.#options.priceDecimals, version,
      build: (metas) => this.#loader.want(metas),
      buildPools: (poolIds) => this.#wantPools(poolIds),
    };
    const balanceKeys = topics.get('balances');
    await client.query('begin isolation level repeatable read read only');
    for (const topic of TOPICS) {
      const keys = topics.get(topic);
      // One number of a pool is a key of its own.
      if (keys !== undefined && topic === 'number_pools') await readPools(parts, keys === null ? null : [...keys], context);
      else if (keys !== undefined) await readTopic(parts, topic, keys === null ? null : [...keys].map(Number), context);
    }
    const named = balanceKeys === undefined || balanceKeys === null ? null : [...balanceKeys].map(Number);
    const balances = balanceKeys === undefined ? [] : await loadBalances(client, named);
    await client.query('commit');
    this.#succeeded();
    this.#parts = parts;
    // Before the catalog: whoever is in it has a balance.
    this.#takeBalances(named ?? [], balances);
    if (this.#catalog === null || [...topics.keys()].some((topic) => isTopic(topic))) this.#publish(parts, version);
  }

  /** What the worker has built since the last look comes into force together. */
  #takeBuilt(): void {
    const come = this.#loader.take();
    if (come.length === 0) return;
    const parts: Parts = { ...this.#parts, broken: new Map(this.#parts.broken) };
    const version = (this.#catalog?.version ?? 0) + 1;
    const tariffs = come.filter((built) => 'tariffId' in built);
    // Of a pool that is asked for once more only the later one is complete.
    const pools = new Map(come.filter((built) => 'poolId' in built && !this.#loader.isAwaited(jobKey(built))).map((built) => [jobKey(built), built as BuiltPool]));
    const isNews = [putTariffs(parts, tariffs, version), putPools(parts, [...pools.values()], { buildPools: (poolIds) => this.#wantPools(poolIds) })];
    if (!isNews.includes(true)) return;
    this.#parts = parts;
    this.#publish(parts, version);
  }

  #wantPools(poolIds: readonly number[]): void {
    this.#loader.want(poolIds.map((poolId) => ({ poolId })));
  }

  /** Whether a tariff or pool that nobody has seen yet is being built. */
  #waitsForBuilt(parts: Parts): boolean {
    const isAwaited = (key: string): boolean => this.#loader.isAwaited(key);
    return [...parts.wholesaleIds].some((id) => !parts.tariffs.has(id) && isAwaited(`tariff ${id}`)) || [...parts.poolNames.keys()].some((id) => !parts.pools.has(id) && isAwaited(`pool ${id}`));
  }

  /** What the settler took already is no news, and Redis has it from him. */
  #takeBalances(named: readonly number[], balances: readonly Spendable[]): void {
    const found = new Set(balances.map(({ userId }) => userId));
    this.#options.balances.forget(named.filter((userId) => !found.has(userId)));
    const news = this.#options.balances.take(balances);
    if (news.length > 0) this.#options.balances.push(news);
  }

  #publish(parts: Parts, version: number): void {
    const waits = this.#waitsForBuilt(parts);
    // Without its tariffs and pools the first one would refuse calls.
    if (waits && this.#catalog === null) return;
    const assembled = assemble(parts, this.#catalog, version);
    // What refers to a tariff or pool that has not come yet is not broken for that.
    const broken = waits ? parts.broken : assembled.broken;
    const { catalog } = assembled;
    for (const [name, row] of broken) {
      if (this.#reported.get(name)?.reason === row.reason) continue;
      this.#options.log.error({ table: row.table, key: row.key, reason: row.reason }, 'A row is broken and not used; what was in force before stays.');
    }
    this.#reported = broken;
    this.#catalog = catalog;
    this.#options.log.debug({ version, users: catalog.users.size, devices: catalog.devices.size, tariffs: catalog.tariffs.size }, 'A new catalog is in force.');
    this.#options.onCatalog(catalog);
  }
}
