/** For the command: who is below his threshold now, and what was told to whom. */
import type { Client } from 'pg';
import { connectClient } from '../postgres.ts';

export interface LowUser {
  readonly username: string;
  readonly balance: string;
  readonly threshold: string;
  readonly currency: string;
  readonly mode: 'once' | 'daily';
  /** Of mode `once`: he was warned since he dropped below. */
  readonly warned: boolean;
}

export interface Told {
  readonly id: string;
  readonly username: string;
  readonly at: Date;
  readonly balance: string;
  readonly channel: 'mail' | 'webhook';
  readonly recipient: string;
  readonly address: string;
  readonly state: 'queued' | 'handed' | 'sent' | 'failed' | 'unknown';
  readonly attempts: number;
  readonly answer: string;
}

export interface WarningView {
  readonly lastSweep: Date | null;
  readonly low: readonly LowUser[];
  /** The newest first; those that failed before all others. */
  readonly told: readonly Told[];
}

async function view(client: Client, most: number): Promise<WarningView> {
  const low = await client.query<LowUser>(`select u.username, trim_scale(u.balance)::text as balance, trim_scale(u.warning_threshold)::text as threshold, u.currency, u.warning_mode as mode, coalesce(s.warned, false) as warned
    from users u left join warning_states s on s.user_id = u.id where u.warning_enabled and u.balance < u.warning_threshold order by u.balance - u.warning_threshold, u.username limit $1`, [most]);
  const told = await client.query<Told>(`select d.id::text, u.username, w.at, trim_scale(w.balance)::text as balance, d.channel, d.recipient, d.address, d.state, d.attempts, d.answer
    from warning_deliveries d join warnings w on w.id = d.warning_id join users u on u.id = w.user_id order by d.state in ('failed', 'unknown') desc, d.id desc limit $1`, [most]);
  const sweep = await client.query<{ at: Date }>('select at from warning_sweeps');
  return { lastSweep: sweep.rows[0]?.at ?? null, low: low.rows, told: told.rows };
}

export async function readWarnings(postgresUrl: string, most: number): Promise<WarningView> {
  const client = await connectClient(postgresUrl, 'warnings');
  try {
    return await view(client, most);
  } finally {
    await client.end();
  }
}
