/**
 * Keeps foreign text in its field. Numbers and names come from SIP callers, ids from Asterisk, names from
 * Postgres: whatever they hold, they may not end a path segment, a list, a header or a dial string.
 */

/** Text that cannot stand in its field; a request with it is never sent. */
export class InvalidText extends Error {
  readonly field: string;
  constructor(field: string, reason: string) {
    // The text itself stays out: it may be a secret, or an attack on the log.
    super(`${field}: ${reason}`);
    this.name = 'InvalidText';
    this.field = field;
  }
}

/** Longest text Asterisk is given in one field; a channel variable beyond it is cut by Asterisk anyway. */
const MAX_TEXT = 4096;

// oxlint-disable-next-line no-control-regex -- control characters are exactly what must not pass
const UNSAFE = /[\u0000-\u001f\u007f\u0085\u2028\u2029]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Free text for a value: without control characters (a line break would start a new SIP header, a NUL makes
 * Asterisk's JSON parser drop the request unanswered) and without broken surrogates.
 */
export function safeText(text: string): string {
  const cut = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  return cut.replace(UNSAFE, '');
}

/** One path segment, e.g. a channel id. `.` and `..` would climb in the path. */
export function pathSegment(field: string, id: string): string {
  if (id === '' || id === '.' || id === '..') throw new InvalidText(field, 'is empty or a path step');
  if (id.length > 256) throw new InvalidText(field, 'is longer than 256 characters');
  if (safeText(id) !== id) throw new InvalidText(field, 'holds control characters');
  return encodeURIComponent(id);
}

/** One item of a list that Asterisk splits at commas. */
export function listItem(field: string, item: string): string {
  if (item === '' || item.includes(',') || safeText(item) !== item) throw new InvalidText(field, 'is empty or holds a comma or control characters');
  return item;
}

/** What must match a pattern exactly, or the request is not made. */
export function matching(field: string, text: string, pattern: RegExp): string {
  if (!pattern.test(text)) throw new InvalidText(field, `does not match ${pattern.source}`);
  return text;
}
