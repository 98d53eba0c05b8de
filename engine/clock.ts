/** The shell's clocks and timers; the only file of this room that touches the machine's. */
import type { Moment } from './call/state.ts';

export interface Clock {
  now(): Moment;
}

/** Never set back; for durations only. */
export const monotonicMs = (): number => performance.now();

export const systemClock: Clock = {
  now: () => ({ wallMs: Date.now(), monoMs: performance.now() }),
};

/** An event may be so long on its way (the network, a busy process); one that seems older was stamped by a clock that was set. */
const LONGEST_WAY_MS = 10_000;
/** A clock that runs slower than ours, or was set back by less, shows in the quickest of so many events over so long a time. */
const WATCH = { events: 8, ms: 10_000 } as const;
/** So often a clock is told that this process lives; one that was not for longer than twice of it slept, or was too busy. */
export const BEAT_MS = 1000;

/**
 * Asterisk's wall clock as this process sees it, carried on by our monotonic clock. Moments that begin here (a timer)
 * and moments that come from Asterisk (an answer) then stand on one clock, even when the two hosts disagree about the
 * time. The quickest event tells how the clocks stand to each other: one that was longer on its way, or waited while
 * this process was busy, happened when its stamp says, not when it came.
 */
export class AsteriskClock implements Clock {
  readonly #monotonicMs: () => number;
  /** Our monotonic clock less Asterisk's wall clock. */
  #offset: number | null = null;
  #watched = { sinceMs: 0, events: 0, least: Number.POSITIVE_INFINITY };
  #aliveMs: number | null = null;
  /** This process slept for so long, and reads until then what came meanwhile. */
  #slept = { ms: 0, untilMs: 0 };

  constructor(monotonicMs: () => number = () => performance.now()) {
    this.#monotonicMs = monotonicMs;
  }

  /** This process lives. Without this word nobody can tell its sleep from a clock that was set back. */
  beat(): void {
    this.#lived(this.#monotonicMs());
  }

  /** The moment of an event that Asterisk stamped `at` and that has just been received. */
  stamp(at: number): Moment {
    const receivedMs = this.#monotonicMs();
    const offset = receivedMs - at;
    // Whichever comes first after a sleep, the beat or an event.
    if (this.#aliveMs !== null) this.#lived(receivedMs);
    const longestWayMs = LONGEST_WAY_MS + (receivedMs < this.#slept.untilMs ? this.#slept.ms : 0);
    if (this.#offset === null || offset < this.#offset || offset > this.#offset + longestWayMs) this.#set(offset, receivedMs);
    const moment = { wallMs: at, monoMs: at + (this.#offset ?? offset) };
    this.#watch(offset, receivedMs);
    return moment;
  }

  /** The moment of a stamp of Asterisk's that is not news: out of its event log, or told of by somebody else. */
  moment(wallMs: number): Moment {
    const offset = this.#offset ?? this.#monotonicMs() - Date.now();
    return { wallMs, monoMs: wallMs + offset };
  }

  now(): Moment {
    if (this.#offset === null) return systemClock.now();
    const monoMs = this.#monotonicMs();
    return { wallMs: Math.round(monoMs - this.#offset), monoMs };
  }

  #lived(nowMs: number): void {
    const ms = nowMs - (this.#aliveMs ?? nowMs);
    this.#aliveMs = nowMs;
    if (ms <= 2 * BEAT_MS) return;
    this.#slept = { ms, untilMs: nowMs + LONGEST_WAY_MS };
    this.#watchAnew(nowMs);
  }

  #set(offset: number, nowMs: number): void {
    this.#offset = offset;
    this.#watchAnew(nowMs);
  }

  #watchAnew(nowMs: number): void {
    this.#watched = { sinceMs: nowMs, events: 0, least: Number.POSITIVE_INFINITY };
  }

  #watch(offset: number, nowMs: number): void {
    const watched = this.#watched;
    watched.events += 1;
    watched.least = Math.min(watched.least, offset);
    if (watched.events >= WATCH.events && nowMs - watched.sinceMs >= WATCH.ms) this.#set(watched.least, nowMs);
  }
}

/** One timer a name; setting it again moves it. */
export class Timers<Name extends string> {
  /** How each running timer is called off. */
  readonly #running = new Map<Name, () => void>();

  set(name: Name, afterMs: number, fired: () => void): void {
    this.clear(name);
    const timer = setTimeout(() => {
      // When this process was busy for long, due timers come before what it has been sent meanwhile. Looked at the other
      // way round, an answer or an end that came in time is not taken for late.
      const immediate = setImmediate(() => {
        this.#running.delete(name);
        fired();
      });
      this.#running.set(name, () => clearImmediate(immediate));
    }, afterMs);
    this.#running.set(name, () => clearTimeout(timer));
  }

  clear(name: Name): void {
    this.#running.get(name)?.();
    this.#running.delete(name);
  }

  clearAll(): void {
    for (const name of this.#running.keys()) this.clear(name);
  }
}

/** Does not keep the process alive. */
export function rest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
