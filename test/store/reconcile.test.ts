/** Sums that do not agree with the calls that are up are put right; those that only seem so are left alone. */
import t from 'tap';
import { Reconciler } from '../../store/redis/reconcile.ts';
import { parseMoney } from '../../rating/money.ts';
import { balance, openCalls } from './calls.ts';
import type { TestCalls } from './calls.ts';
import { admission, counter, NOW, payer } from './requests.ts';
import { until } from '../lab/wait.ts';
import { closeServers, memoryLog } from './servers.ts';

t.teardown(closeServers);

async function withCalls(): Promise<TestCalls & { readonly reconciler: Reconciler }> {
  const calls = await openCalls();
  await calls.store.setBalances([balance(5, '10')]);
  for (const id of ['1-a', '1-b']) await calls.store.admit(admission(id, { counters: [counter('calls:user:5'), counter('calls:server:1')], payers: [payer(5, '2')], ways: [[counter('calls:provider:3')]] }));
  return { ...calls, reconciler: new Reconciler({ redis: calls.redis, usable: () => true, everyMs: 60_000, log: memoryLog().log }) };
}

t.test('what is right stays', async (t) => {
  const { redis, reconciler, close } = await withCalls();
  t.teardown(close);
  await reconciler.once();
  await reconciler.once();
  t.equal(reconciler.repaired, 0);
  t.equal(await redis.get('tollgate:calls:provider:3'), '2');
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), '4000000');
});

t.test('what is wrong for a while is put right and counted: too much, too little, of nobody, a hold', async (t) => {
  const { redis, reconciler, close } = await withCalls();
  t.teardown(close);
  await redis.incrby('tollgate:calls:user:5', 3);
  await redis.del('tollgate:calls:server:1');
  await redis.set('tollgate:calls:device:99', '4');
  await redis.hset('tollgate:payer:5', 'reserved', '9000000');
  await redis.hset('tollgate:payer:6', 'balance', '1', 'reserved', '7');
  await reconciler.once();
  t.equal(await redis.get('tollgate:calls:user:5'), '5', 'one look is not enough');
  await reconciler.once();
  t.equal(reconciler.repaired, 5);
  t.equal(await redis.get('tollgate:calls:user:5'), '2');
  t.equal(await redis.get('tollgate:calls:server:1'), '2');
  t.equal(await redis.get('tollgate:calls:device:99'), null);
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), '4000000');
  t.equal(await redis.hget('tollgate:payer:6', 'reserved'), '0');
});

t.test('calls that come and go between two looks are no error', async (t) => {
  const { redis, store, reconciler, close } = await withCalls();
  t.teardown(close);
  await reconciler.once();
  await store.admit(admission('1-c', { counters: [counter('calls:user:5')], payers: [payer(5, '2')], ways: [[]] }));
  await reconciler.once();
  await store.finish({ callId: '1-c', nowMs: NOW, debits: [], cdrs: [] });
  await reconciler.once();
  t.equal(reconciler.repaired, 0);
  t.equal(await redis.get('tollgate:calls:user:5'), '2');
});

t.test('a call that Redis lost is restored once, with its places, holds and fields', async (t) => {
  const { redis, store, close } = await openCalls();
  t.teardown(close);
  await store.setBalances([balance(5, '10')]);
  const claims = { counters: [counter('calls:user:5'), counter('calls:server:1')], ways: [[counter('calls:provider:3'), counter('cps:provider:3')]] };
  const memo = Buffer.from([1, 2, 3]);
  await store.admit(admission('1-a', { ...claims, payers: [payer(5, '2')], live: { to: '370' }, memo }));
  const before = await redis.hgetall('tollgate:call:1-a');
  const request = { callId: '1-a', startedMs: NOW, way: 0, counters: claims.counters, wayCounters: claims.ways[0] ?? [], holds: [{ userId: 5, amount: parseMoney('2') }], live: { to: '370' }, memo };
  t.equal(await store.restore(request), false, 'it is there');
  await redis.flushdb();
  await store.setBalances([balance(5, '10')]);
  t.equal(await store.restore(request), true);
  t.equal(await store.restore(request), false, 'a second time changes nothing');
  const { _answer: answer, ...rest } = before;
  t.ok(answer);
  t.same(await redis.hgetall('tollgate:call:1-a'), rest);
  t.equal(await redis.get('tollgate:calls:provider:3'), '1');
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), '2000000');
  const more = { ...request, way: 1, wayCounters: [counter('calls:provider:4')], holds: [{ userId: 5, amount: parseMoney('3') }, { userId: 6, amount: parseMoney('1') }] };
  t.equal(await store.restore(more), false, 'it is known');
  t.equal(await store.restore(more), false, 'twice');
  t.strictSame([await redis.get('tollgate:calls:provider:3'), await redis.get('tollgate:calls:provider:4'), await redis.get('tollgate:calls:user:5')], [null, '1', '1'], 'its places are those of the way it took since');
  t.strictSame([await redis.hget('tollgate:payer:5', 'reserved'), await redis.hget('tollgate:payer:6', 'reserved')], ['3000000', '1000000'], 'and its holds what it was given since');
  t.equal(await redis.hget('tollgate:call:1-a', '_past'), null);
  await redis.hset('tollgate:call:1-a', '_past', 'of before');
  await store.restore({ ...more, way: 2, memo: Buffer.from('of now') });
  t.strictSame(await redis.hmget('tollgate:call:1-a', '_memo', '_past'), ['of now', null], 'and its failed attempts are those it has had since');
  await store.restore({ ...more, holds: [{ userId: 5, amount: parseMoney('1') }] });
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), '3000000', 'a hold is never lowered');
  await store.finish({ callId: '1-a', nowMs: NOW, debits: [], cdrs: [] });
  t.equal(await store.restore(request), false, 'what is over is not brought back');
  t.equal(await redis.get('tollgate:calls:provider:4'), null);
  t.strictSame([await redis.hget('tollgate:payer:5', 'reserved'), await redis.hget('tollgate:payer:6', 'reserved')], ['0', '0']);
});

t.test('one of several daemons adds up for all, and another one when it is gone', async (t) => {
  const { redis, close } = await openCalls();
  t.teardown(close);
  const make = (): Reconciler => new Reconciler({ redis, usable: () => true, everyMs: 40, log: memoryLog().log });
  const [first, second] = [make(), make()];
  first.start();
  await until(async () => ((await redis.exists('tollgate:reconciler')) === 1 ? undefined : 'nobody adds up'));
  second.start();
  t.teardown(() => second.close());
  await redis.set('tollgate:calls:device:99', '4');
  await until(() => (first.repaired === 1 ? undefined : 'it is not put right'));
  t.equal(second.repaired, 0);
  first.close();
  await redis.set('tollgate:calls:device:99', '4');
  await until(() => (second.repaired === 1 ? undefined : 'the other one does not go on'));
});
