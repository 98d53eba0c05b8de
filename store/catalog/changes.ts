/** The log of changes: what was committed since the last look, each change once. */
import type { ClientBase, QueryConfig } from 'pg';

export interface Change {
  readonly topic: string;
  /** null: too many to name. */
  readonly keys: readonly string[] | null;
}

/** How long the log is kept; a reader that was away longer reads everything again. */
export const LOG_KEPT_MS = 3_600_000;

/** These answer at once, or the server is frozen; reading a large table may take longer. */
const LOOK_TIMEOUT_MS = 5000;

function look(text: string, values: unknown[]): QueryConfig & { readonly query_timeout: number } {
  return { text, values, query_timeout: LOOK_TIMEOUT_MS };
}

/** Where a reader stands: transactions below `xmin` are all seen, of the others the rows in `seen`. */
export interface Position {
  readonly xmin: string;
  readonly seen: ReadonlySet<string>;
}

interface ChangeRow extends Change {
  readonly id: string;
  readonly xid: string;
}

/** Rows are visible together with what they report, as they are written in the same transaction. */
const SINCE = `select id::text, xid::text, topic, keys, pg_snapshot_xmin(pg_current_snapshot())::text as xmin
  from (select 1) one left join changes on xid >= $1::text::xid8 order by id`;

export async function readChanges(reader: Pick<ClientBase, 'query'>, from: Position): Promise<{ changes: readonly Change[]; position: Position }> {
  const { rows } = await reader.query<ChangeRow & { xmin: string }>(look(SINCE, [from.xmin]));
  const xmin = rows[0]?.xmin ?? from.xmin;
  const present = rows.filter((row) => row.id !== null);
  const seen = new Set(present.filter((row) => BigInt(row.xid) >= BigInt(xmin)).map((row) => row.id));
  return { changes: present.filter((row) => !from.seen.has(row.id)), position: { xmin, seen } };
}

/** Before the first full read, so that what is committed meanwhile is read twice rather than not at all. */
export async function readPosition(reader: Pick<ClientBase, 'query'>): Promise<Position> {
  const { rows } = await reader.query<{ xmin: string }>(look('select pg_snapshot_xmin(pg_current_snapshot())::text as xmin', []));
  return { xmin: rows[0]?.xmin ?? '0', seen: new Set() };
}

export async function purgeChanges(reader: Pick<ClientBase, 'query'>): Promise<void> {
  await reader.query('delete from changes where at < now() - make_interval(secs => $1)', [LOG_KEPT_MS / 1000]);
}

/** Changes by topic; null: the whole topic. */
export function byTopic(changes: readonly Change[]): Map<string, Set<string> | null> {
  const topics = new Map<string, Set<string> | null>();
  for (const { topic, keys } of changes) {
    const known = topics.get(topic);
    if (known === null) continue;
    if (keys === null) topics.set(topic, null);
    else topics.set(topic, new Set([...(known ?? []), ...keys]));
  }
  return topics;
}
