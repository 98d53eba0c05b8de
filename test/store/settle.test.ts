import type { Redis } from 'ioredis';
import type { Client, Pool } from 'pg';
import t from 'tap';
import type { Cdr, Debit } from '../../engine/call/admission.ts';
import { parseMoney } from '../../rating/money.ts';
import { Balances, loadBalances } from '../../store/balances.ts';
import { CALL_COLUMNS } from '../../store/cdr-row.ts';
import { makePool } from '../../store/postgres.ts';
import type { CallStore, Spendable } from '../../store/redis/calls.ts';
import { connectRedis } from '../../store/redis/connect.ts';
import { Settler } from '../../store/settle.ts';
import type { SettlerParts } from '../../store/settle.ts';
import { readEntries } from '../../store/settle-entry.ts';
import { until } from '../lab/wait.ts';
import { openCalls } from './calls.ts';
import { admission, cdr, NOW, payer } from './requests.ts';
import { closeServers, connect, freshDatabase, memoryLog } from './servers.ts';
import type { LoggedLine } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);
const money = parseMoney;

interface World {
  readonly client: Client;
  readonly pool: Pool;
  readonly redis: Redis;
  readonly calls: CallStore;
  readonly redisUrl: string;
  readonly settler: Settler;
  readonly parts: SettlerParts;
  readonly lines: readonly LoggedLine[];
  readonly another: (batch?: number) => Settler;
  readonly close: () => Promise<void>;
}

async function world(batch = 100): Promise<World> {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  const { store: calls, redis, redisUrl, units, close } = await openCalls();
  const { log, lines } = memoryLog();
  const pool = makePool(url, log, 4);
  const balances = new Balances({ set: async (news) => calls.setBalances(news), offer: async (news) => calls.offerBalances(news) }, log);
  const parts: SettlerParts = { pool, redis, usable: () => true, units, balances, log, batch, everyMs: 50, now: () => NOW, onBacklog: () => undefined };
  const another = (most = batch): Settler => new Settler({ ...parts, batch: most });
  await calls.setBalances(await loadBalances(client, null));
  return {
    client, pool, redis, redisUrl, calls, settler: another(), parts, lines, another,
    close: async () => {
      close();
      await pool.end();
    },
  };
}

const debit = (account: Debit['account'], accountId: number, amount: string, cause: Debit['cause'] = 'call'): Debit => ({ account, accountId, amount: money(amount), cause });

async function finish({ calls }: World, callId: string, debits: readonly Debit[] = [debit('user', 5, '0.25')], cdrs: readonly Cdr[] = [cdr(callId)]): Promise<void> {
  await calls.finish({ callId, nowMs: NOW, debits, cdrs });
}

function momentary(ms: number): Partial<Cdr> {
  return { callDateMs: ms, answerMs: null, endMs: ms };
}

async function balances(client: Client): Promise<Record<string, string>> {
  const { rows } = await client.query(`select 'user ' || id as who, trim_scale(balance)::text as balance from users where id > 0 union all select 'provider ' || id, trim_scale(balance)::text from providers`);
  return Object.fromEntries(rows.map((row) => [row.who, row.balance]));
}

async function drain(settler: Settler): Promise<void> {
  while ((await settler.backlog()).waiting > 0) await settler.settleOnce();
}

/** Seconds of all providers, by day. */
async function talk(client: Client): Promise<Record<string, number>> {
  const { rows } = await client.query(`select provider_id || ' ' || day as who, seconds::int from provider_talk order by 1`);
  return Object.fromEntries(rows.map((row) => [row.who, row.seconds]));
}

async function count(client: Client, table: string): Promise<number> {
  return Number((await client.query(`select count(*) from ${table}`)).rows[0]?.count);
}

t.test('rows, debits of all levels and ledger come in one transaction, and Redis learns of it', async (t) => {
  const w = await world();
  t.teardown(w.close);
  const captured = { steps: [{ rate: '0.25' }], odd: 'tab\there, back\\slash, "quotes"' };
  const price = (rate: string, amount: string) => ({ tariffId: 2, prefix: '3706', rate: money(rate), billedS: 60, price: money(amount), captured });
  const last = cdr('c1', { attempt: 2, clid: 'line\nbreak\\N \u{1F600}\0', prices: { user: price('0.25', '0.25'), reseller: price('0.2', '0.2'), provider: price('0.1', '0.1') } });
  await w.calls.admit(admission('c1', { payers: [payer(5, '6'), payer(2, '4')] }));
  await finish(w, 'c1', [debit('user', 5, '0.25'), debit('user', 2, '0.2'), debit('provider', 3, '-0.1'), debit('user', 5, '0.01', 'did')], [cdr('c1', { final: false, disposition: 'FAILED', hangupCause: 34 }), last]);
  t.match(await w.redis.hgetall('tollgate:payer:5'), { balance: '10000000', pending: '260000' });
  t.strictSame(await w.settler.backlog(), { waiting: 1, refused: 0 });

  t.equal(await w.settler.settleOnce(), 1);
  t.strictSame(await balances(w.client), { 'user 2': '99.8', 'user 5': '9.74', 'provider 3': '0.1' });
  const { rows } = await w.client.query('select attempt, final, disposition, clid, user_price, reseller_price, provider_rate, user_billsec, did_price, user_currency, user_exchange_rate, captured, calldate, tableoid::regclass::text as part from calls order by attempt');
  t.match(rows, [{ attempt: 1, final: false, disposition: 'FAILED', captured: null }, {
    attempt: 2, final: true, clid: 'line\nbreak\\N \u{1F600}\u{FFFD}', user_price: '0.2500000000', reseller_price: '0.2000000000', provider_rate: '0.1000000000', user_billsec: 60, user_currency: 'USD', user_exchange_rate: '1.000000000000000',
    did_price: null, captured: { user: { tariffId: 2, prefix: '3706', rate: captured } }, calldate: new Date(NOW), part: 'calls_2026_11',
  }]);
  const ledger = await w.client.query(`select account_id, version, trim_scale(amount)::text as amount, trim_scale(balance_after)::text as after, cause from balance_ledger where account = 'user' and reference = 'c1' order by 1, 2`);
  t.strictSame(ledger.rows, [
    { account_id: 2, version: '2', amount: '-0.2', after: '99.8', cause: 'call' },
    { account_id: 5, version: '2', amount: '-0.25', after: '9.75', cause: 'call' },
    { account_id: 5, version: '3', amount: '-0.01', after: '9.74', cause: 'did' },
  ]);
  t.match(await w.redis.hgetall('tollgate:payer:5'), { balance: '9740000', version: '3', pending: '0', reserved: '0' });
  t.equal(await w.redis.xlen('tollgate:cdr'), 0);
});

t.test('the columns written are columns of the table', async (t) => {
  const w = await world();
  t.teardown(w.close);
  const { rows } = await w.client.query(`select attname from pg_attribute where attrelid = 'calls'::regclass and attnum > 0`);
  const known = new Set(rows.map((row) => row.attname));
  t.strictSame(CALL_COLUMNS.filter(([name]) => !known.has(name)), []);
});

t.test('settled again, by whomever, nothing changes', async (t) => {
  const w = await world();
  t.teardown(w.close);
  await finish(w, 'c1');
  const entries = await w.redis.xrange('tollgate:cdr', '-', '+');
  await w.settler.settleOnce();
  // The entry comes back, as after a crash between the commit and the script that removes it.
  const [entry] = entries as unknown as [string, string[]][];
  await w.redis.xadd('tollgate:cdr', '*', ...(entry?.[1] ?? []));
  await w.redis.hset('tollgate:payer:5', 'pending', '250000', 'balance', '10000000', 'version', '1');
  t.equal(await w.another().settleOnce(), 1);
  t.strictSame(await balances(w.client), { 'user 2': '100', 'user 5': '9.75', 'provider 3': '0' });
  t.equal(await count(w.client, 'calls'), 1);
  t.strictSame(await talk(w.client), { '3 2026-11-15': 60 }, 'its talk was counted once');
  t.match(await w.redis.hgetall('tollgate:payer:5'), { balance: '9750000', pending: '0' }, 'the debt went together with the old, richer balance');
});

t.test('Redis dies between the commit and the script: the next pass finishes the work', async (t) => {
  const w = await world();
  t.teardown(w.close);
  await finish(w, 'c1');
  await finish(w, 'c2', [debit('user', 5, '1')]);
  // Balances are taken into memory between the commit and the script: there the connection dies.
  const dying = connectRedis(w.redisUrl, memoryLog().log);
  await until(() => (dying.status === 'ready' ? undefined : 'Redis is not ready'));
  class LastBreath extends Balances {
    override take(): readonly Spendable[] {
      dying.disconnect();
      return [];
    }
  }
  const { log } = memoryLog();
  const doomed = new Settler({ ...w.parts, redis: dying, balances: new LastBreath({ set: async () => 0, offer: async () => [] }, log) });
  await t.rejects(doomed.settleOnce());
  t.equal(await count(w.client, 'calls'), 2, 'committed');
  t.match(await w.redis.hgetall('tollgate:payer:5'), { balance: '10000000', pending: '1250000' }, 'poorer than he is, never richer');
  t.equal(await w.settler.settleOnce(), 2);
  t.match(await w.redis.hgetall('tollgate:payer:5'), { balance: '8750000', pending: '0' });
  t.equal(await count(w.client, 'calls'), 2);
});

t.test('a balance that Postgres told before its calls were taken from Redis counts them once', async (t) => {
  const w = await world();
  t.teardown(w.close);
  const known = async (): Promise<readonly (string | null)[]> => w.redis.hmget('tollgate:payer:5', 'balance', 'pending');
  await finish(w, 'c1');
  const early = [{ userId: 5, balance: money('9.75'), credit: 0n, version: 1, day: null }];
  w.parts.balances.take(early);
  w.parts.balances.push(early);
  await w.redis.ping();
  t.strictSame(await known(), ['10000000', '250000']);
  await drain(w.settler);
  t.strictSame(await known(), ['9750000', '0']);

  await finish(w, 'c2');
  const lower = [{ userId: 5, balance: money('3'), credit: 0n, version: 9, day: null }];
  w.parts.balances.take(lower);
  w.parts.balances.push(lower);
  await until(async () => ((await known())[0] === '3000000' ? undefined : 'it waits for ever where nothing is settled'));
  t.equal((await known())[1], '250000');
});

t.test('a batch that failed comes first again, although the next one was read meanwhile', async (t) => {
  const w = await world(2);
  t.teardown(w.close);
  for (const callId of ['c1', 'c2', 'c3', 'c4', 'c5']) await finish(w, callId);
  await w.client.query('alter table calls rename to elsewhere');
  await t.rejects(w.settler.settleOnce(), /calls/);
  await w.client.query('alter table elsewhere rename to calls');
  t.equal(await w.settler.settleOnce(), 2);
  t.strictSame((await w.client.query('select uniqueid from calls order by 1')).rows, [{ uniqueid: 'c1' }, { uniqueid: 'c2' }]);
  await finish(w, 'c6');
  t.strictSame([await w.settler.settleOnce(), await w.settler.settleOnce(), await w.settler.settleOnce()], [2, 2, 0]);
  t.equal(await count(w.client, 'calls'), 6);
  t.strictSame(await balances(w.client), { 'user 2': '100', 'user 5': '8.5', 'provider 3': '0' });
});

t.test('a batch of more entries than a script removes: nothing stays pending', async (t) => {
  const w = await world(2000);
  t.teardown(w.close);
  for (let number = 0; number < 1100; number += 1) await finish(w, `c${number}`, [debit('user', 5, '0.001')]);
  t.equal(await w.settler.settleOnce(), 1100);
  t.strictSame(await w.settler.backlog(), { waiting: 0, refused: 0 });
  t.match(await w.redis.hgetall('tollgate:payer:5'), { balance: '8900000', pending: '0' });
});

t.test('a poison entry is put aside with its reason, and the others are settled', async (t) => {
  const w = await world();
  t.teardown(w.close);
  for (let n = 0; n < 20; n += 1) await finish(w, `good-${n}`);
  await finish(w, 'bad-cause', [debit('user', 5, '1')], [cdr('bad-cause', { hangupCause: 5000 })]);
  await finish(w, 'bad-user', [debit('user', 77, '1')]);
  await finish(w, 'bad-time', [debit('user', 5, '1')], [cdr('bad-time', { endMs: Number.NaN })]);
  await finish(w, 'no-final', [debit('user', 5, '1')], [cdr('no-final', { final: false })]);
  await w.redis.xadd('tollgate:cdr', '*', 'who', 'knows');
  for (let n = 20; n < 40; n += 1) await finish(w, `good-${n}`);

  await drain(w.settler);
  t.equal(await count(w.client, 'calls'), 40);
  t.match(await balances(w.client), { 'user 5': '0' });
  const refused = (await w.redis.xrange('tollgate:cdr:refused', '-', '+')) as unknown as [string, string[]][];
  const reasons = new Map(refused.map(([, fields]) => [fields[fields.indexOf('call') + 1] ?? '', fields.at(-1) ?? '']));
  t.match(reasons.get('bad-cause'), /hangup_cause/);
  t.match(reasons.get('bad-user'), /account that does not exist.*user, 77/);
  t.match(reasons.get('bad-time'), /Invalid time value/);
  t.match(reasons.get('no-final'), /no final row/);
  t.equal(refused.length, 5);
  t.equal(w.lines.filter((line) => line.level === 'error').length, 5);
  t.match(await w.redis.hgetall('tollgate:payer:5'), { pending: '3000000' }, 'what is not settled stays owed');
});

t.test('a refused entry can be queued again once its reason is gone', async (t) => {
  const w = await world();
  t.teardown(w.close);
  await finish(w, 'c1', [debit('user', 88, '1')]);
  await w.settler.settleOnce();
  t.strictSame(await w.settler.backlog(), { waiting: 0, refused: 1 });
  await w.client.query(`insert into users (id, username) values (88, 'late')`);
  t.equal(await w.settler.retryRefused(), 1);
  await w.settler.settleOnce();
  t.match(await balances(w.client), { 'user 88': '-1' });
  t.strictSame(await w.settler.backlog(), { waiting: 0, refused: 0 });
});

t.test('two settlers and payments in between: every call once, nobody locked out', async (t) => {
  const w = await world();
  t.teardown(w.close);
  for (let n = 0; n < 120; n += 1) await finish(w, `c${n}`, [debit('user', n % 2 === 0 ? 5 : 2, '0.01'), debit('user', n % 2 === 0 ? 2 : 5, '0.02'), debit('provider', 3, '-0.005')]);
  const settlers = [w.another(7), w.another(11), w.another(13)];
  const pay = async (user: number): Promise<void> => {
    for (let n = 0; n < 20; n += 1) await w.pool.query(`select change_balance('user', $1, 1, 'payment', $2)`, [user, `p${n}`]);
  };
  await Promise.all([...settlers.map(async (settler) => drain(settler)), pay(5), pay(2)]);
  t.equal(await count(w.client, 'calls'), 120);
  t.strictSame(await talk(w.client), { '3 2026-11-15': 7200 });
  t.strictSame(await balances(w.client), { 'user 2': '118.2', 'user 5': '28.2', 'provider 3': '0.6' });
  t.match(await w.redis.hgetall('tollgate:payer:5'), { pending: '0' });
});

t.test('a call of another month makes its partition; a clock gone mad does not', async (t) => {
  const w = await world();
  t.teardown(w.close);
  await finish(w, 'last-year', [], [cdr('last-year', momentary(Date.UTC(2025, 5, 1)))]);
  await finish(w, 'of-1970', [], [cdr('of-1970', momentary(0))]);
  await w.settler.settleOnce();
  const { rows } = await w.client.query(`select uniqueid, tableoid::regclass::text as part from calls order by 1`);
  t.strictSame(rows, [{ uniqueid: 'last-year', part: 'calls_2025_06' }, { uniqueid: 'of-1970', part: 'calls_default' }]);
});

t.test('entries are read oldest first and no more than asked', async (t) => {
  const w = await world();
  t.teardown(w.close);
  for (const name of ['a', 'b', 'c']) await finish(w, name);
  t.strictSame((await readEntries(w.redis, 2)).map((entry) => entry.callId), ['a', 'b']);
});

t.test('talk of providers is counted by the day on which the call began, in the zone of the provider', async (t) => {
  const w = await world();
  t.teardown(w.close);
  await w.client.query(`insert into providers (id, name, host, tariff_id, time_zone) values (4, 'Vilnius', '127.0.0.2', 1, 'Europe/Vilnius')`);
  const late = Date.UTC(2026, 10, 15, 22, 30);
  const failed = cdr('both', { final: false, disposition: 'FAILED', billsec: 0, billMs: 0, callDateMs: late });
  await finish(w, 'both', [], [failed, cdr('both', { attempt: 2, providerId: 4, billsec: 7, callDateMs: late })]);
  await finish(w, 'utc', [], [cdr('utc', { billsec: 5, callDateMs: late, endMs: late + 7_200_000 })]);
  await finish(w, 'nobody', [], [cdr('nobody', { providerId: null })]);
  await finish(w, 'gone', [], [cdr('gone', { providerId: 99 })]);
  await w.settler.settleOnce();
  t.equal(await count(w.client, 'calls'), 5, 'a provider that is gone holds nothing up');
  t.strictSame(await talk(w.client), { '3 2026-11-15': 5, '4 2026-11-16': 7 });
});
