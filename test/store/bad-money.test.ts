/** Amounts, references, currencies and owners that cannot be: refused by the database itself, the ledger unharmed. */
import t from 'tap';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importTenant } from '../../store/import/import.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { closeServers, connect, freshDatabase } from './servers.ts';
import { smallTenant } from './tenant.ts';

t.teardown(closeServers);

const postgresUrl = await freshDatabase();
const client = await connect(postgresUrl);
await smallTenant(client);

const ledger = async (): Promise<unknown[]> => (await client.query('select account, account_id, version, amount, balance_after, reference from balance_ledger order by 1, 2, 3')).rows;

t.test('amounts and references', async (t) => {
  await client.query(`select change_balance('user', 5, 20, 'payment', 'bank-1')`);
  const before = await ledger();
  for (const [sql, reason] of [
    [`select change_balance('user', 5, 'NaN', 'payment', 'bank-2')`, /NaN is no amount/],
    [`select change_balance('user', 5, 'Infinity', 'payment', 'bank-2')`, /Infinity is no amount/],
    [`select change_balance('user', 5, null, 'payment', 'bank-2')`, /nothing is no amount/],
    [`select change_balance('user', 5, 1e30, 'payment', 'bank-2')`, /is no amount/],
    [`select change_balance('user', 5, -1e12, 'adjustment')`, /is no amount/],
    [`select change_balance('user', 5, 0.00000000001, 'payment', 'bank-2')`, /more than ten decimals/],
    [`select change_balance('user', 5, 0, 'payment', 'bank-2')`, /balance_ledger_amount_check/],
    [`select change_balance('user', 5, 999999999999, 'payment', 'bank-2')`, /money_amount/],
    [`select change_balance('user', 5, 21, 'payment', 'bank-1')`, /reference "bank-1" was booked with 20 on .*; 21 is not booked/],
    [`update users set balance = 'NaN' where id = 5`, /money_amount/],
    [`update users set credit = -1 where id = 5`, /users_credit_check/],
    [`update users set currency = 'XXX' where id = 5`, /users_currency_fkey/],
  ] as const) await t.rejects(client.query(sql), reason, sql);
  t.same(await ledger(), before);
  const { rows } = await client.query(`select (change_balance('user', 5, 20.0, 'payment', 'bank-1')).version`);
  t.same(rows, [{ version: '2' }], 'the same again is the row that stands there');
  t.same(await ledger(), before);
});

t.test('nobody is his own reseller, by himself or by others', async (t) => {
  await client.query(`insert into users (id, username, type, owner_id) values (51, 'partner', 'partner', 0), (52, 'reseller', 'reseller', 51)`);
  for (const [sql, reason] of [
    ['update users set owner_id = 52 where id = 52', /cannot own/],
    ['update users set owner_id = 52 where id = 51', /own/],
    [`insert into users (username, type, owner_id) values ('below', 'reseller', 52)`, /own/],
    ['update users set owner_id = 5 where id = 52', /own/],
    [`update users set type = 'reseller' where id = 51`, /own/],
  ] as const) await t.rejects(client.query(sql), reason, sql);
});

t.test('a file with a currency that is not there, or with a loop of owners, is refused by its lines', async (t) => {
  const file = join(newFolder('bad-money'), 'tenant.yaml');
  const load = async (yaml: string): Promise<unknown> => {
    writeFileSync(file, yaml);
    return importTenant(file, { postgresUrl, separators: { separator: ',', decimal: '.' } });
  };
  const before = await ledger();
  await t.rejects(load('users:\n  - username: one\n    currency: DOGE\n    balance: 5\n'), /users\[0\]\.currency.*DOGE/s);
  await t.rejects(load('users:\n  - username: a\n    type: reseller\n    owner: b\n  - username: b\n    type: reseller\n    owner: a\n'), /depends on "b"/);
  await t.rejects(load('users:\n  - username: one\n    balance: 1e12\n'), /users\[0\]\.balance/);
  await t.rejects(load('users:\n  - username: one\n    dailyLimit: -1\n'), /users\[0\]\.dailyLimit/);
  t.same(await ledger(), before);
});
