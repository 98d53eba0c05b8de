/** Small faults, thrown for each message, and the count of all that were injected. */
import type { Chance } from './chance.ts';
import type { Program } from './time.ts';

/** How often, each one in so many; 0: never. */
export interface FaultRates {
  readonly lostCommand: number;
  readonly lostAnswer: number;
  readonly lateEvent: number;
  readonly doubledEvent: number;
  readonly lostEvent: number;
  readonly refusedOrder: number;
  readonly lostLogLine: number;
  /** A daemon dies in the middle of a step, just after it sent something to Redis or to Asterisk. */
  readonly crashAtSend: number;
  /** It dies just before or after the settling transaction. */
  readonly crashOfSettler: number;
}

export const NO_FAULTS: FaultRates = { lostCommand: 0, lostAnswer: 0, lateEvent: 0, doubledEvent: 0, lostEvent: 0, refusedOrder: 0, lostLogLine: 0, crashAtSend: 0, crashOfSettler: 0 };

export class Faults {
  rates: FaultRates = NO_FAULTS;
  readonly counts = new Map<string, number>();
  readonly #chance: Chance;
  /** Kills a daemon. */
  crash: (owner: Program) => void = () => undefined;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  lostCommand(): boolean {
    return this.#throw(this.rates.lostCommand, 'commands to Redis lost');
  }

  lostAnswer(): boolean {
    return this.#throw(this.rates.lostAnswer, 'answers of Redis lost');
  }

  lateEvent(): boolean {
    return this.#throw(this.rates.lateEvent, 'events late or reordered');
  }

  doubledEvent(): boolean {
    return this.#throw(this.rates.doubledEvent, 'events doubled');
  }

  lostEvent(): boolean {
    return this.#throw(this.rates.lostEvent, 'events lost');
  }

  refusedOrder(): boolean {
    return this.#throw(this.rates.refusedOrder, 'orders refused');
  }

  lostLogLine(): boolean {
    return this.#throw(this.rates.lostLogLine, 'lines of the event log lost');
  }

  /** Something was sent: the sender may die right now. */
  sent(owner: Program): void {
    if (!this.#chance.oneIn(this.rates.crashAtSend)) return;
    this.count('died right after sending something');
    this.crash(owner);
  }

  #throw(rate: number, kind: string): boolean {
    if (!this.#chance.oneIn(rate)) return false;
    this.count(kind);
    return true;
  }
}
