/** Takes a re-rating back: opposite ledger rows, and the CDRs as they were; in batches, and it goes on where it was interrupted. */
import type { Client } from 'pg';
import type { PriceLevel } from '../../engine/call/admission.ts';
import { parseMoney } from '../../rating/money.ts';
import { connectClient } from '../postgres.ts';
import { RerateError, stopIfAborted } from './error.ts';
import { balanceChange } from './levels.ts';
import type { AccountKind } from './levels.ts';
import { EXACT_DATE } from './rows.ts';
import type { CallKey } from './rows.ts';
import { findRun, howToGoOn, lockRerates, markUndoing, markUndone, unfinishedRun } from './runs.ts';
import type { Run } from './runs.ts';
import { correctBalances, keyColumns, putPrices } from './write.ts';

const BATCH = 500;

export interface UndoOptions {
  readonly postgresUrl: string;
  readonly id: number;
  readonly by: string;
  readonly batch?: number;
  /** Share of the prices that are done, 0 to 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Aborted: it stops behind the batch in hand. */
  readonly signal?: AbortSignal | undefined;
}

export interface UndoReport {
  readonly run: Run;
  /** Prices put back by this run; 0 when it was undone before. */
  readonly changes: number;
}

/** Throws RerateError for an id that is not there, and while a later re-rating stands on it. */
export async function undoRerate(options: UndoOptions): Promise<UndoReport> {
  const client = await connectClient(options.postgresUrl, 'rerate', 0);
  try {
    await lockRerates(client);
    const run = await findRun(client, options.id);
    if (run === null) throw new RerateError(`There is no re-rating ${options.id}; \`rerate --list\` shows them.`);
    if (run.state === 'undone') return { run, changes: 0 };
    await mustBeLast(client, run);
    if (run.state !== 'undoing') await markUndoing(client, run.id, options.by);
    const changes = await putBackAll(client, run, options);
    await markUndone(client, run.id);
    return { run: (await findRun(client, run.id)) ?? run, changes };
  } finally {
    await client.end();
  }
}

async function mustBeLast(client: Client, run: Run): Promise<void> {
  const unfinished = await unfinishedRun(client);
  if (unfinished !== null && unfinished.id !== run.id) throw new RerateError(howToGoOn(unfinished));
  const { rows } = await client.query<{ id: number }>(
    `select rerate_id as id from rerate_changes own where rerate_id > $1 and not undone and exists (
      select from rerate_changes r where r.rerate_id = $1 and not r.undone and (r.uniqueid, r.attempt, r.calldate, r.level) = (own.uniqueid, own.attempt, own.calldate, own.level))
     order by id desc limit 1`,
    [run.id],
  );
  const [later] = rows;
  if (later !== undefined) throw new RerateError(`Re-rating ${later.id} changed some of the same prices later. Undo that one first: \`rerate --undo ${later.id}\`.`);
}

interface Written {
  readonly key: CallKey;
  readonly level: PriceLevel;
  readonly account: AccountKind;
  readonly accountId: number;
  readonly oldRate: string | null;
  readonly oldBilledS: number | null;
  readonly oldPrice: bigint;
  readonly oldPart: unknown;
  readonly newPrice: bigint;
}

async function putBackAll(client: Client, run: Run, options: UndoOptions): Promise<number> {
  let done = 0;
  let after: Pick<Written, 'key' | 'level'> | null = null;
  for (;;) {
    stopIfAborted(options.signal);
    await client.query('begin');
    const batch = await nextWritten(client, run.id, after, options.batch ?? BATCH);
    if (batch.length > 0) await putBack(client, run.id, batch);
    await client.query('commit');
    const last = batch.at(-1);
    if (last === undefined) return done;
    after = last;
    done += batch.length;
    options.onProgress?.(Math.min(1, done / run.changes));
  }
}

async function nextWritten(client: Client, id: number, after: Pick<Written, 'key' | 'level'> | null, size: number): Promise<Written[]> {
  const { key, level } = after ?? { key: { uniqueId: '', attempt: 0, callDate: '-infinity' }, level: '' };
  const { rows } = await client.query<{
    uniqueid: string; attempt: number; exact_date: string; level: PriceLevel; account: AccountKind; account_id: number;
    old_rate: string | null; old_billsec: number | null; old_price: string; old_captured: unknown; new_price: string;
  }>(
    `select *, ${EXACT_DATE} as exact_date from rerate_changes where rerate_id = $1 and not undone
      and (uniqueid, attempt, calldate, level) > ($2::text, $3::smallint, $4::timestamptz, $5::text) order by uniqueid, attempt, calldate, level limit $6`,
    [id, key.uniqueId, key.attempt, key.callDate, level, size],
  );
  return rows.map((row) => ({
    key: { uniqueId: row.uniqueid, attempt: row.attempt, callDate: row.exact_date }, level: row.level, account: row.account, accountId: row.account_id,
    oldRate: row.old_rate, oldBilledS: row.old_billsec, oldPrice: parseMoney(row.old_price), oldPart: row.old_captured, newPrice: parseMoney(row.new_price),
  }));
}

async function putBack(client: Client, id: number, batch: readonly Written[]): Promise<void> {
  await client.query(
    `update rerate_changes r set undone = true from unnest($2::text[], $3::smallint[], $4::timestamptz[], $5::text[]) s (uniqueid, attempt, calldate, level)
     where r.rerate_id = $1 and r.uniqueid = s.uniqueid and r.attempt = s.attempt and r.calldate = s.calldate and r.level = s.level`,
    [id, ...keyColumns(batch), batch.map(({ level }) => level)],
  );
  await putPrices(client, batch.map(({ key, level, oldRate, oldBilledS, oldPrice, oldPart, newPrice }) => ({
    key, level, expected: newPrice, rate: oldRate, billedS: oldBilledS, price: oldPrice, part: oldPart,
  })));
  await correctBalances(client, batch.map(({ key, level, account, accountId, oldPrice, newPrice }) => ({
    account, accountId, amount: balanceChange(level, oldPrice - newPrice), uniqueId: key.uniqueId,
  })), `rerate ${id} undone`);
}
