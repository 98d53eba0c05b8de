/** Goes through the calls of a selection, each page in a transaction, and finds the prices that would be others now. */
import type { Client } from 'pg';
import { destinationOf } from './change.ts';
import type { Change } from './change.ts';
import { stopIfAborted } from './error.ts';
import { LEVEL_RULES } from './levels.ts';
import type { Ground } from './price-list.ts';
import { reprice } from './reprice.ts';
import type { Kept } from './reprice.ts';
import { readPage } from './rows.ts';
import type { Page, Place, RecordedCall, RecordedLevel } from './rows.ts';
import type { Summary } from './summary.ts';

export interface Work {
  readonly ground: Ground;
  readonly summary: Summary;
  /** CDRs looked at in a page. */
  readonly batch: number;
  /** Share of the period that is done, 0 to 1. */
  readonly onProgress?: ((done: number) => void) | undefined;
  /** Aborted: it stops behind the page in hand. */
  readonly signal?: AbortSignal | undefined;
}

/** `visit` is called inside the page's transaction, which is committed after it. Throws RerateError when it is stopped. */
export async function walk(client: Client, work: Work, from: Place, visit: (page: Page, changes: readonly Change[]) => Promise<void>): Promise<void> {
  const { ground, summary, batch } = work;
  for (let after: Place | null = from; after !== null; ) {
    stopIfAborted(work.signal);
    await client.query('begin');
    const page: Page = await readPage(client, ground.selection, after, batch);
    const changes = page.calls.flatMap((call) => changesOf(call, work));
    await visit(page, changes);
    await client.query('commit');
    summary.calls += page.calls.length;
    for (const change of changes) summary.change(change);
    work.onProgress?.(doneAt(ground, page.end));
    after = page.end;
  }
}

function doneAt({ selection: { fromMs, toMs } }: Ground, end: Place | null): number {
  return end === null ? 1 : (Date.parse(end.callDate) - fromMs) / (toMs - fromMs);
}

function changesOf(call: RecordedCall, { ground, summary }: Work): Change[] {
  const changes: Change[] = [];
  for (const before of call.levels) {
    const { account, leg } = LEVEL_RULES[before.level];
    const after = reprice(call.rated, before, ground.list);
    if (after === 'same') continue;
    const { accountId } = before;
    if (typeof after === 'string') summary.keep(reasonOf(after, before, ground), call.key.uniqueId);
    else if (accountId === null || !(account === 'user' ? ground.users : ground.providers).has(accountId)) summary.keep(`There is no ${account} ${accountId ?? ''} any more.`, call.key.uniqueId);
    else changes.push({ key: call.key, level: before.level, accountId, before, after, destination: destinationOf(call, after, leg === 'did', ground.destinations) });
  }
  return changes;
}

function reasonOf(kept: Kept, { level, tariffId }: RecordedLevel, { tariffs, broken }: Ground): string {
  const tariff = tariffId === null ? 'Its tariff' : `Tariff ${JSON.stringify(tariffs.get(tariffId) ?? tariffId)}`;
  switch (kept) {
    case 'unreadable':
      return `The rate captured for the ${level} price cannot be read.`;
    case 'notReproduced':
      return `The captured rate and the seconds in the CDR do not give the ${level} price that stands there.`;
    case 'noTariff':
      return tariffId !== null && broken.has(tariffId) ? `${tariff} is broken: ${broken.get(tariffId)}` : `${tariff} is gone.`;
    case 'noRate':
      return `${tariff} has no rate for the number at the time of the call.`;
    case 'blocked':
      return `${tariff} blocks the number at the time of the call.`;
  }
}
