/** What goes wrong in a day, each at a moment of chance: daemons die, sleep and are cut off; servers go and come back. */
import type { Daemon } from './daemon.ts';
import { NO_FAULTS } from './faults.ts';
import type { Simulation } from './simulation.ts';

/** Nothing went wrong for so long: nothing waits anywhere. */
const CALM_MS = 12_000;
/** Within so long after its return Redis knows all again. */
const TOLD_AGAIN_MS = 40_000;

/** Everything is copied into another database. */
const KEEP = `for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', ARGV[1], 'REPLACE') end`;

export class DayOfFaults {
  readonly #simulation: Simulation;
  #lastMs = 0;
  #over = false;
  /** Redis has lost something: nothing else goes wrong until it has been told again. */
  #alone = false;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  begin(): void {
    this.#next();
  }

  /** From now on nothing goes wrong, and what went wrong is mended. */
  async heal(): Promise<void> {
    const simulation = this.#simulation;
    const { daemons, redis, time, bank } = simulation;
    this.#over = true;
    bank.away = false;
    if (!redis.up) redis.start();
    for (const daemon of daemons) {
      if (daemon?.alive !== true) continue;
      if (daemon.asleep) time.wake(daemon);
      daemon.line.mend();
    }
    for (const place of daemons.keys()) simulation.born(place);
    await simulation.sleep(100);
  }

  #next(): void {
    const { time, chance } = this.#simulation;
    time.in(chance.around(20_000), () => {
      if (this.#over) return;
      if (!this.#alone) this.#one();
      this.#next();
    });
  }

  #one(): void {
    const { chance, faults, daemons } = this.#simulation;
    const daemon = chance.pick(daemons);
    const kinds: readonly (readonly [string, () => boolean])[] = [
      ['daemons killed', () => this.#kill(daemon)],
      ['daemons asleep', () => this.#sleep(daemon)],
      ['daemons cut off from Redis', () => this.#cutRedis(daemon)],
      ['connections to Redis broken', () => this.#breakRedis(daemon)],
      ['daemons cut off from Asterisk', () => this.#cutAsterisk()],
      ['connections to Asterisk broken', () => this.#breakAsterisk()],
      ['Asterisk died', () => this.#asteriskDies()],
      ['Redis frozen', () => this.#freeze()],
      ['Redis away', () => this.#redisAway()],
      ['Postgres away', () => this.#postgresAway()],
      ['Redis flushed', () => this.#loses('empty')],
      ['Redis back with old data', () => this.#loses('old')],
    ];
    const [kind, happen] = chance.pick(kinds);
    if (!happen()) return;
    this.#lastMs = this.#simulation.time.nowMs;
    faults.count(kind);
    this.#simulation.disturb();
  }

  #kill(daemon: Daemon | null | undefined): boolean {
    if (daemon?.alive !== true) return false;
    this.#simulation.crash(daemon);
    return true;
  }

  #sleep(daemon: Daemon | null | undefined): boolean {
    const { time, chance } = this.#simulation;
    if (daemon?.alive !== true || daemon.asleep) return false;
    daemon.asleep = true;
    const fromMs = time.nowMs;
    time.in(chance.pick([1500, 6000, 30_000]) * chance.between(0.5, 1.5), () => {
      this.#simulation.auditor.slept({ fromMs, toMs: time.nowMs });
      if (daemon.alive && daemon.asleep) time.wake(daemon);
    });
    return true;
  }

  #cutRedis(daemon: Daemon | null | undefined): boolean {
    const { time, chance } = this.#simulation;
    if (daemon?.alive !== true) return false;
    daemon.line.cut();
    time.in(chance.pick([300, 3000, 15_000]) * chance.between(0.5, 1.5), () => daemon.line.mend());
    return true;
  }

  #breakRedis(daemon: Daemon | null | undefined): boolean {
    const { time, chance } = this.#simulation;
    if (daemon?.alive !== true) return false;
    daemon.line.broken();
    time.in(chance.pick([50, 1000, 12_000]) * chance.between(0.5, 1.5), () => daemon.line.mend());
    return true;
  }

  #cutAsterisk(): boolean {
    const { chance, asterisks } = this.#simulation;
    const { session } = chance.pick(asterisks);
    session?.cut(chance.between(500, 10_000));
    return session !== null;
  }

  #breakAsterisk(): boolean {
    const { chance, asterisks } = this.#simulation;
    const { session } = chance.pick(asterisks);
    session?.broken('connection reset');
    return session !== null;
  }

  #asteriskDies(): boolean {
    const { chance, asterisks } = this.#simulation;
    const asterisk = chance.pick(asterisks);
    if (!asterisk.up || chance.oneIn(2)) return false;
    asterisk.restart(chance.between(500, 8000));
    return true;
  }

  #freeze(): boolean {
    const { time, chance, redis } = this.#simulation;
    redis.frozenUntilMs = time.nowMs + chance.pick([400, 1500, 6000]) * chance.between(0.5, 1.5);
    return true;
  }

  #redisAway(): boolean {
    const { time, chance, redis } = this.#simulation;
    if (!redis.up) return false;
    redis.stop();
    time.in(chance.pick([500, 5000, 20_000]) * chance.between(0.5, 1.5), () => {
      if (!redis.up) redis.start();
    });
    return true;
  }

  /**
   * Its connections break, and it is back empty, or with what it knew a while ago. What it was told in between is told again
   * by whoever told it: so nobody may die meanwhile, and what ended must have been settled within ten seconds.
   */
  #loses(comesBack: 'empty' | 'old'): boolean {
    const simulation = this.#simulation;
    const { chance, redis, bank, daemons, asterisks, faults, time } = simulation;
    const well = redis.up && !bank.away && time.nowMs > redis.frozenUntilMs && daemons.every((daemon) => daemon?.alive === true && !daemon.asleep && time.nowMs > daemon.bornMs + CALM_MS && daemon.line.well && daemon.unsaved === 0) && asterisks.every(({ up, session }) => up && session !== null);
    if (!well || time.nowMs < this.#lastMs + CALM_MS) return false;
    this.#alone = true;
    simulation.blindUntilMs = Number.POSITIVE_INFINITY;
    faults.rates = NO_FAULTS;
    simulation.auditor.lostData = true;
    if (comesBack === 'old') void simulation.look(['EVAL', KEEP, 0, simulation.options.wire.spare]);
    time.in(comesBack === 'old' ? chance.between(500, 6000) : 0, () => {
      redis.stop();
      void simulation.look(['FLUSHDB']);
      if (comesBack === 'old') void simulation.look(['SWAPDB', simulation.options.wire.database, simulation.options.wire.spare]);
      time.in(chance.between(20, 1500), () => redis.start());
      time.in(TOLD_AGAIN_MS, () => {
        this.#alone = false;
        simulation.blindUntilMs = time.nowMs;
        if (!this.#over) faults.rates = simulation.options.rates;
      });
    });
    return true;
  }

  #postgresAway(): boolean {
    const { time, chance, bank } = this.#simulation;
    bank.away = true;
    time.in(chance.between(500, 20_000), () => {
      bank.away = false;
    });
    return true;
  }
}
