/** Number pools follow Postgres: a number alone, or all of a pool, and never on the time of calls. */
import t from 'tap';
import type { Test } from 'tap';
import { Pool } from 'pg';
import type { Client } from 'pg';
import { matchPool } from '../../routing/number-pool.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { Balances } from '../../store/balances.ts';
import { Follower } from '../../store/catalog/follow.ts';
import { readCatalogOnce } from '../../store/catalog/once.ts';
import { monotonicMs } from '../../store/clock.ts';
import { NumberUse } from '../../store/number-use.ts';
import { until } from '../lab/wait.ts';
import { BusyTime } from './busy-time.ts';
import { closeServers, connect, freshDatabase, memoryLog } from './servers.ts';
import type { LoggedLine } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

const PATIENCE = { timeoutMs: 60_000 };

interface World {
  readonly url: string;
  readonly client: Client;
  readonly lines: readonly LoggedLine[];
  readonly now: () => Catalog;
  readonly found: (number: string) => string | undefined;
}

async function world(t: Test): Promise<World> {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  const { log, lines } = memoryLog();
  const follower = new Follower({ postgresUrl: url, priceDecimals: 6, closedDidDays: 90, balances: new Balances({ set: async () => undefined, offer: async () => [] }, log), log, now: monotonicMs, onCatalog: () => undefined });
  follower.start();
  t.teardown(async () => follower.close());
  await until(() => (follower.catalog === null ? `no catalog yet: ${follower.reason}` : undefined), PATIENCE);
  const now = (): Catalog => {
    if (follower.catalog === null) throw new Error('There is no catalog.');
    return follower.catalog;
  };
  const found = (number: string): string | undefined => {
    const pool = now().pools.get(1);
    return pool === undefined ? 'no pool' : matchPool(pool, number);
  };
  return { url, client, lines, now, found };
}

async function soon(what: string, holds: () => boolean): Promise<void> {
  await until(() => (holds() ? undefined : what), PATIENCE);
}

t.test('one number comes, changes and goes', async (t) => {
  const { client, now, found } = await world(t);
  t.equal(found('370991'), '37099%');
  await client.query(`insert into numbers (pool_id, number) values (1, '+4930'), (1, 'Anonymous')`);
  await soon('the numbers are unknown', () => found('4930') === '+4930' && found('anonymous') === 'Anonymous');
  await client.query(`update numbers set number = '4930' where number = '+4930'`);
  await soon('the number has its plus still', () => found('4930') === '4930');
  await client.query(`update numbers set number = '4940' where number = '4930'`);
  await soon('the number is the old one', () => found('4940') === '4940' && found('4930') === undefined);
  await client.query(`delete from numbers where number in ('4940', '37099%')`);
  await soon('the numbers are still there', () => found('4940') === undefined && found('370991') === undefined);
  t.equal(now().pools.get(1)?.size, 1);
  await t.rejects(client.query(`insert into numbers (pool_id, number) values (1, '+ANONYMOUS')`), { code: '23505' }, 'what compares equal is there once');
});

t.test('a pool comes, gets another name and goes; a counter that moves is no change', async (t) => {
  const { url, client, now, lines } = await world(t);
  await client.query(`insert into number_pools (id, name) values (7, 'New'); insert into numbers (pool_id, number) values (7, '1%')`);
  await soon('the pool is unknown', () => now().pools.get(7)?.size === 1);
  await client.query(`insert into users (id, username, source_list_mode, source_pool_id) values (60, 'listed', 'blacklist', 7)`);
  await soon('its user is unknown', () => now().users.has(60));
  await client.query(`update number_pools set name = 'Newer' where id = 7`);
  await soon('the name is the old one', () => now().pools.get(7)?.name === 'Newer');
  const { version } = now();
  await client.query(`update numbers set used = used + 1`);
  await client.query(`update users set blocked = true where id = 60`);
  await soon('the user is not blocked', () => now().users.get(60)?.blocked === true);
  t.equal(now().version, version + 1, 'the counters made no catalog of their own');
  t.equal((await readCatalogOnce(url, 6)).catalog.pools.get(7)?.size, 1, 'a look reads it too');
  await client.query(`delete from users where id = 60; delete from number_pools where id = 7`);
  await soon('the pool is still there', () => !now().pools.has(7));
  await client.query('truncate numbers');
  await soon('the numbers are still there', () => now().pools.get(1)?.size === 0);
  t.strictSame(lines.filter(({ level }) => level === 'error' || level === 'warn'), []);
});

t.test('a number that cannot be used is named, and the pool that was in force stays', async (t) => {
  const { client, now, found, lines } = await world(t);
  await client.query(`alter table numbers drop constraint numbers_number_check; insert into numbers (pool_id, number) values (1, '37 0')`);
  await soon('nothing was said of the number', () => lines.some(({ level, fields }) => level === 'error' && fields['table'] === 'number_pools' && /37 0.*no number or word/.test(String(fields['reason']))));
  t.equal(found('370991'), '37099%');
  await client.query(`delete from numbers where number = '37 0'; insert into numbers (pool_id, number) select 1, '2' || i from generate_series(1, 6000) i`);
  await soon('the mended pool is not in force', () => now().pools.get(1)?.size === 6001);
});

t.test('a million numbers come into force, and one of them changes, while the event loop goes on', { timeout: 200_000 }, async (t) => {
  const { client, now, found, lines } = await world(t);
  const busy = new BusyTime();
  t.teardown(() => busy.stop());
  await client.query(`insert into numbers (pool_id, number) select 1, (370600000000 + i)::text from generate_series(0, 999999) i`);
  const committed = performance.now();
  await soon('the million is not in force', () => now().pools.get(1)?.size === 1_000_001);
  t.comment(`a million numbers in force ${Math.round(performance.now() - committed)} ms after their commit`);
  t.equal(found('370600004711'), '370600004711');

  const { base } = now().pools.get(1) ?? t.fail() as never;
  const changed = performance.now();
  await client.query(`insert into numbers (pool_id, number) values (1, '4930'); delete from numbers where number = '370600004711'`);
  await soon('the two changes are not in force', () => found('4930') === '4930' && found('370600004711') === undefined);
  t.comment(`two changes in force after ${Math.round(performance.now() - changed)} ms`);
  t.equal(now().pools.get(1)?.base, base, 'the million was not read again');
  t.equal(now().pools.get(1)?.size, 1_000_001);

  for (let step = 0; step < 5; step += 1) await client.query(`delete from numbers where number in (select (370600000000 + i)::text from generate_series($1::int, $1::int + 899) i)`, [10_000 + step * 900]);
  await soon('the changes are not in force', () => now().pools.get(1)?.size === 995_501 && found('370600014499') === undefined);
  await soon('so many changes are not put together', () => now().pools.get(1)?.base !== base);
  t.equal(found('4930'), '4930');
  const longestMs = busy.takeMs();
  // Built on the event loop it would stand still for seconds; how short the pauses are, bench:routing measures.
  t.ok(longestMs < 200, `no task took longer than ${longestMs.toFixed(1)} ms`);
  t.strictSame(lines.filter(({ level }) => level === 'error' || level === 'warn'), []);
});

t.test('uses of numbers are added up, whatever became of the numbers', async (t) => {
  const { url, client } = await world(t);
  const pool = new Pool({ connectionString: url, max: 1 });
  const { log } = memoryLog();
  const use = new NumberUse(pool, log);
  await client.query(`insert into numbers (pool_id, number) values (1, '1'), (1, '+2')`);
  for (const number of ['1', '1', '2', 'gone']) use.add({ poolId: 1, number });
  use.add({ poolId: 99, number: '1' });
  await use.close();
  await pool.end();
  t.same((await client.query('select number, used::int from numbers where pool_id = 1 order by 1')).rows, [{ number: '1', used: 2 }, { number: '+2', used: 1 }, { number: '37099%', used: 0 }].sort((a, b) => (a.number < b.number ? -1 : 1)));
});

t.test('uses that cannot be written down now are not lost', async (t) => {
  const { url, client } = await world(t);
  const pool = new Pool({ connectionString: url, max: 1 });
  const { log, lines } = memoryLog();
  const use = new NumberUse(pool, log);
  await client.query('alter table numbers rename to elsewhere');
  use.add({ poolId: 1, number: '37099%' });
  await until(() => (lines.some(({ level }) => level === 'debug') ? undefined : 'it was not tried'), PATIENCE);
  await client.query('alter table elsewhere rename to numbers');
  use.add({ poolId: 1, number: '37099%' });
  await use.close();
  await pool.end();
  t.same((await client.query('select used::int from numbers where pool_id = 1')).rows, [{ used: 2 }]);
});

t.test('what changes while a pool is being read is not lost', async (t) => {
  const { client, found, now } = await world(t);
  await client.query(`insert into numbers (pool_id, number) select 1, '2' || i from generate_series(1, 300000) i`);
  for (let step = 0; step < 40; step += 1) {
    await client.query(`insert into numbers (pool_id, number) values (1, $1)`, [`5${step}`]);
    await client.query(`delete from numbers where number = $1`, [`2${step + 1}`]);
  }
  await soon('the pool is not what Postgres holds', () => now().pools.get(1)?.size === 300_001 && found('539') === '539' && found('240') === undefined);
  for (let step = 0; step < 40; step += 1) if (found(`5${step}`) === undefined || found(`2${step + 1}`) !== undefined) t.fail(`step ${step}`);
  await client.query(`update users set blocked = true where id = 5`);
  await soon('the user is not blocked', () => now().users.get(5)?.blocked === true);
  t.equal(now().pools.get(1)?.size, 300_001, 'and stays so');
});
