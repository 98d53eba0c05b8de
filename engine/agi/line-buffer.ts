/**
 * Bytes of an AGI connection become lines. Whoever writes them may be anybody: what is too long, too much or no text is
 * refused, and nothing after it is read.
 */

/** What was written is not AGI, or is more than a call needs. */
export class AgiRefused extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'AgiRefused';
  }
}

/** Asterisk's own lines: a word and a number or name of at most 79 bytes, or an argument of its dialplan. */
export const MAX_LINE_BYTES = 4096;
/** A block has some thirty words, and each command one answer. */
export const MAX_LINES = 400;

// oxlint-disable-next-line no-control-regex -- control characters are exactly what must not pass
const CONTROL = /[\u0000-\u001f\u007f]/;
const LINE_FEED = 10;

export class LineBuffer {
  #rest: Buffer = Buffer.alloc(0);
  #lines = 0;

  /** The lines that are whole now. Throws AgiRefused. */
  take(bytes: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      lines.push(this.#line(bytes.subarray(from, end)));
      from = end + 1;
    }
    this.#keep(bytes.subarray(from));
    return lines;
  }

  #line(end: Buffer): string {
    this.#keep(end);
    this.#lines += 1;
    if (this.#lines > MAX_LINES) throw new AgiRefused(`more than ${MAX_LINES} lines`);
    const line = this.#rest.toString('utf8');
    this.#rest = Buffer.alloc(0);
    if (CONTROL.test(line)) throw new AgiRefused('a line with a control character');
    return line;
  }

  #keep(bytes: Buffer): void {
    if (this.#rest.length + bytes.length > MAX_LINE_BYTES) throw new AgiRefused(`a line of more than ${MAX_LINE_BYTES} bytes`);
    this.#rest = this.#rest.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes]);
  }
}
