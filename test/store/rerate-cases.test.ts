/** Which prices a re-rating takes and which it leaves, by rows written by hand. */
import t from 'tap';
import type { Client } from 'pg';
import { rerate } from '../../store/rerate/rerate.ts';
import type { RerateReport } from '../../store/rerate/report.ts';
import { undoRerate } from '../../store/rerate/undo.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);
const FROM = Date.UTC(2026, 10, 1);
const TO = Date.UTC(2026, 11, 1);

interface Stage {
  readonly url: string;
  readonly client: Client;
  readonly run: (kind: 'user' | 'provider' | 'tariff', name: string, apply?: boolean) => Promise<RerateReport>;
}

async function stage(): Promise<Stage> {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  return { url, client, run: (kind, name, apply = true) => rerate({ postgresUrl: url, priceDecimals: 6, rounding: 'up', asked: { kind, name, fromMs: FROM, toMs: TO }, applyAs: apply ? 'tester' : null }) };
}

/** A minute at 0.25 by tariff 2. */
async function call(client: Client, uniqueId: string, columns: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const rate = { tariffId: 2, prefix: '3706', currency: 'USD', steps: [{ type: 'minute', fromS: 0, rate: '0.25', perS: 60, roundByS: 1 }] };
  const values: Record<string, unknown> = {
    uniqueid: uniqueId, attempt: 1, calldate: '2026-11-10 12:00:00+00', final: true, answer_time: '2026-11-10 12:00:00+00', end_time: '2026-11-10 12:01:00+00', direction: 'outbound', server_id: 1, src: '100', localized_dst: '37061234567',
    user_id: 5, disposition: 'ANSWERED', hangup_cause: 16, duration_ms: 60_000, bill_ms: 60_000, billsec: 60, terminated_by: 'originator', end_source: 'event',
    user_rate: '0.25', user_billsec: 60, user_price: '0.25', captured: { user: { tariffId: 2, prefix: '3706', rate } }, ...columns,
  };
  const names = Object.keys(values);
  await client.query(`insert into calls (${names.join(', ')}) values (${names.map((_name, index) => `$${index + 1}`).join(', ')})`, Object.values(values));
}

async function changed(client: Client): Promise<string> {
  const { rows } = await client.query(`select string_agg(uniqueid || ' ' || level, ', ' order by uniqueid, level) as all from rerate_changes where not undone`);
  return (rows[0]?.all as string | null) ?? '';
}

async function balances(client: Client): Promise<string> {
  const { rows } = await client.query(`select string_agg(id || ': ' || trim_scale(balance), ', ' order by id) as all from users where id > 0`);
  return rows[0]?.all as string;
}

t.test('of the period from its first moment to before its last, answered final rows only, to the microsecond', async (t) => {
  const { client, run, url } = await stage();
  await call(client, 'before', { calldate: '2026-10-31 23:59:59.999999+00' });
  await call(client, 'first', { calldate: '2026-11-01 00:00:00+00' });
  await call(client, 'fine', { calldate: '2026-11-30 23:59:59.999999+00' });
  await call(client, 'end', { calldate: '2026-12-01 00:00:00+00' });
  await call(client, 'unanswered', { answer_time: null, bill_ms: 0, billsec: 0, user_price: '0', user_billsec: 0 });
  await call(client, 'attempt', { final: false });
  await call(client, 'flash', { flash_call: true });
  await call(client, 'free', { user_price: null, user_rate: null, user_billsec: null, captured: null });
  await client.query('update rates set rate = 0.5 where tariff_id = 2');
  const report = await run('user', 'alice');
  t.match(report, { calls: 2, changes: 2, kept: [], outcome: 'applied' });
  t.equal(await changed(client), 'fine user, first user');
  t.equal(await balances(client), '2: 100, 5: 9.5');
  t.equal((await undoRerate({ postgresUrl: url, id: 1, by: 'tester' })).changes, 2);
  t.equal(await balances(client), '2: 100, 5: 10');
  t.equal(await changed(client), '');
});

function part(tariffId: number | null, rate: object = {}): object {
  return { user: { tariffId, prefix: '3706', rate: { steps: [{ type: 'minute', fromS: 0, rate: '0.25', perS: 60, roundByS: 1 }], ...rate } } };
}

t.test('a price stays, with its reason, when it cannot be known', async (t) => {
  const { client, run } = await stage();
  await call(client, 'gone', { captured: part(77) });
  await call(client, 'broken', { captured: part(3) });
  await call(client, 'none', { captured: part(null) });
  await call(client, 'odd', { captured: part(2, { odd: 1 }) });
  await call(client, 'text', { captured: { user: 'x' } });
  await call(client, 'word', { captured: { user: { tariffId: 'abc', rate: 7 } } });
  await call(client, 'half', { captured: part(1.5) });
  await call(client, 'huge', { captured: part(1e80) });
  await call(client, 'list', { captured: '[1, {"user": 2}]' });
  await call(client, 'null', { captured: 'null' });
  await call(client, 'hand', { user_price: '0.3' });
  await call(client, 'wild', { localized_dst: '4930123' });
  await client.query(`insert into rates (tariff_id, prefix, day_type, start_time, rate) values (3, '3706', 'all', '00:00', 1), (3, '3706', 'work', '08:00', 2)`);
  const report = await run('user', 'alice');
  t.match(report, { outcome: 'nothing to change', calls: 12, changes: 0 });
  t.equal(report.kept.length, 8);
  t.match(Object.fromEntries(report.kept.map(({ reason, prices, example }) => [example, `${prices}: ${reason}`])), {
    broken: /^1: Tariff "DIDs" is broken: rates: prefix "3706" .* overlap/,
    gone: '1: Tariff 77 is gone.',
    half: '1: Tariff 1.5 is gone.',
    huge: '1: Tariff 1e+80 is gone.',
    hand: '1: The captured rate and the seconds in the CDR do not give the user price that stands there.',
    none: '1: Its tariff is gone.',
    list: '5: The rate captured for the user price cannot be read.',
    wild: '1: Tariff "Users" has no rate for the number at the time of the call.',
  });
});

t.test('an account that is not there has no balance to correct; the others go on', async (t) => {
  const { client, run } = await stage();
  await call(client, 'nobody', { user_id: 99 });
  await call(client, 'alice');
  await client.query('update rates set rate = 0.5 where tariff_id = 2');
  t.match(await run('tariff', 'Users'), { changes: 1, kept: [{ reason: 'There is no user 99 any more.', prices: 1, example: 'nobody' }] });
  t.equal(await changed(client), 'alice user');
});

t.test('one at a time; a dry run does not wait', async (t) => {
  const { client, run, url } = await stage();
  await call(client, 'alice');
  await client.query('update rates set rate = 0.5 where tariff_id = 2');
  await client.query(`select pg_advisory_lock(hashtext('tollgate'), hashtext('rerate'))`);
  t.match(await run('user', 'alice', false), { changes: 1 });
  await t.rejects(run('user', 'alice'), { name: 'RerateError', message: 'Another re-rating is at work; wait until it has ended.' });
  await t.rejects(undoRerate({ postgresUrl: url, id: 1, by: 'tester' }), { name: 'RerateError', message: /at work/ });
  t.equal(await balances(client), '2: 100, 5: 10');
  t.equal(await changed(client), '');
});

t.test('a retail tariff is asked by destination group', async (t) => {
  const { client, run } = await stage();
  await client.query(`insert into destination_groups (id, name) values (1, 'Mobile');
    insert into destinations (id, prefix, name, group_id) values (1, '3706', 'Lithuania mobile', 1);
    insert into retail_rates (tariff_id, group_id, from_s, duration_s, rate) values (4, 1, 1, 30, 0), (4, 1, 31, null, 1)`);
  const rate = { tariffId: 4, prefix: '3706', currency: 'USD', steps: [{ type: 'minute', fromS: 0, rate: '0.25', perS: 60, roundByS: 1 }] };
  await call(client, 'retail', { captured: { user: { tariffId: 4, prefix: '3706', rate } } });
  t.match(await run('user', 'alice'), { changes: 1, differences: [{ name: 'alice', destination: 'Lithuania mobile (3706)', was: 2_500_000_000n, now: 5_000_000_000n }] });
  t.match((await client.query('select user_price, user_billsec, trim_scale(user_rate)::text as user_rate from calls')).rows, [{ user_price: '0.5000000000', user_billsec: 60, user_rate: '1' }], 'the first half minute is free');
});

t.test('one name of a level in the call, several accounts: a user\'s own part of a call only', async (t) => {
  const { client, run } = await stage();
  const rate = { tariffId: 2, prefix: '3706', currency: 'USD', steps: [{ type: 'minute', fromS: 0, rate: '0.25', perS: 60, roundByS: 1 }] };
  const own = { tariffId: 2, prefix: '3706', rate };
  await call(client, 'both', { reseller_id: 2, reseller_rate: '0.25', reseller_billsec: 60, reseller_price: '0.25', captured: { user: own, reseller: own } });
  await client.query('update rates set rate = 0.5 where tariff_id = 2');
  t.match(await run('user', 'rita', false), { changes: 1, accounts: [{ name: 'rita', change: -2_500_000_000n, balance: 997_500_000_000n, overdrawn: 0n }] });
  await run('user', 'rita');
  t.equal(await changed(client), 'both reseller');
  t.match((await run('tariff', 'Users')).differences, [{ name: 'alice', level: 'user' }]);
  t.equal(await changed(client), 'both reseller, both user');
  t.equal(await balances(client), '2: 99.75, 5: 9.75');
});
