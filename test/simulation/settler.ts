/** Settles as store/settle.ts does, with the bank in place of Postgres: read, one transaction, then one script tells Redis. */
import { spendableArgs } from '../../store/redis/calls.ts';
import type { Spendable } from '../../store/redis/calls.ts';
import { CDR_STREAM } from '../../store/redis/keys.ts';
import { runScript } from '../../store/redis/scripts.ts';
import { entryProblem, readEntries } from '../../store/settle-entry.ts';
import type { Entry } from '../../store/settle-entry.ts';
import type { Balances } from '../../store/balances.ts';
import type { Bank } from './bank.ts';
import type { Chance } from './chance.ts';
import type { Faults } from './faults.ts';
import type { RedisLine } from './redis.ts';
import { UNITS } from './store.ts';
import type { Program, Time } from './time.ts';

const BATCH = 500;
const EVERY_MS = 500;

export interface SettlerParts {
  readonly bank: Bank;
  readonly line: RedisLine;
  readonly balances: Balances;
  readonly owner: Program;
  readonly time: Time;
  readonly chance: Chance;
  readonly faults: Faults;
  /** What cannot be settled is a fault of ours. */
  readonly onBad: (callId: string, problem: string) => void;
  /** Booked twice, to see that the auditor notices. */
  readonly sabotage: boolean;
}

export class SimulatedSettler {
  readonly #parts: SettlerParts;

  constructor(parts: SettlerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { time, owner, line } = this.#parts;
    time.inOf(owner, EVERY_MS, () => {
      const turn = line.ready ? this.#once() : Promise.resolve();
      turn.then(() => this.start(), () => this.start());
    });
  }

  async #once(): Promise<void> {
    const { bank, line, owner, onBad } = this.#parts;
    const entries = await readEntries(line.client, BATCH);
    for (const entry of entries) {
      const problem = entryProblem(entry);
      if (problem !== null) onBad(entry.callId, problem);
    }
    if (entries.length === 0 || bank.locked || bank.away || !owner.alive) return;
    const balances = await this.#transact(entries);
    this.#parts.balances.take(balances);
    this.#maybeDie('settler died after its commit');
    const args: (string | number)[] = ['', balances.length, ...balances.flatMap((balance) => [balance.userId, ...spendableArgs(balance, UNITS)])];
    for (const entry of entries) args.push(entry.id, entry.owed, '');
    await runScript(line.client, 'settled', { keys: [CDR_STREAM], args });
  }

  /** The word to commit is on its way, whatever becomes of the one who said it. */
  async #transact(entries: readonly Entry[]): Promise<readonly Spendable[]> {
    const { bank, time, chance, owner, sabotage } = this.#parts;
    this.#maybeDie('settler died before its commit');
    if (!owner.alive) return new Promise(() => undefined);
    bank.locked = true;
    return new Promise((resolve, reject) => {
      time.in(chance.between(1, 8), () => {
        bank.locked = false;
        if (bank.away) return void time.inOf(owner, 1, () => reject(new Error('Postgres is away.')));
        const balances = bank.settle(entries);
        if (sabotage && chance.oneIn(50)) bank.bookAgain();
        time.inOf(owner, chance.between(0.5, 3), () => resolve(balances));
      });
    });
  }

  #maybeDie(kind: string): void {
    const { chance, faults, owner } = this.#parts;
    if (!owner.alive || !chance.oneIn(faults.rates.crashOfSettler)) return;
    faults.count(kind);
    faults.crash(owner);
  }
}
