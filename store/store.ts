/** The store's door: what the engine and the commands ask of Postgres and Redis. */
import type { AdmitAnswer, AdmitRequest, Cdr, ExtendAnswer, ExtendRequest, FinishRequest, NextWayRequest, OpenCall, RestoreRequest } from '../engine/call/admission.ts';
import type { Money } from '../rating/money.ts';
import type { DrawnNumber } from '../routing/caller-id.ts';
import type { Catalog } from '../routing/catalog.ts';
import type { QualityView } from '../routing/lcr/quality.ts';
import type { TalkView } from '../routing/minutes.ts';
import type { ScoreView } from '../routing/score.ts';
import type { askLease, LeaseAnswer } from './redis/lease.ts';
import type { LiveCall } from './redis/live.ts';
import type { SpyRecords } from './spy-records.ts';
import type { Standing } from './stand-in.ts';

export interface ConnectionHealth {
  readonly ok: boolean;
  readonly reason: string;
  /** So far; one that never broke has 1. */
  readonly connections: number;
}

export interface StoreHealth {
  /** All that a call needs is there: a catalog and Redis. */
  readonly ready: boolean;
  readonly postgres: ConnectionHealth;
  readonly redis: ConnectionHealth;
  readonly catalogVersion: number | null;
  /** Finished calls in Redis that are not in Postgres yet; null: unknown, as Redis is away. */
  readonly backlog: number | null;
  /** Finished calls that Postgres refused, kept in `tollgate:cdr:refused`. */
  readonly refused: number | null;
  readonly settling: { readonly ok: boolean; readonly reason: string };
  /** Counters and holds that were wrong and were put right. */
  readonly repaired: number;
}

export interface Store {
  /** The catalog in force; null until it was read for the first time. */
  catalog(): Catalog | null;
  /** A user's balance as Postgres told it last, within a second of its change; undefined: there is no such user. */
  balance(userId: number): Money | undefined;
  /** How the attempts of providers in LCRs by quality went lately; at most some seconds old. */
  quality(): QualityView;
  /** Providers that do not answer the periodic check of this Asterisk: kept for commands, lost if Redis is away. */
  deadProviders(serverId: number, providerIds: readonly number[]): void;
  /** What providers with limits of minutes were talked by; with Postgres in reach a second old at most. */
  talk(): TalkView;
  /** Scores of the dynamic blacklist; null: it is off. */
  scores(): ScoreView | null;
  /** Resolves when the first catalog is in force and Redis answers. */
  ready(): Promise<void>;
  admit(request: AdmitRequest): Promise<AdmitAnswer>;
  /** Index into the request's ways; null: none has room. */
  nextWay(request: NextWayRequest): Promise<number | null>;
  /** Empty when the call is not in Redis. */
  extend(request: ExtendRequest): Promise<ExtendAnswer>;
  finish(request: FinishRequest): Promise<void>;
  /** Queues rows of a call that held nothing. */
  record(cdrs: readonly Cdr[]): Promise<void>;
  /** New fields of a live call; sent together with others, lost if Redis is away. */
  updateLive(callId: string, fields: Readonly<Record<string, string>>): void;
  /** Counts a CallerID that was drawn; two seconds later it is in Postgres. */
  numberUsed(drawn: DrawnNumber): void;
  /** Calls of one Asterisk that are up, for a takeover; `leftOut` are led already. */
  openCalls(serverId: number, leftOut: (callId: string) => boolean): Promise<readonly OpenCall[]>;
  /** Which of these calls were finished lately. */
  finishedCalls(callIds: readonly string[]): Promise<ReadonlySet<string>>;
  /** Gives back what a call holds and settles nothing: nobody knows what it was. */
  release(callId: string): Promise<void>;
  /** A call that is up is written down again if Redis lost it. True: it had. */
  restore(request: RestoreRequest): Promise<boolean>;
  /** Asks for the leadership of an Asterisk, or for its renewal. From the first answer `lead` on, this store speaks for it. */
  lease(request: LeaseWish): Promise<LeaseAnswer>;
  /** Lets go of an Asterisk; calls of it are refused from now on. */
  releaseLease(serverId: number, daemon: string): Promise<void>;
  /** Told whenever the connection to Redis has broken and is there again: it may know less. */
  onBack(listener: () => void): void;
  /** Redis does not answer, and this daemon leads the Asterisk: it goes by what it knows itself, until `standDown`. */
  standIn(serverId: number, standing: () => readonly Standing[]): void;
  /** Redis knows again what it must know of the calls of this Asterisk, or another daemon leads it. */
  standDown(serverId: number): void;
  /** Records of operators on calls. */
  readonly spies: Pick<SpyRecords, 'save' | 'standing'>;
  listCalls(): Promise<readonly LiveCall[]>;
  counters(): Promise<Readonly<Record<string, number>>>;
  onCatalogChange(listener: (catalog: Catalog) => void): void;
  backlog(): Promise<{ waiting: number; refused: number }>;
  health(): StoreHealth;
  close(): Promise<void>;
}

export type LeaseWish = Parameters<typeof askLease>[1];
