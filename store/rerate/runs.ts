/** The table `rerates`: what was re-rated, by whom, how far it came. */
import type { Client } from 'pg';
import { parseMoney } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import { RerateError } from './error.ts';
import type { Place } from './rows.ts';
import type { Selection, SelectionKind } from './selection.ts';
import { amountText } from './write.ts';

export interface Run {
  readonly id: number;
  readonly kind: SelectionKind;
  readonly ofId: number;
  readonly name: string;
  readonly from: Date;
  readonly to: Date;
  /** `running` and `undoing` are unfinished. */
  readonly state: 'running' | 'applied' | 'undoing' | 'undone';
  readonly startedAt: Date;
  readonly startedBy: string;
  readonly undoneAt: Date | null;
  readonly undoneBy: string | null;
  readonly changes: number;
  readonly usersChange: Money;
  readonly providersChange: Money;
  readonly past: Place | null;
}

interface RunRow extends Omit<Run, 'changes' | 'usersChange' | 'providersChange' | 'past'> {
  readonly changes: string;
  readonly usersChange: string;
  readonly providersChange: string;
  readonly pastCallDate: string | null;
  readonly pastUniqueId: string | null;
}

const RUNS = `select id, kind, of_id as "ofId", name, from_at as "from", till_at as "to", state, started_at as "startedAt", started_by as "startedBy",
  undone_at as "undoneAt", undone_by as "undoneBy", changes, users_change as "usersChange", providers_change as "providersChange",
  to_char(past_calldate at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "pastCallDate", past_uniqueid as "pastUniqueId" from rerates`;

async function query(client: Client, where: string, values: readonly unknown[] = []): Promise<Run[]> {
  const { rows } = await client.query<RunRow>(`${RUNS} ${where} order by id`, [...values]);
  return rows.map(({ pastCallDate, pastUniqueId, ...row }) => ({
    ...row, changes: Number(row.changes), usersChange: parseMoney(row.usersChange), providersChange: parseMoney(row.providersChange),
    past: pastCallDate === null || pastUniqueId === null ? null : { callDate: pastCallDate, uniqueId: pastUniqueId },
  }));
}

export async function allRuns(client: Client): Promise<readonly Run[]> {
  return query(client, '');
}

export async function findRun(client: Client, id: number): Promise<Run | null> {
  return (await query(client, 'where id = $1', [id]))[0] ?? null;
}

export async function unfinishedRun(client: Client): Promise<Run | null> {
  return (await query(client, `where state in ('running', 'undoing')`))[0] ?? null;
}

export function isOf(run: Run, selection: Selection): boolean {
  return run.kind === selection.kind && run.ofId === selection.id && run.from.getTime() === selection.fromMs && run.to.getTime() === selection.toMs;
}

export async function createRun(client: Client, { kind, id, name, fromMs, toMs }: Selection, by: string): Promise<number> {
  const { rows } = await client.query<{ id: number }>('insert into rerates (kind, of_id, name, from_at, till_at, started_by) values ($1, $2, $3, $4, $5, $6) returning id', [kind, id, name, new Date(fromMs), new Date(toMs), by]);
  return rows[0]?.id ?? 0;
}

export async function advance(client: Client, id: number, step: { readonly past: Place; readonly changes: number; readonly usersChange: Money; readonly providersChange: Money }): Promise<void> {
  await client.query(
    'update rerates set past_calldate = $2, past_uniqueid = $3, changes = changes + $4, users_change = users_change + $5::numeric, providers_change = providers_change + $6::numeric where id = $1',
    [id, step.past.callDate, step.past.uniqueId, step.changes, amountText(step.usersChange), amountText(step.providersChange)],
  );
}

export async function markApplied(client: Client, id: number): Promise<void> {
  await client.query(`update rerates set state = 'applied', applied_at = now() where id = $1`, [id]);
}

export async function markUndoing(client: Client, id: number, by: string): Promise<void> {
  await client.query(`update rerates set state = 'undoing', undone_by = $2 where id = $1`, [id, by]);
}

export async function markUndone(client: Client, id: number): Promise<void> {
  await client.query(`update rerates set state = 'undone', undone_at = now() where id = $1`, [id]);
}

const LOCK_WAIT_MS = 5000;

/** Until the connection ends: two re-ratings would change the same prices. Throws RerateError when another one is at work. */
export async function lockRerates(client: Client): Promise<void> {
  await client.query('begin');
  // A little patience: Postgres takes a moment to notice that a killed one is gone.
  await client.query(`set local lock_timeout = ${LOCK_WAIT_MS}`);
  try {
    await client.query(`select pg_advisory_lock(hashtext('tollgate'), hashtext('rerate'))`);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    if ((error as { code?: unknown }).code !== '55P03') throw error;
    throw new RerateError('Another re-rating is at work; wait until it has ended.');
  }
}

/** How to go on with an unfinished one, in words. */
export function howToGoOn({ id, kind, name, from, to, state }: Run): string {
  const undo = `\`rerate --undo ${id}\``;
  if (state === 'undoing') return `Re-rating ${id} is half undone; ${undo} goes on with it.`;
  return `Re-rating ${id} is unfinished; \`rerate --${kind} ${JSON.stringify(name)} --from ${from.toISOString()} --to ${to.toISOString()} --apply\` goes on with it, ${undo} takes it back.`;
}
