/**
 * A whole Tollgate on the real servers, in this process: an Asterisk of its own, a database of its own, the engine.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { Pool } from 'pg';
import { pino } from 'pino';
import { loadSettings } from '../../config/load.ts';
import type { Settings } from '../../config/schema.ts';
import { Engine } from '../../engine/engine.ts';
import { parseMoney } from '../../rating/money.ts';
import { importTenant } from '../../store/import/import.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/open.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import type { Asterisk, AsteriskOptions } from '../lab/asterisk.ts';
import { SLOW_IS_NO_OVERLOAD } from '../lab/engine.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { until } from '../lab/wait.ts';
import { connectToRedis, freshDatabase, freshRedis } from '../store/servers.ts';
import type { Tenant } from './tenant.ts';
import { callIdsOf } from './trace.ts';
import type { Traced } from './trace.ts';

export interface StageOptions {
  readonly transport?: 'websocket' | 'ari-client';
  readonly tenant: Tenant;
  /** More settings. */
  readonly settings?: Record<string, unknown>;
  readonly asterisk?: AsteriskOptions;
  /** Further ones, with the ids 2, 3 …; the test ends them. */
  readonly others?: readonly Asterisk[];
  /** Where the engine finds Asterisk's ARI, when it is not there itself. */
  readonly ariUrl?: (asterisk: Asterisk) => Promise<string>;
}

export type Row = Readonly<Record<string, unknown>>;

/** What calls that are over still hold. */
export interface Leftovers {
  readonly counters: Readonly<Record<string, number>>;
  /** Money on hold or pending, by Redis key. */
  readonly money: Readonly<Record<string, unknown>>;
  readonly liveCalls: number;
  readonly channels: number;
  readonly bridges: number;
  /** Finished calls that Postgres refused. */
  readonly refused: number;
}

export const NOTHING: Leftovers = { counters: {}, money: {}, liveCalls: 0, channels: 0, bridges: 0, refused: 0 };

interface StageParts {
  readonly tenant: Tenant;
  readonly asterisk: Asterisk;
  readonly db: Pool;
  readonly redis: Redis;
  readonly store: Store;
  readonly engine: Engine;
  readonly settings: Settings;
  readonly log: readonly string[];
}

export class Stage {
  readonly tenant: Tenant;
  readonly asterisk: Asterisk;
  readonly db: Pool;
  readonly redis: Redis;
  readonly store: Store;
  readonly engine: Engine;
  readonly settings: Settings;
  /** The engine's log: a line of JSON each. */
  readonly log: readonly string[];

  constructor(parts: StageParts) {
    this.tenant = parts.tenant;
    this.asterisk = parts.asterisk;
    this.db = parts.db;
    this.redis = parts.redis;
    this.store = parts.store;
    this.engine = parts.engine;
    this.settings = parts.settings;
    this.log = parts.log;
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
    }, { timeoutMs: 20_000 });
  }

  /** CDRs of all calls, in the order of their calls and attempts. */
  async cdrs(where = 'true'): Promise<Row[]> {
    await this.quiet();
    return (await this.db.query<Row>(`select * from calls where ${where} order by calldate, uniqueid, attempt`)).rows;
  }

  /** CDRs of the calls that a caller made, known by their SIP Call-IDs; waits for the last row of each. */
  async rowsOf(caller: Traced): Promise<Row[]> {
    const ids = callIdsOf(caller);
    let rows: Row[] = [];
    await until(async () => {
      rows = (await this.db.query<Row>('select * from calls where originator_call_id = any ($1) order by calldate, uniqueid, attempt', [ids])).rows;
      const over = new Set(rows.filter((row) => row['final'] === true).map((row) => row['originator_call_id']));
      return over.size === ids.length ? undefined : `${ids.length - over.size} of ${ids.length} calls have no final CDR`;
    }, { timeoutMs: 20_000, everyMs: 25 });
    return rows;
  }

  async leftovers(): Promise<Leftovers> {
    await this.quiet();
    // The settled balance reaches Redis a moment after Postgres.
    await until(async () => (Object.keys(await this.#moneyHeld()).length === 0 ? undefined : 'money is on hold or pending')).catch(() => undefined);
    const { refused } = await this.store.backlog();
    const bridges = (await this.asterisk.cli('bridge show all')).split('\n').filter((line) => / (stasis|simple_bridge|softmix|native_rtp)/i.test(line)).length;
    return {
      counters: await this.store.counters(),
      money: await this.#moneyHeld(),
      liveCalls: await this.redis.zcard('tollgate:live'),
      channels: await this.asterisk.channelCount(),
      bridges,
      refused,
    };
  }

  async #moneyHeld(): Promise<Record<string, unknown>> {
    const held: Record<string, unknown> = {};
    for (const key of await this.redis.keys('tollgate:payer:*')) {
      const [reserved, pending] = await this.redis.hmget(key, 'reserved', 'pending');
      if ((reserved ?? '0') !== '0' || (pending ?? '0') !== '0') held[key] = { reserved, pending };
    }
    return held;
  }

  /** What the engine logged as an error or worse. */
  complaints(): string[] {
    return this.log.filter((line) => (JSON.parse(line) as { level: number }).level >= 50);
  }

  async balance(username: string): Promise<string> {
    const { rows } = await this.db.query<{ balance: string }>('select trim_scale(balance)::text as balance from users where username = $1', [username]);
    return rows[0]?.balance ?? 'none';
  }

  async userId(username: string): Promise<number> {
    const { rows } = await this.db.query<{ id: number }>('select id from users where username = $1', [username]);
    if (rows[0] === undefined) throw new Error(`There is no user ${username}.`);
    return rows[0].id;
  }

  async close(): Promise<void> {
    await this.engine.stop();
    await this.store.close();
    await this.db.end();
    await this.asterisk.stop();
  }
}

function tenantFile(tenant: Tenant): string {
  const file = join(newFolder('tenant'), 'tenant.yaml');
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(tenant, null, 1));
  return file;
}

/** Keeps what is logged; LAB_LOG=info also shows it. */
function keepingLog(lines: string[]): pino.Logger {
  const shown = process.env['LAB_LOG'];
  const write = (line: string): void => {
    lines.push(line);
    if (shown !== undefined) process.stderr.write(line);
  };
  return pino({ level: shown ?? 'info' }, { write });
}

function storeOf(settings: Settings, log: pino.Logger): Store {
  return openStore({
    postgresUrl: settings.postgresUrl,
    redisUrl: settings.redisUrl,
    priceDecimals: settings.calls.priceDecimals,
    flashAlarm: settings.calls.flashAlarmPerHour,
    qualityWindowMinutes: settings.quality.windowMinutes,
    blacklist: settings.blacklist,
    closedDidDays: settings.dids.closedDays, reconcileEveryMs: settings.reconcileEveryS * 1000,
    settleBatch: settings.settle.batch,
    settleEveryMs: settings.settle.everyMs,
    mostBacklog: settings.settle.mostBacklog, redisAway: { policy: settings.redisAway.policy, bound: parseMoney(settings.redisAway.bound.toFixed(4)) },
    eventsKeep: settings.events.keep,
    log,
  });
}

export async function openStage(options: StageOptions): Promise<Stage> {
  const { tenant } = options;
  const [postgresUrl, redisUrl, asterisk] = await Promise.all([freshDatabase(), freshRedis(), startAsterisk(options.asterisk)]);
  await importTenant(tenantFile(tenant), { postgresUrl, separators: { separator: ',', decimal: '.' } });
  const url = options.ariUrl === undefined ? asterisk.ariUrl : await options.ariUrl(asterisk);
  const server = { id: 1, url, username: asterisk.ariUser, password: asterisk.ariPassword, transport: options.transport ?? 'auto', witness: asterisk.celFile, ami: { url: `tcp://${asterisk.host}:${asterisk.amiPort}`, username: asterisk.amiUser, secret: asterisk.amiPassword } };
  const others = (options.others ?? []).map((one, index) => ({ id: index + 2, url: one.ariUrl, username: one.ariUser, password: one.ariPassword, witness: one.celFile }));
  const settings = loadSettings(JSON.stringify({ postgresUrl, redisUrl, asterisk: [server, ...others], health: { port: 0 }, drainTimeoutS: 2, overload: SLOW_IS_NO_OVERLOAD, ...options.settings }), {});
  const lines: string[] = [];
  const log = keepingLog(lines);
  const store = storeOf(settings, log);
  await store.ready();
  const engine = new Engine(settings, store, log);
  store.onCatalogChange(() => engine.catalogChanged());
  await until(() => (engine.health().servers.every((each) => each.connected && each.provisioned) ? undefined : 'Asterisk does not have every device yet'), { timeoutMs: 20_000 });
  const db = new Pool({ connectionString: postgresUrl, max: 2 });
  db.on('error', () => undefined);
  return new Stage({ tenant, asterisk, db, redis: connectToRedis(redisUrl), store, engine, settings, log: lines });
}
