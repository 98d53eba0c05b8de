/** Calls whose admission got no answer: what they may have taken is given back, as soon as Redis answers again. */
import { makeBackOff, Sleeper } from './back-off.ts';
import type { Log } from './log.ts';

/** Beyond it the reconciliation of live calls finds them. */
const MOST_WAITING = 100_000;

export class Releases {
  readonly #release: (callId: string) => Promise<unknown>;
  readonly #log: Log;
  readonly #waiting = new Set<string>();
  readonly #sleeper = new Sleeper();
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(release: (callId: string) => Promise<unknown>, log: Log) {
    this.#release = release;
    this.#log = log;
  }

  add(callId: string): void {
    if (this.#waiting.size >= MOST_WAITING || this.#closed) return;
    this.#waiting.add(callId);
    this.#running ??= this.#run();
  }

  /** What still waits is left to the reconciliation. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#sleeper.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const backOff = makeBackOff(this.#sleeper);
    for (const callId of this.#waiting) {
      let done = false;
      while (!done && !this.#closed) {
        try {
          await this.#release(callId);
          done = true;
          backOff.reset();
        } catch (error) {
          this.#log.debug({ callId, reason: error instanceof Error ? error.message : String(error) }, 'A place may still be taken; trying again.');
          await backOff.wait();
        }
      }
      this.#waiting.delete(callId);
    }
    this.#running = null;
  }
}
