/**
 * Prices a period again from its CDRs. A dry run reads; an application writes, a batch of calls a transaction, and goes
 * on where it was interrupted.
 */
import type { Client } from 'pg';
import type { SecondsRounding } from '../../rating/billable.ts';
import { connectClient } from '../postgres.ts';
import { difference } from './change.ts';
import type { Change } from './change.ts';
import { RerateError } from './error.ts';
import { balanceChange, LEVEL_RULES } from './levels.ts';
import { readGround } from './price-list.ts';
import { makeReport } from './report.ts';
import type { RerateReport } from './report.ts';
import { BEFORE_ALL } from './rows.ts';
import type { Page, Place } from './rows.ts';
import { advance, createRun, howToGoOn, isOf, lockRerates, markApplied, unfinishedRun } from './runs.ts';
import type { Run } from './runs.ts';
import type { Asked, Selection } from './selection.ts';
import { Summary, totalMoved } from './summary.ts';
import { walk } from './walk.ts';
import type { Work } from './walk.ts';
import { amountText, correctBalances, putPrices, recordChanges } from './write.ts';

/** CDRs looked at in one transaction: so few that the settler hardly waits for its accounts. */
const BATCH = 500;

export interface RerateOptions {
  readonly postgresUrl: string;
  readonly priceDecimals: number;
  readonly rounding: SecondsRounding;
  readonly asked: Asked;
  /** Who applies it; null: a dry run. */
  readonly applyAs: string | null;
  readonly batch?: number;
  /** Share of the period that is done, 0 to 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Aborted: it stops behind the batch in hand. */
  readonly signal?: AbortSignal | undefined;
}

/** Throws RerateError for what cannot be done as asked. What was committed before stays, and the next run goes on. */
export async function rerate(options: RerateOptions): Promise<RerateReport> {
  const client = await connectClient(options.postgresUrl, 'rerate', 0);
  try {
    if (options.applyAs !== null) await lockRerates(client);
    const { asked, batch = BATCH, onProgress, signal } = options;
    const work: Work = { ground: await readGround(client, asked, options), summary: new Summary(), batch, onProgress, signal };
    if (options.applyAs !== null) return await apply(client, work, options.applyAs);
    await walk(client, work, BEFORE_ALL, async () => undefined);
    return await makeReport(client, work.ground, work.summary, { outcome: 'dry run', id: null, changedBefore: 0 });
  } finally {
    // Ends a transaction that did not come to its end, and the lock.
    await client.end();
  }
}

async function apply(client: Client, work: Work, by: string): Promise<RerateReport> {
  const { ground, summary } = work;
  const before = await continued(client, ground.selection);
  let id = before?.id ?? null;
  await walk(client, work, before?.past ?? BEFORE_ALL, async (page, changes) => {
    if (changes.length === 0) return;
    // Only now: an application that changes nothing leaves no record.
    id ??= await createRun(client, ground.selection, by);
    await write(client, { id, changes, past: lastOf(page) });
  });
  if (id !== null) await markApplied(client, id);
  return makeReport(client, ground, summary, { outcome: id === null ? 'nothing to change' : 'applied', id, changedBefore: before?.changes ?? 0 });
}

/** The unfinished application of the same selection. Throws RerateError for any other: there is one at a time. */
async function continued(client: Client, selection: Selection): Promise<Run | null> {
  const run = await unfinishedRun(client);
  if (run === null || (run.state === 'running' && isOf(run, selection))) return run;
  throw new RerateError(howToGoOn(run));
}

function lastOf({ calls, end }: Page): Place {
  return end ?? calls.at(-1)?.key ?? BEFORE_ALL;
}

async function write(client: Client, { id, changes, past }: { readonly id: number; readonly changes: readonly Change[]; readonly past: Place }): Promise<void> {
  await recordChanges(client, id, changes);
  await putPrices(client, changes.map(({ key, level, before, after }) => ({
    key, level, expected: before.price, price: after.price, rate: amountText(after.rate), billedS: after.billedS,
    part: { tariffId: after.tariffId, prefix: after.prefix, rate: after.captured },
  })));
  await advance(client, id, { past, changes: changes.length, usersChange: totalMoved('user', changes), providersChange: totalMoved('provider', changes) });
  // Last, so that accounts are locked for the shortest time.
  await correctBalances(client, changes.map((change) => ({
    account: LEVEL_RULES[change.level].account, accountId: change.accountId, amount: balanceChange(change.level, difference(change)), uniqueId: change.key.uniqueId,
  })), `rerate ${id}`);
}
