/** Waiting without sleeping blindly: on a condition that says why it is not yet true. */

const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_EVERY_MS = 10;

/** What is still missing, in words, or undefined when all is well. */
export type Reason = string | undefined;

/**
 * Polls until `whyNot` gives undefined, or rejects after `timeoutMs` with the last reason it gave:
 *
 *     await until(async () => (await count('cdrs')) === 1 ? undefined : 'no CDR row yet');
 *
 * A condition that throws is not true yet either; its error is the reason.
 */
export async function until(
  whyNot: () => Reason | Promise<Reason>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, everyMs = DEFAULT_EVERY_MS } = options;
  const started = performance.now();
  for (;;) {
    const reason = await reasonOf(whyNot);
    if (reason === undefined) return;
    if (performance.now() - started > timeoutMs) throw new Error(`After ${timeoutMs} ms: ${reason}`);
    await pause(everyMs);
  }
}

/** The promise's value, or a rejection with `describe()` when it has not settled after `timeoutMs`. */
export async function withTimeout<T>(describe: () => string, promise: Promise<T>, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`After ${timeoutMs} ms: ${describe()}`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export async function pause(ms: number): Promise<void> {
  await new Promise((done) => setTimeout(done, ms));
}

async function reasonOf(whyNot: () => Reason | Promise<Reason>): Promise<Reason> {
  try {
    return await whyNot();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
