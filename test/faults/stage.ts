/**
 * Tollgate as it is deployed, a process of its own that can be killed, on real servers: an Asterisk, a database and a
 * Redis of its own.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { Pool } from 'pg';
import { importTenant } from '../../store/import/import.ts';
import type { Row } from '../calls/stage.ts';
import type { Tenant } from '../calls/tenant.ts';
import { callIdsOf } from '../calls/trace.ts';
import type { Traced } from '../calls/trace.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import type { Asterisk, AsteriskOptions } from '../lab/asterisk.ts';
import { startEngine } from '../lab/engine.ts';
import type { EngineOptions, EngineProcess } from '../lab/engine.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { until } from '../lab/wait.ts';
import { connectToRedis, freshDatabase, freshRedis } from '../store/servers.ts';

interface Parts {
  readonly tenant: Tenant;
  readonly asterisk: Asterisk;
  readonly engines: readonly EngineProcess[];
  readonly db: Pool;
  readonly redis: Redis;
}

/** What is left when all calls are over: zeros, if nothing is lost. */
export interface Remains {
  readonly channels: number;
  readonly liveCalls: number;
  readonly counters: Readonly<Record<string, string | null>>;
  readonly money: Readonly<Record<string, unknown>>;
}

export const NOTHING_LEFT: Remains = { channels: 0, liveCalls: 0, counters: {}, money: {} };

export class FaultStage {
  readonly tenant: Tenant;
  readonly asterisk: Asterisk;
  readonly engines: readonly EngineProcess[];
  readonly db: Pool;
  readonly redis: Redis;

  constructor(parts: Parts) {
    this.tenant = parts.tenant;
    this.asterisk = parts.asterisk;
    this.engines = parts.engines;
    this.db = parts.db;
    this.redis = parts.redis;
  }

  /** The only one, or the first. */
  get engine(): EngineProcess {
    const [first] = this.engines;
    if (first === undefined) throw new Error('There is no engine.');
    return first;
  }

  /** No channel, no live call, nothing to settle. */
  async quiet(timeoutMs = 30_000): Promise<void> {
    await until(async () => {
      const [channels, live, waiting] = await Promise.all([this.asterisk.channelCount(), this.redis.zcard('tollgate:live'), this.redis.xlen('tollgate:cdr')]);
      return channels + live + waiting === 0 ? undefined : `${channels} channels, ${live} live calls, ${waiting} calls to settle`;
    }, { timeoutMs });
  }

  async remains(): Promise<Remains> {
    await this.quiet();
    const channels = await this.asterisk.channelCount();
    const liveCalls = await this.redis.zcard('tollgate:live');
    const counters: Record<string, string | null> = {};
    for (const key of await this.redis.keys('tollgate:calls:*')) counters[key] = await this.redis.get(key);
    const money: Record<string, unknown> = {};
    await until(async () => {
      for (const key of Object.keys(money)) delete money[key];
      for (const key of await this.redis.keys('tollgate:payer:*')) {
        const [reserved, pending] = await this.redis.hmget(key, 'reserved', 'pending');
        if ((reserved ?? '0') !== '0' || (pending ?? '0') !== '0') money[key] = { reserved, pending };
      }
      return Object.keys(money).length === 0 ? undefined : 'money is on hold or pending';
    }).catch(() => undefined);
    return { channels, liveCalls, counters, money };
  }

  /** CDRs of the calls that a caller made; waits for the last row of each. */
  async rowsOf(caller: Traced): Promise<Row[]> {
    const ids = callIdsOf(caller);
    let rows: Row[] = [];
    await until(async () => {
      rows = (await this.db.query<Row>('select * from calls where originator_call_id = any ($1) order by calldate, uniqueid, attempt', [ids])).rows;
      const over = rows.filter((row) => row['final'] === true).length;
      return over === ids.length ? undefined : `${ids.length} calls have ${over} final CDRs`;
    }, { timeoutMs: 30_000, everyMs: 25 });
    return rows;
  }

  /** Redis knows this of the call to that number. */
  async known(to: string, field: string, value: string | RegExp): Promise<void> {
    await until(async () => {
      const is = (await Promise.all((await this.redis.zrange('tollgate:live', '0', '-1')).map((id) => this.redis.hmget(`tollgate:call:${id}`, 'to', field)))).find(([dst]) => dst === to)?.[1];
      return (typeof value === 'string' ? is === value : value.test(is ?? '')) ? undefined : `${field} of the call to ${to} is ${is}`;
    }, { timeoutMs: 15_000, everyMs: 20 });
  }

  /** Lines of the engines' logs of level error and above. */
  complaints(): unknown[] {
    return this.engines.flatMap((engine) => engine.log()).filter((line) => Number(line['level']) >= 50 || 'text' in line);
  }

  async close(): Promise<void> {
    await Promise.all(this.engines.map((engine) => engine.stop()));
    await this.db.end();
    this.redis.disconnect();
    await this.asterisk.stop();
  }
}

export interface FaultOptions {
  /** Engines on the same Asterisk; the first leads, the others stand by. */
  readonly daemons?: number;
  /** Each is replaced when it answers nothing for so many seconds. */
  readonly watchdogS?: number;
  /** See test/lab/engine.ts. */
  readonly preload?: EngineOptions['preload'];
  /** Servers of its own, to be stopped. */
  readonly redisUrl?: string;
  readonly postgresUrl?: string;
  readonly asterisk?: AsteriskOptions;
}

export async function openFaultStage(tenant: Tenant, settings: Record<string, unknown>, { daemons = 1, ...own }: FaultOptions = {}): Promise<FaultStage> {
  const [postgresUrl, redisUrl, asterisk] = await Promise.all([own.postgresUrl ?? freshDatabase(), own.redisUrl ?? freshRedis(), startAsterisk({ rtpPorts: 800, ...own.asterisk })]);
  const file = join(newFolder('tenant'), 'tenant.yaml');
  writeFileSync(file, JSON.stringify(tenant));
  await importTenant(file, { postgresUrl, separators: { separator: ',', decimal: '.' } });
  const compiled = process.env['LAB_COMPILED'];
  const engines: EngineProcess[] = [];
  for (let daemon = 0; daemon < daemons; daemon += 1) engines.push(await startEngine({ postgresUrl, redisUrl, asterisks: [asterisk], settings, ...(own.watchdogS === undefined ? {} : { watchdogS: own.watchdogS }), ...(own.preload === undefined ? {} : { preload: own.preload }), ...(compiled === undefined ? {} : { compiled }) }));
  const db = new Pool({ connectionString: postgresUrl, max: 2 });
  db.on('error', () => undefined);
  const redis = connectToRedis(redisUrl);
  redis.on('error', () => undefined);
  return new FaultStage({ tenant, asterisk, engines, db, redis });
}
