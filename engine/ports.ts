/** What the shell needs of the store and of a logger. `store/open.ts` and pino fit as they are. */
import type { LeaseStore } from './leader.ts';
import type { Standing } from '../store/stand-in.ts';
import type { SpyRecord } from '../store/spy-record.ts';
import type { Money } from '../rating/money.ts';
import type { DrawnNumber } from '../routing/caller-id.ts';
import type { Catalog } from '../routing/catalog.ts';
import type { QualityView } from '../routing/lcr/quality.ts';
import type { TalkView } from '../routing/minutes.ts';
import type { ScoreView } from '../routing/score.ts';
import type { AdmitAnswer, AdmitRequest, Cdr, ExtendAnswer, ExtendRequest, FinishRequest, NextWayRequest, OpenCall, RestoreRequest } from './call/admission.ts';

export interface CallStore {
  catalog(): Catalog | null;
  /** How the attempts of providers went lately. */
  quality(): QualityView;
  /** What providers with limits of minutes were talked by. */
  talk(): TalkView;
  /** Scores of the dynamic blacklist; null: it is off. */
  scores(): ScoreView | null;
  /** What Postgres told last of a user's balance. */
  balance(userId: number): Money | undefined;
  /** Providers that do not answer the periodic check of this Asterisk, for commands. */
  deadProviders(serverId: number, providerIds: readonly number[]): void;
  admit(request: AdmitRequest): Promise<AdmitAnswer>;
  /** Index of the way taken, counted from the first one asked for; null: none has room. */
  nextWay(request: NextWayRequest): Promise<number | null>;
  /** In the order asked; empty: the store does not know the call. */
  extend(request: ExtendRequest): Promise<ExtendAnswer>;
  finish(request: FinishRequest): Promise<unknown>;
  /** Queues rows of a call that held nothing. */
  record(cdrs: readonly Cdr[]): Promise<unknown>;
  /** A number of a pool is shown as CallerID: counted, at some time. */
  numberUsed(drawn: DrawnNumber): void;
  /** Calls of one Asterisk that are up; `leftOut` are led already. */
  openCalls(serverId: number, leftOut: (callId: string) => boolean): Promise<readonly OpenCall[]>;
  /** Which of these calls were finished lately. */
  finishedCalls(callIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Gives back what a call holds and settles nothing. */
  release(callId: string): Promise<void>;
  /** A call that is up is written down again if the store lost it. True: it had. */
  restore(request: RestoreRequest): Promise<boolean>;
  /** Told whenever the connection to what the store keeps has broken and is there again. */
  onBack(listener: () => void): void;
  /** The store does not answer: it goes by what this daemon knows of its calls, until `standDown`. */
  standIn(serverId: number, standing: () => readonly Standing[]): void;
  standDown(serverId: number): void;
  /** Asks for the leadership of an Asterisk, or for its renewal. */
  lease: LeaseStore['lease'];
  releaseLease: LeaseStore['releaseLease'];
  updateLive(callId: string, fields: Readonly<Record<string, string>>): void;
  readonly spies: SpyStore;
}

export interface SpyStore {
  /** Kept from now on, whatever is away. */
  save(record: SpyRecord): void;
  /** Those that have not ended. */
  standing(serverId: number): Promise<readonly SpyRecord[]>;
}

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(fields: object): Log;
}
