/**
 * The door of one Asterisk: calls beyond what it can take are refused before anything is done for them, most of them by
 * Asterisk itself. routing/overload.ts decides how many are let in.
 */
import { globalVariable, setGlobalVariable } from './asterisk/inspect.ts';
import type { AsteriskAddress } from './asterisk/inspect.ts';
import { monotonicMs, Timers } from './clock.ts';
import type { AsteriskClock } from './clock.ts';
import type { Log } from './ports.ts';
import type { OverloadSettings } from '../config/schema.ts';
import { Bucket, Overload, shareRefused } from '../routing/overload.ts';

export interface OverloadHealth {
  /** Calls are refused at present, or were within the last seconds. */
  readonly shedding: boolean;
  /** Calls a second that are let in at present; null: as many as come. */
  readonly callsPerSecond: number | null;
  /** Calls refused since the start, by the engine and by Asterisk itself. */
  readonly shed: number;
  readonly shedByAsterisk: number;
  /** Those of the engine's that left no CDR. */
  readonly shedWithoutRow: number;
}

export const NOTHING_SHED: OverloadHealth = { shedding: false, callsPerSecond: null, shed: 0, shedByAsterisk: 0, shedWithoutRow: 0 };

export interface DoorParts {
  readonly settings: OverloadSettings;
  /** Asked beside the link: word of the overload must not wait behind what makes it. */
  readonly address: AsteriskAddress;
  readonly mayAct: () => boolean;
  readonly clock: AsteriskClock;
  readonly log: Log;
}

const EVERY_MS = 500;
/** Asterisk goes on refusing for so long without a word of the engine. */
const SHARE_LIFE_S = 5;
/** Nobody was refused for so long: it is over. */
const OVER_AFTER_MS = 5000;

/** Global variables of dialplan/extensions.conf. */
const SHARE = 'TOLLGATE_SHED_SHARE';
const UNTIL = 'TOLLGATE_SHED_UNTIL';
const COUNT = 'TOLLGATE_SHED_COUNT';

export class Door {
  readonly #parts: DoorParts;
  readonly #overload: Overload;
  readonly #rows = new Bucket();
  readonly #timers = new Timers<'tick'>();
  /** Since calls are refused; null: they are not. */
  #since: { readonly ms: number; readonly shed: number } | null = null;
  #refusedMs = 0;
  #byEngine = 0;
  #byAsterisk = 0;
  #withoutRow = 0;
  /** Calls that came to the engine, of the present tick. */
  #came = { sinceMs: 0, calls: 0 };
  /** What Asterisk's own count was; null: not read yet. */
  #counted: number | null = null;
  #share = 0;
  #closed = false;

  constructor(parts: DoorParts) {
    this.#parts = parts;
    this.#overload = new Overload(parts.settings);
  }

  get health(): OverloadHealth {
    const rate = this.#overload.rate(monotonicMs());
    return { shedding: this.#since !== null, callsPerSecond: rate === null ? null : Math.round(rate), shed: this.#shed, shedByAsterisk: this.#byAsterisk, shedWithoutRow: this.#withoutRow };
  }

  /** A call came: whether it is let in. */
  admits(): boolean {
    const nowMs = monotonicMs();
    this.#came.calls += 1;
    if (this.#overload.arrive(nowMs)) return true;
    this.#byEngine += 1;
    this.#refusedMs = nowMs;
    if (this.#since === null) this.#begin(nowMs);
    return false;
  }

  /** Whether the call just refused gets its CDR. */
  records(): boolean {
    const { rowsPerSecond } = this.#parts.settings;
    if (rowsPerSecond > 0 && this.#rows.take(rowsPerSecond, monotonicMs(), rowsPerSecond)) return true;
    this.#withoutRow += 1;
    return false;
  }

  /** See PerformContext. */
  asked(): (answered: boolean) => void {
    const told = this.#overload.asked(monotonicMs());
    return (answered) => told(answered ? monotonicMs() : null);
  }

  close(): void {
    this.#closed = true;
    this.#timers.clearAll();
  }

  get #shed(): number {
    return this.#byEngine + this.#byAsterisk;
  }

  #begin(nowMs: number): void {
    this.#since = { ms: nowMs, shed: this.#shed - 1 };
    this.#came = { sinceMs: nowMs, calls: 1 };
    this.#counted = null;
    this.#share = 0;
    this.#parts.log.warn({ callsPerSecond: this.health.callsPerSecond }, 'More calls come than this Asterisk can take: those beyond are refused with 208');
    this.#tickLater();
  }

  #end(since: { readonly ms: number; readonly shed: number }, nowMs: number): void {
    this.#since = null;
    this.#overload.rest();
    this.#parts.log.info({ seconds: Math.round((nowMs - since.ms) / 1000), shed: this.#shed - since.shed }, 'All calls are let in again');
  }

  #tickLater(): void {
    if (!this.#closed) this.#timers.set('tick', EVERY_MS, () => void this.#tick());
  }

  async #tick(): Promise<void> {
    try {
      if (this.#parts.settings.inAsterisk && this.#parts.mayAct()) await this.#tellAsterisk();
    } catch (error) {
      this.#parts.log.debug({ err: error }, 'Asterisk was not told how many calls to refuse');
    }
    const nowMs = monotonicMs();
    if (this.#since !== null && nowMs - this.#refusedMs > OVER_AFTER_MS) this.#end(this.#since, nowMs);
    else this.#tickLater();
  }

  /** Its share follows what came to it and what it refused since the last time. */
  async #tellAsterisk(): Promise<void> {
    const { address, clock } = this.#parts;
    const count = Number(await globalVariable(address, COUNT)) || 0;
    const nowMs = monotonicMs();
    // A restarted Asterisk counts from 0.
    const refused = this.#counted === null ? 0 : count - (count < this.#counted ? 0 : this.#counted);
    this.#counted = count;
    if (refused > 0) this.#refusedMs = nowMs;
    this.#byAsterisk += refused;
    const offered = ((this.#came.calls + refused) * 1000) / (nowMs - this.#came.sinceMs);
    this.#came = { sinceMs: nowMs, calls: 0 };
    const before = this.#share;
    this.#share = shareRefused(this.#overload.rate(nowMs) ?? offered, offered);
    if (this.#share === 0 && before === 0) return;
    await setGlobalVariable(address, SHARE, this.#share);
    await setGlobalVariable(address, UNTIL, Math.ceil(clock.now().wallMs / 1000) + SHARE_LIFE_S);
  }
}
