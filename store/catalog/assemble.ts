/** The catalog from its parts: what refers to something that is not there is left out, or stays as it was. */
import type { Catalog, Device, Did, Lcr, Location, NumberList, Provider, SipAccount, User } from '../../routing/catalog.ts';
import { ADMIN_ID } from '../../routing/catalog.ts';
import { buildDidIndex } from '../../routing/did.ts';
import { byCli, byExtension, neighboursOf } from '../../routing/neighbours.ts';
import type { Broken } from './load.ts';
import type { Parts } from './parts.ts';

/** Admin, partner, reseller, user: a longer chain is a circle. */
const MOST_OWNERS = 4;

export interface Assembled {
  readonly catalog: Catalog;
  /** Rows left out, by "topic id", those that could not be read at all included. */
  readonly broken: ReadonlyMap<string, Broken>;
}

export function assemble(parts: Parts, before: Catalog | null, version: number): Assembled {
  const broken = new Map(parts.broken);
  /** Values whose references hold; of the others, the form last in force if its references still hold. */
  const sound = <Value>(table: string, values: ReadonlyMap<number, Value>, last: ReadonlyMap<number, Value> | undefined, why: (value: Value) => string | null): Map<number, Value> => {
    const kept = new Map<number, Value>();
    for (const [id, value] of values) {
      const reason = why(value);
      if (reason === null) {
        kept.set(id, value);
        continue;
      }
      broken.set(`${table} ${id}`, { table, key: String(id), reason });
      const good = last?.get(id);
      if (good !== undefined && why(good) === null) kept.set(id, good);
    }
    return kept;
  };

  const { tariffs, pools, destinations } = parts;
  const providers = sound('providers', mapValues(parts.providers, ({ provider }) => provider), before?.providers, (provider) => whyNotProvider(provider, parts));
  const lcrs = sound('lcrs', parts.lcrs, before?.lcrs, (lcr) => whyNotLcr(lcr, parts));
  const users = sound('users', parts.users, before?.users, (user) => whyNotUser(user, parts, lcrs));
  const locations = sound('locations', parts.locations, before?.locations, (location) => whyNotLocation(location, parts, lcrs));
  const devices = sound('devices', mapValues(parts.devices, ({ device }) => device), before?.devices, (device) => whyNotDevice(device, parts, { users, locations }));
  const dids = sound('dids', parts.dids, before?.dids.byId, (did) => whyNotDid(did, parts, { users, devices, providers }));
  const catalog: Catalog = {
    version, users, devices, providers, lcrs, tariffs, locations, pools, scores: parts.scores,
    devicesByEndpoint: byEndpoint(devices),
    devicesByExtension: byExtension(devices.values()),
    devicesByCli: byCli(devices.values()),
    neighbours: neighboursOf(devices.values(), (device) => (device.auth === 'ip' ? (parts.devices.get(device.id)?.sip.ips[0] ?? null) : null)),
    providersByEndpoint: byEndpoint(providers),
    dids: buildDidIndex(dids.values()),
    destinations: mapValues(destinations, ({ name }) => name),
    destinationMap: parts.destinationMap,
    sipAccounts: sipAccounts(parts, { devices, providers }),
  };
  return { catalog, broken };
}

function mapValues<From, To>(from: ReadonlyMap<number, From>, change: (value: From) => To): Map<number, To> {
  const to = new Map<number, To>();
  for (const [key, value] of from) to.set(key, change(value));
  return to;
}

function byEndpoint<Value extends { readonly endpoint: string }>(values: ReadonlyMap<number, Value>): Map<string, Value> {
  const index = new Map<string, Value>();
  for (const value of values.values()) index.set(value.endpoint, value);
  return index;
}

/** Blocked devices and inactive providers are unknown to PJSIP. */
function sipAccounts(parts: Parts, known: { devices: ReadonlyMap<number, Device>; providers: ReadonlyMap<number, Provider> }): SipAccount[] {
  const accounts: SipAccount[] = [];
  for (const { sip, device } of parts.devices.values()) if (known.devices.has(device.id) && !device.blocked) accounts.push(sip);
  for (const { sip, provider } of parts.providers.values()) if (known.providers.has(provider.id) && provider.active) accounts.push(sip);
  return accounts;
}

function missing(what: string, id: number | null, known: { has(id: number): boolean }): string | null {
  return id === null || known.has(id) ? null : `${what} ${id} does not exist or is broken.`;
}

function missingPool(list: NumberList, parts: Parts): string | null {
  return missing('number pool', list.poolId, parts.pools);
}

function whyNotUser(user: User, parts: Parts, lcrs: ReadonlyMap<number, Lcr>): string | null {
  // His lists are the global ones. With their pool they must not vanish: a list without its pool refuses.
  if (user.id === ADMIN_ID) return null;
  return missing('tariff', user.tariffId, parts.tariffs) ?? missing('LCR', user.lcrId, lcrs)
    ?? user.blacklistLcrs.map(({ lcrId }) => missing('LCR', lcrId, lcrs)).find((reason) => reason !== null) ?? missingPool(user.sourceList, parts) ?? missingPool(user.destinationList, parts) ?? whyNotOwner(user, parts.users);
}

function whyNotOwner(user: User, users: ReadonlyMap<number, User>): string | null {
  let at = user;
  for (let step = 0; step < MOST_OWNERS; step += 1) {
    if (at.id === ADMIN_ID) return null;
    const owner = users.get(at.ownerId);
    if (owner === undefined) return `owner ${at.ownerId} does not exist or is broken.`;
    at = owner;
  }
  return at.id === ADMIN_ID ? null : 'its owners form a circle.';
}

function whyNotProvider(provider: Provider, parts: Parts): string | null {
  return missing('tariff', provider.tariffId, parts.tariffs) ?? missing('location', provider.locationId, parts.locations) ?? missingPool(provider.destinationList, parts)
    ?? missing('number pool', provider.callerIdPoolId, parts.pools);
}

/** A provider that is broken is passed over, as one that is off: it must not take all who call by this LCR along. */
function whyNotLcr(lcr: Lcr, parts: Parts): string | null {
  const { prefixes, groups, names } = lcr.byDestination ?? { prefixes: new Map<string, number>(), groups: new Map<number, number>(), names: [] };
  for (const id of [...prefixes.values(), ...groups.values(), ...names.map(({ lcrId }) => lcrId)]) {
    const reason = missing('LCR', id, parts.lcrs);
    if (reason !== null) return reason;
  }
  const there = { has: (id: number) => parts.providers.has(id) || parts.broken.has(`providers ${id}`) };
  return lcr.providers.map(({ providerId }) => missing('provider', providerId, there)).find((reason) => reason !== null) ?? missing('failover provider', lcr.failoverProviderId, there);
}

function whyNotLocation(location: Location, parts: Parts, lcrs: ReadonlyMap<number, Lcr>): string | null {
  for (const rule of location.rules) {
    const reason = missing('tariff', rule.tariffId, parts.tariffs) ?? missing('LCR', rule.lcrId, lcrs) ?? missing('device', rule.deviceId, parts.devices) ?? missing('DID', rule.didId, parts.dids)
      ?? (parts.dids.get(rule.didId ?? 0)?.did.endsWith('*') === true ? `DID ${rule.didId} is a wildcard.` : null);
    if (reason !== null) return `rule ${rule.id}: ${reason}`;
  }
  return null;
}

function whyNotDevice(device: Device, parts: Parts, { users, locations }: { readonly users: ReadonlyMap<number, User>; readonly locations: ReadonlyMap<number, Location> }): string | null {
  const pools = [device.callerIdPoolId, device.validCallerIds?.poolId ?? null, device.validCallerIds?.replacementPoolId ?? null];
  return missing('user', device.userId, users) ?? missing('location', device.locationId, locations)
    ?? pools.map((id) => missing('number pool', id, parts.pools)).find((reason) => reason !== null) ?? null;
}

interface Owners {
  readonly users: ReadonlyMap<number, User>;
  readonly devices: ReadonlyMap<number, Device>;
  readonly providers: ReadonlyMap<number, Provider>;
}

function whyNotDid(did: Did, parts: Parts, { users, devices, providers }: Owners): string | null {
  const tariffs = [did.providerTariffId, did.incomingTariffId, did.ownerTariffId];
  return missing('user', did.userId, users) ?? did.deviceIds.map((id) => missing('device', id, devices)).find((reason) => reason !== null) ?? missing('provider', did.providerId, providers)
    ?? missing('number pool', did.sourcePoolId, parts.pools) ?? tariffs.map((id) => missing('tariff', id, parts.tariffs)).find((reason) => reason !== null) ?? null;
}
