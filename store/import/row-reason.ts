/** Why Postgres refused a row, in words for the person with the file. */
import { shown } from './problem.ts';

/** What a row refers to was refused itself. */
export class Dependent extends Error {
  override readonly name = 'Dependent';
  constructor(name: string, section: string) {
    super(`depends on ${shown(name)} among the ${section}, which was refused.`);
  }
}

interface PostgresError {
  readonly code?: string;
  readonly message: string;
  readonly detail?: string;
  readonly constraint?: string;
}

/** null for an error that is not about the row. */
export function rowReason(error: unknown): string | null {
  if (error instanceof Dependent) return error.message;
  const { code, message, detail, constraint } = error as PostgresError;
  if (code === undefined) return null;
  if (code === '23505') return `is there already: ${detail ?? message}`;
  if (code === '23503') return detail === undefined ? `${message}.` : `${message}: ${detail}`;
  if (code === '23514' && constraint !== undefined) return `breaks the rule: ${constraint.replaceAll('_', ' ')}.`;
  return /^(?:22|23|P0)/.test(code) ? `${message}.` : null;
}
