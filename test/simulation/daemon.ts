/** One daemon: the product's own shell for each Asterisk, on simulated lines. It can be killed, frozen, cut off, and stopped in order. */
import { Finisher } from '../../engine/finisher.ts';
import { LeasedServer } from '../../engine/leased-server.ts';
import { NO_METER } from '../../engine/meter.ts';
import type { Log } from '../../engine/ports.ts';
import type { Catalog } from '../../routing/catalog.ts';
import type { Settings } from '../../config/schema.ts';
import { parseMoney } from '../../rating/money.ts';
import type { Asterisk } from './asterisk.ts';
import type { Bank } from './bank.ts';
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import { RedisLine } from './redis.ts';
import type { RedisServer } from './redis.ts';
import { SimulatedSettler } from './settler.ts';
import { SimulatedStore } from './store.ts';
import type { Program, Time } from './time.ts';

export interface DaemonParts {
  readonly name: string;
  readonly time: Time;
  readonly chance: Chance;
  readonly faults: Faults;
  readonly redis: RedisServer;
  readonly bank: Bank;
  readonly asterisks: readonly Asterisk[];
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly log: Log;
  readonly onBadEntry: (callId: string, problem: string) => void;
  readonly onOwnChoice: (callId: string) => void;
  readonly doubleBooking: boolean;
}

export class Daemon implements Program {
  readonly name: string;
  alive = true;
  asleep = false;
  readonly #parts: DaemonParts;
  readonly line: RedisLine;
  readonly bornMs: number;
  readonly #store: SimulatedStore;
  readonly #finisher: Finisher;
  readonly #servers: readonly LeasedServer[];
  readonly #settler: SimulatedSettler;
  readonly #changed = new Set<number>();

  constructor(parts: DaemonParts) {
    const { time, chance, faults, redis, bank, settings, log } = parts;
    this.name = parts.name;
    this.bornMs = time.nowMs;
    this.#parts = parts;
    this.line = new RedisLine({ server: redis, time, chance, faults, owner: this, onReady: () => this.#redisBack() });
    const redisAway = { policy: settings.redisAway.policy, bound: parseMoney(String(settings.redisAway.bound)) };
    this.#store = new SimulatedStore({ line: this.line, catalog: parts.catalog, now: () => performance.now(), redisAway, onOwnChoice: parts.onOwnChoice, log });
    this.#finisher = new Finisher(this.#store, log);
    const made: LeasedServer[] = [];
    this.#settler = new SimulatedSettler({ bank, line: this.line, balances: this.#store.balances, owner: this, time, chance, faults, onBad: parts.onBadEntry, sabotage: parts.doubleBooking });
    this.#settler.start();
    time.as(this, () => {
      this.#store.balances.push(this.#store.balances.take(bank.userIds.map((userId) => bank.spendable(userId))));
      for (const asterisk of settings.asterisk) {
        made.push(new LeasedServer({
          daemon: this.name, leaseMs: settings.leaseMs, asterisk, settings, store: this.#store, finisher: this.#finisher, meter: NO_METER, log, random: chance.next,
          door: { connect: (options) => this.#asterisk(asterisk.id).connect(options, this), readWitness: async (_, ids, sinceMs) => this.#witness(asterisk.id, ids, sinceMs) },
        }));
      }
    });
    this.#servers = made;
  }

  get calls(): number {
    return this.#servers.reduce((sum, { health }) => sum + health.calls, 0);
  }

  get unsaved(): number {
    return this.#finisher.backlog;
  }

  /** It leads an Asterisk, and is attached to it. */
  leads(serverId: number): boolean {
    return this.#servers.some(({ health }) => health.id === serverId && health.leads && health.connected);
  }

  /** What the store follows in Postgres has changed. */
  balancesChanged(userIds: readonly number[]): void {
    const { time, chance, bank } = this.#parts;
    const first = this.#changed.size === 0;
    for (const userId of userIds) this.#changed.add(userId);
    if (!first) return;
    time.inOf(this, chance.between(20, 700), () => {
      const changed = [...this.#changed];
      this.#changed.clear();
      const { balances } = this.#store;
      balances.push(balances.take(changed.map((userId) => bank.spendable(userId))));
    });
  }

  /** Cut off, in the middle of whatever it did. */
  kill(): void {
    const { time, asterisks } = this.#parts;
    this.alive = false;
    this.line.close();
    for (const asterisk of asterisks) for (const link of asterisk.links) if (link.owner === this) link.gone();
    time.forget(this);
  }

  /** As SIGTERM does: what is up is handed over. */
  async stop(): Promise<void> {
    await Promise.all(this.#servers.map(async (server) => server.stop()));
    await this.#finisher.drained();
    await Promise.all(this.#servers.map(async (server) => server.release().catch(() => undefined)));
    this.kill();
  }

  #redisBack(): void {
    this.#store.balances.pushAll();
    for (const server of this.#servers) server.redisBack();
  }

  #asterisk(id: number): Asterisk {
    const found = this.#parts.asterisks.find((asterisk) => asterisk.id === id);
    if (found === undefined) throw new Error(`There is no Asterisk ${id}.`);
    return found;
  }

  async #witness(id: number, ids: ReadonlySet<string>, sinceMs: number): Promise<ReturnType<Asterisk['readWitness']>> {
    return new Promise((resolve) => {
      this.#parts.time.inOf(this, this.#parts.chance.between(1, 20), () => resolve(this.#asterisk(id).readWitness(ids, sinceMs)));
    });
  }
}
