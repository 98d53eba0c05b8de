import t from 'tap';
import { parseMoney } from '../../rating/money.ts';
import { openStore } from '../../store/open.ts';
import type { Store } from '../../store/open.ts';
import { openLiveView } from '../../store/redis/view.ts';
import { createDatabaseAt, startPostgres } from '../lab/postgres.ts';
import { startRedis } from '../lab/redis.ts';
import { freePort } from '../lab/ports.ts';
import { until } from '../lab/wait.ts';
import { migrate } from '../../store/migrate.ts';
import { admission, cdr, counter, NOW, payer } from './requests.ts';
import { closeServers, connect, connectToRedis, freshDatabase, freshRedis, memoryLog, migratedDatabase, postgresServer } from './servers.ts';
import type { LoggedLine } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

function open(postgresUrl: string, redisUrl: string): { store: Store; lines: readonly LoggedLine[] } {
  const { log, lines } = memoryLog();
  return { store: openStore({ postgresUrl, redisUrl, priceDecimals: 6, flashAlarm: 0, qualityWindowMinutes: 60, closedDidDays: 90, reconcileEveryMs: 30_000, settleBatch: 100, settleEveryMs: 50, log }), lines };
}

const settled = async (store: Store): Promise<void> => until(async () => ((await store.backlog()).waiting === 0 ? undefined : 'calls wait to be settled'));

t.test('a call from admission to its CDR, and what operators see of it', async (t) => {
  const [postgresUrl, redisUrl] = [await freshDatabase(), await freshRedis()];
  const client = await connect(postgresUrl);
  await smallTenant(client);
  const { store } = open(postgresUrl, redisUrl);
  t.teardown(async () => store.close());
  await store.ready();
  t.match(store.health(), { ready: true, postgres: { ok: true }, redis: { ok: true } });
  t.match(await store.admit(admission('c1', { counters: [counter('calls:user:5:out', 2)], payers: [payer(5, '6')], ways: [[counter('calls:provider:3')]], live: { user: 'alice', state: 'dialling' } })), { kind: 'admitted' }, 'Redis knew the balance already');

  store.updateLive('c1', { state: 'talking' });
  const view = await openLiveView(redisUrl, 6);
  await until(async () => ((await view.calls())[0]?.fields['state'] === 'talking' ? undefined : 'the view is behind'));
  t.match(await view.calls(), [{ callId: 'c1', startedMs: NOW, fields: { user: 'alice' }, counters: ['tollgate:calls:user:5:out', 'tollgate:calls:provider:3'] }]);
  t.strictSame((await store.listCalls())[0]?.held, new Map([[5, parseMoney('6')]]));
  t.strictSame(await view.counters(), { 'calls:user:5:out': 1, 'calls:provider:3': 1 });
  t.strictSame(await view.purse(5, NOW), { balance: parseMoney('10'), credit: 0n, reserved: parseMoney('6'), pending: 0n, today: null });
  t.equal(await view.purse(99, NOW), null);

  await store.finish({ callId: 'c1', nowMs: NOW, debits: [{ account: 'user', accountId: 5, amount: parseMoney('0.25'), cause: 'call' }], cdrs: [cdr('c1')] });
  await store.record([cdr('refused', { hangupCause: 201, disposition: 'FAILED', prices: {} })]);
  await settled(store);
  t.match((await client.query('select uniqueid, hangup_cause from calls order by 1')).rows, [{ uniqueid: 'c1' }, { uniqueid: 'refused', hangup_cause: 201 }]);
  t.strictSame(await store.counters(), {});
  t.match(await view.purse(5, NOW), { balance: parseMoney('9.75'), pending: 0n });

  await client.query(`select change_balance('user', 5, 100, 'payment', 'p1')`);
  await until(async () => ((await view.purse(5, NOW))?.balance === parseMoney('109.75') ? undefined : 'the top-up is not in Redis'));
  await view.close();
});

t.test('with nothing there it opens, says what is missing, and goes on as the servers come', async (t) => {
  const { store, lines } = open(`postgres://nobody@127.0.0.1:${await freePort()}/none`, `redis://127.0.0.1:${await freePort()}`);
  t.teardown(async () => store.close());
  await until(() => (['Postgres', 'Redis'].every((name) => lines.some((line) => line.level === 'warn' && line.sentence.startsWith(name))) ? undefined : 'not both were named'));
  t.match(store.health(), { ready: false, postgres: { ok: false, reason: /ECONNREFUSED/ }, redis: { ok: false, reason: /ECONNREFUSED/ }, backlog: null });
  t.equal(store.catalog(), null);
  await t.rejects(store.admit(admission('c1')));
});

t.test('Postgres restarted and Redis emptied: the catalog stays, balances return, finished calls are settled', { timeout: 100_000 }, async (t) => {
  const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  t.teardown(async () => Promise.all([postgres.stop(), redis.stop()]));
  const postgresUrl = await postgres.createDatabase();
  await migrate(postgresUrl);
  const setup = await connect(postgresUrl);
  await smallTenant(setup);
  await setup.end();
  const { store } = open(postgresUrl, redis.url);
  await store.ready();

  await postgres.stop();
  t.match(await store.admit(admission('c1', { payers: [payer(5, '1')] })), { kind: 'admitted' }, 'calls go on without Postgres');
  await store.finish({ callId: 'c1', nowMs: NOW, debits: [{ account: 'user', accountId: 5, amount: parseMoney('0.5'), cause: 'call' }], cdrs: [cdr('c1')] });
  await until(() => (store.health().postgres.ok ? 'health does not see it' : undefined), { timeoutMs: 10_000 });
  await until(() => (store.health().settling.ok ? 'settling does not see it' : undefined), { timeoutMs: 10_000 });
  t.equal((await store.backlog()).waiting, 1);
  t.ok(store.catalog()?.users.has(5));
  await postgres.start();
  await until(async () => ((await store.backlog()).waiting === 0 ? undefined : 'not settled yet'), { timeoutMs: 20_000 });
  await until(() => (store.health().postgres.ok ? undefined : 'Postgres is back, but not followed'), { timeoutMs: 20_000 });

  await redis.kill();
  await t.rejects(store.admit(admission('c2')));
  await redis.start();
  await store.ready();
  await until(async () => ((await store.admit(admission('c3', { payers: [payer(5, '1')] }))).kind === 'admitted' ? undefined : 'refused'), { timeoutMs: 10_000 });
  const view = await openLiveView(redis.url, 6);
  t.match(await view.purse(5, NOW), { balance: parseMoney('9.5'), reserved: parseMoney('1') });
  await view.close();
  await store.close();
});

t.test('a frozen Postgres is noticed, and followed again when it thaws', { timeout: 60_000 }, async (t) => {
  const postgres = await startPostgres();
  t.teardown(async () => postgres.stop());
  const postgresUrl = await postgres.createDatabase();
  await migrate(postgresUrl);
  const { store } = open(postgresUrl, await freshRedis());
  await store.ready();
  postgres.pause();
  await until(() => (store.health().postgres.ok ? 'health does not see it' : undefined), { timeoutMs: 15_000 });
  postgres.resume();
  const client = await connect(postgresUrl);
  await smallTenant(client);
  await until(() => (store.catalog()?.users.has(5) === true ? undefined : 'the new users are unknown'), { timeoutMs: 20_000 });
  t.match(store.health().postgres, { ok: true, reason: '' });
  await store.close();
});

t.test('an admission whose answer was lost is given back', { timeout: 60_000 }, async (t) => {
  const redis = await startRedis();
  t.teardown(async () => redis.stop());
  const { store } = open(await freshDatabase(), redis.url);
  await store.ready();
  redis.pause();
  await t.rejects(store.admit(admission('c1', { counters: [counter('calls:user:5:out', 1)] })), /timed out/);
  redis.resume();
  const look = connectToRedis(redis.url);
  await until(async () => ((await look.exists('tollgate:call:c1')) === 0 && (await look.exists('tollgate:calls:user:5:out')) === 0 && (await store.admit(admission('c2', { counters: [counter('calls:user:5:out', 1)] }))).kind === 'admitted' ? undefined : 'the place is still taken'), { timeoutMs: 10_000, everyMs: 100 });
  t.pass('the place is free');
  await store.close();
});

t.test('a Redis with amounts of another precision is not used', async (t) => {
  const redisUrl = await freshRedis();
  const redis = connectToRedis(redisUrl);
  await redis.set('tollgate:decimals', '4');
  const { store } = open(await freshDatabase(), redisUrl);
  t.teardown(async () => store.close());
  await until(() => (/amounts of 4 decimals, the setting priceDecimals is 6/.test(store.health().redis.reason) ? undefined : store.health().redis.reason));
  t.match(store.health(), { ready: false, redis: { ok: false } });
  await t.rejects(store.admit(admission('c1')), /4 decimals/);
});

t.test('a Redis that runs as a cluster is refused, with the reason', async (t) => {
  const cluster = await startRedis({ settings: { 'cluster-enabled': 'yes', 'cluster-config-file': 'nodes-of-test.conf' } });
  const { log } = memoryLog();
  const store = openStore({ postgresUrl: await freshDatabase(), redisUrl: cluster.url, priceDecimals: 6, flashAlarm: 0, qualityWindowMinutes: 60, closedDidDays: 90, reconcileEveryMs: 30_000, settleBatch: 100, settleEveryMs: 50, log });
  t.teardown(async () => {
    await store.close();
    await cluster.stop();
  });
  await until(() => (/runs as a cluster/.test(store.health().redis.reason) ? undefined : store.health().redis.reason));
  await t.rejects(store.admit(admission('c1')), /runs as a cluster/);
});

t.test('a database without tables is told apart from one that is away', async (t) => {
  const { store } = open(await createDatabaseAt(await postgresServer(), `bare_${process.pid}`), await freshRedis());
  t.teardown(async () => store.close());
  await until(() => (/run the command migrate/.test(store.health().postgres.reason) ? undefined : store.health().postgres.reason));
  t.pass('it says what to do');
});

t.test('the backlog is bounded: with so many finished calls waiting for Postgres no new one is admitted', async (t) => {
  const postgres = await startPostgres();
  t.teardown(async () => postgres.stop());
  const postgresUrl = await migratedDatabase(postgres.url);
  const client = await connect(postgresUrl);
  await smallTenant(client);
  const { log } = memoryLog();
  const store = openStore({ postgresUrl, redisUrl: await freshRedis(), priceDecimals: 6, flashAlarm: 0, qualityWindowMinutes: 60, closedDidDays: 90, reconcileEveryMs: 30_000, settleBatch: 100, settleEveryMs: 50, mostBacklog: 2, log });
  t.teardown(async () => store.close());
  await store.ready();
  await client.end();
  await postgres.stop();
  t.match(await store.admit(admission('1-a')), { kind: 'admitted' });
  await store.record([cdr('1-b')]);
  await store.record([cdr('1-c')]);
  await until(() => (store.health().backlog === 2 ? undefined : `the backlog is ${store.health().backlog}`), { timeoutMs: 15_000 });
  t.same(await store.admit(admission('1-d')), { kind: 'refused', cause: 41 });
  await postgres.start();
  await until(async () => ((await store.admit(admission('1-e'))).kind === 'admitted' ? undefined : 'it is still refused'), { timeoutMs: 20_000 });
});
