/** A tenant file (docs/IMPORT.md) as the tests of calls write it: what the auditor reads is named, the rest is open. */

export interface RateFile {
  readonly prefix: string;
  readonly rate: string;
  readonly connectionFee?: string;
  readonly incrementS?: number;
  readonly minTimeS?: number;
}

export interface FlashCalls {
  readonly enabled: boolean;
  readonly price: string;
  readonly ringMs: number;
}

type More = Readonly<Record<string, unknown>>;

export interface Tenant extends More {
  readonly tariffs: readonly (More & { readonly name: string; readonly purpose: string; readonly rates: readonly RateFile[] })[];
  readonly providers: readonly (More & { readonly name: string; readonly tariff: string; readonly balance?: string })[];
  readonly lcrs: readonly More[];
  readonly users: readonly (More & { readonly username: string; readonly tariff?: string; readonly owner?: string; readonly balance?: string; readonly flashCalls?: FlashCalls })[];
  readonly devices: readonly (More & { readonly endpoint: string; readonly user: string })[];
  readonly dids?: readonly (More & { readonly did: string; readonly ownerTariff?: string; readonly incomingTariff?: string; readonly providerTariff?: string })[];
}

/** An LCR that tries these providers one after the other. */
export function lcr(name: string, ...providers: string[]): object & More {
  return { name, order: 'priority', providers: providers.map((provider, index) => ({ provider, priority: index + 1 })) };
}

/** A user's device that is known by its address. */
export function byAddress(endpoint: string, user: string, ip: string, more: More = {}): More & { endpoint: string; user: string } {
  return { endpoint, user, auth: 'ip', ip, ...more };
}

/**
 * Which providers a number goes through, by its prefix: `{ '37062': ['first', 'second'] }` as LCRs and a location named
 * `by number` whose rules choose them, so that one device can try many ways.
 */
export function waysByNumber(ways: Readonly<Record<string, readonly string[]>>): { lcrs: More[]; locations: More[] } {
  return {
    lcrs: Object.entries(ways).map(([prefix, providers]) => lcr(`to ${prefix}`, ...providers)),
    locations: [{ name: 'by number', rules: Object.keys(ways).map((prefix) => ({ name: prefix, cut: prefix, add: prefix, lcr: `to ${prefix}` })) }],
  };
}
