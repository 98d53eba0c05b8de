/** The statements that change prices: CDRs, and the ledger rows that correct the balances. Inside a transaction. */
import type { ClientBase } from 'pg';
import type { PriceLevel } from '../../engine/call/admission.ts';
import { formatMoney, MONEY_DECIMALS } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import { LEVEL_COLUMN } from '../cdr-row.ts';
import type { Change } from './change.ts';
import { RerateError } from './error.ts';
import type { AccountKind } from './levels.ts';
import { LEVEL_RULES } from './levels.ts';
import type { CallKey } from './rows.ts';

type Writer = Pick<ClientBase, 'query'>;

export const amountText = (amount: Money): string => formatMoney(amount, MONEY_DECIMALS);

/** A price of a CDR that is replaced, if it is still what it was. */
export interface NewPrice {
  readonly key: CallKey;
  readonly level: PriceLevel;
  readonly expected: Money;
  readonly rate: string | null;
  readonly billedS: number | null;
  readonly price: Money;
  /** The level's part of `captured`. */
  readonly part: unknown;
}

/** Throws RerateError if a price is no longer the expected one: somebody else writes CDRs. */
export async function putPrices(writer: Writer, prices: readonly NewPrice[]): Promise<void> {
  for (const level of new Set(prices.map((price) => price.level))) await putLevel(writer, level, prices.filter((price) => price.level === level));
}

async function putLevel(writer: Writer, level: PriceLevel, prices: readonly NewPrice[]): Promise<void> {
  const column = LEVEL_COLUMN[level];
  const { rows } = await writer.query<{ uniqueid: string }>(
    `update calls c set ${column}_rate = s.rate, ${column}_billsec = s.billsec, ${column}_price = s.price, captured = jsonb_set(c.captured, array[$9::text], s.part)
     from unnest($1::text[], $2::smallint[], $3::timestamptz[], $4::numeric[], $5::numeric[], $6::int[], $7::numeric[], $8::jsonb[]) s (uniqueid, attempt, calldate, expected, rate, billsec, price, part)
     where c.uniqueid = s.uniqueid and c.attempt = s.attempt and c.calldate = s.calldate and c.${column}_price = s.expected returning c.uniqueid`,
    [
      ...keyColumns(prices), prices.map(({ expected }) => amountText(expected)), prices.map(({ rate }) => rate), prices.map(({ billedS }) => billedS),
      prices.map(({ price }) => amountText(price)), prices.map(({ part }) => JSON.stringify(part)), level,
    ],
  );
  if (rows.length === prices.length) return;
  const done = new Set(rows.map(({ uniqueid }) => uniqueid));
  const missing = prices.find(({ key }) => !done.has(key.uniqueId));
  throw new RerateError(`The ${level} price of call ${missing?.key.uniqueId ?? ''} is no longer ${amountText(missing?.expected ?? 0n)}: something else changed or removed its CDR. Nothing of this batch was written.`);
}

export function keyColumns(prices: readonly { readonly key: CallKey }[]): readonly [string[], number[], string[]] {
  return [prices.map(({ key }) => key.uniqueId), prices.map(({ key }) => key.attempt), prices.map(({ key }) => key.callDate)];
}

export async function recordChanges(writer: Writer, rerateId: number, changes: readonly Change[]): Promise<void> {
  await writer.query(
    `insert into rerate_changes (rerate_id, uniqueid, attempt, calldate, level, account, account_id, old_rate, old_billsec, old_price, old_captured, new_price)
     select $1, * from unnest($2::text[], $3::smallint[], $4::timestamptz[], $5::text[], $6::text[], $7::int[], $8::numeric[], $9::int[], $10::numeric[], $11::jsonb[], $12::numeric[])`,
    [
      rerateId, ...keyColumns(changes), changes.map(({ level }) => level), changes.map(({ level }) => LEVEL_RULES[level].account), changes.map(({ accountId }) => accountId),
      changes.map(({ before }) => before.rate), changes.map(({ before }) => before.billedS), changes.map(({ before }) => amountText(before.price)),
      changes.map(({ before }) => JSON.stringify(before.part)), changes.map(({ after }) => amountText(after.price)),
    ],
  );
}

/** What a balance changes by, for a call. */
export interface Correction {
  readonly account: AccountKind;
  readonly accountId: number;
  readonly amount: Money;
  readonly uniqueId: string;
}

/**
 * One ledger row each; the ledger moves the balances and tells the engines. Accounts are locked as the settler locks
 * them, users before providers in the order of their ids: otherwise the two could wait for each other for ever.
 */
export async function correctBalances(writer: Writer, corrections: readonly Correction[], note: string): Promise<void> {
  await writer.query(
    `with correction as (select * from unnest($1::text[], $2::int[], $3::numeric[], $4::text[]) with ordinality d (account, account_id, amount, reference, n)),
      payer as (select 'user' as account, id, balance, balance_version from users
        where id in (select account_id from correction where account = 'user') order by id for no key update),
      carrier as (select 'provider' as account, id, balance, balance_version from providers
        where id in (select account_id from correction where account = 'provider') order by id for no key update)
    insert into balance_ledger (account, account_id, version, amount, balance_after, cause, reference, note)
    select d.account, d.account_id, h.balance_version + row_number() over w, d.amount, h.balance + sum(d.amount) over w, 'rerate', d.reference, $5
    from correction d left join (select * from payer union all select * from carrier) h on h.account = d.account and h.id = d.account_id
    window w as (partition by d.account, d.account_id order by d.n)`,
    [corrections.map(({ account }) => account), corrections.map(({ accountId }) => accountId), corrections.map(({ amount }) => amountText(amount)), corrections.map(({ uniqueId }) => uniqueId), note],
  );
}
