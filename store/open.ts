/** Everything the engine asks of Postgres and Redis, behind one door. Opening never fails: it goes on trying, and `health` says what is missing. */
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import type { AdmitAnswer, AdmitRequest, Cdr, ExtendAnswer, ExtendRequest, FinishRequest, NextWayRequest, OpenCall, RestoreRequest } from '../engine/call/admission.ts';
import type { Money } from '../rating/money.ts';
import type { DrawnNumber } from '../routing/caller-id.ts';
import { BANNED_POOL_ID } from '../routing/catalog.ts';
import type { Catalog } from '../routing/catalog.ts';
import { Balances } from './balances.ts';
import type { TalkView } from '../routing/minutes.ts';
import type { QualityView } from '../routing/lcr/quality.ts';
import type { ScoreView } from '../routing/score.ts';
import { Follower } from './catalog/follow.ts';
import { monotonicMs, wallMs } from './clock.ts';
import type { Log } from './log.ts';
import { NumberUse } from './number-use.ts';
import { ProviderTalk } from './provider-talk.ts';
import { makePool } from './postgres.ts';
import { makeCallStore } from './redis/calls.ts';
import type { CallStore } from './redis/calls.ts';
import { connectRedis } from './redis/connect.ts';
import { writeDead } from './redis/dead.ts';
import { listCalls, readCounters } from './redis/live.ts';
import type { LiveCall } from './redis/live.ts';
import { askLease, fenceOf, releaseLease } from './redis/lease.ts';
import type { LeaseAnswer } from './redis/lease.ts';
import type { Fence } from './redis/scripts.ts';
import { finishedCalls, openCalls } from './redis/open-calls.ts';
import { LiveUpdates } from './redis/live-updates.ts';
import { QualityFigures } from './redis/quality.ts';
import { BlacklistScores } from './redis/scores.ts';
import { makeUnits, redisProblem } from './redis/units.ts';
import type { Units } from './redis/units.ts';
import { Reconciler } from './redis/reconcile.ts';
import { Releases } from './releases.ts';
import { Settler } from './settle.ts';
import { SpyRecords } from './spy-records.ts';
import { serverOf, StandIn } from './stand-in.ts';
import type { Standing } from './stand-in.ts';
import type { LeaseWish, Store, StoreHealth } from './store.ts';
import type { StoreOptions } from './store-options.ts';
import { judged, limitsMinutes } from './wanted.ts';

const POOL_SIZE = 4;

/** The hangup cause of a CallerID with too many calls at once. */
const BANNED_CAUSE = 225;
/** "Temporary failure", 503: what a call costs could not be kept. */
const BACKLOG_CAUSE = 41;

export type { LeaseWish, Store, StoreHealth } from './store.ts';

export function openStore(options: StoreOptions): Store {
  return new OpenStore(options);
}

class OpenStore implements Store {
  readonly #log: Log;
  readonly #redis: Redis;
  readonly #pool: Pool;
  readonly #priceDecimals: number;
  readonly #units: Units;
  readonly #mostBacklog: number;
  readonly #calls: CallStore;
  readonly #balances: Balances;
  readonly #follower: Follower;
  readonly #settler: Settler;
  readonly #updates: LiveUpdates;
  readonly #reconciler: Reconciler;
  readonly #releases: Releases;
  readonly #quality: QualityFigures;
  readonly #talk: ProviderTalk;
  readonly #scores: BlacklistScores;
  readonly #numberUse: NumberUse;
  readonly #standIn: StandIn;
  readonly spies: SpyRecords;
  readonly #listeners: ((catalog: Catalog) => void)[] = [];
  readonly #backListeners: (() => void)[] = [];
  readonly #waiting: (() => void)[] = [];
  #backlog: { waiting: number; refused: number } | null = null;
  #redisReason = 'Connecting.';
  #redisConnections = 0;
  /** By Asterisk, of those that this daemon leads, or has led: a fence that holds no more keeps it out. */
  readonly #fences = new Map<number, Fence>();
  /** Never counts money in the wrong units. */
  #unitsAgree = false;

  constructor(options: StoreOptions) {
    const { log, postgresUrl, priceDecimals } = options;
    const blacklist = options.blacklist?.enabled === true ? options.blacklist : undefined;
    this.#log = log;
    this.#priceDecimals = priceDecimals;
    this.#units = makeUnits(priceDecimals);
    this.#mostBacklog = options.mostBacklog ?? Number.POSITIVE_INFINITY;
    this.#redis = connectRedis(options.redisUrl, log);
    this.#pool = makePool(postgresUrl, log, POOL_SIZE);
    const balances: Balances = new Balances({ set: async (news) => this.#calls.setBalances(news), offer: async (news) => this.#calls.offerBalances(news) }, log);
    this.#balances = balances;
    this.#calls = makeCallStore({
      redis: this.#redis, units: this.#units, balanceOf: (userId) => balances.get(userId), flashAlarm: options.flashAlarm, scoring: blacklist !== undefined, events: options.eventsKeep, log,
      fenceOf: (callId) => this.#fences.get(serverOf(callId)),
    });
    const { policy, bound } = options.redisAway ?? { policy: 'refuse', bound: 0n };
    this.#standIn = new StandIn({ policy, bound, balanceOf: (userId) => balances.get(userId), floor: (amount) => this.#units.toMoney(this.#units.owned(amount)), now: monotonicMs });
    this.#releases = new Releases(async (callId) => this.#calls.release(callId), log);
    this.#updates = new LiveUpdates(this.#calls, log);
    this.#follower = new Follower({
      postgresUrl, priceDecimals, closedDidDays: options.closedDidDays, balances, log, now: monotonicMs, onCatalog: (catalog) => this.#catalogChanged(catalog),
    });
    this.#settler = new Settler({
      pool: this.#pool, redis: this.#redis, usable: () => this.#redisUp(), units: this.#units, balances, log, batch: options.settleBatch, everyMs: options.settleEveryMs, now: wallMs, blacklist,
      onBacklog: (backlog) => {
        this.#backlog = backlog;
      },
    });
    this.#quality = new QualityFigures({
      redis: this.#redis, usable: () => this.#redisUp(), windowMs: options.qualityWindowMinutes * 60_000, providerIds: () => judged(this.#follower.catalog), now: wallMs, log,
    });
    this.#scores = new BlacklistScores({ redis: this.#redis, usable: () => this.#redisUp(), options: blacklist, log });
    this.#talk = new ProviderTalk(this.#pool, () => limitsMinutes(this.#follower.catalog), log);
    this.#numberUse = new NumberUse(this.#pool, log);
    this.spies = new SpyRecords({ redis: this.#redis, usable: () => this.#redisUp(), pool: this.#pool, log });
    this.#reconciler = new Reconciler({ redis: this.#redis, usable: () => this.#redisUp(), everyMs: options.reconcileEveryMs, log });
    this.#watchRedis(balances);
    this.#reconciler.start();
    this.#quality.start();
    this.#talk.start();
    this.#follower.start();
    this.#settler.start();
  }

  #watchRedis(balances: Balances): void {
    this.#redis.on('error', (error: Error) => {
      this.#redisReason = error.message;
    });
    this.#redis.on('close', () => {
      this.#backlog = null;
      this.#unitsAgree = false;
      if (this.#redisReason === '') this.#redisReason = 'The connection was lost.';
    });
    this.#redis.on('ready', () => {
      this.#redisReady(balances).catch((error: unknown) => {
        this.#log.warn({ err: error }, 'Redis was lost again before it could be used.');
        // One that is connected and answered too late is asked anew, not never.
        if (this.#redis.status === 'ready') this.#redis.disconnect(true);
      });
    });
  }

  /** It may have come back empty, with balances of long ago, or be that of another setting. */
  async #redisReady(balances: Balances): Promise<void> {
    this.#redisReason = await redisProblem(this.#redis, this.#priceDecimals);
    if (this.#redisReason !== '') {
      this.#log.error({ reason: this.#redisReason }, 'Redis cannot be used.');
      return;
    }
    this.#unitsAgree = true;
    this.#redisConnections += 1;
    balances.pushAll();
    this.#settler.nudge();
    for (const listener of this.#backListeners) listener();
    this.#tellReady();
  }

  #catalogChanged(catalog: Catalog): void {
    for (const listener of this.#listeners) {
      try {
        listener(catalog);
      } catch (error) {
        this.#log.error({ err: error }, 'A listener for catalog changes failed.');
      }
    }
    this.#tellReady();
  }

  #isReady(): boolean {
    return this.#follower.catalog !== null && (this.#redisUp() || this.#standIn.admits);
  }

  #redisUp(): boolean {
    return this.#redis.status === 'ready' && this.#unitsAgree;
  }

  /** For what moves money. */
  #mustBeUp(): void {
    if (!this.#redisUp()) throw new Error(`Redis is away. ${this.#redisReason}`);
  }

  #tellReady(): void {
    if (!this.#isReady()) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  catalog(): Catalog | null {
    return this.#follower.catalog;
  }

  async ready(): Promise<void> {
    if (this.#isReady()) return;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async admit(request: AdmitRequest): Promise<AdmitAnswer> {
    if (this.#standIn.serves(request.callId)) return this.#standIn.admit(request);
    this.#mustBeUp();
    if ((this.#backlog?.waiting ?? 0) >= this.#mostBacklog) return { kind: 'refused', cause: BACKLOG_CAUSE };
    try {
      const answer = await this.#calls.admit(request);
      if (answer.kind === 'refused' && answer.cause === BANNED_CAUSE) this.#ban(request.live['from'] ?? '');
      return answer;
    } catch (error) {
      // It may have taken place all the same: what was sent cannot be called back, only given back.
      this.#releases.add(request.callId);
      throw error;
    }
  }

  /** Beside the call, which is refused already; if it fails, the next one too many tries again. */
  #ban(caller: string): void {
    this.#pool.query('insert into numbers (pool_id, number) values ($1, $2) on conflict do nothing', [BANNED_POOL_ID, caller]).then(
      () => this.#log.warn({ caller }, 'A CallerID is banned: too many calls at once came from it.'),
      (error: unknown) => this.#log.warn({ caller, err: error }, 'A CallerID that should be banned could not be written down.'),
    );
  }

  async nextWay(request: NextWayRequest): Promise<number | null> {
    if (this.#standIn.serves(request.callId)) return this.#standIn.nextWay(request);
    return this.#calls.nextWay(request);
  }

  async extend(request: ExtendRequest): Promise<ExtendAnswer> {
    if (this.#standIn.serves(request.callId)) return this.#standIn.extend(request);
    this.#mustBeUp();
    return (await this.#calls.extend(request)) ?? { held: [], left: [] };
  }

  async finish(request: FinishRequest): Promise<void> {
    this.#standIn.finished(request);
    this.#mustBeUp();
    this.#updates.forget(request.callId);
    if (await this.#calls.finish(request)) this.#quality.add(request.cdrs);
  }

  balance(userId: number): Money | undefined {
    return this.#balances.get(userId)?.balance;
  }

  quality(): QualityView {
    return this.#quality.view;
  }

  deadProviders(serverId: number, providerIds: readonly number[]): void {
    if (!this.#redisUp()) return;
    writeDead(this.#redis, serverId, providerIds).catch((error: unknown) => this.#log.debug({ err: error }, 'Dead providers could not be told.'));
  }

  talk(): TalkView {
    return this.#talk.view;
  }

  scores(): ScoreView | null {
    return this.#scores.view;
  }

  async record(cdrs: readonly Cdr[]): Promise<void> {
    this.#mustBeUp();
    await this.#calls.record(cdrs);
  }

  updateLive(callId: string, fields: Readonly<Record<string, string>>): void {
    this.#updates.add(callId, fields);
  }

  numberUsed(drawn: DrawnNumber): void {
    this.#numberUse.add(drawn);
  }

  async openCalls(serverId: number, leftOut: (callId: string) => boolean): Promise<readonly OpenCall[]> {
    this.#mustBeUp();
    return openCalls(this.#redis, this.#units, serverId, leftOut);
  }

  async finishedCalls(callIds: readonly string[]): Promise<ReadonlySet<string>> {
    this.#mustBeUp();
    return finishedCalls(this.#redis, callIds);
  }

  async release(callId: string): Promise<void> {
    this.#mustBeUp();
    await this.#calls.release(callId);
  }

  async restore(request: RestoreRequest): Promise<boolean> {
    this.#mustBeUp();
    return this.#calls.restore(request);
  }

  async lease(request: LeaseWish): Promise<LeaseAnswer> {
    this.#mustBeUp();
    const answer = await askLease(this.#redis, request);
    if (answer.kind === 'lead') this.#fences.set(request.serverId, fenceOf(request.serverId, request.daemon, answer.token));
    return answer;
  }

  async releaseLease(serverId: number, daemon: string): Promise<void> {
    this.#mustBeUp();
    await this.#updates.flush();
    await releaseLease(this.#redis, serverId, daemon);
  }

  standIn(serverId: number, standing: () => readonly Standing[]): void {
    this.#standIn.begin(serverId, standing);
  }

  standDown(serverId: number): void {
    this.#standIn.end(serverId);
  }

  async listCalls(): Promise<readonly LiveCall[]> {
    return listCalls(this.#redis, this.#units);
  }

  async counters(): Promise<Readonly<Record<string, number>>> {
    return readCounters(this.#redis);
  }

  onBack(listener: () => void): void {
    this.#backListeners.push(listener);
  }

  onCatalogChange(listener: (catalog: Catalog) => void): void {
    this.#listeners.push(listener);
  }

  async backlog(): Promise<{ waiting: number; refused: number }> {
    return this.#settler.backlog();
  }

  health(): StoreHealth {
    const settling = this.#settler.health();
    const redisUp = this.#redisUp();
    return {
      ready: this.#isReady(),
      postgres: { ok: this.#follower.connected, reason: this.#follower.reason, connections: this.#follower.connections },
      redis: { ok: redisUp, reason: redisUp ? '' : this.#redisReason, connections: this.#redisConnections },
      catalogVersion: this.#follower.catalog?.version ?? null,
      backlog: this.#backlog?.waiting ?? null,
      refused: this.#backlog?.refused ?? null,
      settling: { ok: settling.reason === '', reason: settling.reason },
      repaired: this.#reconciler.repaired,
    };
  }

  async close(): Promise<void> {
    this.#reconciler.close();
    await this.#updates.flush();
    await this.#quality.close();
    await this.#talk.close();
    this.#scores.close();
    await this.#numberUse.close();
    await this.spies.close();
    await Promise.all([this.#releases.close(), this.#settler.close(), this.#follower.close()]);
    this.#redis.disconnect();
    await this.#pool.end();
  }
}
