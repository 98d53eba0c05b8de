/** Dynamic blacklist on real servers: calls that are settled raise scores, each once; daemons read them, operators set them. */
import * as fc from 'fast-check';
import type { Redis } from 'ioredis';
import t from 'tap';
import type { Test } from 'tap';
import type { Cdr } from '../../engine/call/admission.ts';
import { levelOf, pointsAt, together } from '../../routing/score.ts';
import { Balances } from '../../store/balances.ts';
import { openStore } from '../../store/open.ts';
import { makePool } from '../../store/postgres.ts';
import { CDR_STREAM, scoresKey } from '../../store/redis/keys.ts';
import { feedOf, feedRules } from '../../store/redis/score-feed.ts';
import type { BlacklistOptions } from '../../store/redis/score-feed.ts';
import { clearScore, readScores } from '../../store/redis/scores.ts';
import { runScript } from '../../store/redis/scripts.ts';
import { Settler } from '../../store/settle.ts';
import { readEntries } from '../../store/settle-entry.ts';
import { until } from '../lab/wait.ts';
import { holdsAsync } from '../routing/property.ts';
import { openCalls } from './calls.ts';
import type { TestCalls } from './calls.ts';
import { cdr, NOW } from './requests.ts';
import { closeServers, connect, freshDatabase, freshRedis, memoryLog } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

const HOUR_MS = 3_600_000;
const OFF: BlacklistOptions = {
  enabled: true, halfLifeHours: 24, sourceWeight: 1, destinationWeight: 1, ipWeight: 1, shortCallS: 0, shortCallPoints: 10, zeroCallPoints: 0, sequentialStep: 0, sequentialPoints: 10,
  manyNumbers: 0, manyNumbersPoints: 10, windowMinutes: 60, storedItems: 1000, memoryItems: 1000,
};
const SRC = '37050000001';
const DST = '37060000001';

interface World {
  readonly calls: TestCalls;
  readonly settler: (rules: BlacklistOptions | undefined) => Settler;
  /** Ends calls, and settles them by these rules; times in seconds after NOW. */
  readonly end: (rules: BlacklistOptions | undefined, ...calls: readonly Partial<Cdr>[]) => Promise<void>;
  readonly scores: () => Promise<Record<string, number>>;
}

let made = 0;

async function world(t: Pick<Test, 'teardown'>, scoring = true): Promise<World> {
  const url = await freshDatabase();
  await smallTenant(await connect(url));
  const calls = await openCalls(6, scoring);
  const { log } = memoryLog();
  const pool = makePool(url, log, 2);
  t.teardown(async () => {
    calls.close();
    await pool.end();
  });
  const settler: World['settler'] = (blacklist) => new Settler({
    pool, redis: calls.redis, usable: () => true, units: calls.units, balances: new Balances({ set: async (news) => calls.store.setBalances(news), offer: async (news) => calls.store.offerBalances(news) }, log), log, batch: 100, everyMs: 50, now: () => NOW, blacklist, onBacklog: () => undefined,
  });
  return {
    calls, settler,
    async end(rules, ...all) {
      for (const parts of all) {
        made += 1;
        const callId = `call ${made}`;
        await calls.store.finish({ callId, nowMs: NOW, debits: [], cdrs: [cdr(callId, { src: SRC, localizedDst: DST, originatorIp: '192.0.2.1', callDateMs: NOW, endMs: NOW, ...parts })] });
      }
      await settler(rules).settleOnce();
    },
    scores: () => scoresOf(calls.redis),
  };
}

async function scoresOf(redis: Redis, halfLifeHours = 24): Promise<Record<string, number>> {
  const levels = await readScores(redis, { halfLifeHours, memoryItems: 1000 });
  return Object.fromEntries([...levels].map(([item, level]): [string, number] => [item, pointsAt(level, NOW, halfLifeHours * HOUR_MS)]));
}

const answered = (billMs: number): Partial<Cdr> => ({ disposition: 'ANSWERED', billMs });
const failed: Partial<Cdr> = { disposition: 'FAILED', billMs: 0, answerMs: null };
const all = (points: number): Record<string, number> => ({ [`destination:${DST}`]: points, 'ip:192.0.2.1': points, [`source:${SRC}`]: points });

t.test('answered calls shorter than the setting raise all three; the edge does not', async (t) => {
  const w = await world(t);
  const rules = { ...OFF, shortCallS: 6 };
  await w.end(rules, answered(6000), answered(60_000), failed);
  t.same(await w.scores(), {});
  await w.end(rules, answered(5999));
  t.same(await w.scores(), all(10));
  await w.end(rules, answered(1), answered(0));
  t.same(await w.scores(), all(30));
});

t.test('calls that are not answered raise all three, those refused before dialling too', async (t) => {
  const w = await world(t);
  const rules = { ...OFF, zeroCallPoints: 3, sourceWeight: 2, ipWeight: 0 };
  await w.end(rules, answered(0), failed, { disposition: 'BUSY', billMs: 0 }, { disposition: 'NO ANSWER', billMs: 0 });
  await w.calls.store.record([cdr('refused', { ...failed, src: `+${SRC}`, localizedDst: DST, originatorIp: '192.0.2.1', hangupCause: 340, endMs: NOW })]);
  await w.settler(rules).settleOnce();
  t.same(await w.scores(), { [`destination:${DST}`]: 12, [`source:${SRC}`]: 24 });
});

t.test('a call that the full switch refused raises nothing', async (t) => {
  const w = await world(t);
  await w.end({ ...OFF, zeroCallPoints: 2 }, { ...failed, hangupCause: 208 });
  t.same(await w.scores(), {});
});

t.test('many ways are one attempt of the caller; DID calls, local calls and strangers raise nothing', async (t) => {
  const w = await world(t);
  const rules = { ...OFF, zeroCallPoints: 1, sequentialStep: 5 };
  await w.calls.store.finish({ callId: 'ways', nowMs: NOW, debits: [], cdrs: [1, 2, 3].map((attempt) => cdr('ways', { ...failed, attempt, final: attempt === 3, src: SRC, localizedDst: DST, originatorIp: '192.0.2.1', endMs: NOW })) });
  await w.end(rules, { ...failed, direction: 'inbound' }, { ...failed, direction: 'local' }, { ...failed, deviceId: null });
  t.same(await w.scores(), all(1));
});

t.test('what is no number and no address has no score', async (t) => {
  const w = await world(t);
  await w.end({ ...OFF, zeroCallPoints: 1, sequentialStep: 5, manyNumbers: 1 }, ...['', 'anonymous', 'a b1', `1'"\n`, '9'.repeat(81), '1\u{1F600}'].map((text) => ({ ...failed, src: text, localizedDst: text, originatorIp: text })));
  t.same(await w.scores(), {});
  await w.end({ ...OFF, zeroCallPoints: 1, sequentialStep: 5, manyNumbers: 1 }, { ...failed, src: '+370AB', localizedDst: 'anonymous', originatorIp: '2001:DB8::1' });
  t.same(await w.scores(), { 'ip:2001:db8::1': 1, 'source:370ab': 1 }, 'without a called number nothing is remembered');
});

t.test('sequential dialling: a distance of 1 to the step, up or down, from the number before', async (t) => {
  const w = await world(t);
  const rules = { ...OFF, sequentialStep: 3 };
  const dial = async (...numbers: readonly string[]): Promise<number> => {
    await w.calls.redis.del(scoresKey(24), `tollgate:dialled:last:${SRC}`);
    await w.end(rules, ...numbers.map((localizedDst) => ({ ...answered(60_000), localizedDst })));
    const scores = await w.scores();
    t.same(Object.keys(scores).filter((item) => item.startsWith('destination:')), [], 'who was dialled is not to blame');
    t.equal(scores['ip:192.0.2.1'], scores[`source:${SRC}`]);
    return scores[`source:${SRC}`] ?? 0;
  };
  t.equal(await dial('37060000001'), 0);
  t.equal(await dial('37060000001', '37060000002'), 10);
  t.equal(await dial('37060000001', '37060000004'), 10, 'the step itself');
  t.equal(await dial('37060000001', '37060000005'), 0, 'one more');
  t.equal(await dial('37060000001', '37060000001'), 0, 'the same number again');
  t.equal(await dial('37060000004', '37060000002', '37060000003'), 20, 'calls end in another order than they begin');
  t.equal(await dial('37060000009', '37060000010', '37060000011'), 20, 'over a ten');
  t.equal(await dial('37060000001', '3706000002', '470600000002', '47060000002'), 0, 'another length, another country');
  t.equal(await dial('3706000000*', '37060000001', '37060000002'), 10, 'what is no number is not remembered');
});

/** A long call to one of many numbers, begun so many minutes after NOW. */
const dial = (number: number, minutes: number): Partial<Cdr> => ({ ...answered(60_000), localizedDst: `3706${number}`, callDateMs: NOW + minutes * 60_000 });

t.test('one source to many numbers within the window: distinct ones, exact at both edges', async (t) => {
  const w = await world(t);
  const rules = { ...OFF, manyNumbers: 3, windowMinutes: 10 };
  const source = async (): Promise<number> => (await w.scores())[`source:${SRC}`] ?? 0;
  await w.end(rules, dial(100, 0), dial(200, 0), dial(100, 1), dial(200, 1));
  t.equal(await source(), 0, 'two numbers, however often');
  await w.end(rules, dial(300, 10.9));
  t.equal(await source(), 10, 'the third');
  await w.end(rules, dial(300, 10.95));
  t.equal(await source(), 20, 'each call while it is so');
  await w.end(rules, dial(300, 11));
  t.equal(await source(), 20, 'a number of a whole window ago counts no more');
  await w.end(rules, ...Array.from({ length: 20 }, (_, index) => dial(400 + index, 12)));
  t.equal(await w.calls.redis.zcard(`tollgate:dialled:numbers:${SRC}`), 3, 'no more is remembered than is needed');
  const life = await w.calls.redis.pttl(`tollgate:dialled:numbers:${SRC}`);
  t.ok(life > 0 && life <= 600_000, 'and not for longer');
});

t.test('a call is counted once: an entry that is gone raises nothing', async (t) => {
  const w = await world(t);
  const rules = { ...OFF, zeroCallPoints: 1 };
  await w.calls.store.finish({ callId: 'once', nowMs: NOW, debits: [], cdrs: [cdr('once', { ...failed, src: SRC, localizedDst: DST, originatorIp: '192.0.2.1', endMs: NOW })] });
  const [entry] = await readEntries(w.calls.redis, 1);
  if (entry === undefined) throw new Error('There is an entry.');
  const script = { keys: [CDR_STREAM], args: [feedRules(rules, NOW), 0, entry.id, '', feedOf(entry.scored, rules)] };
  t.equal(await runScript(w.calls.redis, 'settled', script), 1);
  t.equal(await runScript(w.calls.redis, 'settled', script), 0);
  t.same(await w.scores(), all(1));
});

t.test('off, entries carry nothing, and scores are touched by nobody', async (t) => {
  const w = await world(t, false);
  await w.calls.store.finish({ callId: 'off', nowMs: NOW, debits: [], cdrs: [cdr('off', failed)] });
  t.match(await readEntries(w.calls.redis, 1), [{ callId: 'off', scored: '' }]);
  await w.settler({ ...OFF, zeroCallPoints: 1 }).settleOnce();
  const fed = await world(t);
  await fed.end(undefined, failed);
  for (const { calls } of [w, fed]) t.same(await calls.redis.keys('tollgate:scores:*'), []);
});

t.test('Redis adds scores up as routing does, whatever the order', async (t) => {
  const { redis } = (await world(t)).calls;
  const rises = fc.array(fc.record({ points: fc.integer({ min: 1, max: 500 }), agoMs: fc.integer({ min: 0, max: 200 * HOUR_MS }) }), { minLength: 1, maxLength: 12 });
  await holdsAsync(t, fc.asyncProperty(rises, fc.constantFrom(0, 1, 24), async (all, halfLifeHours) => {
    await redis.del(scoresKey(halfLifeHours));
    const rules = { ...OFF, halfLifeHours };
    const args: (string | number)[] = [feedRules(rules, NOW), 0];
    for (const { points, agoMs } of all) {
      const id = await redis.xadd(CDR_STREAM, '*', 'call', 'x');
      args.push(id ?? '', '', feedOf(JSON.stringify([SRC, '', '', NOW, NOW - agoMs, null]), { ...rules, zeroCallPoints: points }));
    }
    await runScript(redis, 'settled', { keys: [CDR_STREAM], args });
    const [one, ...more] = all.map(({ points, agoMs }) => levelOf(points, NOW - agoMs, halfLifeHours * HOUR_MS));
    const wanted = more.reduce((sum, level) => together(sum, level), one ?? 0);
    const found = Number((await redis.zscore(scoresKey(halfLifeHours), `source:${SRC}`)) ?? Number.NaN);
    const isFaded = pointsAt(wanted, NOW, halfLifeHours * HOUR_MS) === 0;
    return isFaded ? Number.isNaN(found) : Math.abs(found - wanted) < 1e-8;
  }), 60);
});

t.test('a set that many invented numbers fill stays bounded: the lowest go, what has faded first', async (t) => {
  const w = await world(t);
  const rules = { ...OFF, zeroCallPoints: 1, storedItems: 10, halfLifeHours: 1, destinationWeight: 0, ipWeight: 0 };
  await w.end(rules, ...Array.from({ length: 5 }, () => failed));
  await w.end(rules, ...Array.from({ length: 60 }, (_, index) => ({ ...failed, src: `3701${index}`, endMs: NOW - 1000 + index })));
  const kept = await scoresOf(w.calls.redis, 1);
  t.equal(Object.keys(kept).length, 10);
  t.equal(kept[`source:${SRC}`], 5);
  t.ok(kept['source:370159'] === 1 && kept['source:37010'] === undefined, 'of equal ones the latest stay');
  await w.end({ ...rules, storedItems: 1000 }, { ...failed, src: '37020', endMs: NOW - 61 * 60_000 });
  t.equal((await scoresOf(w.calls.redis, 1))['source:37020'], undefined, 'below half a point it is nothing');
  const life = await w.calls.redis.pttl(scoresKey(1));
  t.ok(life > 0 && life <= 64 * HOUR_MS, 'a set that rests goes as well');
});

t.test('a store reads scores within a second, the highest only; and the operator\'s with the catalog', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  const redisUrl = await freshRedis();
  const options = { postgresUrl: url, redisUrl, priceDecimals: 6, flashAlarm: 0, qualityWindowMinutes: 60, closedDidDays: 90, reconcileEveryMs: 60_000, settleBatch: 500, settleEveryMs: 10, log: memoryLog().log };
  const off = openStore({ ...options, blacklist: { ...OFF, enabled: false, zeroCallPoints: 5 } });
  t.equal(off.scores(), null);
  await off.close();
  const store = openStore({ ...options, blacklist: { ...OFF, zeroCallPoints: 5, memoryItems: 2, ipWeight: 0 } });
  t.teardown(async () => store.close());
  await store.ready();
  t.same([...(store.scores() ?? [])], []);
  const calls = ['37061', '37062', '37061'].map((localizedDst, index) => cdr(`s${index}`, { ...failed, src: SRC, localizedDst, endMs: Date.now() }));
  for (const one of calls) await store.record([one]);
  const points = (): Record<string, number> => Object.fromEntries([...(store.scores() ?? [])].map(([item, level]) => [item, pointsAt(level, Date.now(), 24 * HOUR_MS)]));
  await until(() => (points()[`source:${SRC}`] === 15 ? undefined : 'the scores are not read yet'));
  t.same(points(), { [`source:${SRC}`]: 15, 'destination:37061': 10 });

  await client.query(`insert into blacklist_scores (item, score) values ('source:${SRC}', 7), ('ip:192.0.2.9', 60)`);
  await until(() => (store.catalog()?.scores.size === 2 ? undefined : 'what was set is not in force'));
  await client.query(`update blacklist_scores set item = 'source:1' where score = 7; delete from blacklist_scores where score = 60`);
  await until(() => (store.catalog()?.scores.size === 1 ? undefined : 'what was changed is not in force'));
  t.same([...(store.catalog()?.scores ?? [])], [['source:1', 7]]);
});

t.test('what is cleared is forgotten by every daemon', async (t) => {
  const w = await world(t);
  await w.end({ ...OFF, zeroCallPoints: 1 }, failed);
  const before = await w.calls.redis.get('tollgate:scores:changed');
  await clearScore(w.calls.redis, `source:${SRC}`, { halfLifeHours: 24, memoryItems: 10 });
  t.same(await w.scores(), { [`destination:${DST}`]: 1, 'ip:192.0.2.1': 1 });
  t.not(await w.calls.redis.get('tollgate:scores:changed'), before);
});

t.test('rows that make no sense are refused', async (t) => {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  const cases: readonly (readonly [string, string | RegExp])[] = [
    [`insert into blacklist_scores (item, score) values ('37050000001', 1)`, 'score_is_of_a_source_a_destination_or_an_ip'],
    [`insert into blacklist_scores (item, score) values ('source:+370', 1)`, 'score_is_of_a_source_a_destination_or_an_ip'],
    [`insert into blacklist_scores (item, score) values ('source:ABC', 1)`, 'score_is_of_a_source_a_destination_or_an_ip'],
    [`insert into blacklist_scores (item, score) values ('ip:2001:db8:0::1', 1)`, 'score_is_of_a_source_a_destination_or_an_ip'],
    [`insert into blacklist_scores (item, score) values ('ip:1.2.3', 1)`, /invalid input syntax for type inet/],
    [`insert into blacklist_scores (item, score) values ('source:1', -1)`, 'score_is_from_0_to_1000000'],
    [`insert into blacklist_scores (item, score) values ('source:1', 1), ('source:1', 2)`, /duplicate key/],
    [`insert into blacklist_lcrs values (5, 0, 1)`, 'threshold_is_from_1_to_1000000'],
    [`insert into blacklist_lcrs values (5, 1, 77)`, /foreign key/],
    [`insert into blacklist_lcrs values (5, 1, 1), (5, 2, 1), (5, 3, 1), (5, 4, 1)`, 'a_user_has_at_most_three_thresholds'],
    [`update users set dynamic_blacklist = 'on'`, /check constraint/],
  ];
  for (const [sql, reason] of cases) {
    const refused = await client.query(sql).then(() => ({}), (error: unknown) => error);
    t.match(refused, typeof reason === 'string' ? { constraint: reason } : { message: reason }, sql);
  }
  await client.query(`insert into blacklist_scores (item, score) values ('source:1', 0), ('destination:a*#', 1000000), ('ip:2001:db8::1', 1), ('ip:192.0.2.1', 1); insert into blacklist_lcrs values (5, 1, 1), (5, 2, 1), (5, 3, 1)`);
});
