/** The biller's way: a wrong rate, its correction with a date in the past, what it changes, booked, taken back. As processes. */
import { execFile } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import type { Client } from 'pg';
import type { CdrPrice } from '../../engine/call/admission.ts';
import { encodeEntry } from '../../store/cdr-row.ts';
import type { DebitText } from '../../store/cdr-row.ts';
import { copyCalls, debitArrays, insertCalls, insertDebits, prepareWriter } from '../../store/settle-sql.ts';
import { parseMoney } from '../../rating/money.ts';
import { perMinute, rateToJson, simpleRate } from '../../rating/rate.ts';
import { charge } from '../../rating/charge.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { until } from '../lab/wait.ts';
import { cdr } from '../store/requests.ts';
import { PROGRAM } from './program.ts';
import { closeServers, connect, freshDatabase } from '../store/servers.ts';
import { smallTenant } from '../store/tenant.ts';

t.teardown(closeServers);
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const folder = newFolder('rerate-cli');

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function start(url: string, ...args: readonly string[]): { readonly process: ChildProcess; readonly ended: Promise<Ran> } {
  const config = join(folder, `${new URL(url).pathname.slice(1)}.yaml`);
  writeFileSync(config, JSON.stringify({ postgresUrl: url, asterisk: [{ id: 1, password: 'x' }] }));
  const running = promisify(execFile)(process.execPath, [...PROGRAM, '--config', config, 'rerate', ...args], { cwd: PROJECT, timeout: 60_000 });
  const ended = running.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({ code: error.code, out: error.stdout, err: error.stderr }),
  );
  return { process: running.child, ended };
}

function run(url: string, ...args: readonly string[]): Promise<Ran> {
  return start(url, ...args).ended;
}

function priceOf(tariffId: number, prefix: string, rate: string): CdrPrice {
  const one = simpleRate({ tariffId, prefix, currency: 'USD', ratePerMinute: parseMoney(rate) });
  return { tariffId, prefix, rate: perMinute(one), ...charge(one, 60), captured: rateToJson(one) };
}

/** A minute of alice each day at noon: 0.25 for her and for her reseller, 0.1 for the provider, as the small tenant's tariffs say. */
async function settled(client: Client, count: number): Promise<void> {
  await prepareWriter(client);
  for (let index = 0; index < count; index++) {
    const at = Date.UTC(2026, 10, 1 + index, 12);
    const call = cdr(`1-${at}.1`, { callDateMs: at, answerMs: at + 2000, endMs: at + 62_000, resellerId: 2, prices: { user: priceOf(2, '3706', '0.25'), reseller: priceOf(2, '3706', '0.25'), provider: priceOf(1, '370', '0.1') } });
    const entry = encodeEntry([call], [
      { account: 'user', accountId: 5, amount: parseMoney('0.25'), cause: 'call' }, { account: 'user', accountId: 2, amount: parseMoney('0.25'), cause: 'call' }, { account: 'provider', accountId: 3, amount: parseMoney('-0.1'), cause: 'call' },
    ]);
    await client.query('begin');
    await copyCalls(client, entry.rows);
    await insertCalls(client);
    await insertDebits(client, debitArrays((JSON.parse(entry.debits) as DebitText[]).map((debit) => ({ debit, uniqueId: entry.final }))));
    await client.query('commit');
  }
}

const PERIOD = ['--from', '2026-11-01', '--to', '2026-12-01'] as const;

async function balances(client: Client): Promise<string> {
  const { rows } = await client.query(`select string_agg(trim_scale(balance)::text, ' ' order by kind desc, id) as all from (select 'user' as kind, id, balance from users where id > 0 union all select 'provider', id, balance from providers) b`);
  return rows[0]?.all as string;
}

t.test('look, apply, again, list, undo, again', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  await settled(client, 10);
  t.equal(await balances(client), '97.5 7.5 1');
  // From the fourth day on it should have cost more than alice has.
  await client.query(`insert into destinations (id, prefix, name) values (1, '3706', 'Lithuania mobile')`);
  await client.query(`insert into rates (tariff_id, prefix, effective_from, rate) values (2, '3706', '2026-11-04', 1.5)`);

  const dry = await run(url, '--tariff', 'Users', ...PERIOD);
  t.strictSame(dry, {
    code: 0, err: '', out: `tariff Users: calls from 2026-11-01 00:00 to 2026-12-01 00:00 UTC
┌───────┬──────────┬─────────────────────────┬───────┬──────┬────────┬────────────┐
│ who   │ as       │ destination             │ calls │  was │ is now │ difference │
├───────┼──────────┼─────────────────────────┼───────┼──────┼────────┼────────────┤
│ alice │ user     │ Lithuania mobile (3706) │     7 │ 1.75 │   10.5 │      +8.75 │
├───────┼──────────┼─────────────────────────┼───────┼──────┼────────┼────────────┤
│ rita  │ reseller │ Lithuania mobile (3706) │     7 │ 1.75 │   10.5 │      +8.75 │
└───────┴──────────┴─────────────────────────┴───────┴──────┴────────┴────────────┘
Balances of 2 users: -17.5
14 prices differ, in 10 calls looked at.
user alice: -8.75 makes the balance -1.25, 1.25 below the credit.
A dry run: nothing was changed. --apply changes the CDRs and writes the ledger rows.
`,
  });
  t.equal(await balances(client), '97.5 7.5 1');
  t.match((await run(url, '--list')).out, 'No re-rating was ever applied.\n');

  const applied = await run(url, '--tariff', 'Users', ...PERIOD, '--apply');
  t.equal(applied.code, 0, applied.err);
  t.match(applied.out, /Re-rating 1 is applied; `rerate --undo 1` takes it back\.\n$/);
  t.equal(await balances(client), '88.75 -1.25 1');
  const { rows } = await client.query(`select trim_scale(user_rate)::text as rate, user_billsec, trim_scale(user_price)::text as price, trim_scale(provider_price)::text as provider, captured->'user' as part from calls order by calldate desc limit 1`);
  t.match(rows, [{ rate: '1.5', user_billsec: 60, price: '1.5', provider: '0.1', part: { tariffId: 2, prefix: '3706', rate: { steps: [{ rate: '1.5' }], effectiveFromMs: Date.UTC(2026, 10, 4), destinationId: 1 } } }]);
  const ledger = await client.query(`select account_id, trim_scale(amount)::text as amount, cause, reference, note from balance_ledger where cause = 'rerate' order by reference desc, account_id limit 2`);
  t.strictSame(ledger.rows, [2, 5].map((account_id) => ({ account_id, amount: '-1.25', cause: 'rerate', reference: `1-${Date.UTC(2026, 10, 10, 12)}.1`, note: 'rerate 1' })));

  // As messages write a period.
  t.match(await run(url, '--tariff', 'Users', '--from', '2026-11-01T00:00:00.000Z', '--to', '2026-12-01T00:00:00.000Z', '--zone', 'Asia/Tokyo', '--apply'), { code: 0, out: /2026-11-01 00:00 to 2026-12-01 00:00 UTC\n0 prices differ, in 10 calls looked at\.\nNothing was changed: every price is what the tariffs say\.\n$/ });
  const listed = JSON.parse((await run(url, '--list', '--json')).out) as { rerates: unknown[] };
  t.match(listed.rerates, [{ id: 1, kind: 'tariff', name: 'Users', from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z', state: 'applied', changes: 14, usersChange: '-17.5', providersChange: '0' }]);

  t.match(await run(url, '--undo', '1'), { code: 0, out: 'Re-rating 1 is undone: 14 prices are what they were before it.\n' });
  t.equal(await balances(client), '97.5 7.5 1');
  t.match(await run(url, '--undo', '1'), { code: 0, out: 'Re-rating 1 was undone before; nothing was changed.\n' });
  t.match((await run(url, '--list')).out, /│ 1 +│ tariff Users │ 2026-11-01 00:00 │ 2026-12-01 00:00 │ undone 20\d\d-.* by .* │ 14 +│ -17\.5 │ 0 +│/);
});

t.test('Ctrl-C stops it behind the batch in hand, and the same command goes on', async (t) => {
  const url = await freshDatabase();
  const [client, other] = [await connect(url), await connect(url)];
  await smallTenant(client);
  await settled(client, 20);
  // Nobody answered these: more rows than one batch.
  await client.query(`insert into calls (uniqueid, attempt, calldate, final, end_time, direction, server_id, disposition, hangup_cause, duration_ms, bill_ms, billsec, terminated_by, end_source)
    select 'x' || n, 1, '2026-11-10', true, '2026-11-10', 'outbound', 1, 'FAILED', 16, 0, 0, 0, 'system', 'event' from generate_series(1, 600) n`);
  await client.query('update rates set rate = 0.5 where tariff_id = 2');
  await other.query('begin; select from users where id = 5 for update');
  const { process: biller, ended } = start(url, '--user', 'alice', ...PERIOD, '--apply');
  await until(async () => ((await client.query(`select from pg_stat_activity where application_name = 'tollgate rerate' and datname = current_database() and wait_event_type = 'Lock'`)).rowCount === 1 ? undefined : 'it does not wait for the account yet'), { timeoutMs: 20_000 });
  biller.kill('SIGINT');
  await other.query('commit');
  t.match(await ended, { code: 1, out: '', err: 'Stopped. Every batch that was written stays; the same command goes on behind it.\n' });
  t.match((await run(url, '--list')).out, /│ unfinished │/);
  const last = await run(url, '--user', 'alice', ...PERIOD, '--apply');
  t.match(last.out, /Goes on with re-rating 1, which had changed 9 prices before it was interrupted\.\n[^]*│ alice │ user │ 3706 +│ +11 │ 2\.75 │ +5\.5 │ +\+2\.75 │[^]*Re-rating 1 is applied/);
  t.equal(await balances(client), '95 0 2', 'twenty minutes at 0.5');
});

t.test('for programs; and prices that stay are listed with the reason', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  await settled(client, 3);
  await client.query(`delete from rates where tariff_id = 2; update rates set rate = 0.05 where tariff_id = 1`);
  const user = await run(url, '--user', 'alice', ...PERIOD);
  t.match(user.out, /3 prices stay as recorded: Tariff "Users" has no rate for the number at the time of the call\. For example call 1-1793534400000\.1\.\nNothing would change\.\n$/);
  const { code, out } = await run(url, '--provider', 'Carrier A', '--from', '2026-11-01 14:00', '--to', '2026-12-01', '--zone', 'Europe/Vilnius', '--json');
  t.equal(code, 0);
  t.strictSame(JSON.parse(out), {
    provider: 'Carrier A', from: '2026-11-01T12:00:00.000Z', to: '2026-11-30T22:00:00.000Z', outcome: 'dry run', id: null, changedBefore: 0, calls: 3, changes: 3,
    differences: [{ account: 'provider', level: 'provider', destination: '370', calls: 3, was: '0.3', now: '0.15', name: 'Carrier A', difference: '-0.15' }],
    accounts: [{ account: 'provider', name: 'Carrier A', change: '-0.15', balance: '0.15', overdrawn: '0' }], kept: [],
  });
});

t.test('what is asked wrongly is answered with what to do, and changes nothing', async (t) => {
  const url = await freshDatabase();
  const client = await connect(url);
  await smallTenant(client);
  const cases: readonly (readonly [args: readonly string[], answer: RegExp])[] = [
    [[], /Say what to price again/],
    [['--list', '--undo', '1'], /Say what to price again/],
    [['--undo', '1', '--apply'], /Say what to price again/],
    [['--undo', 'x'], /must be the number of a re-rating/],
    [['--undo', '3'], /There is no re-rating 3; `rerate --list` shows them\./],
    [['--user', 'alice', '--tariff', 'Users', ...PERIOD], /Name one of --user, --provider and --tariff\./],
    [['--user', 'alice', '--from', '2026-11-01'], /Name the period: --from .* and --to/],
    [['--user', 'alice', '--from', '2026-11-31', '--to', '2026-12-01'], /--from: 2026-11-31 does not exist in the calendar\./],
    [['--user', 'alice', '--from', 'yesterday', '--to', '2026-12-01'], /--from: "yesterday" is not a date and time; write it as in 2026-12-31 08:00:00\./],
    [['--user', 'alice', '--from', '2026-12-01', '--to', '2026-12-01'], /The period is empty/],
    [['--user', 'alice', ...PERIOD, '--zone', 'Mars'], /Mars/],
    [['--user', 'alise', ...PERIOD], /There is no user "alise"\. Did you mean `alice`\?/],
  ];
  for (const [args, answer] of cases) {
    const { code, out, err } = await run(url, ...args);
    t.equal(code, 1, args.join(' '));
    t.match(err, answer);
    t.equal(out, '');
  }
  t.match((await run(url, '--help')).out, /Examples:\n.*rerate --tariff "Retail EUR" --from 2026-11-01 --to 2026-12-01\n/);
  await client.query('drop table rerate_changes, rerates');
  t.match(await run(url, '--list'), { code: 1, err: /run the command migrate first/ });
  t.match(await run('postgres://127.0.0.1:1/nowhere', '--user', 'alice', ...PERIOD), { code: 1, err: /^The re-rating did not come to its end: .*ECONNREFUSED.*\nEvery batch that was written stays/ });
});
