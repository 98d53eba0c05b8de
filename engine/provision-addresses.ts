/**
 * Host names of providers to addresses. Asterisk would look a name up itself while every other request waits, so it
 * gets addresses only, to recognise a provider's calls by. Here nobody waits either: a name that is not known yet is
 * left out, and `onChanged` tells when it is.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { SipAccount } from '../routing/catalog.ts';
import type { Log } from './ports.ts';

export class AddressBook {
  readonly #log: Log;
  readonly #onChanged: () => void;
  /** What each name means; undefined while its first look-up is under way or after it failed. A later failure changes nothing. */
  readonly #found = new Map<string, readonly string[] | undefined>();

  constructor(log: Log, onChanged: () => void) {
    this.#log = log;
    this.#onChanged = onChanged;
  }

  get holdsNames(): boolean {
    return this.#found.size > 0;
  }

  /** The accounts with addresses and networks only in `ips`; those without a name are the same values. */
  resolve(accounts: readonly SipAccount[]): readonly SipAccount[] {
    const names = new Set(accounts.flatMap((account) => account.ips.filter(isName)));
    for (const name of this.#found.keys()) if (!names.has(name)) this.#found.delete(name);
    for (const name of names) if (!this.#found.has(name)) this.#lookUp(name);
    return accounts.map((account) => (account.ips.some(isName) ? { ...account, ips: this.#addressesOf(account.ips) } : account));
  }

  lookUpAgain(): void {
    for (const name of this.#found.keys()) this.#lookUp(name);
  }

  #addressesOf(ips: readonly string[]): readonly string[] {
    return [...new Set(ips.flatMap((ip) => (isName(ip) ? (this.#found.get(ip) ?? []) : [ip])))];
  }

  #lookUp(name: string): void {
    this.#found.set(name, this.#found.get(name));
    lookup(name, { all: true }).then(
      // In a fixed order: servers turn theirs round with each answer, which is no change.
      (all) => this.#take(name, all.map(({ address }) => address).toSorted()),
      (error: unknown) => this.#log.warn({ name, reason: error instanceof Error ? error.message : String(error) }, 'Host name of a provider cannot be looked up'),
    );
  }

  #take(name: string, addresses: readonly string[]): void {
    const before = this.#found.get(name);
    if (!this.#found.has(name) || before?.join() === addresses.join()) return;
    this.#found.set(name, addresses);
    this.#onChanged();
  }
}

export interface Shared {
  readonly endpoint: string;
  readonly address: string;
  /** Whose the calls from that address are. */
  readonly owner: string;
}

/**
 * Two endpoints with one address: Asterisk would take either for the caller. The first keeps it, the others are only
 * called. Of devices among themselves routing tells by port and tech prefix whose a call is; all else is reported.
 */
export function withoutSharedAddresses(accounts: readonly SipAccount[], onShared: (shared: Shared) => void): readonly SipAccount[] {
  const owners = new Map<string, SipAccount>();
  return accounts.map((account) => {
    const ips = account.ips.filter((address) => {
      const owner = owners.get(address) ?? account;
      owners.set(address, owner);
      if (owner !== account && (owner.kind !== 'device' || account.kind !== 'device')) onShared({ endpoint: account.endpoint, address, owner: owner.endpoint });
      return owner === account;
    });
    return ips.length === account.ips.length ? account : { ...account, ips };
  });
}

function isName(text: string): boolean {
  return isIP(text.split('/')[0] ?? '') === 0;
}
