/**
 * Each mail or request from its queueing to its end. Every change asks for the state before it, so that of two who believe
 * that it is theirs one finds it gone.
 *
 *   queued ──▶ handed (mail: the server is being given the text) ──▶ sent
 *     ▲ │          │ the server refused it for now                ──▶ queued, or failed at the last attempt
 *     │ ▼          │ nobody knows whether it took it              ──▶ unknown: not sent again
 *     └─┘ failed   └
 */
import type { Pool } from 'pg';
import { parseMoney } from '../../rating/money.ts';
import type { OpenDelivery, TemplateName } from './rows.ts';

const ANSWER_LENGTH = 300;

/** Somebody else's words, for one line of a table or a log. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\s]+/gu, ' ').trim().slice(0, ANSWER_LENGTH);
}

/** Oldest first. */
export async function queuedDeliveries(pool: Pool, most: number): Promise<readonly string[]> {
  const { rows } = await pool.query<{ id: string }>(`select id from warning_deliveries where state = 'queued' order by id limit $1`, [most]);
  return rows.map(({ id }) => id);
}

/** The user is told by one template, all others by another. */
function templateOf(recipient: string): TemplateName {
  return recipient === 'user' ? 'warning_balance_email' : 'warning_balance_email_local';
}

type Row = Readonly<Record<string, string | number | Date>>;

/** null: it is not queued any more. */
export async function readDelivery(pool: Pool, id: string): Promise<OpenDelivery | null> {
  const { rows } = await pool.query<Row>(`select d.id, d.channel, d.recipient, d.address, d.attempts, w.balance, w.threshold, w.at, u.id as user_id, u.username, u.first_name, u.last_name, u.currency, u.time_zone
    from warning_deliveries d join warnings w on w.id = d.warning_id join users u on u.id = w.user_id where d.id = $1 and d.state = 'queued'`, [id]);
  const [row] = rows;
  if (row === undefined) return null;
  const template = await pool.query<{ subject: string; text: string; html: string }>('select subject, text, html from email_templates where name = $1', [templateOf(String(row['recipient']))]);
  return {
    id: String(row['id']), channel: row['channel'] as OpenDelivery['channel'], recipient: row['recipient'] as OpenDelivery['recipient'], address: String(row['address']),
    userId: Number(row['user_id']), username: String(row['username']), firstName: String(row['first_name']), lastName: String(row['last_name']),
    currency: String(row['currency']), timeZone: String(row['time_zone']), balance: parseMoney(String(row['balance'])), threshold: parseMoney(String(row['threshold'])),
    atMs: (row['at'] as Date).getTime(), attempts: Number(row['attempts']), template: template.rows[0] ?? { subject: '', text: '', html: '' },
  };
}

/** From here on the mail server may have it. False: it is another's. */
export async function handOver(pool: Pool, id: string, claim: string): Promise<boolean> {
  const { rowCount } = await pool.query(`update warning_deliveries set state = 'handed', claim = $2, changed_at = now() where id = $1 and state = 'queued'`, [id, claim]);
  return rowCount === 1;
}

/** A mail that was given up as unknown meanwhile, and of which the server's answer came all the same, was sent. */
export async function mailSent(pool: Pool, id: string, claim: string, answer: string): Promise<void> {
  await pool.query(`update warning_deliveries set state = 'sent', attempts = attempts + 1, answer = $3, changed_at = now() where id = $1 and claim = $2 and state in ('handed', 'unknown')`, [id, claim, oneLine(answer)]);
}

export async function requestAnswered(pool: Pool, id: string, answer: string): Promise<void> {
  await pool.query(`update warning_deliveries set state = 'sent', attempts = attempts + 1, answer = $2, changed_at = now() where id = $1 and state = 'queued'`, [id, oneLine(answer)]);
}

export interface Failure {
  readonly reason: string;
  /** The mail server was being given it, under this claim, and has refused it. */
  readonly claim: string | null;
  /** Trying again is of no use, or was tried often enough. */
  readonly final: boolean;
}

export async function notDelivered(pool: Pool, id: string, { reason, claim, final }: Failure): Promise<void> {
  await pool.query(`update warning_deliveries set state = $3, attempts = attempts + 1, answer = $4, changed_at = now()
    where id = $1 and ((state = 'queued' and $2::uuid is null) or (state = 'handed' and claim = $2))`, [id, claim, final ? 'failed' : 'queued', oneLine(reason)]);
}

export interface Lost {
  readonly id: string;
  readonly recipient: string;
  readonly username: string;
}

/** The connection ended between the text and the server's answer, or whoever sent it is gone: it is not sent again. */
export async function closeUnknown(pool: Pool, which: { readonly claim: string; readonly reason: string } | { readonly olderMs: number }): Promise<readonly Lost[]> {
  const [claim, olderMs, reason] = 'claim' in which ? [which.claim, null, which.reason] : [null, which.olderMs, 'whoever sent it ended before the mail server answered'];
  const { rows } = await pool.query<Lost>(`update warning_deliveries d set state = 'unknown', attempts = attempts + 1, answer = $3, changed_at = now()
    from warnings w join users u on u.id = w.user_id
    where w.id = d.warning_id and d.state = 'handed' and ((claim = $1::uuid) or ($1 is null and d.changed_at < now() - make_interval(secs => $2::float8 / 1000)))
    returning d.id, d.recipient, u.username`, [claim, olderMs, oneLine(reason)]);
  return rows;
}

export interface DeliveryCounts {
  readonly queued: number;
  /** Of the last day. */
  readonly failed: number;
  readonly unknown: number;
}

export async function countDeliveries(pool: Pool): Promise<DeliveryCounts> {
  const { rows } = await pool.query<DeliveryCounts>(`select
    (select count(*)::int from warning_deliveries where state in ('queued', 'handed')) as queued,
    (select count(*)::int from warning_deliveries where state = 'failed' and changed_at > now() - interval '1 day') as failed,
    (select count(*)::int from warning_deliveries where state = 'unknown' and changed_at > now() - interval '1 day') as unknown`);
  return rows[0] ?? { queued: 0, failed: 0, unknown: 0 };
}
