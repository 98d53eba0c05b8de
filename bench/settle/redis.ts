/** Admissions and ends of calls a second through Redis, beside a script that does nothing with the same keys and arguments. */
import type { Redis } from 'ioredis';
import type { Debit, FinishRequest } from '../../engine/call/admission.ts';
import { payersOf } from '../../engine/call/money.ts';
import type { Call } from '../../engine/call/state.ts';
import { parseMoney } from '../../rating/money.ts';
import { encodeAdmit } from '../../store/redis/admit.ts';
import { makeCallStore } from '../../store/redis/calls.ts';
import type { CallStore } from '../../store/redis/calls.ts';
import { connectRedis } from '../../store/redis/connect.ts';
import { encodeFinish } from '../../store/redis/finish.ts';
import type { ScriptCall } from '../../store/redis/scripts.ts';
import { makeUnits } from '../../store/redis/units.ts';
import { startRedis } from '../../test/lab/redis.ts';
import { until } from '../../test/lab/wait.ts';
import { admission, callOf, FIRST_USER, RESELLERS, rowOf, USERS } from '../scaling/one-call.ts';
import { median } from './median.ts';

/** A second; medians of rounds that alternate. */
export interface RedisFigures {
  readonly calls: number;
  readonly admits: number;
  readonly bareAdmits: number;
  readonly finishes: number;
  readonly bareFinishes: number;
}

/** Calls that are up at once. They come and go, as they do for days: Redis has the memory for them since the first ones. */
const UP_AT_ONCE = 1000;
/** Scripts on their way at once: what hides the wire, and no more. */
const AT_ONCE = 100;
const UNITS = makeUnits(6);

type Bare = (keys: number, ...keysAndArgs: (string | Buffer)[]) => Promise<unknown>;

function debitsOf(one: Call): Debit[] {
  const [user, reseller] = payersOf(one);
  return [
    { account: 'user', accountId: user?.userId ?? 0, amount: parseMoney('0.6'), cause: 'call' },
    { account: 'user', accountId: reseller?.userId ?? 0, amount: parseMoney('0.5'), cause: 'call' },
    { account: 'provider', accountId: 11, amount: parseMoney('-0.3'), cause: 'call' },
  ];
}

export function ending(one: Call): FinishRequest {
  return { callId: one.id, nowMs: one.arrived.wallMs, debits: debitsOf(one), cdrs: [rowOf(one)] };
}

/** What goes over the wire: the same for both, put together by the same code, so that the difference is the script's work. */
function wired({ keys, args, memo }: ScriptCall): [number, ...(string | Buffer)[]] {
  return [keys.length, ...keys, JSON.stringify(args.map(String)), ...(memo === undefined ? [] : [Buffer.from(memo)])];
}

/** Seconds. As one is answered the next is sent: neither side waits for a whole batch of the other. */
async function seconds<One>(all: readonly One[], run: (one: One) => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  const waiting = all.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const one of waiting) await run(one);
  }));
  return (performance.now() - startedMs) / 1000;
}

function bareOf(redis: Redis): Bare {
  redis.defineCommand('bare', { lua: 'return 0' });
  const bare = (redis as unknown as { bare: Bare }).bare;
  return async (...args) => bare.apply(redis, args);
}

async function comeAndGo(store: CallStore, bare: Bare, calls: readonly Call[]): Promise<Omit<RedisFigures, 'calls'>> {
  const admissions = calls.map(admission);
  const endings = calls.map(ending);
  const bareAdmits = await seconds(admissions, async (one) => bare(...wired(encodeAdmit(one, UNITS))));
  const admits = await seconds(admissions, async (one) => {
    if ((await store.admit(one)).kind !== 'admitted') throw new Error('a call was not admitted: the figures mean nothing');
  });
  const bareFinishes = await seconds(endings, async (one) => bare(...wired(encodeFinish(one, UNITS))));
  const finishes = await seconds(endings, async (one) => {
    if (!(await store.finish(one))) throw new Error('a call had been finished before: the figures mean nothing');
  });
  return { admits, bareAdmits, finishes, bareFinishes };
}

async function round(redis: Redis, { store, bare }: { readonly store: CallStore; readonly bare: Bare }, calls: readonly Call[]): Promise<Omit<RedisFigures, 'calls'>> {
  const took = { admits: 0, bareAdmits: 0, finishes: 0, bareFinishes: 0 };
  const names = Object.keys(took) as (keyof typeof took)[];
  for (let at = 0; at < calls.length; at += UP_AT_ONCE) {
    const each = await comeAndGo(store, bare, calls.slice(at, at + UP_AT_ONCE));
    for (const name of names) took[name] += each[name];
    await redis.del('tollgate:cdr');
  }
  const rate = (name: keyof typeof took): number => calls.length / took[name];
  return { admits: rate('admits'), bareAdmits: rate('bareAdmits'), finishes: rate('finishes'), bareFinishes: rate('bareFinishes') };
}

export async function measureRedis(count: number, rounds: number): Promise<RedisFigures> {
  const server = await startRedis({ appendOnly: 'everysec' });
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const redis = connectRedis(server.url, log);
  await until(() => (redis.status === 'ready' ? undefined : 'Redis does not answer'));
  const store = makeCallStore({ redis, units: UNITS, balanceOf: () => undefined, flashAlarm: 0, fenceOf: () => undefined, log });
  await store.setBalances(Array.from({ length: USERS + RESELLERS }, (_, index) => ({ userId: FIRST_USER + index, balance: parseMoney('1000000'), credit: 0n, version: 1, day: null })));
  const bare = bareOf(redis);
  const found: Omit<RedisFigures, 'calls'>[] = [];
  // The first round warms up.
  for (let number = 0; number <= rounds; number += 1) {
    const calls = Array.from({ length: count }, (_, index) => ({ ...callOf(index), id: `1-${number}.${index}` }));
    const one = await round(redis, { store, bare }, calls);
    if (number > 0) found.push(one);
  }
  redis.disconnect();
  await server.stop();
  const of = (name: keyof (typeof found)[number]): number => median(found.map((one) => one[name]));
  return { calls: count, admits: of('admits'), bareAdmits: of('bareAdmits'), finishes: of('finishes'), bareFinishes: of('bareFinishes') };
}
