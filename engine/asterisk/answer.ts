/** Reads the body of an ARI answer, which both transports get as text. */

/** The decoded JSON; the text itself where it is none; undefined for an empty body. */
export function parseBody(text: unknown): unknown {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Asterisk says what is wrong as `{"message": …}` or `{"error": …}`. */
export function refusalText(body: unknown, fallback: unknown): string {
  if (typeof body === 'object' && body !== null) {
    const { message, error } = body as Record<string, unknown>;
    if (typeof message === 'string') return message;
    if (typeof error === 'string') return error;
  }
  return typeof body === 'string' ? body : String(fallback);
}
