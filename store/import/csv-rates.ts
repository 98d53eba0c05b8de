/** A CSV price list as lines for COPY: read once, checked line by line, never in memory as a whole. */
import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { didYouMean, shown } from './problem.ts';
import type { Problems } from './problem.ts';
import { BadColumn, copyLine, rateReader } from './rate-row.ts';
import type { RateColumn, RateRules } from './rate-row.ts';

export interface CsvOptions extends RateRules {
  readonly separator: string;
  /** A last line without a line break is refused: nobody can tell whether it was cut. */
  readonly mustEnd: boolean;
  /** Called with the bytes read so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Names of columns in price lists, without case, spaces and dashes; null: known and of no use here. */
const HEADERS: Readonly<Record<string, RateColumn | null>> = {
  prefix: 'prefix', code: 'prefix', dialcode: 'prefix',
  rate: 'rate', price: 'rate', rateperminute: 'rate', priceperminute: 'rate',
  connectionfee: 'connectionFee', connectfee: 'connectionFee', connfee: 'connectionFee',
  increment: 'incrementS', increments: 'incrementS',
  mintime: 'minTimeS', mintimes: 'minTimeS', minimaltime: 'minTimeS', minimumtime: 'minTimeS',
  effectivefrom: 'effectiveFrom', effectivedate: 'effectiveFrom',
  daytype: 'dayType', starttime: 'startTime', endtime: 'endTime',
  ghostpercent: 'ghostPercent',
  direction: null, destination: null, destinationname: null, destinationgroup: null, country: null, currency: null,
};
const MOST_COLUMNS = 50;

/** Columns of the header by place; problems name what is unknown, doubled or missing. */
function readHeader(cells: readonly string[], fail: (reason: string) => void): (RateColumn | null)[] {
  const columns = cells.slice(0, MOST_COLUMNS).map((cell) => {
    const word = cell.toLowerCase().replaceAll(/[\s_-]/g, '');
    if (Object.hasOwn(HEADERS, word)) return HEADERS[word] ?? null;
    fail(`column ${shown(cell)} is unknown.${didYouMean(word, Object.keys(HEADERS))}`);
    return null;
  });
  for (const column of ['prefix', 'rate'] as const) {
    const found = columns.filter((one) => one === column).length;
    if (found !== 1) fail(found === 0 ? `there is no column \`${column}\`; is the separator right?` : `column \`${column}\` stands ${found} times.`);
  }
  return columns;
}

/** A stream of COPY lines: line number, then the columns of a rate. Broken lines are put into `problems` and left out. */
export function csvRates(file: string, shownName: string, options: CsvOptions, problems: Problems): Readable {
  const fail = (line: number, path: string, reason: string): void => problems.add({ file: shownName, line, path, reason });
  const readRate = rateReader(options);
  let columns: (RateColumn | null)[] | null = null;
  const onRecord = (cells: string[], { lines: line }: { lines: number }): string | null => {
    if (columns === null) {
      columns = readHeader(cells, (reason) => fail(line, '', reason));
      return null;
    }
    if (cells.length !== columns.length) {
      fail(line, '', `has ${cells.length} columns, the header ${columns.length}; is the file complete?`);
      return null;
    }
    const texts: Partial<Record<RateColumn, string>> = {};
    for (const [index, column] of columns.entries()) if (column !== null) texts[column] = cells[index] ?? '';
    try {
      return `${line}\t${copyLine(readRate(texts))}`;
    } catch (error) {
      if (!(error instanceof BadColumn)) throw error;
      fail(line, error.column, error.message);
      return null;
    }
  };
  const parser = parse({ delimiter: options.separator, bom: true, trim: true, skip_empty_lines: true, relax_column_count: true, on_record: onRecord as never });
  const bytes = createReadStream(file, { highWaterMark: 256 * 1024 });
  const decoded = bytes.on('error', (error) => parser.destroy(error)).pipe(utf8(options.mustEnd, options.onProgress));
  decoded.on('error', (error) => parser.destroy(error));
  return decoded.pipe(parser).on('end', () => {
    if (columns === null) fail(1, '', 'the file is empty.');
  });
}

/** Passes UTF-8 on; anything else is an error that names the line. */
function utf8(mustEnd: boolean, onProgress?: (bytes: number) => void): Transform {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let line = 1;
  let read = 0;
  let isEnded = true;
  const decode = (chunk: Uint8Array, last: boolean): string => {
    try {
      return decoder.decode(chunk, { stream: !last });
    } catch (error) {
      throw new EncodingError(line + badLine(chunk), { cause: error });
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        const text = decode(chunk, false);
        for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) line += 1;
        read += chunk.length;
        isEnded = chunk.at(-1) === 10;
        onProgress?.(read);
        done(null, text);
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        const text = decode(new Uint8Array(), true);
        if (mustEnd && !isEnded) throw new CutError(line);
        done(null, text);
      } catch (error) {
        done(error as Error);
      }
    },
  });
}

export class EncodingError extends Error {
  override readonly name = 'EncodingError';
  readonly line: number;
  constructor(line: number, options: ErrorOptions) {
    super('is not UTF-8 text; save the file as UTF-8.', options);
    this.line = line;
  }
}

/** The file may be cut within its last value. */
export class CutError extends Error {
  override readonly name = 'CutError';
  readonly line: number;
  constructor(line: number) {
    super('the last line has no line break at its end; is the file complete? If it is, add one.');
    this.line = line;
  }
}

/** Lines of the chunk before the first that is not UTF-8. A character cut by the chunk's edge may blame its line, rightly. */
function badLine(chunk: Uint8Array): number {
  let start = 0;
  for (let lines = 0; ; lines += 1) {
    const end = chunk.indexOf(10, start);
    const text = chunk.subarray(start, end < 0 ? chunk.length : end);
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(text, { stream: end < 0 });
    } catch {
      return lines;
    }
    if (end < 0) return lines;
    start = end + 1;
  }
}

/** Text of a whole file, for small ones. */
export function decodeUtf8(content: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    throw new EncodingError(1 + badLine(content), { cause: error });
  }
}
