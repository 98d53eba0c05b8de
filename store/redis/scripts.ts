/** The Lua scripts of this folder as functions: one round trip each, by digest, sent whole only when Redis lacks them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';

/** Names of the files; each is loaded with arguments.lua and money.lua in front, `settled` also with scores.lua. */
const SCRIPTS = ['admit', 'next-way', 'extend', 'finish', 'record', 'settled', 'set-balances', 'update-live', 'refuse-entry', 'retry-refused', 'lease', 'release', 'restore', 'repair'] as const;
export type ScriptName = (typeof SCRIPTS)[number];

export interface ScriptCall {
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
  /** Bytes that a script keeps without a look into them. */
  readonly memo?: Uint8Array | undefined;
  /** Refused, with an error that begins with FENCED, unless it holds. */
  readonly fence?: Fence | undefined;
  /** Other programs are told, on a stream that keeps so many entries; undefined, or 0: they are not. */
  readonly events?: number | undefined;
  /** Field, value, … of what they are told, where the arguments do not say it. */
  readonly event?: readonly string[] | undefined;
}

/** What must stand in a key. */
export interface Fence {
  readonly key: string;
  readonly value: string;
}

type Command = (numberOfKeys: number, ...keysAndArgs: (string | number | Buffer)[]) => Promise<unknown>;

/** Reads the scripts once; a missing file stops the start, not a call. */
const SOURCES: ReadonlyMap<ScriptName, string> = new Map(SCRIPTS.map((name) => [name, readLua('arguments') + readLua('money') + (name === 'settled' ? readLua('scores') : '') + readLua(name)]));

function readLua(name: string): string {
  return readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8');
}

function commandName(name: ScriptName): string {
  return `tollgate:${name}`;
}

export function defineScripts(redis: Redis): void {
  for (const [name, lua] of SOURCES) redis.defineCommand(commandName(name), { lua });
}

/** The client must have been given to `defineScripts`. */
export async function runScript(redis: Redis, name: ScriptName, call: ScriptCall): Promise<unknown> {
  const command = (redis as unknown as Record<string, Command>)[commandName(name)];
  if (command === undefined) throw new Error(`Script ${name} is not defined on this connection.`);
  const { memo, fence, events = 0 } = call;
  const bytes = memo === undefined ? '' : Buffer.from(memo.buffer, memo.byteOffset, memo.byteLength);
  const more: (string | Buffer)[] = memo === undefined && fence === undefined && events === 0 ? [] : [bytes];
  if (fence !== undefined || events > 0) more.push(fence?.key ?? '', fence?.value ?? '');
  if (events > 0) more.push(String(events), packed(call.event ?? []));
  return command.call(redis, call.keys.length, ...call.keys, packed(call.args), ...more);
}

const LONE_SURROGATE = /\p{Surrogate}/gu;

/** All arguments as one: sixty of them cost four times as much to write. As text, so that none becomes a double in Lua. */
function packed(args: ScriptCall['args']): string {
  const texts = args.map(String);
  const json = JSON.stringify(texts);
  // Half of a pair is written as an escape that the other side refuses. Text that merely looks like one is harmed by neither.
  return json.includes('\\ud') ? JSON.stringify(texts.map((text) => text.replaceAll(LONE_SURROGATE, '\u{FFFD}'))) : json;
}

/** Names by the digest that Redis is called with: for whoever reads MONITOR or SLOWLOG. */
export function scriptDigests(): ReadonlyMap<string, ScriptName> {
  return new Map([...SOURCES].map(([name, lua]) => [createHash('sha1').update(lua).digest('hex'), name]));
}
