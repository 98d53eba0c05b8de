/** The statements of the settling transaction. Few per batch, whatever its size. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ClientBase } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { CALL_COLUMNS } from './cdr-row.ts';
import type { DebitText } from './cdr-row.ts';
import { copying } from './postgres.ts';

type Writer = Pick<ClientBase, 'query'>;

const NAMES = CALL_COLUMNS.map(([name]) => name).join(', ');

/** Only one settler works at a time; the others would wait for its rows. False: another one has it. */
export async function takeSettlerLock(writer: Writer): Promise<boolean> {
  const { rows } = await writer.query<{ taken: boolean }>(`select pg_try_advisory_xact_lock(hashtext('tollgate'), hashtext('settler')) as taken`);
  return rows[0]?.taken === true;
}

const prepared = new WeakSet<Writer>();

/** A place of the connection's own for the rows of a batch, empty again after each commit. Outside of a transaction. */
export async function prepareWriter(writer: ClientBase): Promise<void> {
  if (prepared.has(writer)) return;
  await writer.query(`create temporary table if not exists settling on commit delete rows as select ${NAMES} from calls limit 0`);
  prepared.add(writer);
}

/** `rows`: lines of COPY. */
export async function copyCalls(writer: ClientBase, rows: string): Promise<void> {
  await pipeline(Readable.from([rows]), writer.query(copying(copyFrom(`copy settling (${NAMES}) from stdin`))));
}

/** Of what was copied. Returns the unique ids of the calls whose final row was new. */
export async function insertCalls(writer: Writer): Promise<ReadonlySet<string>> {
  const result = await writer.query<{ uniqueid: string; final: boolean }>({
    name: 'settle-calls',
    // The exchange rate of the user's currency is frozen with the row. Talk of providers is counted with the rows that are
    // new, in one order for whoever else does so.
    text: `with fresh as (insert into calls (${NAMES}, user_currency, user_exchange_rate) select ${NAMES.replaceAll(/\w+/g, 's.$&')}, u.currency, c.exchange_rate
      from settling s left join users u on u.id = s.user_id left join currencies c on c.code = u.currency
      on conflict do nothing returning uniqueid, final, provider_id, billsec, calldate),
      talk as (insert into provider_talk as t (provider_id, day, seconds)
        select f.provider_id, (f.calldate at time zone p.time_zone)::date, sum(f.billsec) from fresh f join providers p on p.id = f.provider_id
        where f.billsec > 0 group by 1, 2 order by 1, 2
        on conflict (provider_id, day) do update set seconds = t.seconds + excluded.seconds)
      select uniqueid, final from fresh`,
  });
  return new Set(result.rows.filter((row) => row.final).map((row) => row.uniqueid));
}

export interface NamedDebit {
  readonly debit: DebitText;
  readonly uniqueId: string;
}

/** What `insertDebits` hands over, as Postgres writes arrays: made while it is still at work on the calls. */
export type DebitArrays = readonly [accounts: string, ids: string, amounts: string, causes: string, references: string];

export function debitArrays(debits: readonly NamedDebit[]): DebitArrays {
  const array = (value: (named: NamedDebit) => unknown): string => `{${debits.map((named) => `"${String(value(named)).replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
  return [array(({ debit }) => debit[0]), array(({ debit }) => debit[1]), array(({ debit }) => debit[2]), array(({ debit }) => debit[3]), array(({ uniqueId }) => uniqueId)];
}

/**
 * One ledger row a debit; the ledger moves the balances. Accounts are locked in the order of their ids, users before
 * providers, so that two settlers or a payment in between cannot lock each other out for ever.
 */
export async function insertDebits(writer: Writer, debits: DebitArrays): Promise<void> {
  await writer.query({
    name: 'settle-debits',
    text: `with debit as (
        select * from unnest($1::text[], $2::int[], $3::numeric[], $4::text[], $5::text[]) with ordinality d (account, account_id, amount, cause, reference, n)),
      payer as (select 'user' as account, id, balance, balance_version from users
        where id in (select account_id from debit where account = 'user') order by id for no key update),
      carrier as (select 'provider' as account, id, balance, balance_version from providers
        where id in (select account_id from debit where account = 'provider') order by id for no key update)
      insert into balance_ledger (account, account_id, version, amount, balance_after, cause, reference)
      select d.account, d.account_id, h.balance_version + row_number() over w, -d.amount, h.balance - sum(d.amount) over w, d.cause, d.reference
      from debit d left join (select * from payer union all select * from carrier) h on h.account = d.account and h.id = d.account_id
      window w as (partition by d.account_id, d.account order by d.n)`,
    values: [...debits],
  });
}

/** `month` as 2026-11. */
export async function makePartition(writer: Writer, month: string): Promise<void> {
  await writer.query('select make_call_partition($1)', [`${month}-01`]);
}
