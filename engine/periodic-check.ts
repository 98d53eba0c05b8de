/**
 * Which providers answer Asterisk's OPTIONS. Asterisk is asked, provider by provider: its events of endpoints come only
 * to who subscribes to the endpoint, and then every event of a call through it comes twice. A provider is asked every
 * `periodicCheckS`, so two seconds more until its state is known here are little, and no lost event has to be repaired.
 */
import { AriError } from './asterisk/contract.ts';
import type { AsteriskLink } from './asterisk/contract.ts';
import { CHECK_TIMEOUT_S } from './asterisk/pjsip-objects.ts';
import { endpointState } from './asterisk/queries.ts';
import type { SipAccount } from '../routing/catalog.ts';
import { Timers } from './clock.ts';
import type { Log } from './ports.ts';

const EVERY_MS = 2000;
/** Asterisk asks a new contact at some time within the first interval. */
const LATE_MS = 1000;

type Checked = Pick<SipAccount, 'id' | 'endpoint' | 'checkEveryS'>;

interface Seen {
  readonly endpoint: string;
  readonly sinceMs: number;
  /** It has answered since then. */
  readonly answered: boolean;
}

/** Asterisk tells `offline` of a provider that does not answer, and of one that it has not asked yet. */
export class Reachability {
  readonly #seen = new Map<number, Seen>();
  readonly #dead = new Set<number>();

  get dead(): ReadonlySet<number> {
    return this.#dead;
  }

  /** True: it is dead now and was not, or the other way round. */
  observe(provider: Checked, state: 'online' | 'offline' | 'unknown', nowMs: number): boolean {
    const { id, endpoint } = provider;
    const before = this.#seen.get(id);
    const seen = { endpoint, sinceMs: before?.sinceMs ?? nowMs, answered: before?.answered === true || state === 'online' };
    this.#seen.set(id, seen);
    const longEnough = nowMs - seen.sinceMs >= (provider.checkEveryS + CHECK_TIMEOUT_S) * 1000 + LATE_MS;
    const dead = state === 'offline' && (seen.answered || longEnough);
    if (dead === this.#dead.has(id)) return false;
    if (dead) this.#dead.add(id);
    else this.#dead.delete(id);
    return true;
  }

  /** Asterisk has it anew, and asks it from the beginning: nothing is known of it. */
  forget(endpoint: string): void {
    for (const [id, seen] of this.#seen) if (seen.endpoint === endpoint) this.#drop(id);
  }

  keepOnly(ids: ReadonlySet<number>): void {
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#drop(id);
  }

  #drop(id: number): void {
    this.#seen.delete(id);
    this.#dead.delete(id);
  }
}

export interface PeriodicCheckParts {
  readonly link: AsteriskLink;
  /** What this Asterisk knows; null: nothing yet. */
  readonly accounts: () => readonly SipAccount[] | null;
  /** Each time, as long as there are any, and once when there are none any more. */
  readonly onDead: (providerIds: readonly number[]) => void;
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number;
  readonly log: Log;
}

export class PeriodicCheck {
  readonly #parts: PeriodicCheckParts;
  readonly #timers = new Timers<'again'>();
  readonly #reachability = new Reachability();
  #told = false;
  #closed = false;

  constructor(parts: PeriodicCheckParts) {
    this.#parts = parts;
    this.#later();
  }

  /** Providers that are passed over. */
  get dead(): ReadonlySet<number> {
    return this.#reachability.dead;
  }

  /** Asterisk may have been away, and have begun anew. */
  connected(): void {
    this.#reachability.keepOnly(new Set());
  }

  pushed(endpoint: string): void {
    this.#reachability.forget(endpoint);
  }

  close(): void {
    this.#closed = true;
    this.#timers.clearAll();
  }

  #later(): void {
    if (!this.#closed) this.#timers.set('again', EVERY_MS, () => void this.#again());
  }

  async #again(): Promise<void> {
    // Detached, or another daemon leads here: what was known is no longer so, and is not told any more.
    if (!this.#parts.link.connected) {
      this.#reachability.keepOnly(new Set());
      this.#told = false;
      this.#later();
      return;
    }
    const checked = (this.#parts.accounts() ?? []).filter(({ checkEveryS }) => checkEveryS > 0);
    this.#reachability.keepOnly(new Set(checked.map(({ id }) => id)));
    // One after the other: orders of calls wait for one of these at most.
    for (const provider of checked) await this.#ask(provider);
    const { dead } = this.#reachability;
    if (dead.size > 0 || this.#told) this.#parts.onDead([...dead]);
    this.#told = dead.size > 0;
    this.#later();
  }

  async #ask(provider: SipAccount): Promise<void> {
    if (this.#closed || !this.#parts.link.connected) return;
    try {
      const { state } = await endpointState(this.#parts.link, provider.endpoint);
      if (this.#reachability.observe(provider, state, this.#parts.now())) this.#tell(provider);
    } catch (error) {
      // 404: Asterisk has not been given it yet.
      if (error instanceof AriError && error.status === 404) this.#reachability.forget(provider.endpoint);
      else this.#parts.log.debug({ endpoint: provider.endpoint, reason: String(error) }, 'Whether a provider is reachable is not known');
    }
  }

  #tell({ id, endpoint }: SipAccount): void {
    if (this.dead.has(id)) this.#parts.log.warn({ endpoint }, 'A provider does not answer the periodic check, it is passed over');
    else this.#parts.log.info({ endpoint }, 'A provider answers the periodic check again');
  }
}
