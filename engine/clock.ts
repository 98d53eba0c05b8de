/** The shell's clocks and timers; the only file of this room that touches the machine's. */
import type { Moment } from './call/state.ts';

export interface Clock {
  now(): Moment;
}

export const systemClock: Clock = {
  now: () => ({ wallMs: Date.now(), monoMs: performance.now() }),
};

/**
 * Asterisk's wall clock as this process sees it: its last stamp, carried on by our monotonic clock. Moments that
 * begin here (a timer) and moments that come from Asterisk (an answer) then stand on one clock, even when the two
 * hosts disagree about the time.
 */
export class AsteriskClock implements Clock {
  #last: Moment | null = null;

  /** The moment of an event that Asterisk stamped `at` and that has just been received. */
  stamp(at: number): Moment {
    const moment = { wallMs: at, monoMs: performance.now() };
    if (this.#last === null || at >= this.#last.wallMs || this.#jumped(moment)) this.#last = moment;
    return moment;
  }

  now(): Moment {
    const monoMs = performance.now();
    return this.#last === null ? systemClock.now() : { wallMs: Math.round(this.#last.wallMs + monoMs - this.#last.monoMs), monoMs };
  }

  /** Events may be stamped some milliseconds out of order; a step back of more than that is a clock that was set. */
  #jumped(moment: Moment): boolean {
    return this.#last !== null && this.#last.wallMs - moment.wallMs > 1000;
  }
}

/** One timer a name; setting it again moves it. */
export class Timers<Name extends string> {
  readonly #running = new Map<Name, NodeJS.Timeout>();

  set(name: Name, afterMs: number, fired: () => void): void {
    this.clear(name);
    const timer = setTimeout(() => {
      this.#running.delete(name);
      fired();
    }, afterMs);
    this.#running.set(name, timer);
  }

  clear(name: Name): void {
    clearTimeout(this.#running.get(name));
    this.#running.delete(name);
  }

  clearAll(): void {
    for (const name of this.#running.keys()) this.clear(name);
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
