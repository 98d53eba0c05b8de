/**
 * A whole Tollgate on the real servers, in this process: an Asterisk of its own, a database of its own, the engine.
 */
import type { Client } from 'pg';
import { pino } from 'pino';
import { loadSettings } from '../../config/load.ts';
import type { Settings } from '../../config/schema.ts';
import { Engine } from '../../engine/engine.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/open.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import type { Asterisk, AsteriskOptions } from '../lab/asterisk.ts';
import { closeServers, connect, freshDatabase, freshRedis } from '../store/servers.ts';
import { until } from '../lab/wait.ts';

export interface StageOptions {
  readonly transport?: 'websocket' | 'ari-client';
  /** Fills the empty database. */
  readonly tenant: (db: Client) => Promise<void>;
  /** YAML of more settings. */
  readonly settings?: Record<string, unknown>;
  readonly asterisk?: AsteriskOptions;
}

export type Row = Readonly<Record<string, unknown>>;

export class Stage {
  readonly asterisk: Asterisk;
  readonly db: Client;
  readonly store: Store;
  readonly engine: Engine;
  readonly settings: Settings;

  constructor(parts: { asterisk: Asterisk; db: Client; store: Store; engine: Engine; settings: Settings }) {
    this.asterisk = parts.asterisk;
    this.db = parts.db;
    this.store = parts.store;
    this.engine = parts.engine;
    this.settings = parts.settings;
  }

  /** Every call is over, given back and settled. */
  async quiet(): Promise<void> {
    await until(async () => {
      const health = this.engine.health();
      const calls = health.servers.reduce((sum, server) => sum + server.calls, 0);
      if (calls > 0) return `${calls} calls are up`;
      if (health.unsaved > 0) return `${health.unsaved} finished calls are not saved`;
      const { waiting } = await this.store.backlog();
      if (waiting > 0) return `${waiting} finished calls are not settled`;
      const channels = await this.asterisk.channelCount();
      return channels > 0 ? `Asterisk has ${channels} channels` : undefined;
    }, { timeoutMs: 15_000 });
  }

  /** CDRs in the order of their calls and attempts. */
  async cdrs(where = 'true'): Promise<Row[]> {
    await this.quiet();
    return (await this.db.query<Row>(`select * from calls where ${where} order by calldate, uniqueid, attempt`)).rows;
  }

  async balance(username: string): Promise<string> {
    const { rows } = await this.db.query<{ balance: string }>('select trim_scale(balance)::text as balance from users where username = $1', [username]);
    return rows[0]?.balance ?? 'none';
  }

  async close(): Promise<void> {
    await this.engine.stop();
    await this.store.close();
    await this.asterisk.stop();
    await closeServers();
  }
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const [postgresUrl, redisUrl] = await Promise.all([freshDatabase(), freshRedis()]);
  const db = await connect(postgresUrl);
  await options.tenant(db);
  const asterisk = await startAsterisk(options.asterisk);
  const settings = loadSettings(
    JSON.stringify({
      postgresUrl,
      redisUrl,
      asterisk: [{ id: 1, url: asterisk.ariUrl, username: asterisk.ariUser, password: asterisk.ariPassword, transport: options.transport ?? 'auto' }],
      health: { port: 0 },
      drainTimeoutS: 2,
      ...options.settings,
    }),
    {},
  );
  const log = pino({ level: process.env['TOLLGATE_TEST_LOG'] ?? 'silent' });
  const store = openStore({
    postgresUrl: settings.postgresUrl,
    redisUrl: settings.redisUrl,
    priceDecimals: settings.calls.priceDecimals,
    settleBatch: settings.settle.batch,
    settleEveryMs: settings.settle.everyMs,
    log,
  });
  await store.ready();
  const engine = new Engine(settings, store, log);
  store.onCatalogChange(() => engine.catalogChanged());
  await until(() => (engine.health().servers.every((server) => server.connected) ? undefined : 'Asterisk is not attached'));
  return new Stage({ asterisk, db, store, engine, settings });
}
