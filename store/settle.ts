/**
 * The settler: takes finished calls from the stream and brings them into Postgres, CDRs and debits in one transaction.
 * Whatever dies between two steps, the entries are still in the stream and a repetition changes nothing.
 */
import type { Redis } from 'ioredis';
import type { Pool, PoolClient } from 'pg';
import { makeBackOff, Sleeper } from './back-off.ts';
import { loadBalances } from './balances.ts';
import type { Balances } from './balances.ts';
import type { DebitText } from './cdr-row.ts';
import type { Log } from './log.ts';
import { spendableArgs } from './redis/calls.ts';
import type { Spendable } from './redis/calls.ts';
import { CDR_STREAM, REFUSED_STREAM } from './redis/keys.ts';
import { feedOf, feedRules } from './redis/score-feed.ts';
import type { BlacklistOptions } from './redis/score-feed.ts';
import { runScript } from './redis/scripts.ts';
import type { Units } from './redis/units.ts';
import { entryProblem, isPoison, poisonReason, readEntries, usersOf } from './settle-entry.ts';
import type { Entry } from './settle-entry.ts';
import { copyCalls, debitArrays, insertCalls, insertDebits, makePartition, prepareWriter, takeSettlerLock } from './settle-sql.ts';
import type { DebitArrays, NamedDebit } from './settle-sql.ts';

export interface SettlerParts {
  readonly pool: Pool;
  readonly redis: Redis;
  /** Whether Redis can be used at present. */
  readonly usable: () => boolean;
  readonly units: Units;
  readonly balances: Balances;
  readonly log: Log;
  /** Most calls in one transaction. */
  readonly batch: number;
  /** Longest wait before finished calls are settled, ms. */
  readonly everyMs: number;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** What calls feed the dynamic blacklist by; undefined: it is off. */
  readonly blacklist?: BlacklistOptions | undefined;
  readonly onBacklog: (backlog: Backlog) => void;
}

/** Calls that wait to be settled, and calls put aside. */
export interface Backlog {
  readonly waiting: number;
  readonly refused: number;
}

export interface SettleHealth {
  readonly settled: number;
  readonly refused: number;
  /** Why nothing is settled at present, or ''. */
  readonly reason: string;
}

const REDIS_AWAY = 'Redis is away.';

/** Few enough not to hold up calls. */
const ENTRIES_A_SCRIPT = 500;

/** Months for which partitions are made on demand; a call date outside is a wrong clock, and the default partition holds it. */
const MONTHS_BACK = 24;
const MONTHS_AHEAD = 2;

export class Settler {
  readonly #parts: SettlerParts;
  readonly #sleeper = new Sleeper();
  readonly #months = new Set<string>();
  #settled = 0;
  #refused = 0;
  #reason = '';
  /** The batch after the one in hand, read while Postgres works. */
  #ahead: Promise<readonly Entry[]> | null = null;
  /** Redis is told of the batch before the one in hand: it is in Postgres, and waits for nothing else. */
  #telling: Promise<void> = Promise.resolve();
  #closed = false;
  #done: Promise<void> = Promise.resolve();

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  health(): SettleHealth {
    return { settled: this.#settled, refused: this.#refused, reason: this.#reason };
  }

  async backlog(): Promise<Backlog> {
    const [waiting, refused] = await Promise.all([this.#parts.redis.xlen(CDR_STREAM), this.#parts.redis.xlen(REFUSED_STREAM)]);
    return { waiting, refused };
  }

  start(): void {
    this.#done = this.#run();
  }

  /** Finished calls need not wait for the end of the interval. */
  nudge(): void {
    this.#sleeper.wake();
  }

  /** Ends after the batch in hand; what is left stays in the stream. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sleeper.wake();
    await this.#done;
    await this.#telling.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const backOff = makeBackOff(this.#sleeper);
    while (!this.#closed) {
      try {
        if (!this.#parts.usable()) throw new Error(REDIS_AWAY);
        const taken = await this.settleOnce();
        this.#parts.onBacklog(await this.backlog());
        if (this.#reason !== '' && this.#reason !== REDIS_AWAY) this.#parts.log.info({}, 'Finished calls are settled again.');
        this.#reason = '';
        backOff.reset();
        if (taken < this.#parts.batch && !this.#closed) await this.#sleeper.sleep(this.#parts.everyMs);
      } catch (error) {
        this.#failed(error);
        await this.#tellBacklog();
        if (!this.#closed) await backOff.wait();
      }
    }
  }

  /** Also while Postgres is away: it is then that the backlog grows. */
  async #tellBacklog(): Promise<void> {
    if (!this.#parts.usable()) return;
    try {
      this.#parts.onBacklog(await this.backlog());
    } catch (error) {
      this.#parts.log.debug({ reason: String(error) }, 'The backlog is not known.');
    }
  }

  #failed(error: unknown): void {
    // The connection itself tells why Redis is away.
    const redisAway = !this.#parts.usable();
    const reason = redisAway ? REDIS_AWAY : error instanceof Error ? error.message : String(error);
    if (!redisAway && reason !== this.#reason && !this.#closed) this.#parts.log.warn({ reason }, 'Finished calls wait to be settled; trying again.');
    this.#reason = reason;
  }

  /** Queues what was put aside again, after its reason was removed. Returns how many. */
  async retryRefused(most = 1000): Promise<number> {
    return Number(await runScript(this.#parts.redis, 'retry-refused', { keys: [CDR_STREAM, REFUSED_STREAM], args: [most] }));
  }

  /** One batch. Returns how many entries it took; 0 also while another settler is at work. Throws when a server is away. */
  async settleOnce(): Promise<number> {
    const entries = await this.#oldest();
    try {
      const settled = await this.#settleAll(entries);
      if (!settled) this.#ahead = null;
      if (this.#ahead === null) await this.#telling;
      return settled ? entries.length : 0;
    } catch (error) {
      // What failed is the oldest still.
      this.#ahead = null;
      await this.#telling.catch(() => undefined);
      this.#telling = Promise.resolve();
      throw error;
    }
  }

  /** The next batch is asked for at once when there is one: it comes while this one is settled. What is settled twice changes nothing. */
  async #oldest(): Promise<readonly Entry[]> {
    const { redis, batch } = this.#parts;
    const ahead = (await this.#ahead) ?? [];
    const entries = ahead.length > 0 ? ahead : await readEntries(redis, batch);
    const last = entries.at(-1);
    this.#ahead = last === undefined || entries.length < batch ? null : readEntries(redis, batch, last.id).catch(() => []);
    return entries;
  }

  /** False: another settler is at work. */
  async #settleAll(entries: readonly Entry[]): Promise<boolean> {
    const sound: Entry[] = [];
    for (const entry of entries) {
      const problem = entryProblem(entry);
      if (problem === null) sound.push(entry);
      else await this.#refuse(entry, problem);
    }
    if (sound.length === 0) return true;
    await this.#makePartitions(sound);
    return this.#settle(sound);
  }

  /** Halves a batch that Postgres refuses until the entry at fault stands alone. False: another settler is at work. */
  async #settle(entries: readonly Entry[]): Promise<boolean> {
    let balances: readonly Spendable[] | null;
    try {
      balances = await this.#transact(entries);
    } catch (error) {
      if (!isPoison(error)) throw error;
      const [only] = entries;
      if (only !== undefined && entries.length === 1) {
        await this.#refuse(only, poisonReason(error));
        return true;
      }
      const middle = entries.length >> 1;
      return (await this.#settle(entries.slice(0, middle))) && this.#settle(entries.slice(middle));
    }
    if (balances === null) return false;
    this.#parts.balances.take(balances);
    await this.#telling;
    this.#telling = this.#tellRedis(entries, balances);
    // Whoever waits for it next is told of its failure.
    this.#telling.catch(() => undefined);
    this.#settled += entries.length;
    return true;
  }

  /** Balances as they are after it, of every payer named, whether or not his rows were new; null: not our turn. */
  async #transact(entries: readonly Entry[]): Promise<readonly Spendable[] | null> {
    const client = await this.#parts.pool.connect();
    try {
      await prepareWriter(client);
      await client.query('begin');
      const balances = (await takeSettlerLock(client)) ? await write(client, entries) : null;
      await client.query('commit');
      client.release();
      return balances;
    } catch (error) {
      await rollBack(client, error);
      throw error;
    }
  }

  /** Balances come first: until his entries are gone as well, a payer may spend a little less, never more. */
  async #tellRedis(entries: readonly Entry[], balances: readonly Spendable[]): Promise<void> {
    for (let at = 0; at < entries.length; at += ENTRIES_A_SCRIPT) await this.#removeEntries(entries.slice(at, at + ENTRIES_A_SCRIPT), at === 0 ? balances : []);
  }

  async #removeEntries(entries: readonly Entry[], balances: readonly Spendable[]): Promise<void> {
    const { blacklist, units } = this.#parts;
    const args = [blacklist === undefined ? '' : feedRules(blacklist, this.#parts.now()), balances.length, ...balances.flatMap((balance) => [balance.userId, ...spendableArgs(balance, units)])];
    for (const entry of entries) args.push(entry.id, entry.owed, blacklist === undefined ? '' : feedOf(entry.scored, blacklist));
    await runScript(this.#parts.redis, 'settled', { keys: [CDR_STREAM], args });
  }

  async #refuse(entry: Entry, reason: string): Promise<void> {
    await runScript(this.#parts.redis, 'refuse-entry', { keys: [CDR_STREAM, REFUSED_STREAM], args: [entry.id, reason] });
    this.#refused += 1;
    this.#parts.log.error({ callId: entry.callId, reason }, 'A finished call cannot be settled; it is kept aside and its money stays pending.');
  }

  async #makePartitions(entries: readonly Entry[]): Promise<void> {
    for (const month of new Set(entries.flatMap((entry) => entry.months))) {
      if (this.#months.has(month) || !this.#plausible(month)) continue;
      const client = await this.#parts.pool.connect();
      try {
        await makePartition(client, month);
        client.release();
      } catch (error) {
        await rollBack(client, error);
        throw error;
      }
      this.#months.add(month);
    }
  }

  #plausible(month: string): boolean {
    const now = new Date(this.#parts.now());
    const [year, ofYear] = month.split('-').map(Number);
    const distance = ((year ?? 0) - now.getUTCFullYear()) * 12 + (ofYear ?? 0) - (now.getUTCMonth() + 1);
    return distance >= -MONTHS_BACK && distance <= MONTHS_AHEAD;
  }
}

/** A connection that failed other than by Postgres' own word, or cannot even roll back, is thrown away. */
async function rollBack(client: PoolClient, cause: unknown): Promise<void> {
  if (typeof (cause as { code?: unknown } | null)?.code !== 'string') {
    client.release(true);
    return;
  }
  try {
    await client.query('rollback');
    client.release();
  } catch (error) {
    client.release(error instanceof Error ? error : true);
  }
}

async function write(client: PoolClient, entries: readonly Entry[]): Promise<readonly Spendable[]> {
  await copyCalls(client, entries.map((entry) => entry.rows).join(''));
  // The debits are made ready while Postgres is at work: usually those of all calls.
  const [fresh, { all, arrays }] = await Promise.all([insertCalls(client), Promise.resolve().then(() => debitsOf(entries))]);
  const due = all.filter(({ uniqueId }) => fresh.has(uniqueId));
  if (due.length > 0) await insertDebits(client, due.length === all.length ? arrays : debitArrays(due));
  const users = usersOf(entries);
  return users.length === 0 ? [] : loadBalances(client, users);
}

function debitsOf(entries: readonly Entry[]): { readonly all: readonly NamedDebit[]; readonly arrays: DebitArrays } {
  const all = entries.flatMap((entry) => (JSON.parse(entry.debits) as DebitText[]).map((debit) => ({ debit, uniqueId: entry.final })));
  return { all, arrays: debitArrays(all) };
}
