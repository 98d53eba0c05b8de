/**
 * What providers with limits of minutes were talked by, read every second. The settler counts it in the transaction
 * that writes the CDRs, so a call counts once, whatever dies, and nothing is lost with Redis.
 */
import type { ClientBase, Pool } from 'pg';
import type { TalkView } from '../routing/minutes.ts';
import { later } from './clock.ts';
import type { Log } from './log.ts';
import { connectClient } from './postgres.ts';

const EVERY_MS = 1000;

const READ = `select p.id, coalesce(sum(t.seconds), 0)::float8 as "monthS", coalesce(sum(t.seconds) filter (where t.day = d.today), 0)::float8 as "dayS"
  from providers p cross join lateral (select (now() at time zone p.time_zone)::date as today) d
  left join provider_talk t on t.provider_id = p.id and t.day between date_trunc('month', d.today)::date and d.today
  where p.monthly_minutes > 0 or p.daily_minutes > 0 group by p.id`;

export async function readTalk(reader: Pick<ClientBase, 'query'> | Pool): Promise<TalkView> {
  const { rows } = await reader.query<{ id: number; monthS: number; dayS: number }>(READ);
  return new Map(rows.map(({ id, monthS, dayS }) => [id, { monthS, dayS }]));
}

/** For commands. */
export async function readTalkOnce(postgresUrl: string): Promise<TalkView> {
  const client = await connectClient(postgresUrl, 'look');
  try {
    return await readTalk(client);
  } finally {
    await client.end();
  }
}

export class ProviderTalk {
  readonly #pool: Pool;
  readonly #wanted: () => boolean;
  readonly #log: Log;
  #view: TalkView = new Map();
  #reading: Promise<void> = Promise.resolve();
  #closed = false;

  /** `wanted`: there are providers with limits; without, nothing is read. */
  constructor(pool: Pool, wanted: () => boolean, log: Log) {
    this.#pool = pool;
    this.#wanted = wanted;
    this.#log = log;
  }

  get view(): TalkView {
    return this.#view;
  }

  start(): void {
    later(EVERY_MS, () => {
      if (this.#closed) return;
      this.#reading = this.#refresh().finally(() => this.start());
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading;
  }

  /** Never throws: with Postgres away the last figures stay. */
  async #refresh(): Promise<void> {
    try {
      this.#view = this.#wanted() ? await readTalk(this.#pool) : new Map();
    } catch (error) {
      this.#log.debug({ reason: String(error) }, 'The minutes of providers are behind.');
    }
  }
}
