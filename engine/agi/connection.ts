/** One connection of Asterisk's: its words, and one command after the other. It ends with the first thing that is no AGI. */
import type { Socket } from 'node:net';
import { Timers } from '../clock.ts';
import { isHangup } from './commands.ts';
import { AgiRefused, LineBuffer, MAX_LINES } from './line-buffer.ts';

export class AgiConnection {
  readonly #socket: Socket;
  readonly #timeoutMs: number;
  readonly #buffer = new LineBuffer();
  readonly #timers = new Timers<'answer'>();
  #lines: string[] = [];
  #failure: Error | null = null;
  /** Whoever waits for the next line. */
  #wake: () => void = () => undefined;

  constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new AgiRefused('the connection was closed')));
  }

  /** The words up to the empty line. All of them must come in time, not each. Rejects with AgiRefused. */
  async words(): Promise<string[]> {
    this.#limit();
    const words: string[] = [];
    for (let line = await this.#next(); line !== ''; line = await this.#next()) words.push(line);
    this.#timers.clearAll();
    return words;
  }

  /** What Asterisk answers. Rejects with AgiRefused, or as the socket does. */
  async command(command: string): Promise<string> {
    this.#limit();
    this.#socket.write(command);
    let line = await this.#next();
    while (isHangup(line)) line = await this.#next();
    this.#timers.clearAll();
    return line;
  }

  close(): void {
    this.#timers.clearAll();
    this.#socket.destroy();
  }

  #limit(): void {
    this.#timers.set('answer', this.#timeoutMs, () => this.#fail(new AgiRefused(`nothing came for ${this.#timeoutMs} ms`)));
  }

  async #next(): Promise<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) return line;
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #receive(bytes: Buffer): void {
    if (this.#failure !== null) return;
    try {
      this.#lines.push(...this.#buffer.take(bytes));
      if (this.#lines.length > MAX_LINES) throw new AgiRefused('lines that nobody asked for');
      this.#wake();
    } catch (error) {
      this.#lines = [];
      this.#fail(error as Error);
      this.#socket.destroy();
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#timers.clearAll();
    this.#wake();
  }
}
