/** One look at all users who want to be warned, in one transaction: what is decided is there once, whoever looks, and how often. */
import type { Pool, PoolClient } from 'pg';
import { moneyText, parseMoney } from '../../rating/money.ts';
import type { Decided, Span, WarnedUser } from './rows.ts';

/** Users are read so many at a time, so that calls are not kept waiting. */
const PAGE = 500;
/** What was told is kept so long. */
const KEPT = '90 days';
/** Any number that nothing else in this database locks. */
const LOCK = 7_208_011;

type Row = Readonly<Record<string, string | number | boolean | null>>;

const USERS = `select u.id, u.balance, u.balance_version, u.warning_threshold, u.warning_mode, u.warning_hour, u.time_zone, u.warning_email, u.email, u.warning_webhook, u.owner_id,
    o.email as owner_email, admin.email as admin_email, coalesce(a.email, '') as accountant_email,
    coalesce(s.arming, 0) as arming, coalesce(s.warned, false) as warned, coalesce(s.version, 0) as version,
    coalesce(s.warned, false) and exists (select from balance_ledger l where l.account = 'user' and l.account_id = u.id
      and l.version > s.version and l.version <= u.balance_version and l.balance_after >= u.warning_threshold) as rose
  from users u join users o on o.id = u.owner_id join users admin on admin.id = 0 left join users a on a.id = u.accountant_id left join warning_states s on s.user_id = u.id
  where u.warning_enabled and u.id > $1 and (u.balance < u.warning_threshold or s.warned)
  order by u.id limit ${PAGE}`;

function userOf(row: Row): WarnedUser {
  return {
    id: Number(row['id']),
    balance: parseMoney(String(row['balance'])),
    version: Number(row['balance_version']),
    threshold: parseMoney(String(row['warning_threshold'])),
    mode: row['warning_mode'] === 'daily' ? 'daily' : 'once',
    hour: Number(row['warning_hour']),
    timeZone: String(row['time_zone']),
    warningEmail: String(row['warning_email']),
    email: String(row['email']),
    webhook: String(row['warning_webhook']),
    ownerId: Number(row['owner_id']),
    ownerEmail: String(row['owner_email']),
    adminEmail: String(row['admin_email']),
    accountantEmail: String(row['accountant_email']),
    state: { arming: Number(row['arming']), warned: row['warned'] === true, version: Number(row['version']) },
    rose: row['rose'] === true,
  };
}

async function keep(client: PoolClient, { user, warning, state }: Decided): Promise<number> {
  if (state !== null) {
    await client.query(`insert into warning_states (user_id, arming, warned, version) values ($1, $2, $3, $4)
      on conflict (user_id) do update set arming = excluded.arming, warned = excluded.warned, version = excluded.version`, [user.id, state.arming, state.warned, state.version]);
  }
  if (warning === null) return 0;
  const { rows } = await client.query<{ id: string }>(`insert into warnings (user_id, mode, occasion, balance, threshold) values ($1, $2, $3, $4, $5)
    on conflict do nothing returning id`, [user.id, warning.mode, warning.occasion, moneyText(user.balance), moneyText(user.threshold)]);
  const id = rows[0]?.id;
  if (id === undefined) return 0;
  const { deliveries } = warning;
  await client.query(`insert into warning_deliveries (warning_id, channel, recipient, address) select $1, * from unnest($2::text[], $3::text[], $4::text[])`,
    [id, deliveries.map(({ channel }) => channel), deliveries.map(({ recipient }) => recipient), deliveries.map(({ address }) => address)]);
  return 1;
}

async function transaction<Result>(pool: Pool, work: (client: PoolClient) => Promise<Result>): Promise<Result> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** `everyMs`: how far the first sweep of all looks back. Resolves with the warnings that are new; null: another sweep is under way. */
export async function sweepWarnings(pool: Pool, everyMs: number, decide: (users: readonly WarnedUser[], span: Span) => readonly Decided[]): Promise<number | null> {
  return transaction(pool, async (client) => {
    const locked = await client.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [LOCK]);
    if (locked.rows[0]?.mine !== true) return null;
    const times = await client.query<{ now: Date; last: Date | null }>('select now() as now, (select at from warning_sweeps) as last');
    const nowMs = times.rows[0]?.now.getTime() ?? 0;
    const span = { nowMs, lastMs: times.rows[0]?.last?.getTime() ?? nowMs - everyMs };
    let found = 0;
    let after = -1;
    for (;;) {
      const { rows } = await client.query<Row>(USERS, [after]);
      for (const one of decide(rows.map(userOf), span)) found += await keep(client, one);
      if (rows.length < PAGE) break;
      after = Number(rows.at(-1)?.['id']);
    }
    await client.query('insert into warning_sweeps (at) values (now()) on conflict (only_one) do update set at = excluded.at');
    await client.query(`delete from warnings w where at < now() - interval '${KEPT}' and not exists (select from warning_deliveries d where d.warning_id = w.id and d.state in ('queued', 'handed'))`);
    return found;
  });
}
