/**
 * A whole Tollgate on the real servers, in this process: an Asterisk of its own, a database of its own, the engine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from 'pg';
import { pino } from 'pino';
import { loadSettings } from '../../config/load.ts';
import type { Settings } from '../../config/schema.ts';
import { Engine } from '../../engine/engine.ts';
import { importTenant } from '../../store/import/import.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/open.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import type { Asterisk, AsteriskOptions } from '../lab/asterisk.ts';
import { connect, freshDatabase, freshRedis } from '../store/servers.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { until } from '../lab/wait.ts';

export interface StageOptions {
  readonly transport?: 'websocket' | 'ari-client';
  /** A tenant file (docs/IMPORT.md) as an object. */
  readonly tenant: object;
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
  }
}

/** The names of devices and providers that Asterisk does not have yet; undefined: it has all. */
function notPushed(listed: string, store: Store): string | undefined {
  const missing = (store.catalog()?.sipAccounts ?? []).map((account) => account.endpoint).filter((name) => !listed.includes(name));
  return missing.length === 0 ? undefined : `Asterisk does not have ${missing.slice(0, 3).join(', ')} yet`;
}

function tenantFile(tenant: object): string {
  const file = join(newFolder('tenant'), 'tenant.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(tenant, null, 1));
  return file;
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const [postgresUrl, redisUrl] = await Promise.all([freshDatabase(), freshRedis()]);
  const db = await connect(postgresUrl);
  await importTenant(tenantFile(options.tenant), { postgresUrl, separators: { separator: ',', decimal: '.' } });
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
  await until(async () => notPushed(await asterisk.cli('pjsip list endpoints'), store), { timeoutMs: 10_000 });
  return new Stage({ asterisk, db, store, engine, settings });
}
