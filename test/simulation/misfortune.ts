/** What goes wrong in a day, each at a moment of chance: daemons die, sleep and are cut off; servers go and come back. */
import type { Daemon } from './daemon.ts';
import type { Simulation } from './simulation.ts';

export class DayOfFaults {
  readonly #simulation: Simulation;
  #over = false;

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
      this.#one();
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
    ];
    const [kind, happen] = chance.pick(kinds);
    if (!happen()) return;
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
    time.in(chance.pick([1500, 6000, 30_000]) * chance.between(0.5, 1.5), () => {
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

  #postgresAway(): boolean {
    const { time, chance, bank } = this.#simulation;
    bank.away = true;
    time.in(chance.between(500, 20_000), () => {
      bank.away = false;
    });
    return true;
  }
}
