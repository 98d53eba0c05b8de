/** A payment of a user, through the ledger: booked once for each reference. */
import { DatabaseError } from 'pg';
import { moneyText } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import { connectClient } from './postgres.ts';

/** What is not booked; the message says why. */
export class TopUpError extends Error {
  override readonly name = 'TopUpError';
}

export interface TopUp {
  readonly username: string;
  readonly amount: Money;
  readonly reference: string;
  readonly note: string;
}

export interface Booked {
  readonly user: string;
  readonly amount: string;
  readonly currency: string;
  readonly balance: string;
  readonly reference: string;
  /** False: it stood in the ledger already, and nothing was changed. */
  readonly fresh: boolean;
  readonly at: Date;
}

const ACCOUNT = `select id, type, currency from users where username = $1`;

// A row of this moment's transaction is new.
const BOOK = `select trim_scale(b.amount)::text as amount, trim_scale(b.balance_after)::text as balance, b.at, b.at = now() as fresh
  from change_balance('user', $1, $2, 'payment', $3, $4) b`;

/** Raised by change_balance: a reference of another amount, an amount that is none, a balance beyond all bounds. */
const REASONS: ReadonlySet<string> = new Set(['23505', '23514', '22003']);

export async function topUp(postgresUrl: string, { username, amount, reference, note }: TopUp): Promise<Booked> {
  const client = await connectClient(postgresUrl, 'top up');
  try {
    const [account] = (await client.query<{ id: number; type: string; currency: string }>(ACCOUNT, [username])).rows;
    if (account === undefined) throw new TopUpError(`There is no user "${username}".`);
    if (account.type === 'admin') throw new TopUpError('The admin has no balance.');
    const [row] = (await client.query<{ amount: string; balance: string; at: Date; fresh: boolean }>(BOOK, [account.id, moneyText(amount), reference, note])).rows;
    if (row === undefined) throw new TopUpError('Nothing was booked.');
    return { user: username, currency: account.currency, reference, ...row };
  } catch (error) {
    if (error instanceof DatabaseError && REASONS.has(error.code ?? '')) throw new TopUpError(`Not booked: ${error.message}.`);
    throw error;
  } finally {
    await client.end();
  }
}
