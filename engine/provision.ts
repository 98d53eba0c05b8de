/**
 * Keeps the devices and providers that Asterisk knows equal to the catalog's: after each connection, and on each
 * change. One of them that fails is tried again and holds up none of the others. The operator's own endpoints, from
 * pjsip.conf, are never touched.
 */
import type { AsteriskLink } from './asterisk/contract.ts';
import { backOffMs } from './asterisk/back-off.ts';
import { pjsipObjects, type Wanted, type WantedObject } from './asterisk/pjsip-objects.ts';
import { listEndpoints } from './asterisk/queries.ts';
import type { SipAccount } from '../routing/catalog.ts';
import { Timers } from './clock.ts';
import type { Log } from './ports.ts';
import { AccountPush, removeAccount } from './provision-account.ts';
import { AddressBook, withoutSharedAddresses, type Shared } from './provision-addresses.ts';

export interface ProvisionOptions {
  readonly link: AsteriskLink;
  /** What this Asterisk shall know; read anew for each comparison. null: not known yet, so nothing is added or removed. */
  readonly desired: () => readonly SipAccount[] | null;
  /** This endpoint's objects were written anew. */
  readonly onPushed?: (endpoint: string) => void;
  readonly log: Log;
}

export interface Provisioner {
  /** Since it connected, Asterisk has been given every account once; until then a caller may look like a stranger. */
  readonly complete: boolean;
  /** The catalog has changed. */
  changed(): void;
  /** Asterisk is connected, perhaps after a restart. */
  connected(): void;
  close(): void;
}

/** Accounts under way at once. On the WebSocket requests wait in one line: more would hold up the calls'. */
const AT_ONCE = 4;
const RETRY = { minMs: 500, maxMs: 60_000 };
/** Providers' host names are looked up again this often. */
const LOOK_UP_EVERY_MS = 300_000;

export function provision(options: ProvisionOptions): Provisioner {
  return new Provisioning(options);
}

class Provisioning implements Provisioner {
  readonly #options: ProvisionOptions;
  readonly #addresses: AddressBook;
  readonly #timers = new Timers<'retry' | 'lookUp'>();
  /** What Asterisk holds as far as this process knows, by endpoint; no objects at all: to be looked at. */
  readonly #known = new Map<string, readonly WantedObject[]>();
  /** Accounts that did not change are the same values in the next catalog: nothing is built or compared twice for them. */
  readonly #made = new WeakMap<SipAccount, Wanted>();
  /** What has been reported, so that each is told once. */
  readonly #reported = new Map<string, string>();
  #surveyed = false;
  #complete = false;
  #attempt = 0;
  #running = false;
  #again = false;
  #closed = false;

  constructor(options: ProvisionOptions) {
    this.#options = options;
    this.#addresses = new AddressBook(options.log, () => this.#compare());
  }

  get complete(): boolean {
    return this.#complete;
  }

  changed(): void {
    this.#attempt = 0;
    this.#compare();
  }

  connected(): void {
    this.#surveyed = false;
    this.#complete = false;
    this.changed();
  }

  close(): void {
    this.#closed = true;
    this.#timers.clearAll();
  }

  /** One comparison at a time; what changes meanwhile makes one more. */
  #compare(): void {
    this.#again = true;
    if (this.#running || this.#closed) return;
    this.#running = true;
    this.#compareUntilQuiet()
      .catch((error: unknown) => this.#failed(error, {}))
      .finally(() => {
        this.#running = false;
        if (this.#again && this.#options.link.connected) this.#compare();
      });
  }

  async #compareUntilQuiet(): Promise<void> {
    while (this.#again && !this.#closed && this.#options.link.connected) {
      this.#again = false;
      const failures = await this.#compareOnce();
      if (failures === 0) this.#attempt = 0;
    }
  }

  /** The number of accounts that are not yet as they should be. */
  async #compareOnce(): Promise<number> {
    const accounts = this.#options.desired();
    if (accounts === null) return 0;
    const wanted = this.#wantedObjects(withoutSharedAddresses(this.#addresses.resolve(accounts), (shared) => this.#reportShared(shared)));
    await this.#survey(wanted);
    const removals = [...this.#known.keys()].filter((endpoint) => !wanted.has(endpoint));
    const changes = [...wanted].filter(([endpoint, objects]) => !same(this.#known.get(endpoint), objects));
    if (this.#addresses.holdsNames) this.#lookUpLater();
    const removed = await several(removals, (endpoint) => this.#remove(endpoint));
    const failures = removed.filter((well) => !well).length + (await this.#pushAll(new Map(changes)));
    this.#complete = this.#options.link.connected;
    return failures;
  }

  #lookUpLater(): void {
    this.#timers.set('lookUp', LOOK_UP_EVERY_MS, () => {
      this.#addresses.lookUpAgain();
      this.#lookUpLater();
    });
  }

  #wantedObjects(accounts: readonly SipAccount[]): ReadonlyMap<string, readonly WantedObject[]> {
    const wanted = new Map<string, readonly WantedObject[]>();
    for (const account of accounts) {
      const made = this.#made.get(account) ?? pjsipObjects(account);
      this.#made.set(account, made);
      if ('refused' in made) this.#report(made.endpoint, made.refused);
      else wanted.set(made.endpoint, made.objects);
    }
    return wanted;
  }

  /** Once a connection: forgets what this Asterisk has lost, and takes note of what another engine has left. */
  async #survey(wanted: ReadonlyMap<string, unknown>): Promise<void> {
    if (this.#surveyed) return;
    const present = new Set((await listEndpoints(this.#options.link)).map((endpoint) => endpoint.name));
    for (const endpoint of this.#known.keys()) if (!present.has(endpoint)) this.#known.delete(endpoint);
    // Not known to be ours; `removeAccount` looks at the endpoint itself and leaves the operator's alone.
    for (const endpoint of present) if (!wanted.has(endpoint) && !this.#known.has(endpoint)) this.#known.set(endpoint, []);
    this.#surveyed = true;
  }

  /** Stage by stage; the number of those that failed. */
  async #pushAll(changes: ReadonlyMap<string, readonly WantedObject[]>): Promise<number> {
    let pushes = Array.from(changes, ([endpoint, objects]) => new AccountPush(this.#options.link, endpoint, objects));
    for (const stage of AccountPush.stages) {
      const open = pushes.filter((push) => push.result === undefined);
      const failed = new Set<AccountPush>();
      await several(open, async (push) => {
        await stage(push).catch((error: unknown) => {
          failed.add(push);
          this.#failed(error, { endpoint: push.endpoint });
        });
      });
      pushes = pushes.filter((push) => !failed.has(push));
    }
    for (const push of pushes) this.#settled(push, changes.get(push.endpoint) ?? []);
    return changes.size - pushes.length;
  }

  #settled({ endpoint, result }: AccountPush, objects: readonly WantedObject[]): void {
    this.#known.set(endpoint, objects);
    if (result === 'shadows') this.#report(endpoint, 'pjsip.conf has an endpoint or object of this name');
    else this.#reported.delete(endpoint);
    if (result !== 'pushed') return;
    this.#options.onPushed?.(endpoint);
    this.#options.log.info({ endpoint }, 'SIP account is in force');
  }

  async #remove(endpoint: string): Promise<boolean> {
    try {
      const removed = await removeAccount(this.#options.link, endpoint);
      this.#known.delete(endpoint);
      if (removed) this.#options.log.info({ endpoint }, 'SIP account is removed');
      return true;
    } catch (error) {
      return this.#failed(error, { endpoint });
    }
  }

  #failed(error: unknown, fields: object): false {
    if (this.#closed || !this.#options.link.connected) return false;
    const waitMs = backOffMs(RETRY, this.#attempt, Math.random());
    // The message alone: an error's other fields could hold what was sent, and with it a password.
    this.#options.log.warn({ ...fields, reason: error instanceof Error ? error.message : String(error), waitMs }, 'SIP account cannot be brought to Asterisk, tried again later');
    this.#timers.set('retry', waitMs, () => {
      this.#attempt += 1;
      this.#compare();
    });
    return false;
  }

  #report(endpoint: string, reason: string): void {
    if (this.#isNews(endpoint, reason)) this.#options.log.warn({ endpoint, reason }, 'SIP account is refused');
  }

  #reportShared(shared: Shared): void {
    if (this.#isNews(`${shared.endpoint} ${shared.address}`, shared.owner)) this.#options.log.warn(shared, 'Address of a SIP account is already that of another one, whose calls they are');
  }

  #isNews(subject: string, reason: string): boolean {
    if (this.#reported.get(subject) === reason) return false;
    this.#reported.set(subject, reason);
    return true;
  }
}

function same(one: readonly WantedObject[] | undefined, other: readonly WantedObject[]): boolean {
  return one === other || (one !== undefined && JSON.stringify(one) === JSON.stringify(other));
}

/** Does it for each, AT_ONCE at a time. */
async function several<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) results.push(await work(item));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}
