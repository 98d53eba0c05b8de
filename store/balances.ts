/** What every user may spend, in memory: so that a payer Redis does not know costs no statement on the way of a call. */
import type { ClientBase } from 'pg';
import { parseMoney } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import type { Log } from './log.ts';
import { connectClient } from './postgres.ts';
import type { Spendable } from './redis/calls.ts';

interface BalanceRow {
  readonly id: number;
  readonly balance: string;
  readonly credit: string | null;
  readonly version: string;
  readonly daily: string;
  readonly spent: string;
  readonly untilMs: number;
}

/** `ids` null: all users. */
export async function loadBalances(reader: Pick<ClientBase, 'query'>, ids: readonly number[] | null): Promise<readonly Spendable[]> {
  const { rows } = await reader.query<BalanceRow>(`select id, balance, credit, balance_version as version,
    daily_limit as daily, spent, greatest(0, extract(epoch from spent_until) * 1000)::float8 as "untilMs" from users
    where $1::int[] is null or id = any ($1)`, [ids]);
  return rows.map((row) => spendable(row));
}

/** For commands. */
export async function readBalancesOnce(postgresUrl: string, ids: readonly number[]): Promise<ReadonlyMap<number, Money>> {
  if (ids.length === 0) return new Map();
  const client = await connectClient(postgresUrl, 'look');
  try {
    return new Map((await loadBalances(client, ids)).map(({ userId, balance }) => [userId, balance]));
  } finally {
    await client.end();
  }
}

export function spendable({ id, balance, credit, version, daily, spent, untilMs }: BalanceRow): Spendable {
  const limit = parseMoney(daily);
  return {
    userId: id, balance: parseMoney(balance), credit: credit === null ? null : parseMoney(credit), version: Number(version),
    day: limit === 0n ? null : { limit, spent: parseMoney(spent), untilMs },
  };
}

/** Hands balances to Redis. `offer` returns the users whose lower balance waits for their pending calls to be settled. */
export interface BalancesDoor {
  readonly set: (news: readonly Spendable[]) => Promise<unknown>;
  readonly offer: (news: readonly Spendable[]) => Promise<readonly number[]>;
}

/** A balance that waits is offered again. */
const AGAIN_MS = 50;
/** So often; then it is taken: a payer may spend too little for a while, never too much. */
const MOST_OFFERS = 20;

export class Balances {
  readonly #known = new Map<number, Spendable>();
  readonly #door: BalancesDoor;
  readonly #log: Log;

  constructor(door: BalancesDoor, log: Log) {
    this.#door = door;
    this.#log = log;
  }

  get(userId: number): Spendable | undefined {
    return this.#known.get(userId);
  }

  /** Keeps what is newer than what is known, and returns it. */
  take(balances: readonly Spendable[]): readonly Spendable[] {
    const news = balances.filter(({ userId, version }) => (this.#known.get(userId)?.version ?? -1) < version);
    for (const balance of news) this.#known.set(balance.userId, balance);
    return news;
  }

  forget(userIds: readonly number[]): void {
    for (const userId of userIds) this.#known.delete(userId);
  }

  /** Tells Redis; if it is away it gets all of them when it is back. */
  push(balances: readonly Spendable[], offers = 1): void {
    const told = offers > MOST_OFFERS ? this.#door.set(balances).then((): readonly number[] => []) : this.#door.offer(balances);
    told.then((waiting) => {
      if (waiting.length > 0) setTimeout(() => this.push(waiting.flatMap((userId) => this.get(userId) ?? []), offers + 1), AGAIN_MS).unref();
    }, (error: unknown) => this.#waits(error));
  }

  /** After Redis came back, perhaps empty. */
  pushAll(): void {
    this.#door.set([...this.#known.values()]).catch((error: unknown) => this.#waits(error));
  }

  #waits(error: unknown): void {
    this.#log.debug({ reason: error instanceof Error ? error.message : String(error) }, 'Balances wait for Redis.');
  }
}
