/** A look at Redis for commands: the calls that are up, the counters, what payers may spend, scores. Changes nothing but a score that is cleared. */
import { Redis } from 'ioredis';
import type { Money } from '../../rating/money.ts';
import type { QualityView } from '../../routing/lcr/quality.ts';
import type { ScoreView } from '../../routing/score.ts';
import { readDead } from './dead.ts';
import { payerKey } from './keys.ts';
import { listCalls, readCounters } from './live.ts';
import type { LiveCall } from './live.ts';
import { readQuality } from './quality.ts';
import { clearScore, readScore, readScores } from './scores.ts';
import type { WhichScores } from './scores.ts';
import { makeUnits } from './units.ts';
import type { Units } from './units.ts';

/** A payer as Redis holds him. */
export interface Purse {
  readonly balance: Money;
  /** null: without limit. */
  readonly credit: Money | null;
  readonly reserved: Money;
  readonly pending: Money;
  /** What is left of his daily limit now; null: he has none. */
  readonly today: Money | null;
}

export interface LiveView {
  readonly calls: () => Promise<readonly LiveCall[]>;
  /** Counters of concurrent calls that are not 0, by key without prefix, e.g. `calls:user:5:out`. */
  readonly counters: () => Promise<Readonly<Record<string, number>>>;
  /** null: Redis does not know this payer. */
  readonly purse: (userId: number, nowMs: number) => Promise<Purse | null>;
  /** How the attempts of these providers went within the window. */
  readonly quality: (providerIds: readonly number[], window: { readonly nowMs: number; readonly windowMs: number }) => Promise<QualityView>;
  /** Providers that do not answer the periodic check of this Asterisk. */
  readonly dead: (serverId: number) => Promise<ReadonlySet<number>>;
  /** The scores of the dynamic blacklist that a daemon knows. */
  readonly scores: (which: WhichScores) => Promise<ScoreView>;
  /** The level of one item, whether or not a daemon knows it. */
  readonly score: (item: string, which: WhichScores) => Promise<number | undefined>;
  readonly clearScore: (item: string, which: WhichScores) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** `day` as `spendableArgs` writes it. */
function leftOfDay(day: string, units: Units, nowMs: number): Money {
  const [limit = '0', spent = '0', until] = day.split(' ');
  return units.toMoney(limit) - (nowMs < Number(until) ? units.toMoney(spent) : 0n);
}

/** Rejects, naming Redis, when it cannot be reached. */
export async function openLiveView(redisUrl: string, priceDecimals: number): Promise<LiveView> {
  const redis = new Redis(redisUrl, { lazyConnect: true, connectTimeout: 3000, commandTimeout: 5000, retryStrategy: null, maxRetriesPerRequest: 0 });
  let last: Error | null = null;
  redis.on('error', (error: Error) => {
    last = error;
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    const reason: unknown = last ?? error;
    throw new Error(`Redis cannot be reached: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: error });
  }
  const units = makeUnits(priceDecimals);
  return {
    calls: async () => listCalls(redis, units),
    counters: async () => readCounters(redis),
    quality: async (providerIds, window) => readQuality(redis, providerIds, window),
    dead: async (serverId) => readDead(redis, serverId),
    scores: async (which) => readScores(redis, which),
    score: async (item, which) => readScore(redis, item, which),
    clearScore: async (item, which) => clearScore(redis, item, which),
    async purse(userId, nowMs) {
      const [balance, credit, reserved, pending, day] = await redis.hmget(payerKey(userId), 'balance', 'credit', 'reserved', 'pending', 'day');
      if (typeof balance !== 'string') return null;
      const held = units.toMoney(reserved ?? '0');
      const owed = units.toMoney(pending ?? '0');
      return {
        balance: units.toMoney(balance), credit: credit === 'inf' ? null : units.toMoney(credit ?? '0'), reserved: held, pending: owed,
        today: typeof day === 'string' && day !== '' ? leftOfDay(day, units, nowMs) - held - owed : null,
      };
    },
    async close() {
      redis.disconnect();
    },
  };
}
