/**
 * Records of spying on their way to Postgres: through a hash in Redis for each Asterisk, where they wait while Postgres is
 * away, and where a daemon that takes over finds those that go on. Nothing of it is on the way of a call.
 */
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { Log } from './log.ts';
import { spiesKey } from './redis/keys.ts';
import { parseSpyRecord } from './spy-record.ts';
import type { SpyRecord } from './spy-record.ts';

const EVERY_MS = 1000;

/** One that has ended is changed by nobody any more: a daemon that lost the lead may still know it as going on. */
const WRITE = `insert into spy_sessions (id, server_id, call_id, user_id, username, ordered_by, device, side, ordered_at, started_at, ended_at, modes)
  select id, "serverId", "callId", "userId", username, "orderedBy", device, side, to_timestamp("orderedMs" / 1000.0), to_timestamp("startedMs" / 1000.0), to_timestamp("endedMs" / 1000.0),
    coalesce((select jsonb_agg(jsonb_build_object('mode', m ->> 'mode', 'at', to_timestamp((m ->> 'atMs')::numeric / 1000.0)) order by place) from jsonb_array_elements(modes) with ordinality each (m, place)), '[]')
  from jsonb_to_recordset($1::jsonb) as r (id uuid, "serverId" integer, "callId" text, "userId" integer, username text, "orderedBy" text, device text, side text,
    "orderedMs" numeric, "startedMs" numeric, "endedMs" numeric, modes jsonb)
  on conflict (id) do update set started_at = excluded.started_at, ended_at = excluded.ended_at, modes = excluded.modes where spy_sessions.ended_at is null`;

export interface SpyRecordsParts {
  readonly redis: Redis;
  readonly usable: () => boolean;
  readonly pool: Pool;
  readonly log: Log;
}

export class SpyRecords {
  readonly #parts: SpyRecordsParts;
  /** Not in Redis yet, by their ids. */
  readonly #news = new Map<string, SpyRecord>();
  /** Asterisks of which something in Redis may not be in Postgres. */
  readonly #unwritten = new Set<number>();
  /** Apart: a Postgres that does not answer keeps nothing from Redis. */
  readonly #keeping: Work;
  readonly #writing: Work;

  constructor(parts: SpyRecordsParts) {
    this.#parts = parts;
    this.#keeping = new Work(async () => this.#toRedis(), parts.log);
    this.#writing = new Work(async () => {
      for (const serverId of this.#unwritten) await this.#toPostgres(serverId);
    }, parts.log);
  }

  /** Kept from now on, as well as Redis keeps it; in Postgres within a second or two. */
  save(record: SpyRecord): void {
    this.#news.set(record.id, record);
    this.#keeping.soon();
  }

  /** Those of an Asterisk that have not ended, as far as Redis knows. What has waits for Postgres no longer than this. */
  async standing(serverId: number): Promise<readonly SpyRecord[]> {
    const records = await this.#inRedis(serverId);
    if (records.length > 0) {
      this.#unwritten.add(serverId);
      this.#writing.soon();
    }
    return records.filter(({ endedMs }) => endedMs === null);
  }

  async close(): Promise<void> {
    await this.#keeping.close();
    await this.#writing.close();
  }

  async #toRedis(): Promise<void> {
    if (this.#news.size > 0 && !this.#parts.usable()) throw new Error('Redis is away');
    for (const record of this.#news.values()) {
      await this.#parts.redis.hset(spiesKey(record.serverId), record.id, JSON.stringify(record));
      if (this.#news.get(record.id) === record) this.#news.delete(record.id);
      this.#unwritten.add(record.serverId);
    }
    if (this.#unwritten.size > 0) this.#writing.soon();
  }

  async #toPostgres(serverId: number): Promise<void> {
    // What comes meanwhile is written by the next turn.
    this.#unwritten.delete(serverId);
    const records = await this.#inRedis(serverId).catch((error: unknown) => this.#notYet(serverId, error));
    if (records.length > 0) await this.#parts.pool.query(WRITE, [JSON.stringify(records)]).catch((error: unknown) => this.#notYet(serverId, error));
    const ended = records.filter(({ endedMs }) => endedMs !== null).map(({ id }) => id);
    if (ended.length > 0) await this.#parts.redis.hdel(spiesKey(serverId), ...ended).catch((error: unknown) => this.#notYet(serverId, error));
  }

  #notYet(serverId: number, error: unknown): never {
    this.#unwritten.add(serverId);
    throw error;
  }

  async #inRedis(serverId: number): Promise<readonly SpyRecord[]> {
    const all = await this.#parts.redis.hgetall(spiesKey(serverId));
    return Object.entries(all).flatMap(([id, text]) => {
      const record = parseSpyRecord(text);
      if (record !== null && record.id === id && record.serverId === serverId) return [record];
      this.#parts.log.warn({ key: spiesKey(serverId), field: id }, 'What stands as a record of spying is none');
      return [];
    });
  }
}

/** Something that is done soon, once at a time, and again until it succeeds. */
class Work {
  readonly #work: () => Promise<void>;
  readonly #log: Log;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(work: () => Promise<void>, log: Log) {
    this.#work = work;
    this.#log = log;
  }

  soon(ms = 0): void {
    if (this.#running !== null) this.#again = true;
    else if (this.#timer === null && !this.#closed) this.#timer = setTimeout(() => this.#start(), ms).unref();
  }

  /** What waits is tried once more. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#running;
    await this.#try();
  }

  #start(): void {
    this.#timer = null;
    this.#again = false;
    this.#running = this.#try().then((done) => {
      this.#running = null;
      if (!done) this.soon(EVERY_MS);
      else if (this.#again) this.soon();
    });
  }

  async #try(): Promise<boolean> {
    try {
      await this.#work();
      return true;
    } catch (error) {
      this.#log.debug({ reason: String(error) }, 'Records of spying are not written down yet.');
      return false;
    }
  }
}
