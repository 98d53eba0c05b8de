/** What a command is reading, for a person who waits longer than two seconds at a terminal. */
const QUIET_MS = 2000;
const EVERY_MS = 1000;
/** Back to the line's beginning, and nothing on it. */
const CLEAR_LINE = '\r\u001B[K';

type Out = Pick<NodeJS.WriteStream, 'isTTY' | 'write'>;

/** `work` tells what it is about to read; elsewhere than on a terminal nothing is shown. */
export async function showingReading<Result>(work: (onReading: (what: string) => void) => Promise<Result>, out: Out = process.stderr): Promise<Result> {
  const startedMs = performance.now();
  let reading = 'the catalog';
  let shown = false;
  const show = (): void => {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs < QUIET_MS) return;
    shown = true;
    out.write(`${CLEAR_LINE}reading ${reading}, ${Math.round(elapsedMs / 1000)} s`);
  };
  const timer = out.isTTY ? setInterval(show, EVERY_MS) : undefined;
  try {
    return await work((what) => {
      reading = what;
    });
  } finally {
    clearInterval(timer);
    if (shown) out.write(CLEAR_LINE);
  }
}
