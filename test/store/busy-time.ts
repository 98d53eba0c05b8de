/** How long this thread kept its event loop busy without a pause, however busy the machine is otherwise. */
import { readFileSync } from 'node:fs';

/** Nanoseconds that the main thread has spent on a processor (Linux). */
function busyNs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]);
}

/** Looks every millisecond; what the thread worked between two looks is one pause for whoever waits. */
export class BusyTime {
  #longestNs = 0;
  #beforeNs = busyNs();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => {
      const now = busyNs();
      this.#longestNs = Math.max(this.#longestNs, now - this.#beforeNs);
      this.#beforeNs = now;
    }, 1);
  }

  /** Milliseconds of the longest one since this was last asked. */
  takeMs(): number {
    const longestNs = this.#longestNs;
    this.#longestNs = 0;
    return longestNs / 1e6;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
