/** A daemon's store: the parts that store/open.ts puts together, on a simulated line to the real Redis. */
import type { AdmitAnswer, AdmitRequest, Cdr, ExtendAnswer, ExtendRequest, FinishRequest, NextWayRequest, OpenCall, RestoreRequest } from '../../engine/call/admission.ts';
import type { CallStore as Port } from '../../engine/ports.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { Balances } from '../../store/balances.ts';
import type { Log } from '../../store/log.ts';
import { makeCallStore } from '../../store/redis/calls.ts';
import type { CallStore } from '../../store/redis/calls.ts';
import { askLease, fenceOf, releaseLease } from '../../store/redis/lease.ts';
import type { LeaseAnswer, LeaseRequest } from '../../store/redis/lease.ts';
import { LiveUpdates } from '../../store/redis/live-updates.ts';
import { finishedCalls, openCalls } from '../../store/redis/open-calls.ts';
import { makeUnits } from '../../store/redis/units.ts';
import type { Fence } from '../../store/redis/scripts.ts';
import { Releases } from '../../store/releases.ts';
import { serverOf, StandIn } from '../../store/stand-in.ts';
import type { Standing } from '../../store/stand-in.ts';
import type { RedisLine } from './redis.ts';

export const UNITS = makeUnits(6);

export interface SimulatedStoreParts {
  readonly line: RedisLine;
  readonly catalog: Catalog;
  readonly now: () => number;
  readonly redisAway: { readonly policy: 'refuse' | 'allow'; readonly bound: bigint };
  /** The next way of a call was chosen without Redis. */
  readonly onOwnChoice: (callId: string) => void;
  readonly log: Log;
}

export class SimulatedStore implements Port {
  readonly balances: Balances;
  /** Nobody spies here. */
  readonly spies = { save: (): void => undefined, standing: async (): Promise<readonly []> => [] };
  readonly #parts: SimulatedStoreParts;
  readonly #calls: CallStore;
  readonly #standIn: StandIn;
  readonly #releases: Releases;
  readonly #updates: LiveUpdates;
  readonly #fences = new Map<number, Fence>();

  constructor(parts: SimulatedStoreParts) {
    this.#parts = parts;
    const { line, log, redisAway } = parts;
    const balances: Balances = new Balances({ set: async (news) => this.#calls.setBalances(news), offer: async (news) => this.#calls.offerBalances(news) }, log);
    this.balances = balances;
    this.#calls = makeCallStore({ redis: line.client, units: UNITS, balanceOf: (userId) => balances.get(userId), fenceOf: (callId) => this.#fences.get(serverOf(callId)), flashAlarm: 0, log });
    this.#standIn = new StandIn({ ...redisAway, balanceOf: (userId) => balances.get(userId), floor: (amount) => UNITS.toMoney(UNITS.owned(amount)), now: parts.now });
    this.#releases = new Releases(async (callId) => this.#calls.release(callId), log);
    this.#updates = new LiveUpdates(this.#calls, log);
  }

  catalog(): Catalog {
    return this.#parts.catalog;
  }

  balance(userId: number): bigint | undefined {
    return this.balances.get(userId)?.balance;
  }

  quality(): ReturnType<Port['quality']> {
    return new Map();
  }

  talk(): ReturnType<Port['talk']> {
    return new Map();
  }

  scores(): null {
    return null;
  }

  deadProviders(): void {
    // Nothing is asked of endpoints here.
  }

  numberUsed(): void {
    // No CallerID is drawn here.
  }

  async admit(request: AdmitRequest): Promise<AdmitAnswer> {
    if (this.#standIn.serves(request.callId)) return this.#standIn.admit(request);
    this.#mustBeUp();
    try {
      return await this.#calls.admit(request);
    } catch (error) {
      this.#releases.add(request.callId);
      throw error;
    }
  }

  async nextWay(request: NextWayRequest): Promise<number | null> {
    if (!this.#standIn.serves(request.callId)) return this.#calls.nextWay(request);
    this.#parts.onOwnChoice(request.callId);
    return this.#standIn.nextWay(request);
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
    await this.#calls.finish(request);
  }

  async record(cdrs: readonly Cdr[]): Promise<void> {
    this.#mustBeUp();
    await this.#calls.record(cdrs);
  }

  updateLive(callId: string, fields: Readonly<Record<string, string>>): void {
    this.#updates.add(callId, fields);
  }

  async openCalls(serverId: number, leftOut: (callId: string) => boolean): Promise<readonly OpenCall[]> {
    this.#mustBeUp();
    return openCalls(this.#parts.line.client, UNITS, serverId, leftOut);
  }

  async finishedCalls(callIds: readonly string[]): Promise<ReadonlySet<string>> {
    this.#mustBeUp();
    return finishedCalls(this.#parts.line.client, callIds);
  }

  async release(callId: string): Promise<void> {
    this.#mustBeUp();
    await this.#calls.release(callId);
  }

  async restore(request: RestoreRequest): Promise<boolean> {
    this.#mustBeUp();
    return this.#calls.restore(request);
  }

  async lease(request: LeaseRequest): Promise<LeaseAnswer> {
    this.#mustBeUp();
    const answer = await askLease(this.#parts.line.client, request);
    if (answer.kind === 'lead') this.#fences.set(request.serverId, fenceOf(request.serverId, request.daemon, answer.token));
    return answer;
  }

  async releaseLease(serverId: number, daemon: string): Promise<void> {
    this.#mustBeUp();
    await this.#updates.flush();
    await releaseLease(this.#parts.line.client, serverId, daemon);
  }

  onBack(): void {
    // The daemon tells its servers itself.
  }

  standIn(serverId: number, standing: () => readonly Standing[]): void {
    this.#standIn.begin(serverId, standing);
  }

  standDown(serverId: number): void {
    this.#standIn.end(serverId);
  }

  #mustBeUp(): void {
    if (!this.#parts.line.ready) throw new Error('Redis is away.');
  }
}
