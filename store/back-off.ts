/** Waiting that grows after each failure and ends at once when it is told to. */
const FIRST_MS = 100;
const LAST_MS = 5000;

export interface BackOff {
  /** Waits after a failure: longer each time, 5 s at most. */
  readonly wait: () => Promise<void>;
  readonly reset: () => void;
}

export function makeBackOff(sleeper: Sleeper): BackOff {
  let failures = 0;
  return {
    async wait() {
      const ms = Math.min(LAST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
      failures += 1;
      await sleeper.sleep(ms);
    },
    reset() {
      failures = 0;
    },
  };
}

/** One sleeper per loop: `wake` ends the present sleep, or the next one if nobody sleeps. */
export class Sleeper {
  #wake: (() => void) | null = null;
  #woken = false;

  async sleep(ms: number): Promise<void> {
    if (this.#woken) {
      this.#woken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
    this.#woken = false;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }
}
