import t from 'tap';
import { parseMoney } from '../../rating/money.ts';
import { balance, keysLeft, openCalls } from './calls.ts';
import { admission, cdr, counter, NOW, payer } from './requests.ts';
import { closeServers } from './servers.ts';

t.teardown(closeServers);
const money = parseMoney;

t.test('an admitted call takes its places and its money; finish gives all of it back', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  await store.setBalances([balance(5, '10'), balance(9, '3')]);
  const answer = await store.admit(admission('c1', {
    counters: [counter('calls:server:1'), counter('calls:user:5:out', 2)], perSecond: [counter('cps:user:5', 3, 304)],
    payers: [payer(5, '6'), payer(9, '4')], ways: [[counter('calls:provider:3', 1, 223)]], live: { state: 'routing', user: 'alice' },
  }));
  t.strictSame(answer, { kind: 'admitted', way: 0, granted: [money('6'), money('3')], left: [money('4'), 0n] }, 'the second payer has less than wanted');
  t.equal(await redis.get('tollgate:calls:user:5:out'), '1');
  t.equal(await redis.get('tollgate:calls:provider:3'), '1');
  t.equal(await redis.get(`tollgate:cps:user:5:${NOW / 1000}`), '1');
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), '6000000');
  t.equal(Number(await redis.zscore('tollgate:live', 'c1')), NOW);
  t.match(await redis.hgetall('tollgate:call:c1'), { state: 'routing', user: 'alice' });

  t.equal(await store.finish({ callId: 'c1', nowMs: NOW, debits: [{ account: 'user', accountId: 5, amount: money('0.25'), cause: 'call' }], cdrs: [cdr('c1')] }), true);
  t.strictSame(await keysLeft(redis), ['tollgate:cdr', 'tollgate:payer:5', 'tollgate:payer:9'], 'no counter is left, not even at 0');
  t.match(await redis.hgetall('tollgate:payer:5'), { balance: '10000000', reserved: '0', pending: '250000' });
});

t.test('a repeated admit or finish changes nothing', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  await store.setBalances([balance(5, '10')]);
  const request = admission('c1', { counters: [counter('calls:user:5:out', 1)], payers: [payer(5, '6')], ways: [[], []] });
  const first = await store.admit(request);
  t.strictSame(await store.admit(request), first);
  t.equal(await redis.get('tollgate:calls:user:5:out'), '1');
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), '6000000');
  const end = { callId: 'c1', nowMs: NOW, debits: [{ account: 'user', accountId: 5, amount: money('1'), cause: 'call' }], cdrs: [cdr('c1')] } as const;
  t.equal(await store.finish(end), true);
  t.equal(await store.finish(end), false);
  t.equal(await redis.xlen('tollgate:cdr'), 1);
  t.equal(await redis.hget('tollgate:payer:5', 'pending'), '1000000');
  await t.rejects(store.admit(request), /finished before/, 'and the dead do not rise');
  await store.record([cdr('c2')]);
  await t.rejects(store.admit(admission('c2', {})), /finished before/, 'nor who was refused, when his arrival is told once more');
});

t.test('the first full counter names the refusal, and nothing is taken', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  await store.setBalances([balance(5, '10')]);
  await redis.mset('tollgate:calls:user:5:out', '2', 'tollgate:calls:device:7', '1');
  const before = (await redis.keys('*')).sort();
  const counters = [counter('calls:server:1', 10, 208), counter('calls:device:7', 1, 221), counter('calls:user:5:out', 2, 220)];
  t.strictSame(await store.admit(admission('c1', { counters, payers: [payer(5, '6')], ways: [[]] })), { kind: 'refused', cause: 221 });
  t.strictSame((await redis.keys('*')).sort(), before);
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), null);
});

t.test('two claims on one key see each other', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  const twice = [counter('calls:user:5', 2), counter('calls:user:5', 2)];
  t.match(await store.admit(admission('c1', { counters: twice })), { kind: 'admitted', way: -1 });
  t.equal(await redis.get('tollgate:calls:user:5'), '2');
  t.match(await store.admit(admission('c2', { counters: [counter('calls:user:6'), counter('calls:user:6', 1)] })), { kind: 'refused' }, 'even if the first had no limit');
  await store.finish({ callId: 'c1', nowMs: NOW, debits: [], cdrs: [] });
  t.strictSame(await keysLeft(redis), []);
});

t.test('the first way with room is taken; none left is 204', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  const ways = [[counter('calls:provider:1', 1), counter('cps:provider:1', 5)], [counter('calls:provider:2', 1), counter('cps:provider:2', 1)], [counter('calls:provider:3', 1)]];
  t.match(await store.admit(admission('c1', { ways })), { way: 0 });
  t.match(await store.admit(admission('c2', { ways })), { way: 1 });
  t.match(await store.admit(admission('c3', { ways })), { way: 2 });
  t.strictSame(await store.admit(admission('c4', { ways })), { kind: 'refused', cause: 204 });
  await store.finish({ callId: 'c2', nowMs: NOW, debits: [], cdrs: [] });
  t.strictSame(await store.admit(admission('c5', { ways })), { kind: 'refused', cause: 204 }, 'provider 2 had its one call of this second');
  t.match(await store.admit(admission('c6', { ways, nowMs: NOW + 1000 })), { way: 1 }, 'and has room in the next');
  t.equal(await redis.get('tollgate:calls:provider:2'), '1', 'a way passed over keeps no place');
});

t.test('nextWay gives the present way back and takes a later one', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  const ways = [1, 2, 3].map((id) => [counter(`calls:provider:${id}`, 1)]);
  await store.admit(admission('c1', { ways }));
  await redis.set('tollgate:calls:provider:2', '1');
  t.equal(await store.nextWay({ callId: 'c1', nowMs: NOW, ways: ways.slice(1), from: 1, live: { way: 'three' } }), 1);
  t.equal(await redis.get('tollgate:calls:provider:1'), null);
  t.equal(await redis.get('tollgate:calls:provider:3'), '1');
  t.equal(await redis.hget('tollgate:call:c1', 'way'), 'three');
  t.equal(await store.nextWay({ callId: 'c1', nowMs: NOW, ways: [], from: 0, live: {} }), null);
  t.equal(await redis.get('tollgate:calls:provider:3'), null);
  await store.finish({ callId: 'c1', nowMs: NOW, debits: [], cdrs: [] });
  t.equal(await store.nextWay({ callId: 'c1', nowMs: NOW, ways, from: 0, live: {} }), null, 'a finished call takes nothing');
  t.strictSame(await keysLeft(redis), ['tollgate:calls:provider:2']);
});

t.test('refusals by money are told apart', async (t) => {
  const { store, close } = await openCalls();
  t.teardown(close);
  await store.setBalances([balance(1, '0'), balance(2, '0.005'), balance(3, '1'), balance(4, '-3', { credit: '3' }), balance(6, '-100', { credit: null })]);
  const ask = async (callId: string, userId: number) => store.admit(admission(callId, { payers: [payer(userId, '1', '0.01')] }));
  t.strictSame(await ask('a', 1), { kind: 'refused', cause: 211 }, 'nothing there');
  t.strictSame(await ask('b', 2), { kind: 'refused', cause: 210 }, 'not one second');
  t.match(await ask('c', 3), { kind: 'admitted' });
  t.strictSame(await ask('d', 3), { kind: 'refused', cause: 212 }, 'all held by the other call');
  t.strictSame(await ask('e', 4), { kind: 'refused', cause: 211 }, 'at the credit limit');
  t.strictSame(await ask('f', 6), { kind: 'admitted', way: -1, granted: [money('1')], left: [null] }, 'no limit at all');
  t.match(await store.admit(admission('g', { payers: [payer(1, '0', '0')] })), { granted: [0n] }, 'a free call needs no money');
});

t.test('the worked example of the documents: frozen 30 min, 0.2 a minute, balance 8', async (t) => {
  const { store, close } = await openCalls();
  t.teardown(close);
  await store.setBalances([balance(5, '8')]);
  const ask = async (callId: string) => store.admit(admission(callId, { payers: [payer(5, '6', '0.003333')] }));
  const end = async (callId: string, price: string) => store.finish({ callId, nowMs: NOW, debits: [{ account: 'user', accountId: 5, amount: money(price), cause: 'call' }], cdrs: [cdr(callId)] });
  t.match(await ask('1'), { granted: [money('6')] });
  t.match(await ask('2'), { granted: [money('2')] }, 'ten minutes');
  t.match(await ask('3'), { kind: 'refused', cause: 212 });
  await end('1', '2.4');
  t.match(await ask('4'), { granted: [money('3.6')] }, '18 minutes');
  await end('2', '1.8');
  t.match(await ask('5'), { granted: [money('0.2')] }, '8 - 2.4 - 1.8 - 3.6');
});

t.test('extend raises a hold as far as the money goes, never lowers it, and may be repeated', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  await store.setBalances([balance(5, '10'), balance(9, '1', { credit: null })]);
  await store.admit(admission('c1', { payers: [payer(5, '2')] }));
  const want = (amount: string) => ({ callId: 'c1', nowMs: NOW, payers: [{ userId: 9, want: money('7') }, { userId: 5, want: money(amount) }] });
  t.strictSame(await store.extend(want('4')), { held: [money('7'), money('4')], left: [null, money('6')] }, 'also of a payer who held nothing before');
  t.strictSame(await store.extend(want('4')), { held: [money('7'), money('4')], left: [null, money('6')] });
  t.match(await store.extend(want('3')), { held: [money('7'), money('4')] });
  t.strictSame(await store.extend(want('30')), { held: [money('7'), money('10')], left: [null, 0n] });
  t.equal(await store.extend({ callId: 'nobody', nowMs: NOW, payers: [] }), null);
  await store.finish({ callId: 'c1', nowMs: NOW, debits: [], cdrs: [] });
  t.equal(await redis.hget('tollgate:payer:9', 'reserved'), '0');
  t.equal(await redis.hget('tollgate:payer:5', 'reserved'), '0');
});

t.test('what calls may cost today limits whoever has more, or all of it; the next day begins anew', async (t) => {
  const { store, close } = await openCalls();
  t.teardown(close);
  const day = { limit: money('5'), spent: money('2'), untilMs: NOW + 1000 };
  await store.setBalances([balance(5, '100', { day }), balance(9, '-50', { credit: null, day })]);
  const ask = async (callId: string, userId: number, nowMs = NOW) => store.admit(admission(callId, { nowMs, payers: [payer(userId, '2', '0.5')] }));
  for (const userId of [5, 9]) {
    t.match(await ask(`${userId}-a`, userId), { granted: [money('2')] });
    t.match(await ask(`${userId}-b`, userId), { granted: [money('1')] }, 'the rest of the day');
    t.strictSame(await ask(`${userId}-c`, userId), { kind: 'refused', cause: 290 });
    t.strictSame(await store.extend({ callId: `${userId}-a`, nowMs: NOW, payers: [{ userId, want: money('4') }] }), { held: [money('2')], left: [0n] }, 'running calls get no more either');
    t.strictSame(await store.extend({ callId: `${userId}-a`, nowMs: NOW + 1000, payers: [{ userId, want: money('4') }] }), { held: [money('4')], left: [0n] }, 'at midnight they do');
    t.strictSame(await ask(`${userId}-d`, userId, NOW + 1000), { kind: 'refused', cause: 290 }, 'what is held counts for the day that is');
    await store.finish({ callId: `${userId}-a`, nowMs: NOW, debits: [{ account: 'user', accountId: userId, amount: money('3'), cause: 'call' }], cdrs: [cdr(`${userId}-a`)] });
    t.match(await ask(`${userId}-e`, userId, NOW + 1000), { granted: [money('1')] }, 'what is owed counts as well');
  }
  await store.setBalances([balance(5, '0.4', { day: { ...day, spent: 0n }, version: 2 })]);
  await store.finish({ callId: '5-b', nowMs: NOW, debits: [], cdrs: [] });
  await store.finish({ callId: '5-e', nowMs: NOW, debits: [], cdrs: [] });
  t.strictSame(await ask('5-f', 5), { kind: 'refused', cause: 211 }, 'where the balance is the shorter one, that is told');
});

t.test('a payer unknown to Redis is seeded from memory; one without any balance is refused', async (t) => {
  const { store, redis, known, lines, close } = await openCalls();
  t.teardown(close);
  known.set(5, balance(5, '4', { version: 7 }));
  t.match(await store.admit(admission('c1', { payers: [payer(5, '3')] })), { granted: [money('3')] });
  t.match(await redis.hgetall('tollgate:payer:5'), { balance: '4000000', credit: '0', version: '7', reserved: '3000000' });
  t.strictSame(await store.admit(admission('c2', { payers: [payer(5, '1'), payer(6, '1')] })), { kind: 'refused', cause: 211 });
  t.match(lines.at(-1), { level: 'warn', fields: { callId: 'c2', userIds: [6] } });
  await redis.del('tollgate:payer:5');
  t.strictSame(await store.extend({ callId: 'c1', nowMs: NOW, payers: [{ userId: 5, want: money('3.5') }] }), { held: [money('3.5')], left: [money('3.5')] });
});

t.test('balances are taken only when they are newer', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  t.equal(await store.setBalances([balance(5, '4', { version: 7 })]), 1);
  t.equal(await store.setBalances([balance(5, '99', { version: 6 }), balance(5, '99', { version: 7 })]), 0);
  t.equal(await redis.hget('tollgate:payer:5', 'balance'), '4000000');
  t.equal(await store.setBalances([balance(5, '-1.0000001', { version: 8, credit: null })]), 1);
  t.match(await redis.hgetall('tollgate:payer:5'), { balance: '-1000001', credit: 'inf' }, 'what does not divide is rounded down');
});

t.test('a lower balance that is offered waits while calls are pending: it may be that after them', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  const known = async (): Promise<string | null> => redis.hget('tollgate:payer:5', 'balance');
  t.strictSame(await store.offerBalances([balance(5, '10'), balance(6, '10')]), [], 'nobody knew them');
  t.strictSame(await store.offerBalances([balance(5, '9', { version: 2 })]), [], 'nothing is pending');
  await store.admit(admission('c1', { payers: [payer(5, '3')] }));
  await store.finish({ callId: 'c1', nowMs: NOW, debits: [{ account: 'user', accountId: 5, amount: money('2'), cause: 'call' }], cdrs: [cdr('c1')] });
  t.strictSame(await store.offerBalances([balance(6, '8', { version: 2 }), balance(5, '7', { version: 3 })]), [5]);
  t.equal(await known(), '9000000');
  t.strictSame(await store.offerBalances([balance(5, '12', { version: 4 })]), [], 'a payment does not wait');
  t.equal(await known(), '12000000');
  t.equal(await store.setBalances([balance(5, '1', { version: 5 })]), 1);
  t.equal(await known(), '1000000', 'whoever does not offer but sets is obeyed');
});

t.test('release gives back and leaves the call free to be finished', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  await store.admit(admission('c1', { counters: [counter('calls:user:5:out')] }));
  await store.release('c1');
  await store.release('c1');
  t.strictSame(await keysLeft(redis), []);
  t.equal(await store.finish({ callId: 'c1', nowMs: NOW, debits: [], cdrs: [cdr('c1')] }), true);
});

t.test('a flash call is counted once by each of its numbers', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  const flash = { src: '100', dst: '200 "x' };
  for (const callId of ['f1', 'f2', 'f2']) await store.finish({ callId, nowMs: NOW, debits: [], cdrs: [cdr(callId)], flash });
  await store.finish({ callId: 'f3', nowMs: NOW, debits: [], cdrs: [cdr('f3')] });
  const hour = Math.floor(NOW / 3_600_000);
  t.strictSame(await redis.mget(`tollgate:flash:src:100:${hour}`, `tollgate:flash:dst:200 "x:${hour}`), ['2', '2']);
  t.ok((await redis.ttl(`tollgate:flash:src:100:${hour}`)) > 3600, 'it goes by itself');
});

t.test('half of a character pair, NUL and quotes arrive as they can', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  await store.admit(admission('c1', { live: { from: 'a\ud800b', to: '\u0000"\\ud800\n', user: '\u{1F600}' } }));
  t.strictSame(await redis.hmget('tollgate:call:c1', 'from', 'to', 'user'), ['a\u{FFFD}b', '\u0000"\\ud800\n', '\u{1F600}']);
});

t.test('late news of a finished call do not bring it back', async (t) => {
  const { store, redis, close } = await openCalls();
  t.teardown(close);
  await store.admit(admission('c1', { live: { state: 'routing' } }));
  await store.updateLive(new Map([['c0', { state: 'nobody' }], ['c1', { state: 'talking', answered: '5' }]]));
  t.equal(await redis.exists('tollgate:call:c0'), 0);
  t.strictSame(await redis.hmget('tollgate:call:c1', 'state', 'answered'), ['talking', '5']);
  await store.updateLive(new Map([['c1', { state: 'talking' }], ['c0', { state: 'nobody', answered: '1' }]]));
  t.equal(await redis.hget('tollgate:call:c1', 'state'), 'talking');
  await store.finish({ callId: 'c1', nowMs: NOW, debits: [], cdrs: [] });
  await store.updateLive(new Map([['c1', { state: 'ghost' }]]));
  t.equal(await redis.exists('tollgate:call:c1'), 0);
  await t.rejects(store.updateLive(new Map([['c1', { _held: 'x' }]])), /belong to the store/);
});
