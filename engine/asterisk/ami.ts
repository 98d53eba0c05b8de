/**
 * The link to one Asterisk's AMI: connects and logs in in the background, for ever. It is for what ARI cannot do or tell;
 * see docs/decisions/0015-spying.md. Each action ends: by its answer, a timeout, or the loss of the connection.
 */
import { randomUUID } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AmiParser, encodeAction } from './ami-protocol.ts';
import type { AmiFields, AmiMessage } from './ami-protocol.ts';
import { backOffMs } from './back-off.ts';
import { every, later, monotonicMs, sleep } from './clock.ts';
import type { LinkLog } from './contract.ts';
import { limitedWarn } from './log-limit.ts';
import type { Warn } from './log-limit.ts';

export interface AmiOptions {
  /** `tcp://host:port` or `tls://host:port`. */
  readonly url: string;
  readonly username: string;
  readonly secret: string;
  /** Longest time for an answer, and for a connection. */
  readonly timeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** How often it is asked whether it is there. */
  readonly pingEveryMs: number;
  /** Read and switched on by `action('Events', …)`. */
  readonly onEvent: (event: AmiMessage) => void;
  /** After every login. */
  readonly onConnected: () => void;
  readonly log: LinkLog;
}

/** An action that brought nothing. `refused`: Asterisk said no; else it may have been carried out. */
export class AmiError extends Error {
  readonly refused: boolean;
  constructor(action: string, reason: string, refused: boolean) {
    super(`AMI ${action}: ${reason}`);
    this.name = 'AmiError';
    this.refused = refused;
  }
}

export interface AmiLink {
  /** Logged in, and answering. */
  readonly connected: boolean;
  /** Why not; '' when it is. */
  readonly problem: string;
  /** The answer. Rejects with AmiError, or InvalidText for a key that is none. `actionId`: comes back in events of what was ordered. */
  action(name: string, fields: AmiFields, actionId?: string): Promise<AmiMessage>;
  close(): Promise<void>;
}

/** Actions under way at once; the next one fails. */
const MOST_ACTIONS = 1000;

export function connectAmi(options: AmiOptions): AmiLink {
  return new Ami(options);
}

class Ami implements AmiLink {
  problem = 'it is being connected';
  readonly #options: AmiOptions;
  readonly #warn: Warn;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #session: AmiSession | null = null;

  constructor(options: AmiOptions) {
    this.#options = options;
    this.#warn = limitedWarn({ log: options.log, lines: 10, windowMs: 60_000, now: monotonicMs });
    this.#ended = this.#run();
  }

  get connected(): boolean {
    return this.#session !== null;
  }

  action(name: string, fields: AmiFields, actionId: string = randomUUID()): Promise<AmiMessage> {
    return this.#session?.action(name, fields, actionId) ?? Promise.reject(new AmiError(name, this.problem, false));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#session?.end('closed by us');
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const { url, reconnectMinMs: minMs, reconnectMaxMs: maxMs } = this.#options;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const began = monotonicMs();
      this.problem = await this.#connectOnce();
      if (signal.aborted) return;
      // One that lasted is no failed try.
      if (monotonicMs() - began > maxMs + this.#options.timeoutMs) attempt = 0;
      const waitMs = backOffMs({ minMs, maxMs }, attempt, Math.random());
      this.#warn({ url, reason: this.problem, waitMs }, 'AMI is not connected, next try after a pause');
      await sleep(waitMs, signal);
    }
  }

  /** From the connection to its end; the result is why it ended. */
  async #connectOnce(): Promise<string> {
    const session = new AmiSession(this.#options, this.#warn);
    const end = (): void => session.end('closed by us');
    this.#closing.signal.addEventListener('abort', end, { once: true });
    try {
      await session.action('Login', { Username: this.#options.username, Secret: this.#options.secret, Events: 'off' }, randomUUID());
      this.#session = session;
      this.problem = '';
      session.watch();
      this.#options.log.info({ url: this.#options.url }, 'AMI is connected');
      this.#options.onConnected();
    } catch (error) {
      session.end(error instanceof Error ? error.message : String(error));
    }
    const reason = await session.ended;
    this.#closing.signal.removeEventListener('abort', end);
    this.#session = null;
    return reason;
  }
}

interface Waiting {
  readonly action: string;
  readonly resolve: (answer: AmiMessage) => void;
  readonly reject: (error: AmiError) => void;
  readonly stopTimer: () => void;
}

/** One connection. */
class AmiSession {
  readonly ended: Promise<string>;
  readonly #options: AmiOptions;
  readonly #warn: Warn;
  readonly #socket: Socket;
  readonly #parser = new AmiParser();
  readonly #waiting = new Map<string, Waiting>();
  #end: (reason: string) => void = () => undefined;
  #stopPings: () => void = () => undefined;

  constructor(options: AmiOptions, warn: Warn) {
    this.#options = options;
    this.#warn = warn;
    const { protocol, hostname, port } = new URL(options.url);
    const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) };
    this.#socket = protocol === 'tls:' ? connectTls({ ...at, servername: at.host }) : connectTcp(at);
    this.#socket.setEncoding('utf8');
    this.#socket.setNoDelay(true);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#socket.on('data', (text) => this.#read(String(text)));
    this.#socket.on('error', (error) => this.end(error.message));
    this.#socket.on('close', () => this.end('Asterisk closed the connection'));
  }

  /** Of effect once. */
  end(reason: string): void {
    this.#stopPings();
    this.#socket.destroy();
    for (const [id, one] of this.#waiting) this.#settle(id, one, () => one.reject(new AmiError(one.action, reason, false)));
    this.#end(reason);
  }

  /** From now on it must answer. */
  watch(): void {
    this.#stopPings = every(this.#options.pingEveryMs, () => {
      this.action('Ping', {}, randomUUID()).catch((error: unknown) => this.end(error instanceof Error ? error.message : String(error)));
    });
  }

  action(name: string, fields: AmiFields, id: string): Promise<AmiMessage> {
    if (this.#socket.destroyed) return Promise.reject(new AmiError(name, 'the connection is lost', false));
    if (this.#waiting.size >= MOST_ACTIONS || this.#waiting.has(id)) return Promise.reject(new AmiError(name, 'too many actions are under way', true));
    return new Promise((resolve, reject) => {
      // Text that cannot stand there throws before anything waits.
      const text = encodeAction(name, id, fields);
      const one: Waiting = { action: name, resolve, reject, stopTimer: later(this.#options.timeoutMs, () => this.#settle(id, one, () => reject(new AmiError(name, `no answer within ${this.#options.timeoutMs} ms`, false)))) };
      this.#waiting.set(id, one);
      this.#socket.write(text);
    });
  }

  #settle(id: string, one: Waiting, settle: () => void): void {
    one.stopTimer();
    this.#waiting.delete(id);
    settle();
  }

  #read(text: string): void {
    try {
      for (const message of this.#parser.feed(text)) this.#take(message);
    } catch (error) {
      this.end(error instanceof Error ? error.message : String(error));
    }
  }

  #take(message: AmiMessage): void {
    if (message.has('Event')) {
      try {
        this.#options.onEvent(message);
      } catch (error) {
        this.#warn({ err: error, event: message.get('Event') }, 'A listener of AMI failed');
      }
      return;
    }
    const id = message.get('ActionID') ?? '';
    const one = this.#waiting.get(id);
    if (one === undefined) return;
    const refused = message.get('Response') === 'Error';
    this.#settle(id, one, () => (refused ? one.reject(new AmiError(one.action, message.get('Message') ?? 'refused', true)) : one.resolve(message)));
  }
}
