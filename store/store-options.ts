/** What the store is opened with. */
import type { Money } from '../rating/money.ts';
import type { Log } from './log.ts';
import type { BlacklistOptions } from './redis/score-feed.ts';

export interface StoreOptions {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly priceDecimals: number;
  /** Flash calls of one number within an hour that are told; 0: none. */
  readonly flashAlarm: number;
  /** Providers are judged by their attempts of so long, minutes. */
  readonly qualityWindowMinutes: number;
  /** Undefined, or not enabled: calls feed no scores, and none are read. */
  readonly blacklist?: BlacklistOptions | undefined;
  /** A closed DID is free again after so many days. */
  readonly closedDidDays: number;
  /** Most calls in one settling transaction. */
  readonly settleBatch: number;
  /** Longest wait of a finished call for its transaction, ms. */
  readonly settleEveryMs: number;
  /** With so many finished calls in Redis no new one is admitted; undefined: Redis' memory is the bound. */
  readonly mostBacklog?: number | undefined;
  /** Counters and holds are added up anew so often, ms. */
  readonly reconcileEveryMs: number;
  /** While Redis is away: whether new calls are taken, and what each user is given at most; undefined: nothing. */
  readonly redisAway?: { readonly policy: 'refuse' | 'allow'; readonly bound: Money } | undefined;
  /** What becomes of calls is told on a stream that keeps so many entries; undefined, or 0: it is not. */
  readonly eventsKeep?: number | undefined;
  readonly log: Log;
}
