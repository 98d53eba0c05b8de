// `price`: JSON lines in, JSON lines out, in the same order. The same arithmetic as the engine's.

import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { charge } from '../rating/charge.ts';
import { longestCall } from '../rating/credit.ts';
import { RateError } from '../rating/errors.ts';
import { Fields } from '../rating/json.ts';
import { formatMoney } from '../rating/money.ts';
import { rateFromJson } from '../rating/rate.ts';
import { checkSeconds, MAX_SECONDS } from '../rating/step.ts';

/** A line of input beyond this is answered with an error and not kept in memory. */
export const MAX_LINE_BYTES = 1_048_576;

/** Answers are handed on in pieces of about this size. */
const PIECE_CHARACTERS = 65_536;

const EXAMPLE = `
Example:
  echo '{"id":1,"ratePerMinute":"0.1","incrementS":1,"durationS":65}' | npm run -s tollgate -- price

docs/RATING.md tells all fields.`;

export function registerPrice(program: Command): void {
  program
    .command('price')
    .description('price calls: one JSON object per line on standard input, one answer per line on standard output')
    .addHelpText('after', EXAMPLE)
    .action(() => priceCommand(process.stdin, process.stdout));
}

/** Reads until `input` ends; a bad line is answered with an error and the others go on. `output` stays open. */
export async function priceCommand(input: AsyncIterable<string> | Readable, output: Writable): Promise<void> {
  try {
    await pipeline(input, answers, output, { end: false });
  } catch (error) {
    // Whoever reads has seen enough, as in `price | head`.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

async function* answers(chunks: AsyncIterable<string | Uint8Array>): AsyncGenerator<string> {
  const lines = new LineCutter();
  let number = 0;
  for await (const chunk of chunks) {
    let piece = '';
    for (const line of lines.cut(chunk)) {
      number += 1;
      piece += answerLine(line, number);
      if (piece.length > PIECE_CHARACTERS) {
        yield piece;
        piece = '';
      }
    }
    if (piece !== '') yield piece;
  }
  const rest = lines.rest();
  if (rest !== null) yield answerLine(rest, number + 1);
}

/** Bytes of one line without its line feed; `tooLong` stands for a line that was longer than MAX_LINE_BYTES. */
type Line = Buffer | 'tooLong';

/** Cuts chunks into lines and never holds more of a line than MAX_LINE_BYTES. */
class LineCutter {
  #parts: Buffer[] = [];
  #bytes = 0;

  *cut(chunk: string | Uint8Array): Generator<Line> {
    const bytes = Buffer.from(chunk as Uint8Array);
    let from = 0;
    for (let feed = bytes.indexOf(10); feed >= 0; feed = bytes.indexOf(10, from)) {
      this.#keep(bytes.subarray(from, feed));
      yield this.#take();
      from = feed + 1;
    }
    this.#keep(bytes.subarray(from));
  }

  /** What stands after the last line feed; null if nothing does. */
  rest(): Line | null {
    return this.#bytes === 0 ? null : this.#take();
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > MAX_LINE_BYTES) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  #take(): Line {
    const line: Line = this.#bytes > MAX_LINE_BYTES ? 'tooLong' : this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    return line;
  }
}

type Id = string | number | null;

/** The answer with its line feed; nothing for an empty line. */
function answerLine(line: Line, number: number): string {
  if (line === 'tooLong') return problem(null, `Line ${number} is longer than ${MAX_LINE_BYTES} bytes.`);
  let id: Id = null;
  try {
    const text = decode(line, number);
    if (text.trim() === '') return '';
    const request = parse(text, number);
    id = idOf(request);
    return `${JSON.stringify({ id, ...answer(request) })}\n`;
  } catch (error) {
    if (error instanceof RateError) return problem(id, error.message);
    throw error;
  }
}

function problem(id: Id, error: string): string {
  return `${JSON.stringify({ id, error })}\n`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(line: Buffer, number: number): string {
  try {
    return utf8.decode(line);
  } catch {
    throw new RateError('wrongType', '', `Line ${number} is not UTF-8 text.`);
  }
}

function parse(text: string, number: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RateError('wrongType', '', `Line ${number} is not JSON.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RateError('wrongType', '', `Line ${number} is not a JSON object.`);
  return value as Record<string, unknown>;
}

function idOf({ id }: Readonly<Record<string, unknown>>): Id {
  if (typeof id === 'string' || typeof id === 'number') return id;
  if (id === undefined || id === null) return null;
  throw new RateError('wrongType', 'id', 'text or a number is needed here.');
}

const OWN_FIELDS = ['durationS', 'afford', 'capS'];

function answer(request: Readonly<Record<string, unknown>>): object {
  const { id: _id, durationS: _durationS, afford: _afford, capS: _capS, ...rateFields } = request;
  const own = new Fields(Object.fromEntries(Object.entries(request).filter(([field]) => OWN_FIELDS.includes(field))), '', OWN_FIELDS);
  if (own.has('durationS') && own.has('afford')) throw new RateError('unknownField', 'afford', 'a line has either durationS or afford, not both.');
  const rate = rateFromJson(rateFields);
  if (own.has('afford')) {
    const available = own.money('afford');
    const capS = own.number('capS', MAX_SECONDS);
    checkSeconds(capS, 'capS');
    const longestS = longestCall(rate, available, capS);
    return { longestS, price: formatMoney(charge(rate, longestS).price, rate.priceDecimals) };
  }
  const durationS = own.number('durationS');
  checkSeconds(durationS, 'durationS');
  const { billedS, price } = charge(rate, durationS);
  return { billedS, price: formatMoney(price, rate.priceDecimals) };
}
