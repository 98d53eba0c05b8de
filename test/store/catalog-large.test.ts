import t from 'tap';
import { moneyText } from '../../rating/money.ts';
import { perMinute } from '../../rating/rate.ts';
import { findRate } from '../../rating/tariff.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { Balances } from '../../store/balances.ts';
import { Follower } from '../../store/catalog/follow.ts';
import { monotonicMs } from '../../store/clock.ts';
import { until } from '../lab/wait.ts';
import { BusyTime } from './busy-time.ts';
import { NOW } from './requests.ts';
import { closeServers, connect, freshDatabase, memoryLog } from './servers.ts';
import { smallTenant } from './tenant.ts';

// A million rates are written three times over, on a machine that may have other work.
t.setTimeout(240_000);
t.teardown(closeServers);

const MILLION = `insert into rates (tariff_id, prefix, rate, increment_s, effective_from)
  select 2, (1000000 + i)::text, (i % 5000) * 0.0001, 1 + i % 7, date '2026-01-01' from generate_series(0, 999999) i`;
/** Starting the thread, and reading, sorting and packing a million rates, on a machine with other work. */
const PATIENCE = { timeoutMs: 60_000 };

function priceOf(catalog: Catalog | null, number: string): string {
  const tariff = catalog?.tariffs.get(2);
  const rate = tariff === undefined ? 'no tariff' : findRate(tariff, number, NOW);
  return typeof rate === 'string' ? rate : moneyText(perMinute(rate));
}

t.test('a million rates come into force, and change, while the event loop goes on', { timeout: 200_000 }, async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  const { log, lines } = memoryLog();
  const follower = new Follower({ postgresUrl: url, priceDecimals: 6, closedDidDays: 90, balances: new Balances({ set: async () => undefined, offer: async () => [] }, log), log, now: monotonicMs, onCatalog: () => undefined });
  follower.start();
  t.teardown(async () => follower.close());
  await until(() => (follower.catalog === null ? `no catalog yet: ${follower.reason}` : undefined), PATIENCE);
  const busy = new BusyTime();
  t.teardown(() => busy.stop());

  await client.query(MILLION);
  const committed = performance.now();
  await until(() => (priceOf(follower.catalog, '1004711') === '0.4711' ? undefined : 'the million rates are not in force'), PATIENCE);
  t.comment(`a million rates in force ${Math.round(performance.now() - committed)} ms after their commit, longest task ${busy.takeMs().toFixed(1)} ms`);
  t.equal(priceOf(follower.catalog, '37061'), '0.25', 'those that were there stay');

  await client.query(`update rates set rate = 0.9 where tariff_id = 2 and prefix = '1004711'`);
  await client.query('update users set blocked = true where id = 5');
  const changed = performance.now();
  await until(() => (follower.catalog?.users.get(5)?.blocked === true ? undefined : 'the user is not blocked'), PATIENCE);
  t.equal(priceOf(follower.catalog, '1004711'), '0.4711', 'the user does not wait for the list to be built, and the old one is in force meanwhile');
  t.comment(`the user blocked after ${Math.round(performance.now() - changed)} ms`);
  await until(() => (priceOf(follower.catalog, '1004711') === '0.9' ? undefined : 'the new rate is not in force'), PATIENCE);
  const longestMs = busy.takeMs();
  t.comment(`one rate of a million in force after ${Math.round(performance.now() - changed)} ms`);
  t.ok(longestMs < 20, `while it was built and put in force no task took longer than ${longestMs.toFixed(1)} ms`);

  await client.query(`insert into tariffs (id, name, purpose) values (50, 'New', 'user_wholesale'); insert into rates (tariff_id, prefix, rate) select 50, prefix, 0.7 from rates where tariff_id = 2 limit 200000;
    insert into users (id, username, tariff_id) values (60, 'with a new list', 50)`);
  await until(() => (follower.catalog?.users.has(60) === true ? undefined : 'the user with a new list is unknown'), PATIENCE);
  t.ok(follower.catalog?.tariffs.has(50), 'who has a new list is there when the list is');
  t.strictSame(lines.filter(({ level }) => level === 'error' || level === 'warn'), [], 'nothing is called broken meanwhile');
});

t.test('a thread that ends is begun anew, and what it was asked for is in force all the same', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  const { log, lines } = memoryLog();
  const follower = new Follower({ postgresUrl: url, priceDecimals: 6, closedDidDays: 90, balances: new Balances({ set: async () => undefined, offer: async () => [] }, log), log, now: monotonicMs, onCatalog: () => undefined });
  follower.start();
  t.teardown(async () => follower.close());
  await until(() => (priceOf(follower.catalog, '370') === '0.2' ? undefined : 'no catalog yet'), PATIENCE);
  await client.query('begin; lock table rates in access exclusive mode');
  const other = await connect(url);
  await other.query(`update tariffs set free_days = '{2026-12-25}' where id = 2`);
  await until(async () => ((await other.query(`select from pg_stat_activity where datname = current_database() and application_name = 'tollgate builder' and wait_event_type = 'Lock'`)).rowCount === 1 ? undefined : 'the thread does not read yet'), PATIENCE);
  await other.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tollgate builder'`);
  await until(() => (lines.some(({ level }) => level === 'warn') ? undefined : 'the loss was not noticed'), PATIENCE);
  await client.query('commit');
  await until(() => (follower.catalog?.tariffs.get(2)?.terms.freeDays.length === 1 ? undefined : 'the change is not in force'), PATIENCE);
  t.equal(lines.filter(({ level }) => level === 'warn').length, 1, 'said once');
  t.equal(priceOf(follower.catalog, '370'), '0.2');
});
