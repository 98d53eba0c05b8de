/**
 * The engine: every Asterisk it serves, on one store.
 */
import { AgiDoor } from './agi/listen.ts';
import { connectAsterisk } from './asterisk/connect.ts';
import { readWitness } from './asterisk/witness.ts';
import { pause } from './clock.ts';
import { Finisher } from './finisher.ts';
import type { CallStore, Log } from './ports.ts';
import { daemonName } from './daemon-name.ts';
import { LeasedServer } from './leased-server.ts';
import type { ServerHealth } from './leased-server.ts';
import type { Settings } from '../config/schema.ts';
import { NO_METER } from './meter.ts';
import type { CallFigures, Meter } from './meter.ts';
import type { SpySide } from '../routing/spying.ts';
import { DONE } from '../store/redis/commands.ts';
import type { Command, CommandAnswer } from '../store/redis/commands.ts';

export interface EngineHealth {
  readonly servers: readonly ServerHealth[];
  /** FastAGI listens. */
  readonly agi: boolean;
  /** Finished calls that the store does not have yet. */
  readonly unsaved: number;
}

/** Finished calls may take so long to reach the store at the end; those that do not are closed by the next lead. */
const SAVE_MS = 5000;

export class Engine {
  /** Its name in the leases. */
  readonly daemon = daemonName();
  readonly #settings: Settings;
  readonly #finisher: Finisher;
  readonly #servers: readonly LeasedServer[];
  readonly #agi: AgiDoor;
  readonly #log: Log;

  constructor(settings: Settings, store: CallStore, log: Log, meter: Meter = NO_METER) {
    this.#settings = settings;
    this.#log = log;
    this.#finisher = new Finisher(store, log, meter);
    const { daemon } = this;
    this.#servers = settings.asterisk.map(
      (asterisk) => new LeasedServer({ daemon, leaseMs: settings.leaseMs, asterisk, settings, store, finisher: this.#finisher, meter, log: log.child({ server: asterisk.id }), random: Math.random, door: { connect: connectAsterisk, readWitness } }),
    );
    this.#agi = new AgiDoor({
      settings: settings.agi,
      callsOf: (serverId) => {
        const server = this.#servers.find(({ id }) => id === serverId);
        return server === undefined ? null : server.agi;
      },
      leadsAny: () => this.#servers.some((server) => server.agi !== undefined),
      log,
    });
    store.onBack(() => {
      for (const server of this.#servers) server.redisBack();
    });
  }

  catalogChanged(): void {
    for (const server of this.#servers) server.catalogChanged();
  }

  hangUp(callId: string): boolean {
    return this.#servers.some((server) => server.hangUp(callId));
  }

  /** What an operator wants of an Asterisk. Only whoever surely leads it may do it. */
  async obey({ name, serverId, by, fields }: Command): Promise<CommandAnswer> {
    const server = this.#servers.find(({ id }) => id === serverId);
    if (server === undefined || !server.mayAct) return { done: false, reason: `Another daemon leads Asterisk ${serverId} by now: try again.` };
    switch (name) {
      case 'hangup':
        return server.hangUp(fields['call'] ?? '') ? DONE : { done: false, reason: `There is no call ${fields['call']}, or it is over.` };
      case 'spy':
        return server.spy({ callId: fields['call'] ?? '', device: fields['device'] ?? '', as: fields['as'] ?? '', side: sideOf(fields['side']), contact: fields['contact'] ?? '', by });
      case 'contact':
        return server.contact(fields['device'] ?? '');
      default:
        return { done: false, reason: `This daemon does not know the command ${name}: it may be of an older version.` };
    }
  }

  health(): EngineHealth {
    return { servers: this.#servers.map((server) => server.health), agi: this.#agi.open, unsaved: this.#finisher.backlog };
  }

  /** Of the calls that this daemon leads. */
  figures(): readonly CallFigures[] {
    return this.#servers.flatMap((server) => server.figures ?? []);
  }

  /**
   * For `drainTimeoutS` new calls are refused and running ones may end by themselves; those that are up then are left to
   * the daemon that stands by, or to the next start. What has ended is saved.
   */
  async stop(): Promise<void> {
    const drainMs = this.#settings.drainTimeoutS * 1000;
    if (drainMs > 0) await Promise.race([Promise.all(this.#servers.map((server) => server.drain())), pause(drainMs)]);
    const calls = this.health().servers.reduce((sum, server) => sum + server.calls, 0);
    this.#agi.close();
    await Promise.all(this.#servers.map((server) => server.stop()));
    if (calls > 0) this.#log.info({ calls }, 'Running calls are handed over');
    await Promise.race([this.#finisher.drained(), pause(SAVE_MS)]);
    await Promise.all(this.#servers.map((server) => server.release().catch((error: unknown) => this.#log.warn({ err: error }, 'The lease could not be let go; it runs out by itself'))));
  }
}

function sideOf(text: string | undefined): SpySide | null {
  return text === 'caller' || text === 'callee' ? text : null;
}
