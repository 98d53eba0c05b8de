/** What one call costs Redis and the daemon's store, step by step, on a real Redis with a log on disk. */
import type { Redis } from 'ioredis';
import { payersOf } from '../../engine/call/money.ts';
import type { Call } from '../../engine/call/state.ts';
import { parseMoney } from '../../rating/money.ts';
import { Reconciler } from '../../store/redis/reconcile.ts';
import { makeCallStore } from '../../store/redis/calls.ts';
import type { CallStore } from '../../store/redis/calls.ts';
import { connectRedis } from '../../store/redis/connect.ts';
import { makeUnits } from '../../store/redis/units.ts';
import { startRedis } from '../../test/lab/redis.ts';
import { until } from '../../test/lab/wait.ts';
import { admission, callOf, FIRST_USER, RESELLERS, rowOf, USERS } from './one-call.ts';

/** Microseconds of a processor for one of them. */
export interface Cost {
  readonly redisUs: number;
  readonly nodeUs: number;
}

export type StepName = 'admit' | 'extend' | 'live' | 'finish';
export const STEPS: readonly StepName[] = ['admit', 'extend', 'live', 'finish'];

export interface Costs {
  readonly steps: Readonly<Record<StepName, Cost>>;
  /** Bytes in Redis of one call that is up, and of a finished one that waits for Postgres. */
  readonly openBytes: number;
  readonly waitingBytes: number;
  /** Adding up all calls that are up, for each of them. */
  readonly reconcile: Cost;
  /** Whole lives of calls, all steps mixed: measured, and by the sum of the steps. */
  readonly mixed: { readonly measured: Cost; readonly predicted: Cost };
}

const AT_ONCE = 100;
/** Of a mixed life; the model has its own. */
export const MIXED_EXTENDS = 3;
export const MIXED_LIVE = 2;

function actions(store: CallStore): Record<StepName, (one: Call, times: number) => Promise<unknown>> {
  const step = parseMoney('0.6');
  return {
    admit: async (one) => store.admit(admission(one)),
    extend: async (one, times) => store.extend({ callId: one.id, nowMs: one.arrived.wallMs, payers: payersOf(one).map(({ userId }) => ({ userId, want: step * BigInt(times + 2) })) }),
    live: async (one) => store.updateLive(new Map([[one.id, { state: 'answered', answered: '1795521600000' }]])),
    finish: async (one) => store.finish({ callId: one.id, nowMs: one.arrived.wallMs, debits: [{ account: 'user', accountId: payersOf(one)[0]?.userId ?? 0, amount: step, cause: 'call' }], cdrs: [rowOf(one)] }),
  };
}

async function redisFigure(redis: Redis, section: string, name: string): Promise<number> {
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(await redis.info(section))?.[1] ?? 0);
}

async function cpuUs(redis: Redis): Promise<number> {
  return ((await redisFigure(redis, 'cpu', 'used_cpu_user')) + (await redisFigure(redis, 'cpu', 'used_cpu_sys'))) * 1e6;
}

/** Processor time of Redis and of this process while `work` runs, for each of `count`. */
async function costOf(redis: Redis, count: number, work: () => Promise<unknown>): Promise<Cost> {
  const [redisBefore, nodeBefore] = [await cpuUs(redis), process.cpuUsage()];
  await work();
  const node = process.cpuUsage(nodeBefore);
  return { redisUs: ((await cpuUs(redis)) - redisBefore) / count, nodeUs: (node.user + node.system) / count };
}

async function inGroups(calls: readonly Call[], run: (one: Call) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < calls.length; at += AT_ONCE) await Promise.all(calls.slice(at, at + AT_ONCE).map(run));
}

const times = (cost: Cost, count: number): Cost => ({ redisUs: cost.redisUs * count, nodeUs: cost.nodeUs * count });
export const sum = (costs: readonly Cost[]): Cost => costs.reduce((all, one) => ({ redisUs: all.redisUs + one.redisUs, nodeUs: all.nodeUs + one.nodeUs }), { redisUs: 0, nodeUs: 0 });
export { times };

export async function measureCosts(count: number, say: (text: string) => void): Promise<Costs> {
  const server = await startRedis({ appendOnly: 'everysec' });
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
  const redis = connectRedis(server.url, log);
  await until(() => (redis.status === 'ready' ? undefined : 'Redis does not answer'));
  const store = makeCallStore({ redis, units: makeUnits(6), balanceOf: () => undefined, flashAlarm: 0, fenceOf: () => undefined, log });
  await store.setBalances(Array.from({ length: USERS + RESELLERS }, (_, index) => ({ userId: FIRST_USER + index, balance: parseMoney('1000000'), credit: 0n, version: 1, day: null })));
  const act = actions(store);
  const calls = Array.from({ length: count }, (_, number) => callOf(number));
  // Warm: what is compiled first, and memory that Redis asks for once.
  await life(calls.slice(0, count >> 2), act);
  const steps: Partial<Record<StepName, Cost>> = {};
  const bytes = [await redisFigure(redis, 'memory', 'used_memory')];
  let reconcile: Cost = { redisUs: 0, nodeUs: 0 };
  const fresh = calls.map((one) => ({ ...one, id: `${one.id}.1` }));
  for (const name of STEPS) {
    say(`${count} times ${name}`);
    steps[name] = await costOf(redis, count, async () => inGroups(fresh, async (one) => act[name](one, 0)));
    bytes.push(await redisFigure(redis, 'memory', 'used_memory'));
    if (name === 'live') reconcile = await costOf(redis, count, async () => new Reconciler({ redis, usable: () => true, everyMs: 60_000, log }).once());
  }
  say(`${count} whole lives`);
  const measured = await costOf(redis, count, async () => life(calls.map((one) => ({ ...one, id: `${one.id}.2` })), act));
  redis.disconnect();
  await server.stop();
  const known = steps as Record<StepName, Cost>;
  const predicted = sum([known.admit, times(known.extend, MIXED_EXTENDS), times(known.live, MIXED_LIVE), known.finish]);
  const [empty = 0, admitted = 0, , , finished = 0] = bytes;
  return { steps: known, openBytes: (admitted - empty) / count, waitingBytes: (finished - empty) / count, reconcile, mixed: { measured, predicted } };
}

async function life(calls: readonly Call[], act: ReturnType<typeof actions>): Promise<void> {
  await inGroups(calls, async (one) => {
    await act.admit(one, 0);
    for (let time = 0; time < MIXED_LIVE; time += 1) await act.live(one, 0);
    for (let time = 0; time < MIXED_EXTENDS; time += 1) await act.extend(one, time);
    await act.finish(one, 0);
  });
}
