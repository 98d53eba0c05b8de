/**
 * The line to the real Redis, one for all worlds, each of which has a database of its own: commands go out in the order they
 * are given, many at once, and are never waited for one by one. Plain RESP over a Unix socket, as a client library's own
 * timers and retries would run by the machine's clock.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Arrival } from './time.ts';

export type Word = string | number | Uint8Array;
export type Reply = string | Buffer | number | null | Error | readonly Reply[];

export interface Asking {
  /** Texts stay bytes. */
  readonly raw?: boolean;
  /** Told of the answer when it is here, which may be before its simulated moment. */
  readonly look?: ((reply: Reply) => void) | null;
}

/** What Redis answered. */
export class Answer implements Arrival {
  arrived = false;
  reply: Reply = null;
  /** Who waits for it. */
  onArrival: (() => void) | null = null;
  readonly raw: boolean;
  readonly #line: Line;
  readonly #look: ((reply: Reply) => void) | null;

  constructor(line: Line, { raw = false, look = null }: Asking) {
    this.raw = raw;
    this.#line = line;
    this.#look = look;
  }

  wait(then: () => void): void {
    this.onArrival = then;
    this.#line.flushSoon();
  }

  take(reply: Reply): void {
    this.reply = reply;
    this.arrived = true;
    this.#look?.(reply);
  }
}

/** Enough to be worth a system call. */
const FLUSH_BYTES = 32_768;
/** An array that loses its head is copied: not for each answer. */
const FORGET_AT = 1024;
const CRLF = Buffer.from('\r\n');

const realSetImmediate = setImmediate;

const SPARE = 500;

/** One world's view of the line. */
export class Wire {
  readonly #line: Line;
  readonly database: number;
  /** Another one, for a copy. */
  readonly spare: number;
  commands = 0;

  constructor(line: Line, database: number) {
    this.#line = line;
    this.database = database;
    this.spare = database + SPARE;
  }

  send(words: readonly Word[], asking: Asking = {}): Answer {
    this.commands += 1;
    return this.#line.send(this.database, words, asking);
  }

  async ask(words: readonly Word[]): Promise<Reply> {
    const answer = this.send(words);
    await new Promise<void>((resolve) => {
      answer.wait(resolve);
    });
    if (answer.reply instanceof Error) throw answer.reply;
    return answer.reply;
  }
}

export class Line {
  readonly #socket: Socket;
  readonly #waiting: Answer[] = [];
  #answered = 0;
  #out: (string | Uint8Array)[] = [];
  #outBytes = 0;
  #in: Buffer = Buffer.alloc(0);
  #at = 0;
  #database = 0;
  #closed = false;
  #flushing = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('error', (error) => {
      if (!this.#closed) throw error;
    });
  }

  static async open(path: string, password: string): Promise<Line> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    const line = new Line(socket);
    await new Wire(line, 0).ask(['AUTH', password]);
    return line;
  }

  send(database: number, words: readonly Word[], asking: Asking): Answer {
    if (database !== this.#database) {
      this.#database = database;
      this.#write(['SELECT', database], {});
    }
    return this.#write(words, asking);
  }

  #write(words: readonly Word[], asking: Asking): Answer {
    let text = `*${words.length}\r\n`;
    for (const word of words) {
      if (typeof word === 'object') {
        this.#put(`${text}$${word.byteLength}\r\n`);
        this.#put(word);
        text = '\r\n';
      } else {
        const plain = String(word);
        text += `$${Buffer.byteLength(plain)}\r\n${plain}\r\n`;
      }
    }
    this.#put(text);
    const answer = new Answer(this, asking);
    this.#waiting.push(answer);
    if (this.#outBytes >= FLUSH_BYTES) this.flush();
    return answer;
  }

  /** When the others have had their turn. */
  flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    realSetImmediate(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  flush(): void {
    if (this.#out.length === 0) return;
    this.#socket.write(this.#out.length === 1 ? (this.#out[0] as string | Uint8Array) : Buffer.concat(this.#out.map((part) => (typeof part === 'string' ? Buffer.from(part) : part))));
    this.#out = [];
    this.#outBytes = 0;
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  #put(part: string | Uint8Array): void {
    const last = this.#out.at(-1);
    if (typeof part === 'string' && typeof last === 'string') this.#out[this.#out.length - 1] = last + part;
    else this.#out.push(part);
    this.#outBytes += part.length;
  }

  #read(bytes: Buffer): void {
    this.#in = this.#at < this.#in.length ? Buffer.concat([this.#in.subarray(this.#at), bytes]) : bytes;
    this.#at = 0;
    const told: (() => void)[] = [];
    for (;;) {
      const begin = this.#at;
      const answer = this.#waiting[this.#answered];
      const reply = this.#parse(answer?.raw === true);
      if (reply === undefined || answer === undefined) {
        this.#at = begin;
        break;
      }
      this.#answered += 1;
      answer.take(reply);
      if (answer.onArrival !== null) told.push(answer.onArrival);
    }
    if (this.#answered > FORGET_AT) {
      this.#waiting.splice(0, this.#answered);
      this.#answered = 0;
    }
    for (const then of told) then();
    this.flush();
  }

  #line(): string | undefined {
    const end = this.#in.indexOf(CRLF, this.#at);
    if (end < 0) return undefined;
    const line = this.#in.toString('latin1', this.#at, end);
    this.#at = end + 2;
    return line;
  }

  /** undefined: not whole yet. */
  #parse(raw: boolean): Reply | undefined {
    const line = this.#line();
    if (line === undefined) return undefined;
    const rest = line.slice(1);
    switch (line[0]) {
      case '+':
        return rest;
      case '-':
        return new Error(rest);
      case ':':
        return Number(rest);
      case '$':
        return this.#bulk(Number(rest), raw);
      case '*':
        return this.#array(Number(rest), raw);
      default:
        throw new Error(`Redis said ${line}`);
    }
  }

  #bulk(length: number, raw: boolean): Reply | undefined {
    if (length < 0) return null;
    const end = this.#at + length;
    if (this.#in.length < end + 2) return undefined;
    const value = raw ? Buffer.from(this.#in.subarray(this.#at, end)) : this.#in.toString('utf8', this.#at, end);
    this.#at = end + 2;
    return value;
  }

  #array(length: number, raw: boolean): Reply | undefined {
    if (length < 0) return null;
    const values: Reply[] = [];
    for (let at = 0; at < length; at += 1) {
      const value = this.#parse(raw);
      if (value === undefined) return undefined;
      values.push(value);
    }
    return values;
  }
}
