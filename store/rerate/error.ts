/** A re-rating that cannot be done as asked; the message says what to do. */
export class RerateError extends Error {
  override readonly name = 'RerateError';
}

/** Between two batches. Throws RerateError once the user wants it to stop. */
export function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new RerateError('Stopped. Every batch that was written stays; the same command goes on behind it.');
}
