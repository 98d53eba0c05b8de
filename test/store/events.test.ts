/** What becomes of calls is told on a stream, by the scripts that change them. */
import type { Redis } from 'ioredis';
import t from 'tap';
import { parseMoney } from '../../rating/money.ts';
import { balance, openCalls } from './calls.ts';
import { admission, cdr, counter, NOW, payer } from './requests.ts';
import { closeServers } from './servers.ts';

t.teardown(closeServers);

async function told(redis: Redis): Promise<Record<string, string>[]> {
  const entries = await redis.xrange('tollgate:events', '-', '+');
  return entries.map(([, fields]) => Object.fromEntries(fields.flatMap((field, index) => (index % 2 === 0 ? [[field, fields[index + 1] ?? '']] : []))) as Record<string, string>);
}

const finish = { callId: 'c1', nowMs: NOW, debits: [], cdrs: [cdr('c1', { prices: { user: { tariffId: 1, prefix: '370', rate: 1n, billedS: 60, price: parseMoney('0.6'), captured: {} } } })] } as const;

t.test('one entry for each change, in order; repetitions tell nothing', async (t) => {
  const { store, redis, close } = await openCalls(6, false, 100);
  t.teardown(close);
  await store.setBalances([balance(5, '10')]);
  const request = admission('c1', { payers: [payer(5, '6')], ways: [[counter('calls:provider:3')], [counter('calls:provider:4')]], live: { state: 'dialling', user: 'alice' } });
  await store.admit(request);
  await store.admit(request);
  await store.nextWay({ callId: 'c1', nowMs: NOW, ways: [[counter('calls:provider:4')]], from: 1, live: { attempt: '2', state: 'dialling' } });
  await store.updateLive(new Map([['c1', { state: 'ringing', rang: '7' }], ['c0', { state: 'ringing' }]]));
  await store.updateLive(new Map([['c1', { state: 'answered', answered: '8' }]]));
  await store.extend({ callId: 'c1', nowMs: NOW, payers: [{ userId: 5, want: parseMoney('8') }] });
  await store.extend({ callId: 'c1', nowMs: NOW, payers: [{ userId: 5, want: parseMoney('8') }] });
  await store.finish(finish);
  await store.finish(finish);
  await store.updateLive(new Map([['c1', { state: 'answered' }]]));
  t.strictSame(await told(redis), [
    { call: 'c1', event: 'admitted', state: 'dialling', user: 'alice', providerId: '3' },
    { call: 'c1', event: 'failover', attempt: '2', state: 'dialling', providerId: '4' },
    { call: 'c1', event: 'ringing', state: 'ringing', rang: '7' },
    { call: 'c1', event: 'answered', state: 'answered', answered: '8' },
    { call: 'c1', event: 'extended', held: '5 8000000' },
    {
      call: 'c1', event: 'over', server: '1', direction: 'outbound', from: '100', to: '37061234567', userId: '5', deviceId: '7', didId: '', resellerId: '', providerId: '3',
      disposition: 'ANSWERED', cause: '16', terminatedBy: 'originator', attempts: '1', since: String(NOW), answered: String(NOW + 2000), ended: String(NOW + 62_000), billsec: '60', price: '0.6',
    },
  ]);
});

t.test('a refusal, and a call that was given back', async (t) => {
  const { store, redis, close } = await openCalls(6, false, 100);
  t.teardown(close);
  await store.admit(admission('c2', { counters: [counter('calls:user:5:out', 1)] }));
  t.match(await store.admit(admission('c3', { counters: [counter('calls:user:5:out', 1)] })), { kind: 'refused' });
  const refused = cdr('c3', { disposition: 'FAILED', hangupCause: 220, providerId: null, answerMs: null });
  await store.record([refused]);
  await store.record([refused]);
  await store.release('c2');
  await store.release('c2');
  t.match(await told(redis), [{ call: 'c2', event: 'admitted' }, { call: 'c3', event: 'refused', cause: '220', answered: '', price: '' }, { call: 'c2', event: 'released' }]);
  t.equal((await told(redis)).length, 3);
});

t.test('the oldest go; switched off, nothing is told', async (t) => {
  const [on, off] = [await openCalls(6, false, 100), await openCalls()];
  t.teardown(() => [on, off].forEach(({ close }) => close()));
  for (let call = 0; call < 1000; call += 1) await on.store.record([cdr(`r${call}`)]);
  const kept = await on.redis.xlen('tollgate:events');
  t.ok(kept >= 100 && kept < 300, `${kept} are kept`);
  t.equal((await told(on.redis)).at(-1)?.['call'], 'r999');
  await off.store.admit(admission('c4', {}));
  await off.store.updateLive(new Map([['c4', { state: 'ringing' }]]));
  await off.store.finish({ ...finish, callId: 'c4' });
  t.equal(await off.redis.exists('tollgate:events'), 0);
});
