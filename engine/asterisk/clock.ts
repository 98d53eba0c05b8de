/** The room's only file that touches the machine's clocks and timers. */

/** For durations; never jumps. */
export function monotonicMs(): number {
  return performance.now();
}

/** For stamps where Asterisk gave none. */
export function wallMs(): number {
  return Date.now();
}

/** Runs `action` once; the returned function cancels it. */
export function later(ms: number, action: () => void): () => void {
  const timer = setTimeout(action, ms);
  return () => clearTimeout(timer);
}

/** Runs `action` again and again until cancelled. */
export function every(ms: number, action: () => void): () => void {
  const timer = setInterval(action, ms);
  return () => clearInterval(timer);
}

/** After what is already waiting on the process's sockets has been read. */
export function afterReading(action: () => void): void {
  setImmediate(action);
}

/** Waits; ends early, without an error, when `signal` is aborted. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
