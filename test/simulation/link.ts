/** A daemon's connection to a scripted Asterisk. Orders, answers and events take their time and keep their order, unless a fault has it otherwise. */
import { REPLACED } from '../../engine/asterisk/connect.ts';
import { AriError } from '../../engine/asterisk/contract.ts';
import type { AriRequest, AsteriskEvent, AsteriskLink, LinkOptions } from '../../engine/asterisk/contract.ts';
import type { Asterisk } from './asterisk.ts';
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import type { Program, Time } from './time.ts';

export interface SimulatedLinkParts {
  readonly asterisk: Asterisk;
  readonly options: LinkOptions;
  readonly owner: Program;
  readonly time: Time;
  readonly chance: Chance;
  readonly faults: Faults;
}

/** As `parseChannels` and its like expect it: what is asked of this part is a list of one. */
const REFUSABLE = /^\/channels\/create$|\/(?:dial|answer|addChannel)$/;

export class SimulatedLink implements AsteriskLink {
  readonly transport = 'websocket';
  readonly version = '22.10.1';
  connected = false;
  readonly #parts: SimulatedLinkParts;
  /** Counts connections; what belongs to an earlier one is lost. */
  #session = 0;
  #closed = false;
  /** Nothing passes, and neither side knows yet. */
  #cut = false;
  #orderAtMs = 0;
  #newsAtMs = 0;
  readonly #pending = new Set<() => void>();

  constructor(parts: SimulatedLinkParts) {
    this.#parts = parts;
    this.#tryAgain(parts.chance.between(5, 60));
  }

  get owner(): Program {
    return this.#parts.owner;
  }

  async request(request: AriRequest): Promise<unknown> {
    const { time, chance, asterisk, owner, faults, options } = this.#parts;
    if (!owner.alive) return new Promise(() => undefined);
    if (!this.connected) throw new AriError(0, 'asterisk is not connected', request);
    const session = this.#session;
    return new Promise((resolve, reject) => {
      const broken = (): void => reject(new AriError(0, 'the connection was lost', request));
      this.#pending.add(broken);
      this.#orderAtMs = Math.max(this.#orderAtMs, time.nowMs + chance.between(0.2, 1.5));
      if (this.#cut) return void time.inOf(owner, options.requestTimeoutMs, () => this.#pending.delete(broken) && reject(new AriError(0, 'timed out', request)));
      time.in(this.#orderAtMs - time.nowMs, () => {
        if (!asterisk.up || (this.#cut && chance.oneIn(2))) return;
        const { status, body } = REFUSABLE.test(request.path) && faults.refusedOrder() ? { status: 500, body: null } : asterisk.handle(request);
        this.#later(() => {
          if (session !== this.#session || !this.#pending.delete(broken)) return;
          if (status < 300) resolve(body);
          else reject(new AriError(status, 'refused', request));
        });
      });
      faults.sent(owner);
    });
  }

  async inOrder(requests: readonly AriRequest[]): Promise<readonly unknown[]> {
    return Promise.all(requests.map(async (request) => this.request(request)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.gone();
  }

  /** True: the daemon does not learn of it. */
  deliver(event: AsteriskEvent): boolean {
    const { time, chance, faults, owner } = this.#parts;
    const session = this.#session;
    if (this.#cut || faults.lostEvent()) return true;
    const hand = (): void => {
      if (session === this.#session && this.connected) this.#parts.options.onEvent(event);
    };
    if (faults.lateEvent()) time.inOf(owner, chance.around(400), hand);
    else this.#later(hand);
    if (!faults.doubledEvent()) return false;
    time.inOf(owner, chance.around(200), () => {
      // Nobody arrives whose end was told.
      if (event.type !== 'stasisStart' || this.#parts.asterisk.channels.has(event.channelId)) hand();
    });
    return false;
  }

  /** From now on nothing passes; both sides notice after a while. */
  cut(noticedAfterMs: number): void {
    this.#cut = true;
    this.#parts.time.in(noticedAfterMs, () => this.broken('no answer to a ping'));
  }

  broken(reason: string): void {
    const { asterisk, owner, time, chance, options } = this.#parts;
    if (asterisk.session === this) asterisk.session = null;
    this.#cut = false;
    if (!this.connected) return;
    this.connected = false;
    this.#session += 1;
    time.inOf(owner, 0, () => {
      this.#failPending();
      options.onDisconnected(reason);
    });
    this.#tryAgain(chance.between(options.reconnectMinMs, options.reconnectMinMs * 4));
  }

  /** Its daemon has died, or does not want it any more. */
  gone(): void {
    const { asterisk } = this.#parts;
    asterisk.links.delete(this);
    if (asterisk.session === this) asterisk.session = null;
    this.#closed = true;
    if (!this.connected) return;
    this.connected = false;
    this.#session += 1;
    this.#failPending();
  }

  #failPending(): void {
    for (const broken of this.#pending) broken();
    this.#pending.clear();
  }

  #later(run: () => void): void {
    const { time, chance, owner } = this.#parts;
    this.#newsAtMs = Math.max(this.#newsAtMs, time.nowMs + chance.between(0.2, 1.5));
    time.inOf(owner, this.#newsAtMs - time.nowMs, run);
  }

  #tryAgain(afterMs: number): void {
    const { time, owner, asterisk, options } = this.#parts;
    time.inOf(owner, afterMs, () => {
      if (this.#closed || this.connected) return;
      if (!asterisk.up) return this.#tryAgain(options.reconnectMaxMs / 5);
      const before = asterisk.session;
      asterisk.session = this;
      before?.broken(REPLACED);
      this.connected = true;
      this.#session += 1;
      options.onConnected();
    });
  }
}
