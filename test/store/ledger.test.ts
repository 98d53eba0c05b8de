import * as fc from 'fast-check';
import t from 'tap';
import type { Client } from 'pg';
import { closeServers, connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';
import { SEED } from '../seed.ts';

t.teardown(closeServers);

async function tenant(): Promise<Client> {
  const client = await connect(await freshDatabase());
  await smallTenant(client);
  return client;
}

async function ledger(client: Client, kind: string, id: number): Promise<string[]> {
  const { rows } = await client.query(`select version, trim_scale(amount) || ' -> ' || trim_scale(balance_after) || ' ' || cause || ' ' || reference as line
    from balance_ledger where account = $1 and account_id = $2 order by version`, [kind, id]);
  return rows.map((row) => `${row.version}: ${row.line}`.trim());
}

/** The naive auditor: every account's balance is the sum of its rows, and each row continues the one before. */
async function audit(client: Client): Promise<string[]> {
  const { rows } = await client.query(`
    with account as (select 'user' as kind, id, balance, balance_version from users union all select 'provider', id, balance, balance_version from providers),
    chain as (select *, sum(amount) over (partition by account, account_id order by version) as running from balance_ledger)
    select 'row ' || account || ' ' || account_id || ' ' || version as wrong from chain where running <> balance_after
    union all select 'balance of ' || kind || ' ' || id from account
      where balance <> coalesce((select sum(amount) from balance_ledger l where l.account = kind and l.account_id = id), 0)
      or balance_version < coalesce((select max(version) from balance_ledger l where l.account = kind and l.account_id = id), 0)`);
  return rows.map((row) => row.wrong);
}

t.test('no balance changes without its row, whoever changes it', async (t) => {
  const client = await tenant();
  await client.query('update users set balance = balance - 2.5 where id = 5');
  await client.query(`begin; set local tollgate.cause = 'payment'; set local tollgate.reference = 'p-1'; update users set balance = balance + 1; commit`);
  await client.query('update providers set balance = 7');
  t.strictSame(await ledger(client, 'user', 5), ['1: 10 -> 10 opening', '2: -2.5 -> 7.5 adjustment', '3: 1 -> 8.5 payment p-1']);
  t.strictSame(await ledger(client, 'user', 2), ['1: 100 -> 100 opening', '2: 1 -> 101 payment p-1']);
  t.strictSame(await ledger(client, 'provider', 3), ['1: 7 -> 7 adjustment']);
  t.strictSame(await audit(client), []);
});

t.test('the ledger cannot be bypassed, forged or rewritten', async (t) => {
  const client = await tenant();
  const refused: readonly (readonly [what: string, sql: string])[] = [
    ['a version of one\'s own', 'update users set balance_version = 9 where id = 5'],
    ['a balance with a version', 'update users set balance = 5, balance_version = 2 where id = 5'],
    ['a row that does not continue', `insert into balance_ledger (account, account_id, version, amount, balance_after, cause) values ('user', 5, 3, 1, 11, 'payment')`],
    ['a row with a wrong sum', `insert into balance_ledger (account, account_id, version, amount, balance_after, cause) values ('user', 5, 2, 1, 12, 'payment')`],
    ['a second row of one version', `insert into balance_ledger (account, account_id, version, amount, balance_after, cause) values ('user', 5, 1, 1, 11, 'payment')`],
    ['a row of nobody', `insert into balance_ledger (account, account_id, version, amount, balance_after, cause) values ('user', 77, 1, 1, 1, 'payment')`],
    ['a row of nothing', `insert into balance_ledger (account, account_id, version, amount, balance_after, cause) values ('user', 5, 2, 0, 10, 'payment')`],
    ['a changed row', `update balance_ledger set amount = 1`],
    ['a removed row', 'delete from balance_ledger'],
    ['no rows at all', 'truncate balance_ledger'],
    ['an account that is gone', 'delete from users where id = 5'],
    ['another id', 'update users set id = 55 where id = 5'],
    ['a payment to nobody', `select change_balance('user', 77, 1, 'payment')`],
    ['an unknown cause', `select change_balance('user', 5, 1, 'gift')`],
  ];
  for (const [what, sql] of refused) await t.rejects(client.query(sql), what);
  t.strictSame(await ledger(client, 'user', 5), ['1: 10 -> 10 opening']);
  t.strictSame(await audit(client), []);
});

t.test('a payment with a reference happens once, also when sent by two at once', async (t) => {
  const url = await freshDatabase();
  const [client, other] = [await connect(url), await connect(url)];
  await smallTenant(client);
  const pay = `select * from change_balance('user', 5, 20, 'payment', 'bank-17', 'by hand')`;
  const results = await Promise.all([client.query(pay), other.query(pay)]);
  t.same(results[0]?.rows, results[1]?.rows, 'both are told the same');
  t.strictSame(await ledger(client, 'user', 5), ['1: 10 -> 10 opening', '2: 20 -> 30 payment bank-17']);
});

t.test('a change of the credit is a new version, as it changes what may be spent', async (t) => {
  const client = await tenant();
  await client.query('update users set credit = 5 where id = 5');
  await client.query(`select change_balance('user', 5, -1, 'fee')`);
  t.match((await client.query('select balance_version from users where id = 5')).rows, [{ balance_version: '3' }]);
  t.strictSame(await ledger(client, 'user', 5), ['1: 10 -> 10 opening', '3: -1 -> 9 fee']);
});

t.test('what calls cost is counted by the day of the user, and changes what may be spent', async (t) => {
  const client = await tenant();
  await client.query(`update users set daily_limit = 8, time_zone = 'Pacific/Kiritimati' where id = 5`);
  const day = async () => (await client.query(`select trim_scale(spent)::text as spent, balance_version as version, (spent_until at time zone 'Pacific/Kiritimati')::text as until,
    spent_until > now() and spent_until <= now() + interval '1 day' as tonight from users where id = 5`)).rows[0];
  t.match(await day(), { spent: '0', version: '2' });
  await client.query(`select change_balance('user', 5, -1.5, 'call', 'c1'), change_balance('user', 5, -1, 'did', 'c2'), change_balance('user', 5, 20, 'payment'), change_balance('user', 5, -3, 'fee'), change_balance('user', 5, 0.5, 'did', 'c3')`);
  t.match(await day(), { spent: '2.5', version: '7', until: / 00:00:00$/, tonight: true }, 'neither payments, nor fees, nor what calls bring');
  await client.query(`update users set spent_until = now() where id = 5`);
  await client.query(`select change_balance('user', 5, -0.25, 'flash_call', 'c4')`);
  t.match(await day(), { spent: '0.25', version: '9', tonight: true }, 'a new day begins at 0');
  await client.query('update users set spent = 0 where id = 5');
  t.match(await day(), { spent: '0', version: '10' });
  await t.rejects(client.query('update users set daily_limit = -1 where id = 5'), /daily_limit_is_not_negative/);
  t.strictSame(await audit(client), []);
});

t.test(`balances are the sum of their rows, whatever is done in whatever order (seed ${SEED})`, async (t) => {
  const client = await tenant();
  const amount = fc.integer({ min: -500, max: 500 }).filter((value) => value !== 0).map((value) => value / 100);
  const deed = fc.oneof(
    fc.record({ do: fc.constant('update'), user: fc.constantFrom(2, 5), amount }),
    fc.record({ do: fc.constant('change'), user: fc.constantFrom(2, 5), amount }),
    fc.record({ do: fc.constant('credit'), user: fc.constantFrom(2, 5), amount: fc.integer({ min: 0, max: 9 }) }),
    fc.record({ do: fc.constant('both'), user: fc.constant(0), amount }),
  );
  const sql = { update: 'update users set balance = balance + $2 where id = $1', change: `select change_balance('user', $1, $2, 'adjustment')`, credit: 'update users set credit = $2 where id = $1', both: 'update users set balance = balance + $2 where id > $1' };
  await fc.assert(fc.asyncProperty(fc.array(deed, { maxLength: 20 }), async (deeds) => {
    for (const one of deeds) await client.query(sql[one.do], [one.user, one.amount]);
    const wrong = await audit(client);
    if (wrong.length > 0) throw new Error(wrong.join(', '));
  }), { seed: SEED, numRuns: 20 });
  t.pass('20 runs');
});
