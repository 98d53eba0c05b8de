/**
 * The engine: every Asterisk it serves, on one store.
 */
import { pause } from './clock.ts';
import { Finisher } from './finisher.ts';
import type { CallStore, Log } from './ports.ts';
import { AsteriskServer } from './server.ts';
import type { Settings } from '../config/schema.ts';

export interface ServerHealth {
  readonly id: number;
  readonly connected: boolean;
  /** Asterisk has been given all devices and providers since it connected. */
  readonly provisioned: boolean;
  readonly version: string;
  readonly calls: number;
  /** Ids of providers that do not answer its periodic check. */
  readonly deadProviders: readonly number[];
}

export interface EngineHealth {
  readonly servers: readonly ServerHealth[];
  /** Finished calls that the store does not have yet. */
  readonly unsaved: number;
}

export class Engine {
  readonly #settings: Settings;
  readonly #finisher: Finisher;
  readonly #servers: readonly AsteriskServer[];
  readonly #log: Log;

  constructor(settings: Settings, store: CallStore, log: Log) {
    this.#settings = settings;
    this.#log = log;
    this.#finisher = new Finisher(store, log);
    this.#servers = settings.asterisk.map(
      (asterisk) => new AsteriskServer({ asterisk, settings, store, finisher: this.#finisher, log: log.child({ server: asterisk.id }), random: Math.random }),
    );
  }

  catalogChanged(): void {
    for (const server of this.#servers) server.catalogChanged();
  }

  hangUp(callId: string): boolean {
    return this.#servers.some((server) => server.hangUp(callId));
  }

  health(): EngineHealth {
    const servers = this.#servers.map((server) => ({ id: server.id, connected: server.connected, provisioned: server.provisioned, version: server.version, calls: server.activeCalls, deadProviders: server.deadProviders }));
    return { servers, unsaved: this.#finisher.backlog };
  }

  /** New calls are refused, running ones may end by themselves for `drainTimeoutS`, finished ones are saved. */
  async stop(): Promise<void> {
    const limitMs = this.#settings.drainTimeoutS * 1000;
    const calls = Promise.all(this.#servers.map((server) => server.drain())).then(() => true);
    const all = await Promise.race([calls, pause(limitMs).then(() => false)]);
    if (!all) this.#log.warn({ calls: this.health().servers.map((one) => one.calls) }, 'Running calls are left to Asterisk');
    await Promise.race([this.#finisher.drained(), pause(limitMs)]);
    await Promise.all(this.#servers.map((server) => server.stop()));
  }
}
