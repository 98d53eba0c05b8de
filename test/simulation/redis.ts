/**
 * The real Redis with the real scripts, seen through simulated lines: each daemon has one, on which commands and answers
 * take their time, keep their order, and can be lost. Commands reach Redis in the order of their simulated moments.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { defineScripts } from '../../store/redis/scripts.ts';
import type { Chance } from './chance.ts';
import { CLOCK } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Program, Time } from './time.ts';
import type { Answer, Asking, Reply, Wire, Word } from './wire.ts';

/** A change to a script's text, to see that the auditor notices. */
export type Sabotage = (script: string, lua: string) => string;

/** As store/redis/connect.ts has it. */
const COMMAND_TIMEOUT_MS = 1000;

export interface ScriptSeen {
  readonly name: string;
  readonly keys: readonly string[];
  /** JSON array of texts. */
  readonly packed: string;
}

export interface RedisWatch {
  /** Carried out just now; what it asks of Redis at once sees exactly what the script left. */
  script(seen: ScriptSeen): ((reply: Reply) => void) | null;
  afterScript(seen: ScriptSeen): void;
}

export class RedisServer {
  readonly wire: Wire;
  readonly digests = new Map<string, string>();
  readonly #time: Time;
  watch: RedisWatch | null = null;
  /** Nothing is carried out before. */
  frozenUntilMs = 0;
  up = true;
  readonly lines = new Set<RedisLine>();

  constructor(wire: Wire, time: Time) {
    this.wire = wire;
    this.#time = time;
  }

  async load(sabotage: Sabotage): Promise<void> {
    const sources = new Map<string, string>();
    defineScripts({ defineCommand: (name: string, { lua }: { lua: string }) => sources.set(name, lua) } as unknown as Redis);
    for (const [command, lua] of sources) {
      const source = CLOCK + sabotage(command.replace('tollgate:', ''), lua);
      await this.wire.ask(['SCRIPT', 'LOAD', source]);
      this.digests.set(command, createHash('sha1').update(source).digest('hex'));
    }
  }

  script(command: string, numberOfKeys: number, words: readonly Word[]): Answer {
    const name = command.replace('tollgate:', '');
    const seen = { name, keys: words.slice(0, numberOfKeys) as string[], packed: String(words[numberOfKeys]) };
    const look = this.watch?.script(seen) ?? null;
    this.#time.tell?.(String(seen.keys[0]), `${name} ${seen.packed.slice(0, 300)}`);
    const answer = this.wire.send(['EVALSHA', this.digests.get(command) ?? '', numberOfKeys, ...words, this.#time.nowMs], { look });
    this.watch?.afterScript(seen);
    return answer;
  }

  /** Connections break; what was carried out stays. */
  stop(): void {
    this.up = false;
    for (const line of this.lines) line.broken();
  }

  start(): void {
    this.up = true;
    for (const line of this.lines) line.mend();
  }
}

/** What may become of one command. */
type Fate = 'well' | 'lost' | 'answerLost';

export interface LineParts {
  readonly server: RedisServer;
  readonly time: Time;
  readonly chance: Chance;
  readonly owner: Program;
  readonly faults: Faults;
  readonly onReady: () => void;
}

/** A daemon's connection. `client` is what the store's own code takes for its Redis client. */
export class RedisLine {
  readonly client: Redis;
  readonly #parts: LineParts;
  #ready = true;
  /** Cut: commands are lost, or their answers. */
  #cut = false;
  #executedAtMs = 0;
  #answeredAtMs = 0;
  #pending = new Set<(error: Error) => void>();

  constructor(parts: LineParts) {
    this.#parts = parts;
    this.client = this.#facade();
    parts.server.lines.add(this);
    this.#ready = parts.server.up;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** It is there, and not cut. */
  get well(): boolean {
    return this.#ready && !this.#cut;
  }

  /** The connection is there, and nothing comes through. */
  cut(): void {
    this.#cut = true;
  }

  /** Both sides see the connection end. */
  broken(): void {
    if (!this.#ready) return;
    this.#ready = false;
    const pending = this.#pending;
    this.#pending = new Set();
    this.#parts.time.inOf(this.#parts.owner, 0, () => {
      for (const fail of pending) fail(new Error('Connection is closed.'));
    });
  }

  mend(): void {
    const { server, time, owner, chance } = this.#parts;
    this.#cut = false;
    if (this.#ready) return;
    time.inOf(owner, chance.between(20, 300), () => {
      if (!server.up || this.#ready) return;
      this.#ready = true;
      this.#parts.onReady();
    });
  }

  /** Its daemon is gone. */
  close(): void {
    this.#parts.server.lines.delete(this);
  }

  #fate(): Fate {
    const { faults, chance } = this.#parts;
    if (this.#cut) return chance.oneIn(2) ? 'lost' : 'answerLost';
    return faults.lostAnswer() ? 'answerLost' : faults.lostCommand() ? 'lost' : 'well';
  }

  async #send(execute: () => Answer): Promise<Reply> {
    const { time, chance, owner, server, faults } = this.#parts;
    if (!owner.alive) return new Promise(() => undefined);
    if (!this.#ready) throw new Error('Connection is closed.');
    const sentAtMs = time.nowMs;
    const fate = this.#fate();
    return new Promise<Reply>((resolve, reject) => {
      const settle = (run: () => void): void => {
        if (this.#pending.delete(reject)) run();
      };
      this.#pending.add(reject);
      const late = (): void => settle(() => reject(new Error('Command timed out')));
      this.#executedAtMs = Math.max(this.#executedAtMs, sentAtMs + chance.between(0.1, 1), server.frozenUntilMs);
      if (fate === 'lost' || this.#executedAtMs - sentAtMs > COMMAND_TIMEOUT_MS) time.inOf(owner, COMMAND_TIMEOUT_MS, late);
      if (fate === 'lost') return;
      time.in(this.#executedAtMs - sentAtMs, () => {
        if (!server.up) return;
        const answer = execute();
        if (fate === 'answerLost') {
          time.inOf(owner, Math.max(0, sentAtMs + COMMAND_TIMEOUT_MS - time.nowMs), late);
          return;
        }
        this.#answeredAtMs = Math.max(this.#answeredAtMs, time.nowMs + chance.between(0.1, 1));
        time.inOf(owner, this.#answeredAtMs - time.nowMs, () => {
          if (time.nowMs - sentAtMs > COMMAND_TIMEOUT_MS) return late();
          settle(() => (answer.reply instanceof Error ? reject(answer.reply) : resolve(answer.reply)));
        }, answer);
      });
      faults.sent(owner);
    });
  }

  #facade(): Redis {
    const { server } = this.#parts;
    const plain = (name: string, asking: Asking = {}) => async (...words: Word[]): Promise<Reply> => this.#send(() => server.wire.send([name, ...words], asking));
    const scripts = Object.fromEntries([...server.digests.keys()].map((command) => [command, async (keys: number, ...words: Word[]) => this.#send(() => server.script(command, keys, words))]));
    const hgetall = plain('HGETALL', { raw: true });
    return {
      ...scripts,
      xadd: plain('XADD'), xlen: plain('XLEN'), xrange: plain('XRANGE'), zrange: plain('ZRANGE'), exists: plain('EXISTS'),
      hgetallBuffer: async (key: string) => objectOf((await hgetall(key)) as readonly Buffer[]),
    } as unknown as Redis;
  }
}

function objectOf(pairs: readonly Buffer[]): Record<string, Buffer> {
  const found: Record<string, Buffer> = {};
  for (let at = 0; at + 1 < pairs.length; at += 2) found[(pairs[at] as Buffer).toString()] = pairs[at + 1] as Buffer;
  return found;
}
