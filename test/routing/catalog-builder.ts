/**
 * Small catalogs in few words, and calls through them:
 *
 *   given({ providers: [provider(11, '0.3'), provider(12, '0.2')] }).whenDeviceCalls('37060000000')
 *
 * Without more, device 41 `desk` of user 5 calls by LCR 1 (by price, over all providers there are), and pays 0.6 a
 * minute to prefix 370; provider 11 asks for 0.3. Provider N has tariff 100 + N.
 */
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import { parseMoney } from '../../rating/money.ts';
import { buildDestinations } from '../../rating/retail.ts';
import { buildTariff } from '../../rating/tariff.ts';
import type { RateRow, Tariff } from '../../rating/tariff.ts';
import type { Catalog, Device, Did, Lcr, LcrProvider, Location, LocationRule, NumberList, NumberRule, Provider, User } from '../../routing/catalog.ts';
import { buildDidIndex } from '../../routing/did.ts';
import type { Step } from '../../routing/explain.ts';
import { byCli, byExtension, neighboursOf } from '../../routing/neighbours.ts';
import type { ScoreRules } from '../../routing/blacklist.ts';
import type { ScoreView } from '../../routing/score.ts';
import type { TalkView } from '../../routing/minutes.ts';
import type { QualityRules, QualityView } from '../../routing/lcr/quality.ts';
import { buildNumberPool } from '../../routing/number-pool.ts';
import type { NumberPool } from '../../routing/number-pool.ts';
import type { Arrival, Decision, Plan, Random, RoutingSettings } from '../../routing/plan.ts';
import { route } from '../../routing/route.ts';

const NO_LIST: NumberList = { mode: 'no', poolId: null };

export const blacklist = (poolId: number): NumberList => ({ mode: 'blacklist', poolId });
export const whitelist = (poolId: number): NumberList => ({ mode: 'whitelist', poolId });

export function user(id: number, parts: Partial<User> = {}): User {
  return {
    id, username: `user ${id}`, type: 'user', ownerId: 0, blocked: false, postpaid: false, credit: 0n, dailyLimit: 0n, currency: 'USD', timeZone: 'UTC', language: '', tariffId: 1, lcrId: 1,
    outboundLimit: 0, inboundLimit: 0, combinedLimit: 0, cpsLimit: 0, allowLossCalls: false, maySpy: false, maxCallRate: 0n, sourceList: NO_LIST, destinationList: NO_LIST, dynamicBlacklist: 'global', blacklistLcrs: [], flash: null, warningPrompt: null, ...parts,
  };
}

export function device(id: number, userId: number, parts: Partial<Device> = {}): Device {
  return {
    id, userId, endpoint: `device-${id}`, extension: null, auth: 'password', trunk: false, ani: false, clis: [], port: null, techPrefix: '', blocked: false, callLimit: 0, cpsLimit: 0, banAtCalls: 0, locationId: 1, destinationTransformation: null, sourceTransformation: null, rules: [],
    callerIdNumber: '', callerIdName: '', callerIdPoolId: null, validCallerIds: null, ringTimeoutS: 60, callTimeoutS: 0, graceS: 0, serverIds: [], ...parts,
  };
}

/** A provider and what it asks for prefix 370, or for each prefix. */
export interface PricedProvider {
  readonly provider: Provider;
  readonly tariff: Tariff;
}

export function provider(id: number, price: string | Readonly<Record<string, string>>, parts: Partial<Provider> = {}): PricedProvider {
  return {
    tariff: tariff(100 + id, typeof price === 'string' ? { 370: price } : price),
    provider: {
      id, name: `P${id}`, endpoint: `provider-${id}`, tariffId: 100 + id, active: true, locationId: 1, callLimit: 0, cpsLimit: 0, monthlyMinutes: 0, dailyMinutes: 0, ringTimeoutS: 60, callTimeoutS: 0, graceS: 0, silenceMs: null,
      interpretNoAnswerAsFailed: false, interpretBusyAsFailed: false, goOnCodes: [], stopCodes: [], destinationList: NO_LIST, rules: [], destinationTransformation: null, sourceTransformation: null, callerIdNumber: '', callerIdName: '', callerIdPoolId: null, ...parts,
    },
  };
}

/** Price per minute by prefix; `blocked` blocks. A tariff of a DID may pay, and prices every caller by the prefix ''. */
export function tariff(id: number, prices: Readonly<Record<string, string>>, options: { readonly paysBack?: boolean } = {}): Tariff {
  const rows = Object.entries(prices).map(([prefix, price]): RateRow => ({ prefix, rate: price === 'blocked' ? 'blocked' : parseMoney(price), destinationId: 7 }));
  return buildTariff({ tariffId: id, ...options }, rows);
}

/** Providers in the operator's order: of priority 1, 2, …, all with the same weight. */
export function lcr(id: number, providers: readonly (number | Partial<LcrProvider>)[], parts: Partial<Lcr> = {}): Lcr {
  return {
    id, name: `LCR ${id}`, order: 'price', pricePercentLimit: null, noFailover: false, failoverProviderId: null, allowLossCalls: false, minimalRateMarginPercent: 0, byDestination: null,
    providers: providers.map((one, index) => ({ providerId: 0, priority: index + 1, percent: 10, active: true, ...(typeof one === 'number' ? { providerId: one } : one) })),
    ...parts,
  };
}

let ruleId = 0;

const nameOf = (cut: string, add: string): string => `${cut || 'nothing'} to ${add || 'nothing'}`;

/** Of a device or a provider. */
export function ownRule(cut: string, add: string, parts: Partial<NumberRule> = {}): NumberRule {
  ruleId += 1;
  return { id: ruleId, name: nameOf(cut, add), applies: 'destination', cut, add, minLength: 1, maxLength: 99, suffix: '', ...parts };
}

/** Of a location. */
export function rule(cut: string, add: string, parts: Partial<LocationRule> = {}): LocationRule {
  ruleId += 1;
  return { id: ruleId, name: nameOf(cut, add), applies: 'destination', cut, add, minLength: 1, maxLength: 99, source: null, tariffId: null, lcrId: null, didId: null, deviceId: null, ...parts };
}

export const location = (id: number, ...rules: readonly LocationRule[]): Location => ({ id, name: `location ${id}`, rules });

export function did(id: number, text: string, parts: Partial<Did> = {}): Did {
  return {
    id, did: text, status: 'active', userId: 8, deviceIds: [48], ring: 'in_turn', providerId: 11, callLimit: 0, cpsLimit: 0, external: null, maxDurationS: 0, graceS: 0, activeFromMs: null, activeTillMs: null,
    sourcePoolId: null, providerTariffId: null, incomingTariffId: null, ownerTariffId: null, ...parts,
  };
}

export interface Parts {
  readonly users?: readonly User[];
  readonly devices?: readonly Device[];
  readonly providers?: readonly PricedProvider[];
  readonly lcrs?: readonly Lcr[];
  readonly tariffs?: readonly Tariff[];
  readonly locations?: readonly Location[];
  readonly dids?: readonly Did[];
  readonly pools?: Readonly<Record<number, readonly string[]>>;
  /** Of the operator, by item. */
  readonly setScores?: Readonly<Record<string, number>>;
  readonly destinations?: readonly { readonly id: number; readonly prefix: string; readonly name: string; readonly groupId?: number }[];
  /** Of devices that are known by their address, by id. */
  readonly addresses?: Readonly<Record<number, string>>;
}

const byId = <Value extends { readonly id: number }>(values: readonly Value[]): Map<number, Value> => new Map(values.map((value) => [value.id, value]));
const byEndpoint = <Value extends { readonly endpoint: string }>(values: readonly Value[]): Map<string, Value> => new Map(values.map((value) => [value.endpoint, value]));

export function catalogOf(parts: Parts): Catalog {
  const priced = parts.providers ?? [provider(11, '0.3')];
  const providers = priced.map((one) => one.provider);
  const devices = [device(41, 5, { endpoint: 'desk' }), device(48, 8, { endpoint: 'office' }), ...(parts.devices ?? [])];
  const all = [tariff(1, { 370: '0.6' }), ...priced.map((one) => one.tariff), ...(parts.tariffs ?? [])];
  const kept = [...byId(devices).values()];
  const destinations = parts.destinations ?? [{ id: 7, prefix: '370', name: 'Lithuania' }];
  return {
    version: 3,
    users: byId([user(5), user(8), ...(parts.users ?? [])]),
    devices: byId(kept),
    devicesByEndpoint: byEndpoint(kept),
    devicesByExtension: byExtension(kept),
    devicesByCli: byCli(kept),
    neighbours: neighboursOf(kept, (one) => (one.auth === 'ip' ? (parts.addresses?.[one.id] ?? null) : null)),
    providers: byId(providers),
    providersByEndpoint: byEndpoint(providers),
    lcrs: byId([lcr(1, providers.map(({ id }) => id)), ...(parts.lcrs ?? [])]),
    tariffs: new Map(all.map((one) => [one.terms.tariffId, one])),
    locations: byId([location(1), ...(parts.locations ?? [])]),
    dids: buildDidIndex(parts.dids ?? []),
    pools: new Map(Object.entries(parts.pools ?? {}).map(([id, numbers]): [number, NumberPool] => [Number(id), buildNumberPool(numbers)])),
    scores: new Map(Object.entries(parts.setScores ?? {})),
    destinations: new Map(destinations.map(({ id, name }) => [id, name])),
    destinationMap: buildDestinations(destinations.map(({ id, prefix, groupId = null }) => ({ prefix, destinationId: id, groupId }))),
    sipAccounts: [],
  };
}

export const QUALITY: QualityRules = { leastAttempts: 20, fullAcdS: 180, worstPddMs: 10_000, asrWeight: 40, acdWeight: 20, pddWeight: 10, priceWeight: 30 };

export const SCORES: ScoreRules = { defaults: { source: 0, destination: 0, ip: 0 }, halfLifeMs: 3_600_000 };

export const SETTINGS: RoutingSettings = { letters: 'refuse', maxNumberLength: 40, globalCallTimeoutS: 7200, providerSilenceMs: 3000, serverCallLimit: 0, serverCpsLimit: 0, unassignedDid: '', quality: QUALITY, scores: SCORES };

/** 2026-11-24T12:00:00Z. */
export const NOW_MS = 1_795_521_600_000;

export interface Given extends Parts {
  readonly settings?: Partial<RoutingSettings>;
  readonly random?: Random;
  readonly quality?: QualityView;
  /** Ids of providers that do not answer. */
  readonly dead?: readonly number[];
  readonly talk?: TalkView;
  readonly scores?: ScoreView | null;
  /** By user, in plain decimals. */
  readonly balances?: Readonly<Record<number, string>>;
}

export function given(parts: Given): Switch {
  return new Switch(catalogOf(parts), { ...SETTINGS, ...parts.settings }, parts);
}

class Switch {
  readonly #catalog: Catalog;
  readonly #settings: RoutingSettings;
  readonly #random: Random;
  readonly #quality: QualityView;
  readonly #dead: ReadonlySet<number>;
  readonly #talk: TalkView;
  readonly #scores: ScoreView | null;
  readonly #balances: Readonly<Record<number, string>>;

  constructor(catalog: Catalog, settings: RoutingSettings, { random = () => 0, quality = new Map(), dead = [], talk = new Map(), scores = null, balances = {} }: Given) {
    this.#catalog = catalog;
    this.#settings = settings;
    this.#random = random;
    this.#quality = quality;
    this.#dead = new Set(dead);
    this.#talk = talk;
    this.#scores = scores;
    this.#balances = balances;
  }

  readonly #balanceOf = (userId: number): bigint | undefined => (this.#balances[userId] === undefined ? undefined : parseMoney(this.#balances[userId]));

  whenDeviceCalls(dialled: string, parts: Partial<Arrival> = {}): Routed {
    const steps: Step[] = [];
    const arrival: Arrival = { serverId: 1, port: 5060, ip: '192.0.2.1', endpoint: 'desk', dialled, callerNumber: '37050000000', atMs: NOW_MS, ...parts };
    const context = { catalog: this.#catalog, settings: this.#settings, random: this.#random, quality: this.#quality, dead: this.#dead, talk: this.#talk, scores: this.#scores, balanceOf: this.#balanceOf };
    const decision = route({ ...context, explain: (step) => steps.push(step) }, arrival);
    return new Routed(decision, steps);
  }

  whenProviderCalls(dialled: string, parts: Partial<Arrival> = {}): Routed {
    return this.whenDeviceCalls(dialled, { endpoint: 'provider-11', callerNumber: '4930123', ...parts });
  }
}

export class Routed {
  readonly decision: Decision;
  readonly steps: readonly Step[];

  constructor(decision: Decision, steps: readonly Step[]) {
    this.decision = decision;
    this.steps = steps;
  }

  get plan(): Plan {
    ok(this.decision.kind === 'plan', `refused with ${this.decision.kind === 'refused' ? this.decision.cause : ''}`);
    return this.decision;
  }

  /** Every refusal is told in a step with its cause. */
  refusedWith(cause: number): this {
    deepStrictEqual(this.decision.kind === 'refused' ? this.decision.cause : 'a plan', cause);
    strictEqual(this.steps.at(-1)?.cause, cause, 'the last step tells the cause');
    strictEqual(this.steps.at(-1)?.outcome, 'refused');
    return this;
  }

  /** Names of the ways, in the order in which they are tried. */
  goesBy(...names: readonly string[]): this {
    deepStrictEqual(this.plan.ways.map((way) => way.name), names);
    return this;
  }

  /** `P11 224`: providers passed over, with the cause. */
  passesOver(...skipped: readonly string[]): this {
    deepStrictEqual(this.steps.filter(({ outcome }) => outcome === 'skipped').map(({ detail, cause }) => `${detail.split(':')[0]} ${cause}`), skipped);
    return this;
  }
}
