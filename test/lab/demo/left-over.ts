/** What calls that are over must not leave behind in Redis. */

import { parseMoney, moneyText } from '../../../rating/money.ts';
import type { DemoStage } from './stage.ts';
import type { Verdict } from './verdict.ts';

type UserRow = { id: number; username: string; balance: string };

export async function judgeLeftOver({ db, view }: Pick<DemoStage, 'db' | 'view'>): Promise<Verdict> {
  const left: string[] = [];
  for (const call of await view.calls()) left.push(`call ${call.callId}`);
  for (const [key, value] of Object.entries(await view.counters())) left.push(`${key} = ${value}`);
  const { rows } = await db.query<UserRow>('select id, username, balance::text as balance from users where id > 0');
  for (const { id, username, balance } of rows) {
    const purse = await view.purse(id, Date.now());
    // Redis learns of a payer when he is first asked for money.
    if (purse === null) continue;
    if (purse.reserved !== 0n) left.push(`${username}: ${moneyText(purse.reserved)} on hold`);
    if (purse.pending !== 0n) left.push(`${username}: ${moneyText(purse.pending)} pending`);
    if (purse.balance !== parseMoney(balance)) left.push(`${username}: balance ${moneyText(purse.balance)} here, ${balance} in Postgres`);
  }
  const should = 'nothing: no call, no place in a counter, no money on hold or pending';
  return { what: 'What they left behind in Redis', should, did: left.length === 0 ? 'nothing' : left.join('\n'), ok: left.length === 0 };
}
