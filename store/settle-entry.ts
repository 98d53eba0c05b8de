/** Entries of the stream of finished calls, and which errors are an entry's own fault. */
import type { Redis } from 'ioredis';
import { CDR_STREAM } from './redis/keys.ts';

export interface Entry {
  readonly id: string;
  readonly callId: string;
  /** "user amount user amount", in the units of Redis. */
  readonly owed: string;
  readonly rows: string;
  readonly debits: string;
  readonly final: string;
  readonly months: readonly string[];
  /** The call as the dynamic blacklist knows it; '': it feeds nothing. */
  readonly scored: string;
  /** Why it could not be written down; '' usually. */
  readonly unwritable: string;
}

/** The oldest entries first; `after`: those behind this one. */
export async function readEntries(redis: Redis, most: number, after?: string): Promise<readonly Entry[]> {
  const found = (await redis.xrange(CDR_STREAM, after === undefined ? '-' : `(${after}`, '+', 'COUNT', most)) as unknown as [id: string, fields: string[]][];
  return found.map(([id, fields]) => {
    const values = new Map<string, string>();
    for (let at = 0; at + 1 < fields.length; at += 2) values.set(fields[at] ?? '', fields[at + 1] ?? '');
    const value = (field: string): string => values.get(field) ?? '';
    return {
      id, callId: value('call'), owed: value('owed'), rows: value('rows'), debits: value('debits'), final: value('final'),
      months: value('months').split(' ').filter((month) => month !== ''), scored: value('scored'), unwritable: value('unwritable'),
    };
  });
}

/** What can be seen without Postgres to be wrong with an entry, or null. */
export function entryProblem(entry: Entry): string | null {
  if (entry.unwritable !== '') return entry.unwritable;
  if (!entry.rows.endsWith('\n') || !entry.debits.startsWith('[')) return 'The entry is not one of a finished call.';
  if (entry.final === '' && entry.debits !== '[]') return 'It has debits but no final row that would bring them about.';
  return null;
}

/** Every user who owes something, whose balance Redis must take before his debt is removed from it. */
export function usersOf(entries: readonly Entry[]): number[] {
  const users = new Set<number>();
  for (const entry of entries) {
    for (const [index, word] of entry.owed.split(' ').entries()) if (index % 2 === 0 && word !== '') users.add(Number(word));
  }
  return [...users].sort((a, b) => a - b);
}

/**
 * SQLSTATE classes that name the row as the cause: wrong value (22), broken constraint (23), raised by a trigger (P0).
 * Everything else (connection, deadlock, disk full, read-only, shutdown) may be well in a moment.
 */
export function isPoison(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code.length === 5 && /^(?:22|23|P0)/.test(code);
}

/** Why Postgres refused an entry that stands alone. */
export function poisonReason(error: unknown): string {
  const { code, table, detail, message } = error as { code?: string; table?: string; detail?: string; message: string };
  // A debit finds no balance to continue.
  if (code === '23502' && table === 'balance_ledger') return `A debit names an account that does not exist. ${detail ?? ''}`.trim();
  return message;
}
