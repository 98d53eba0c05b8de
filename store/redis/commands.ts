/**
 * Commands of operators to the daemon that leads an Asterisk: published on a channel of that daemon, answered in a list
 * that only the asker knows. A command is carried out once or not at all; nothing is kept for a daemon that is not there.
 */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import type { Log } from '../log.ts';
import { answerKey, commandChannel, leadKey } from './keys.ts';

export interface Command {
  /** What is to be done, such as `hangup`. */
  readonly name: string;
  /** The Asterisk that it concerns. */
  readonly serverId: number;
  /** Who wants it, for the log. */
  readonly by: string;
  readonly fields: Readonly<Record<string, string>>;
}

export type CommandAnswer =
  | { readonly done: true; readonly fields: Readonly<Record<string, string>> }
  /** `code`, where there is one, tells programs which reason it is. */
  | { readonly done: false; readonly reason: string; readonly code?: string };

export const DONE: CommandAnswer = { done: true, fields: {} };

/** A daemon answers within this time, or says nothing. */
const ANSWER_S = 5;
/** An answer that nobody fetches goes away. */
const ANSWER_LIFE_MS = 60_000;
const MOST_TEXT = 10_000;

function refused(reason: string): CommandAnswer {
  return { done: false, reason };
}

/** Asks the daemon that leads the Asterisk. Whatever stands in the way is an answer with its reason; only a Redis that is away rejects. */
export async function sendCommand(redisUrl: string, command: Command): Promise<CommandAnswer> {
  const redis = new Redis(redisUrl, { lazyConnect: true, connectTimeout: 3000, retryStrategy: null, maxRetriesPerRequest: 0 });
  let last: Error | null = null;
  redis.on('error', (error: Error) => {
    last = error;
  });
  try {
    await redis.connect();
    return await send(redis, command);
  } catch (error) {
    const reason: unknown = last ?? error;
    throw new Error(`Redis cannot be asked: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: error });
  } finally {
    redis.disconnect();
  }
}

async function send(redis: Redis, command: Command): Promise<CommandAnswer> {
  const { serverId } = command;
  const daemon = /^\d+ (.+)$/.exec((await redis.get(leadKey(serverId))) ?? '')?.[1];
  if (daemon === undefined || daemon === 'released') return refused(`No daemon leads Asterisk ${serverId}: start one, or try again in some seconds.`);
  const id = randomUUID();
  const listening = await redis.publish(commandChannel(daemon), JSON.stringify({ id, ...command }));
  if (listening === 0) return refused(`The daemon ${daemon}, which led Asterisk ${serverId}, is not there: try again in some seconds, when another leads it.`);
  const answer = await redis.blpop(answerKey(id), ANSWER_S);
  if (answer === null) return refused(`The daemon ${daemon} did not answer within ${ANSWER_S} s; it may still do it.`);
  return JSON.parse(answer[1]) as CommandAnswer;
}

interface Sent extends Command {
  readonly id: string;
}

/** Whoever can write to Redis can send anything: null is no command. */
function parsed(text: string): Sent | null {
  if (text.length > MOST_TEXT) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { id, name, serverId, by, fields } = (value ?? {}) as Partial<Record<keyof Sent, unknown>>;
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id) || typeof name !== 'string' || typeof by !== 'string' || !Number.isInteger(serverId)) return null;
  if (typeof fields !== 'object' || fields === null || !Object.values(fields).every((field) => typeof field === 'string')) return null;
  return { id, name, by, serverId: serverId as number, fields: fields as Record<string, string> };
}

export interface ListenerParts {
  readonly redisUrl: string;
  /** The name that stands in the leases of this daemon. */
  readonly daemon: string;
  /** Carries it out; a rejection is told to the asker as a failure. */
  readonly obey: (command: Command) => Promise<CommandAnswer>;
  readonly log: Log;
}

/** A daemon's ear for commands: a connection of its own, as one that listens can do nothing else. */
export class CommandListener {
  readonly #parts: ListenerParts;
  readonly #ear: Redis;
  readonly #mouth: Redis;

  constructor(parts: ListenerParts) {
    this.#parts = parts;
    const options = { maxRetriesPerRequest: null, connectionName: 'tollgate commands' };
    this.#ear = new Redis(parts.redisUrl, options);
    this.#mouth = new Redis(parts.redisUrl, { ...options, lazyConnect: true });
    // The store's own connection tells when Redis is away.
    for (const redis of [this.#ear, this.#mouth]) redis.on('error', () => undefined);
    this.#ear.on('message', (_, text: string) => {
      this.#take(text).catch((error: unknown) => parts.log.warn({ err: error }, 'A command could not be answered'));
    });
    this.#ear.subscribe(commandChannel(parts.daemon)).catch((error: unknown) => parts.log.debug({ reason: String(error) }, 'Commands are not heard any more'));
  }

  async #take(text: string): Promise<void> {
    const { obey, log } = this.#parts;
    const command = parsed(text);
    if (command === null) {
      log.warn({ length: text.length }, 'What came as a command is none');
      return;
    }
    const { id, name, serverId, by, fields } = command;
    const answer = await obey(command).catch((error: unknown): CommandAnswer => {
      log.error({ err: error, command: name }, 'A command failed');
      return refused('The daemon failed at it: see its log.');
    });
    log.info({ command: name, serverId, by, fields, done: answer.done, ...(answer.done ? {} : { reason: answer.reason }) }, 'Command');
    await this.#mouth.multi().rpush(answerKey(id), JSON.stringify(answer)).pexpire(answerKey(id), ANSWER_LIFE_MS).exec();
  }

  close(): void {
    this.#ear.disconnect();
    this.#mouth.disconnect();
  }
}
