/** The catalog's values as last read, and how one topic's rows are read again. */
import { buildDestinations } from '../../rating/retail.ts';
import type { DestinationMap } from '../../rating/retail.ts';
import { withExchangeRate } from '../../rating/tariff.ts';
import type { Tariff } from '../../rating/tariff.ts';
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import type { Device, Did, Lcr, Location, Provider, SipAccount, User } from '../../routing/catalog.ts';
import { loadCurrencies, loadDestinations, loadDevices, loadDids, loadLcrs, loadLocations, loadProviders, loadUsers } from './load.ts';
import type { Broken, Destination, Keys, Loaded } from './load.ts';
import { readTariffs } from './load-tariffs.ts';
import type { BuiltTariff } from './build-job.ts';
import { noPools, readPools } from './pools.ts';
import type { PoolContext, PoolParts } from './pools.ts';
import { noScores, readScores } from './scores.ts';
import type { ScoreParts } from './scores.ts';

/** Values by id; a value whose rows are broken stays as it was before. */
export interface Parts extends PoolParts, ScoreParts {
  users: ReadonlyMap<number, User>;
  devices: ReadonlyMap<number, { device: Device; sip: SipAccount }>;
  providers: ReadonlyMap<number, { provider: Provider; sip: SipAccount }>;
  lcrs: ReadonlyMap<number, Lcr>;
  tariffs: ReadonlyMap<number, Tariff>;
  /** Ids of tariffs whose rates are built in their own time; one that is new is among `tariffs` only when it has come. */
  wholesaleIds: ReadonlySet<number>;
  locations: ReadonlyMap<number, Location>;
  dids: ReadonlyMap<number, Did>;
  destinations: ReadonlyMap<number, Destination>;
  destinationMap: DestinationMap;
  currencies: ReadonlyMap<string, string>;
  /** Rows that could not be used, by "topic id". */
  broken: Map<string, Broken>;
}

export function noParts(): Parts {
  return {
    users: new Map(), devices: new Map(), providers: new Map(), lcrs: new Map(), tariffs: new Map(), wholesaleIds: new Set(), locations: new Map(), dids: new Map(),
    ...noPools(), ...noScores(), destinations: new Map(), destinationMap: buildDestinations([]), currencies: new Map(), broken: new Map(),
  };
}

export interface ReadContext extends PoolContext {
  readonly priceDecimals: number;
  /** The catalog version that these rows will be part of. */
  readonly version: number;
  /** Has the rates of these tariffs read and built; what comes of it goes into the parts by `putTariffs`. */
  readonly build: (metas: readonly TariffMeta[]) => void;
}

/** Topics in the order in which they must be read: rates need currencies and destinations. */
export const TOPICS = ['currencies', 'destinations', 'tariffs', 'users', 'devices', 'providers', 'lcrs', 'locations', 'dids', 'number_pools', 'blacklist_scores'] as const;
export type Topic = (typeof TOPICS)[number];

export function isTopic(topic: string): topic is Topic {
  return (TOPICS as readonly string[]).includes(topic);
}

/** Reads a topic again, whole (null) or by key, and puts it into `parts`. Inside a transaction. */
export async function readTopic(parts: Parts, topic: Topic, keys: Keys, context: ReadContext): Promise<void> {
  const { reader } = context;
  switch (topic) {
    case 'currencies':
      return readCurrencies(parts, context);
    case 'destinations':
      return readDestinations(parts, context);
    case 'tariffs':
      return readTariffTopic(parts, keys, context);
    case 'users':
      parts.users = merged(parts, { topic, keys, before: parts.users }, await loadUsers(reader, keys));
      return undefined;
    case 'devices':
      parts.devices = merged(parts, { topic, keys, before: parts.devices }, await loadDevices(reader, keys));
      return undefined;
    case 'providers':
      parts.providers = merged(parts, { topic, keys, before: parts.providers }, await loadProviders(reader, keys));
      return undefined;
    case 'lcrs':
      parts.lcrs = merged(parts, { topic, keys, before: parts.lcrs }, await loadLcrs(reader, keys));
      return undefined;
    case 'locations':
      parts.locations = merged(parts, { topic, keys, before: parts.locations }, await loadLocations(reader, keys));
      return undefined;
    case 'dids':
      parts.dids = merged(parts, { topic, keys, before: parts.dids }, await loadDids(reader, keys));
      return undefined;
    case 'number_pools':
      return readPools(parts, keys?.map(String) ?? null, context);
    case 'blacklist_scores':
      return readScores(parts, reader, keys);
  }
}

function merged<Value>(parts: Parts, read: { topic: Topic; keys: Keys; before: ReadonlyMap<number, Value> }, loaded: Loaded<Value>): Map<number, Value> {
  const { topic, keys, before } = read;
  const after = keys === null ? loaded.found : new Map(before);
  for (const key of keys ?? []) {
    const value = loaded.found.get(key);
    if (value !== undefined) after.set(key, value);
    else if (!loaded.broken.has(key)) after.delete(key);
  }
  // The last good form stays in force, if there was one.
  for (const key of loaded.broken.keys()) {
    const value = before.get(key);
    if (value !== undefined) after.set(key, value);
  }
  for (const name of parts.broken.keys()) {
    if (name.startsWith(`${topic} `) && (keys === null || keys.includes(Number(name.slice(topic.length + 1))))) parts.broken.delete(name);
  }
  for (const [key, broken] of loaded.broken) parts.broken.set(`${topic} ${key}`, broken);
  return after;
}

/** A wholesale tariff that was there stays as it is until its rates have been built anew. */
async function readTariffTopic(parts: Parts, keys: Keys, { reader, priceDecimals, version, build }: ReadContext): Promise<void> {
  const read = { topic: 'tariffs' as const, keys, before: parts.tariffs };
  const { retail, wholesale } = await readTariffs(reader, keys, { destinations: parts.destinationMap, currencies: parts.currencies, priceDecimals, version });
  const ids = new Set(keys === null ? [] : parts.wholesaleIds);
  for (const key of keys ?? []) ids.delete(key);
  const found: Map<number, Tariff> = new Map(retail.found);
  const waiting = new Map<string, Broken>();
  for (const { tariffId } of wholesale) {
    ids.add(tariffId);
    const [tariff, broken] = [parts.tariffs.get(tariffId), parts.broken.get(`tariffs ${tariffId}`)];
    if (tariff !== undefined) found.set(tariffId, tariff);
    if (broken !== undefined) waiting.set(`tariffs ${tariffId}`, broken);
  }
  parts.wholesaleIds = ids;
  parts.tariffs = merged(parts, read, { found, broken: retail.broken });
  for (const [name, broken] of waiting) parts.broken.set(name, broken);
  build(wholesale);
}

/** Puts in what was built, under the version and the exchange rates of now. True: a tariff that is in use changed. */
export function putTariffs(parts: Parts, come: readonly BuiltTariff[], version: number): boolean {
  const tariffs = new Map(parts.tariffs);
  let isNews = false;
  for (const { tariffId, tariff } of come) {
    if (!parts.wholesaleIds.has(tariffId)) continue;
    isNews = true;
    if (!('kind' in tariff)) {
      parts.broken.set(`tariffs ${tariffId}`, tariff);
      continue;
    }
    parts.broken.delete(`tariffs ${tariffId}`);
    const exchangeRate = parts.currencies.get(tariff.terms.currency) ?? tariff.terms.exchangeRate;
    const current = exchangeRate === tariff.terms.exchangeRate ? tariff : withExchangeRate(tariff, exchangeRate);
    tariffs.set(tariffId, { ...current, terms: { ...current.terms, version } });
  }
  parts.tariffs = tariffs;
  return isNews;
}

/** A new exchange rate needs no row of any tariff. */
async function readCurrencies(parts: Parts, context: ReadContext): Promise<void> {
  parts.currencies = await loadCurrencies(context.reader);
  const tariffs = new Map(parts.tariffs);
  for (const [id, tariff] of tariffs) {
    const rate = parts.currencies.get(tariff.terms.currency);
    if (rate !== undefined && rate !== tariff.terms.exchangeRate) tariffs.set(id, withExchangeRate(tariff, rate));
  }
  parts.tariffs = tariffs;
}

/** Retail tariffs are rated through destinations; other tariffs only name them in CDRs. */
async function readDestinations(parts: Parts, context: ReadContext): Promise<void> {
  const before = parts.destinations;
  parts.destinations = await loadDestinations(context.reader);
  parts.destinationMap = buildDestinations([...parts.destinations.values()].map(({ id, prefix, groupId }) => ({ prefix, destinationId: id, groupId })));
  if (parts.tariffs.size === 0) return;
  const added = [...parts.destinations.values()].filter(({ id, prefix }) => before.get(id)?.prefix !== prefix).map(({ prefix }) => prefix);
  const { rows } = await context.reader.query<{ id: number }>(`select id from tariffs where purpose = 'user_retail'
    union select distinct tariff_id from rates where prefix = any ($1)`, [added]);
  await readTopic(parts, 'tariffs', rows.map((row) => row.id), context);
}
