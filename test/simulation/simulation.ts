/**
 * Days of calls: two daemons, two Asterisks, one Redis, and faults of all kinds while calls are up. At the end of each day
 * everything heals, the last call ends, and nothing may be left over or differ.
 */
import { settingsSchema } from '../../config/schema.ts';
import type { Settings } from '../../config/schema.ts';
import type { Log } from '../../engine/ports.ts';
import { parseMoney } from '../../rating/money.ts';
import { Asterisk } from './asterisk.ts';
import { Auditor } from './auditor.ts';
import type { Tally } from './auditor.ts';
import { Bank } from './bank.ts';
import { Chance } from './chance.ts';
import { Daemon } from './daemon.ts';
import { Faults, NO_FAULTS } from './faults.ts';
import type { FaultRates } from './faults.ts';
import { leftOvers, sums } from './look.ts';
import { DayOfFaults } from './misfortune.ts';
import { RedisServer } from './redis.ts';
import type { Sabotage } from './redis.ts';
import { ACCOUNTS, catalog, nextCaller } from './tenant.ts';
import { Time } from './time.ts';
import type { Wire, Word, Reply } from './wire.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly calls: number;
  readonly callsADay: number;
  readonly wire: Wire;
  readonly rates: FaultRates;
  /** Larger faults of a day: deaths, sleeps, cuts. */
  readonly misfortunes: boolean;
  readonly sabotage: Sabotage;
  readonly doubleBooking: boolean;
  readonly log?: Log;
  /** What has this in its name is told as it happens. */
  readonly follow?: string;
  readonly onDay?: (progress: Progress) => void;
  /** The first difference ends it. */
  readonly stopAtFirst: boolean;
}

export interface Progress {
  readonly day: number;
  readonly calls: number;
  readonly differences: number;
}

export interface Result {
  readonly seed: number;
  readonly days: number;
  readonly tally: Tally;
  readonly faults: Readonly<Record<string, number>>;
  readonly differences: readonly string[];
  readonly steps: number;
  readonly commands: number;
  readonly mark: number;
}

const QUIET: Log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => QUIET };
const SERVER_IDS = [1, 2];
/** Even the call whose engine never came back is over by then. */
const LONGEST_WAIT_S = 600;
const MOST_DIFFERENCES = 50;

export class Simulation {
  readonly time = new Time();
  readonly chance: Chance;
  readonly faults: Faults;
  readonly redis: RedisServer;
  readonly bank = new Bank();
  readonly auditor: Auditor;
  readonly asterisks: readonly Asterisk[];
  readonly daemons: (Daemon | null)[] = [null, null];
  readonly differences: string[] = [];
  readonly options: SimulationOptions;
  readonly #catalog = catalog();
  #settings: Settings;
  #day = 0;
  #born = 0;
  /** Daemons may come back. */
  open = false;

  constructor(options: SimulationOptions) {
    this.options = options;
    this.chance = new Chance(options.seed);
    this.faults = new Faults(this.chance.fork());
    this.redis = new RedisServer(options.wire, this.time);
    this.auditor = new Auditor(this.bank, this.redis, (difference) => this.differ(difference));
    this.redis.watch = this.auditor;
    this.asterisks = SERVER_IDS.map((id) => new Asterisk({ id, app: 'tollgate', time: this.time, chance: this.chance.fork(), faults: this.faults, onCall: (truth) => this.auditor.begun(truth) }));
    this.bank.onChange = (userIds): void => {
      for (const daemon of this.daemons) if (daemon?.alive === true) daemon.balancesChanged(userIds);
    };
    this.faults.crash = (owner): void => this.crash(owner as Daemon);
    this.#settings = this.#settingsOfDay();
    const { follow = '' } = options;
    if (follow !== '') this.time.tell = (about, what): void => {
      if (about.includes(follow)) process.stderr.write(`${new Date(this.time.nowMs).toISOString()} ${about} ${what}\n`);
    };
  }

  differ(what: string): void {
    if (this.differences.length < MOST_DIFFERENCES) this.differences.push(`seed ${this.options.seed}, day ${this.#day}, ${new Date(this.time.nowMs).toISOString()}: ${what}`);
    if (this.options.stopAtFirst) this.time.stop();
  }

  async run(): Promise<Result> {
    const { options } = this;
    await options.wire.ask(['FLUSHDB']);
    await this.redis.load(options.sabotage);
    await this.time.run(() => {
      this.#days().then(() => this.time.stop(), (error: unknown) => this.time.stop(error));
    });
    return {
      seed: options.seed, days: this.#day, tally: this.auditor.tally, faults: Object.fromEntries([...this.faults.counts].sort(([one], [other]) => (one < other ? -1 : 1))),
      differences: this.differences, steps: this.time.steps, commands: options.wire.commands, mark: this.time.mark >>> 0,
    };
  }

  /** In the simulated world. */
  async sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.time.in(ms, resolve);
    });
  }

  /** Of Redis, by nobody's line: a look that disturbs nothing. */
  async look(words: readonly Word[]): Promise<Reply> {
    const answer = this.options.wire.send(words);
    return new Promise((resolve) => {
      this.time.inWith(answer, 0, () => resolve(answer.reply));
    });
  }

  born(place: number): void {
    if (!this.open || this.daemons[place]?.alive === true) return;
    this.#born += 1;
    this.daemons[place] = new Daemon({
      name: `simulated-${place + 1}-${this.#born}`, time: this.time, chance: this.chance.fork(), faults: this.faults, redis: this.redis, bank: this.bank, asterisks: this.asterisks,
      settings: this.#settings, catalog: this.#catalog, log: this.options.log ?? QUIET, doubleBooking: this.options.doubleBooking,
      onOwnChoice: (callId) => this.auditor.ownChoice(callId),
      onBadEntry: (callId, problem) => this.differ(`the entry of ${callId} cannot be settled: ${problem}`),
    });
  }

  crash(daemon: Daemon): void {
    if (!daemon.alive) return;
    daemon.kill();
    this.disturb();
    const place = this.daemons.indexOf(daemon);
    this.time.in(this.chance.between(100, 25_000), () => this.born(place));
  }

  /** Whatever is up may come to harm; what arrives a moment later as well. */
  disturb(): void {
    for (const truth of this.auditor.truths) truth.disturbed = true;
    this.disturbedUntilMs = this.time.nowMs + 60_000;
  }

  disturbedUntilMs = 0;
  /** Until then sums in Redis need not agree. */
  blindUntilMs = 0;

  async #days(): Promise<void> {
    while (this.auditor.tally.calls < this.options.calls) {
      this.#day += 1;
      await this.#oneDay();
      this.options.onDay?.({ day: this.#day, calls: this.auditor.tally.calls, differences: this.differences.length });
    }
  }

  async #oneDay(): Promise<void> {
    this.#settings = this.#settingsOfDay();
    this.open = true;
    this.auditor.newDay({ allowed: this.#settings.redisAway.policy === 'allow', bound: parseMoney(String(this.#settings.redisAway.bound)) });
    for (const place of this.daemons.keys()) this.born(place);
    await this.#attached();
    this.faults.rates = this.options.rates;
    const misfortune = new DayOfFaults(this);
    if (this.options.misfortunes) misfortune.begin();
    await this.#traffic();
    this.faults.rates = NO_FAULTS;
    await misfortune.heal();
    await this.#untilQuiet();
    await this.#audit();
    this.open = false;
    for (const daemon of this.daemons) if (daemon !== null) await daemon.stop();
    for (const asterisk of this.asterisks) asterisk.forgetLog();
    await this.sleep(20_000);
    this.time.jump(this.chance.between(3, 12) * 3_600_000);
  }

  async #attached(): Promise<void> {
    for (let waited = 0; this.asterisks.some(({ session }) => session === null); waited += 1) {
      if (waited > 60) throw new Error('No daemon leads.');
      await this.sleep(1000);
    }
  }

  /** Calls come in bursts; payments whenever somebody has little left. */
  async #traffic(): Promise<void> {
    const { chance, auditor, bank } = this;
    const until = Math.min(this.options.calls, auditor.tally.calls + this.options.callsADay);
    while (auditor.tally.calls < until) {
      const burst = 1 + chance.below(24);
      for (let call = 0; call < burst && auditor.tally.calls < until; call += 1) {
        chance.pick(this.asterisks).arrive(nextCaller(chance));
        if (this.time.nowMs < this.disturbedUntilMs) for (const truth of [...auditor.truths].slice(-1)) truth.disturbed = true;
        await this.sleep(chance.around(25));
      }
      for (const { id, target } of ACCOUNTS) {
        if (target > 0 && chance.oneIn(3) && Number(bank.balance(id)) / 1e10 < target * 0.5) bank.topUp(id, BigInt(Math.floor(chance.between(0.05, 1) * target * 1e10)));
      }
      if (chance.oneIn(6) && this.time.nowMs > this.blindUntilMs) for (const difference of await sums(this)) this.differ(difference);
      await this.sleep(chance.around(3500));
    }
  }

  async #untilQuiet(): Promise<void> {
    let found: readonly string[] = [];
    for (let waited = 0; waited < LONGEST_WAIT_S; waited += 1) {
      await this.sleep(1000);
      if (this.asterisks.some(({ channels }) => channels.size > 0) || this.daemons.some((daemon) => (daemon?.calls ?? 0) + (daemon?.unsaved ?? 0) > 0)) continue;
      found = await leftOvers(this);
      if (found.length === 0) return;
    }
    for (const { id, channels } of this.asterisks) if (channels.size > 0) this.differ(`${channels.size} channels of Asterisk ${id} stay up: ${[...channels.keys()].slice(0, 5).join(', ')}`);
    for (const one of found) this.differ(one);
  }

  async #audit(): Promise<void> {
    for (const difference of await sums(this)) this.differ(difference);
    this.auditor.day();
  }

  #settingsOfDay(): Settings {
    const { chance } = this;
    return settingsSchema.parse({
      asterisk: SERVER_IDS.map((id) => ({ id, password: 'simulated', witness: 'simulated' })),
      calls: { promptBeforeEndS: chance.oneIn(2) ? 0 : 10, globalCallTimeoutS: 90, deadManS: 30 },
      reservation: { mode: chance.oneIn(4) ? 'frozen' : 'slice', sliceS: 4 + chance.below(20), extendBeforeS: 1 + chance.below(3), frozenTimeMinutes: 1 },
      // Two daemons that lead an Asterisk each may overdraw by the bound when they stand in for Redis (docs/decisions/0012).
      redisAway: { policy: chance.oneIn(2) ? 'allow' : 'refuse', bound: chance.oneIn(3) ? 0.5 : 0 },
      leaseMs: 10_000,
    });
  }
}
