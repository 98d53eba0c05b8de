import t from 'tap';
import type { Test } from 'tap';
import type { Client } from 'pg';
import { findRate } from '../../rating/tariff.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { Balances } from '../../store/balances.ts';
import { Follower } from '../../store/catalog/follow.ts';
import { monotonicMs } from '../../store/clock.ts';
import { until } from '../lab/wait.ts';
import { NOW } from './requests.ts';
import { closeServers, connect, freshDatabase, memoryLog } from './servers.ts';
import type { LoggedLine } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

interface World {
  readonly url: string;
  readonly client: Client;
  readonly follower: Follower;
  readonly balances: Balances;
  readonly lines: readonly LoggedLine[];
  readonly catalogs: readonly Catalog[];
  readonly now: () => Catalog;
}

async function world(t: Test, prepare: (client: Client) => Promise<unknown> = async () => undefined): Promise<World> {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  await prepare(client);
  const { log, lines } = memoryLog();
  const balances = new Balances({ set: async () => undefined, offer: async () => [] }, log);
  const catalogs: Catalog[] = [];
  const follower = new Follower({ postgresUrl: url, priceDecimals: 6, closedDidDays: 90, balances, log, now: monotonicMs, onCatalog: (catalog) => catalogs.push(catalog) });
  follower.start();
  t.teardown(async () => follower.close());
  await until(() => (follower.catalog === null ? `no catalog yet: ${follower.reason}` : undefined), { timeoutMs: 20_000 });
  const now = (): Catalog => {
    if (follower.catalog === null) throw new Error('There is no catalog.');
    return follower.catalog;
  };
  return { url, client, follower, balances, lines, catalogs, now };
}

/** How long each change took to be in force, ms. */
const waits: number[] = [];

async function soon(what: string, holds: () => boolean): Promise<void> {
  const from = performance.now();
  await until(() => (holds() ? undefined : what));
  waits.push(performance.now() - from);
}

function rateOf(catalog: Catalog, tariffId: number, number: string): string {
  const tariff = catalog.tariffs.get(tariffId);
  const rate = tariff === undefined ? 'none' : findRate(tariff, number, NOW);
  return typeof rate === 'string' ? rate : `${rate.prefix} ${rate.steps[0]?.rate}`;
}

t.test('everything a call needs is there', async (t) => {
  const { now, balances } = await world(t);
  const catalog = now();
  t.match(catalog.users.get(5), { username: 'alice', ownerId: 2, tariffId: 2, lcrId: 1, credit: 0n });
  t.match(catalog.devicesByEndpoint.get('alice1'), { id: 7, userId: 5 });
  t.match(catalog.providersByEndpoint.get('provider-3'), { id: 3, tariffId: 1 });
  t.match(catalog.lcrs.get(1)?.providers, [{ providerId: 3, active: true }]);
  t.match(catalog.dids.wildcards.get('37088888'), { id: 9, userId: 5, deviceIds: [7], ring: 'in_turn' });
  t.equal(catalog.pools.get(1)?.size, 1);
  t.equal(rateOf(catalog, 2, '37061234567'), '3706 2500000000');
  t.equal(rateOf(catalog, 3, '123'), ' -100000000', 'a DID rate for every number, that pays');
  t.match(catalog.sipAccounts.map((account) => [account.kind, account.endpoint]), [['device', 'alice1'], ['provider', 'provider-3']]);
  t.match(balances.get(5), { balance: 100_000_000_000n, credit: 0n });
});

t.test('a committed change is in force within a second, of any table', async (t) => {
  const { client, now, balances } = await world(t);
  const before = now();
  await client.query('update users set blocked = true where id = 5');
  await soon('alice is not blocked yet', () => now().users.get(5)?.blocked === true);
  t.equal(now().tariffs.get(2), before.tariffs.get(2), 'tariffs were not built anew');
  t.ok(now().version > before.version);

  const carrier = now().tariffs.get(1);
  await client.query(`insert into rates (tariff_id, prefix, rate) values (2, '37061', 0.3); update rates set rate = 0.21 where tariff_id = 2 and prefix = '370'`);
  await soon('the new rates are not in force', () => rateOf(now(), 2, '37061000') === '37061 3000000000' && rateOf(now(), 2, '3705') === '370 2100000000');
  t.equal(now().tariffs.get(1), carrier, 'only the changed tariff was');

  await client.query(`insert into devices (id, user_id, endpoint, auth, ip, port) values (8, 5, 'pbx', 'ip', '10.0.0.7', 5062)`);
  await soon('the new device is unknown', () => now().devicesByEndpoint.has('pbx'));
  t.match(now().sipAccounts.find((account) => account.endpoint === 'pbx'), { ips: ['10.0.0.7/32'], host: '10.0.0.7', port: 5062, secret: null });
  await client.query('update devices set blocked = true where id = 8');
  await soon('the blocked device still has an account', () => !now().sipAccounts.some((account) => account.endpoint === 'pbx'));
  await client.query('delete from devices where id = 8');
  await soon('the removed device is still there', () => !now().devices.has(8));

  await client.query(`insert into numbers (pool_id, number) values (1, 'anonymous')`);
  await soon('the pool is the old one', () => now().pools.get(1)?.size === 2);
  await client.query(`insert into provider_rules (provider_id, name, cut, add) values (3, 'national', '370', '8')`);
  await soon('the rule is unknown', () => now().providers.get(3)?.rules[0]?.cut === '370');
  await client.query('delete from lcr_providers');
  await soon('the LCR still has its provider', () => now().lcrs.get(1)?.providers.length === 0);
  await client.query(`insert into location_rules (location_id, name, cut, add) values (1, 'intl', '00', '')`);
  await soon('the location has no rule', () => now().locations.get(1)?.rules.length === 1);
  await client.query(`insert into devices (id, user_id, endpoint, secret) values (10, 5, 'alice2', 'x'), (11, 5, 'alice3', 'x'); insert into did_devices (did_id, device_id, position) values (9, 11, 2), (9, 10, 3)`);
  await soon('the DID has one device', () => now().dids.byId.get(9)?.deviceIds.join() === '7,11,10');
  await client.query('delete from did_devices where device_id = 11');
  await soon('the DID has three devices', () => now().dids.byId.get(9)?.deviceIds.join() === '7,10');
  await client.query(`update dids set status = 'closed'`);
  await soon('the DID is still active', () => now().dids.byId.get(9)?.status === 'closed');
  await client.query(`insert into destinations (id, prefix, name) values (77, '3706', 'Lithuania mobile')`);
  await soon('the destination is unknown', () => now().destinations.get(77) === 'Lithuania mobile');
  // They are built in their own time, and make a catalog of their own.
  const destinationOf = (): unknown => {
    const rate = findRate(now().tariffs.get(2) ?? t.fail() as never, '3706', NOW);
    return typeof rate === 'object' ? rate.destinationId : rate;
  };
  await soon('the rates do not name it yet', () => destinationOf() === 77);
  const { version } = now();
  await client.query('update users set balance = balance + 5 where id = 5');
  await soon('the balance is the old one', () => balances.get(5)?.balance === 150_000_000_000n);
  t.equal(now().version, version, 'a balance makes no new catalog');
});

t.test('a new exchange rate is in force without reading any rate again', async (t) => {
  const { client, now } = await world(t, async (client) => client.query(`insert into currencies (code, exchange_rate) values ('EUR', 0.8); update tariffs set currency = 'EUR' where id = 2`));
  t.equal(now().tariffs.get(2)?.terms.exchangeRate, '0.8');
  await client.query(`update currencies set exchange_rate = 0.5 where code = 'EUR'`);
  await soon('the rate is the old one', () => now().tariffs.get(2)?.terms.exchangeRate === '0.5');
});

t.test('a retail tariff rates by destination group', async (t) => {
  const { client, now } = await world(t, async (client) => client.query(`
    insert into destination_groups (id, name) values (1, 'Mobile');
    insert into destinations (prefix, name, group_id) values ('3706', 'Lithuania mobile', 1);
    insert into retail_rates (tariff_id, group_id, from_s, duration_s, type, rate) values (4, 1, 1, 60, 'minute', 0.1), (4, 1, 61, null, 'minute', 0.05)`));
  t.equal(rateOf(now(), 4, '37061'), '3706 1000000000');
  await client.query(`insert into destinations (prefix, name, group_id) values ('3705', 'Lithuania mobile', 1)`);
  await soon('the new destination has no price', () => rateOf(now(), 4, '37051') === '3705 1000000000');
});

t.test('a broken row is refused with its table, key and reason; what was in force stays, the rest goes on', async (t) => {
  const { client, now, lines } = await world(t);
  const broken = (table: string) => lines.filter((line) => line.level === 'error' && line.fields['table'] === table).at(-1)?.fields;
  // Replication's mode switches triggers and foreign keys off; checks go for good.
  await client.query(`alter table rates drop constraint rates_prefix_check; alter table dids drop constraint dids_did_check;
    alter table users drop constraint only_postpaid_credit_is_unlimited; set session_replication_role = replica`);
  const changed = async (sql: string, topic: string, key: number): Promise<void> => {
    await client.query(`begin; ${sql}; select note_changed('${topic}', array['${key}']); commit`);
  };
  await changed(`insert into rates (tariff_id, prefix, rate) values (2, '37x', 1)`, 'tariffs', 2);
  await soon('nothing was said of the rate', () => broken('tariffs') !== undefined);
  t.match(broken('tariffs'), { key: '2', reason: /prefix "37x".*not a prefix/ });
  t.equal(rateOf(now(), 2, '37061'), '3706 2500000000', 'the last good tariff is in force');

  await changed('insert into lcr_providers (lcr_id, provider_id) values (1, 77)', 'lcrs', 1);
  await soon('nothing was said of the LCR', () => broken('lcrs') !== undefined);
  t.match(broken('lcrs'), { key: '1', reason: /provider 77 does not exist/ });
  t.match(now().lcrs.get(1)?.providers, [{ providerId: 3 }]);

  await changed(`update dids set did = '370*8' where id = 9`, 'dids', 9);
  await soon('nothing was said of the DID', () => broken('dids') !== undefined);
  t.ok(now().dids.wildcards.has('37088888'));
  await changed('insert into devices (id, user_id, endpoint, secret) values (50, 99, \'ghost\', \'x\')', 'devices', 50);
  await soon('nothing was said of the device', () => broken('devices') !== undefined);
  t.notOk(now().devices.has(50), 'one that never was good is not there');
  t.notOk(now().sipAccounts.some((account) => account.endpoint === 'ghost'));
  await changed('insert into users (id, username, owner_id) values (60, \'a\', 61), (61, \'b\', 60)', 'users', 60);
  await soon('nothing was said of the circle', () => broken('users') !== undefined);

  await changed('update users set blocked = true where id = 5', 'users', 5);
  await soon('the good change has to wait', () => now().users.get(5)?.blocked === true);
  const errors = lines.filter((line) => line.level === 'error').length;
  await changed('delete from rates where prefix = \'37x\'; update rates set rate = 0.5 where prefix = \'370\' and tariff_id = 2', 'tariffs', 2);
  await soon('the mended tariff is not in force', () => rateOf(now(), 2, '3705') === '370 5000000000');
  t.equal(lines.filter((line) => line.level === 'error').length, errors, 'what is broken is said once');
});

t.test('a lost notification, a lost connection and a transaction that commits late miss nothing', async (t) => {
  const { url, client, now } = await world(t);
  const late = await connect(url);
  await late.query(`begin; update users set allow_loss_calls = true where id = 5`);
  // Committed later, but with a number handed out earlier than this one's.
  await client.query(`update users set allow_loss_calls = true where id = 2`);
  await soon('the early one is not in force', () => now().users.get(2)?.allowLossCalls === true);
  await late.query('commit');
  await soon('the late one is not in force', () => now().users.get(5)?.allowLossCalls === true);

  await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tollgate catalog'`);
  await client.query('update users set blocked = true where id = 5');
  await until(() => (now().users.get(5)?.blocked === true ? undefined : 'the change made meanwhile is unknown'), { timeoutMs: 3000 });

  // No notification at all: the log of changes is looked at all the same.
  await client.query(`create or replace function note_changed(topic text, keys text[]) returns void language plpgsql as $$ begin insert into changes (topic, keys) values (topic, keys); end $$`);
  await client.query('update users set blocked = false where id = 5');
  await soon('without a notification the change is unknown', () => now().users.get(5)?.blocked === false);
});

t.test('many changes at once are one new catalog', async (t) => {
  const { client, now, catalogs } = await world(t);
  const before = catalogs.length;
  await client.query(`insert into users (id, username) select 1000 + i, 'u' || i from generate_series(1, 6000) i`);
  await soon('the new users are unknown', () => now().users.size === 6003);
  t.equal(catalogs.length, before + 1);
});

t.test('what is committed is in force within a second', async (t) => {
  const middle = [...waits].sort((a, b) => a - b)[Math.floor(waits.length / 2)] ?? Infinity;
  t.ok(middle < 1000, `in the middle ${Math.round(middle)} ms, over ${waits.length} changes`);
});
