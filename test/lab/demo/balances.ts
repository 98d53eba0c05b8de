/** Balances of all accounts before and after, with the exact difference, which Postgres works out. */

import type { Client } from 'pg';

export type BalanceRow = { name: string; kind: string; before: string; after: string; change: string };

const ACCOUNTS = `
  select type as kind, username as name, balance from users where id > 0
  union all select 'provider', name, balance from providers`;

/** To be called before the first call: remembers them for as long as the connection lives. */
export async function rememberBalances(db: Client): Promise<void> {
  await db.query(`create temp table balance_before as ${ACCOUNTS}`);
}

/** Resellers, users, providers. */
export async function compareBalances(db: Client): Promise<readonly BalanceRow[]> {
  const { rows } = await db.query<BalanceRow>(`
    select name, kind, trim_scale(b.balance)::text as before, trim_scale(a.balance)::text as after, trim_scale(a.balance - b.balance)::text as change
    from (${ACCOUNTS}) a join balance_before b using (kind, name)
    order by kind = 'provider', kind <> 'reseller', name`);
  return rows;
}
