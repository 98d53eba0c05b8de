/** A re-rating that cannot be done as asked; the message says what to do. */
export class RerateError extends Error {
  override readonly name = 'RerateError';
}
