/** Many calls at once on few limits and few balances, over several connections; after each wave the auditor must agree. */
import * as fc from 'fast-check';
import t from 'tap';
import type { AdmitAnswer, AdmitRequest, CounterClaim } from '../../engine/call/admission.ts';
import { makeCallStore } from '../../store/redis/calls.ts';
import type { CallStore, DailyLimit } from '../../store/redis/calls.ts';
import { connectRedis } from '../../store/redis/connect.ts';
import { makeUnits } from '../../store/redis/units.ts';
import { until } from '../lab/wait.ts';
import { Auditor } from './auditor.ts';
import { admission, cdr, NOW } from './requests.ts';
import { closeServers, freshRedis, memoryLog } from './servers.ts';
import { SEED } from '../seed.ts';

t.teardown(closeServers);

const UNIT = 10_000n;
const CONNECTIONS = 4;
/** Of few things, so that calls meet: users 1–3 (3 without limit), providers, a device. */
const LIMITS = new Map([['calls:user:1:out', 3], ['calls:user:2:out', 5], ['calls:user:3:out', 0], ['calls:device:1', 4], ['calls:provider:1', 2], ['calls:provider:2', 3], ['calls:provider:3', 0]]);
const CAUSES = new Map([...LIMITS.keys()].map((key, index) => [key, 400 + index]));

function claim(key: string): CounterClaim {
  return { key, limit: LIMITS.get(key) ?? 0, cause: CAUSES.get(key) ?? 0 };
}

/** Small change, and amounts where a double would have stopped counting. */
const units = fc.oneof(fc.bigInt(0n, 1000n), fc.bigInt(2n ** 53n - 5n, 2n ** 53n + 5n), fc.bigInt(0n, 2n ** 60n));
const call = fc.record({
  user: fc.constantFrom(1, 2, 3), owner: fc.constantFrom(1, 2, 3), device: fc.boolean(),
  want: units, least: fc.bigInt(0n, 10n), ways: fc.uniqueArray(fc.constantFrom(1, 2, 3), { maxLength: 3 }),
  later: fc.constantFrom('stay', 'finish', 'extend', 'nextWay', 'finishTwice'), more: units, price: fc.bigInt(0n, 20n),
});
type Call = (typeof call) extends fc.Arbitrary<infer Value> ? Value : never;
/** Of user 2 and of the one without limit: a day that is over counts nothing. */
const day = fc.option(fc.record({ limit: units, spent: units, over: fc.boolean() }));
const scenario = fc.record({ funds: fc.tuple(units, units), days: fc.tuple(day, day), waves: fc.array(fc.array(call, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 6 }) });

function requestOf(callId: string, { user, owner, device, want, least, ways }: Call): AdmitRequest {
  const most = (want > least ? want : least) * UNIT;
  const payer = (userId: number) => ({ userId, want: most, least: least * UNIT, tooLow: 211, simultaneous: 212, underOneSecond: 210 });
  return admission(callId, {
    counters: [...(device ? [claim('calls:device:1')] : []), claim(`calls:user:${user}:out`)],
    payers: [payer(user), ...(owner === user ? [] : [payer(owner)])],
    ways: ways.length === 0 ? [[]] : ways.map((id) => [claim(`calls:provider:${id}`)]),
  });
}

function limitOf(one: { limit: bigint; spent: bigint; over: boolean } | null): DailyLimit | null {
  return one === null ? null : { limit: one.limit * UNIT, spent: one.spent * UNIT, untilMs: NOW + (one.over ? 0 : 1) };
}

function least(one: bigint | undefined, other: bigint): bigint {
  return one === undefined || other < one ? other : one;
}

/** Refusals must have had a reason: nothing was given back while the wave of admissions ran. */
function whyRefusedWrongly(auditor: Auditor, request: AdmitRequest, answer: AdmitAnswer): string | null {
  if (answer.kind === 'admitted') return null;
  const counts = auditor.counters();
  const key = [...CAUSES].find(([, cause]) => cause === answer.cause)?.[0];
  if (key !== undefined) return counts.get(key) === LIMITS.get(key) ? null : `${request.callId}: ${key} has ${counts.get(key)} calls and refused one`;
  if (answer.cause === 204) return request.ways.every((way) => way.some(({ key, limit }) => limit > 0 && counts.get(key) === limit)) ? null : `${request.callId}: a way had room`;
  const poor = request.payers.some(({ userId, least }) => (auditor.left(userId) ?? least) < least);
  return poor ? null : `${request.callId}: refused with ${answer.cause}, but everybody could pay`;
}

async function after(store: CallStore, auditor: Auditor, { request, one }: { request: AdmitRequest; one: Call }): Promise<void> {
  const { callId } = request;
  const userId = one.user;
  const debit = { account: 'user', accountId: userId, amount: one.price * UNIT, cause: 'call' } as const;
  const finish = async (): Promise<boolean> => store.finish({ callId, nowMs: NOW, debits: [debit], cdrs: [cdr(callId)] });
  if (one.later === 'extend') {
    const held = await store.extend({ callId, nowMs: NOW, payers: [{ userId, want: one.more * UNIT }] });
    auditor.extended(callId, userId, held?.held[0] ?? -1n);
  } else if (one.later === 'nextWay') {
    const way = await store.nextWay({ callId, nowMs: NOW, ways: request.ways, from: 0, live: {} });
    auditor.wayTaken(callId, way === null ? [] : (request.ways[way] ?? []));
  } else if (one.later === 'finish' || one.later === 'finishTwice') {
    const ends = await Promise.all([finish(), ...(one.later === 'finishTwice' ? [finish()] : [])]);
    if (ends.filter(Boolean).length !== 1) throw new Error(`${callId} was finished ${ends.filter(Boolean).length} times`);
    auditor.finished(callId, [{ userId, amount: debit.amount }]);
  }
}

t.test(`limits and balances hold under race (seed ${SEED})`, { timeout: 110_000 }, async (t) => {
  const redisUrl = await freshRedis();
  const { log } = memoryLog();
  const redises = Array.from({ length: CONNECTIONS }, () => connectRedis(redisUrl, log));
  t.teardown(() => redises.forEach((redis) => redis.disconnect()));
  await until(() => (redises.every((redis) => redis.status === 'ready') ? undefined : 'not connected'));
  const [redis] = redises;
  if (redis === undefined) return;
  const stores = redises.map((one) => makeCallStore({ redis: one, units: makeUnits(6), balanceOf: () => undefined, flashAlarm: 0, fenceOf: () => undefined, log }));
  const store = (index: number): CallStore => stores[index % CONNECTIONS] as CallStore;

  await fc.assert(fc.asyncProperty(scenario, async ({ funds, days, waves }) => {
    await redis.flushdb();
    const auditor = new Auditor();
    for (const [index, amount] of funds.entries()) auditor.funds.set(index + 1, amount * UNIT);
    auditor.funds.set(3, undefined);
    const dayOf = new Map([[2, days[0]], [3, days[1]]]);
    await store(0).setBalances([1, 2, 3].map((userId) => ({ userId, balance: auditor.funds.get(userId) ?? 0n, credit: userId === 3 ? null : 0n, version: 1, day: limitOf(dayOf.get(userId) ?? null) })));
    for (const [userId, one] of dayOf) if (one !== null) auditor.funds.set(userId, least(auditor.funds.get(userId), (one.limit - (one.over ? 0n : one.spent)) * UNIT));
    for (const [number, wave] of waves.entries()) {
      const calls = wave.map((one, index) => ({ one, request: requestOf(`${number}-${index}`, one) }));
      const answers = await Promise.all(calls.map(async ({ request }, index) => store(index).admit(request)));
      for (const [index, { request }] of calls.entries()) auditor.admitted(request, answers[index] as AdmitAnswer);
      const refused = calls.map(({ request }, index) => whyRefusedWrongly(auditor, request, answers[index] as AdmitAnswer)).filter((reason) => reason !== null);
      const differences = [...refused, ...(await auditor.differences(redis, LIMITS))];
      if (differences.length > 0) throw new Error(`wave ${number}: ${differences.join('; ')}`);
      await Promise.all(calls.filter((_, index) => answers[index]?.kind === 'admitted').map(async (one, index) => after(store(index), auditor, one)));
      const later = await auditor.differences(redis, LIMITS);
      if (later.length > 0) throw new Error(`after wave ${number}: ${later.join('; ')}`);
    }
  }), { seed: SEED, numRuns: 60 });
  t.pass('60 scenarios');
});

t.test('200 calls at once on a limit of 7 and a balance for 5', async (t) => {
  const redisUrl = await freshRedis();
  const { log } = memoryLog();
  const redis = connectRedis(redisUrl, log);
  t.teardown(() => redis.disconnect());
  await until(() => (redis.status === 'ready' ? undefined : 'not connected'));
  const store = makeCallStore({ redis, units: makeUnits(6), balanceOf: () => undefined, flashAlarm: 0, fenceOf: () => undefined, log });
  await store.setBalances([{ userId: 1, balance: 5n * 10n ** 10n, credit: 0n, version: 1, day: null }]);
  const payer = { userId: 1, want: 10n ** 10n, least: 10n ** 10n, tooLow: 211, simultaneous: 212, underOneSecond: 210 };
  const limited = await Promise.all(Array.from({ length: 200 }, async (_, n) => store.admit(admission(`a${n}`, { counters: [{ key: 'calls:did:9', limit: 7, cause: 219 }] }))));
  t.equal(limited.filter((answer) => answer.kind === 'admitted').length, 7);
  const paid = await Promise.all(Array.from({ length: 200 }, async (_, n) => store.admit(admission(`b${n}`, { payers: [payer] }))));
  t.equal(paid.filter((answer) => answer.kind === 'admitted').length, 5);
  t.equal(paid.filter((answer) => answer.kind === 'refused' && answer.cause === 212).length, 195);
});
