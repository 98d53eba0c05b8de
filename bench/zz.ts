import type { Redis } from 'ioredis';
import { parseMoney } from '../rating/money.ts';
import { payersOf } from '../engine/call/money.ts';
import { makeCallStore } from '../store/redis/calls.ts';
import { connectRedis } from '../store/redis/connect.ts';
import { makeUnits } from '../store/redis/units.ts';
import { startRedis } from '../test/lab/redis.ts';
import { until } from '../test/lab/wait.ts';
import { admission, callOf, rowOf, USERS, FIRST_USER, RESELLERS } from './scaling/one-call.ts';
const log = { debug() {}, info() {}, warn() {}, error: console.error };
const server = await startRedis({ appendOnly: 'everysec' });
const units = makeUnits(6);
const open = async (events: number) => { const redis = connectRedis(server.url, log); await until(() => (redis.status === 'ready' ? undefined : 'no')); return { redis, store: makeCallStore({ redis, units, balanceOf: (userId) => ({ userId, balance: parseMoney('1000000'), credit: null, version: 1, day: null }), flashAlarm: 0, fenceOf: () => undefined, events, log }) }; };
const on = await open(10_000), off = await open(0);
async function cpu(redis: Redis) { const i = await redis.info('cpu'); const g = (n: string) => Number(new RegExp(`^${n}:([\\d.]+)`, 'm').exec(i)?.[1]); return (g('used_cpu_user') + g('used_cpu_sys')) * 1e6; }
let n = 0;
async function life(store: typeof on.store) { const one = callOf(n += 1); await store.admit(admission(one)); await store.updateLive(new Map([[one.id, { state: 'ringing', rang: '1795521600000' }]])); await store.updateLive(new Map([[one.id, { state: 'answered', answered: '1795521600000' }]])); await store.extend({ callId: one.id, nowMs: one.arrived.wallMs, payers: payersOf(one).map(({ userId }) => ({ userId, want: parseMoney('5') })) }); await store.finish({ callId: one.id, nowMs: one.arrived.wallMs, debits: [{ account: 'user', accountId: payersOf(one)[0]?.userId ?? 0, amount: parseMoney('0.6'), cause: 'call' }], cdrs: [rowOf(one)] }); }
async function round(which: typeof on, lives: number) { const r = await cpu(which.redis), c = process.cpuUsage(), t = performance.now(); for (let i = 0; i < lives; i += 100) await Promise.all(Array.from({ length: 100 }, () => life(which.store))); const u = process.cpuUsage(c); const out = { redis: (await cpu(which.redis) - r) / lives, node: (u.user + u.system) / lives, wall: (performance.now() - t) * 1000 / lives }; await which.redis.del('tollgate:cdr'); return out; }
await round(on, 3000); await round(off, 3000);
const sums = { on: [] as any[], off: [] as any[] };
for (let i = 0; i < 6; i += 1) { sums.off.push(await round(off, 4000)); sums.on.push(await round(on, 4000)); }
for (const k of ['off', 'on'] as const) console.log(k, ['redis', 'node', 'wall'].map((f) => { const v = sums[k].map((x) => x[f]).sort((a, b) => a - b); return `${f} ${v[2].toFixed(1)}..${v[3].toFixed(1)} us a call`; }).join(', '));
console.log('events', await on.redis.xlen('tollgate:events'), await on.redis.call('MEMORY', 'USAGE', 'tollgate:events', 'SAMPLES', '0'));
process.exit(0);
