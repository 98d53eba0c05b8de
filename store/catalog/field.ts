/** Checks on values of a row: what the constraints promise is asked again, since they can be switched off. */
import { parseMoney } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Why a row cannot be used; the message names the column. */
export class BrokenRow extends Error {
  override readonly name = 'BrokenRow';
}

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw new BrokenRow(`${column} is missing.`);
  return value;
}

export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : text(row, column);
}

/** Text of a known form; `what` completes "is not …". */
export function formed(row: Row, column: string, form: RegExp, what: string): string {
  const value = text(row, column);
  if (!form.test(value)) throw new BrokenRow(`${column} ${JSON.stringify(value.slice(0, 60))} is not ${what}.`);
  return value;
}

export function oneOf<Word extends string>(row: Row, column: string, words: readonly Word[]): Word {
  const value = text(row, column);
  const word = words.find((known) => known === value);
  if (word === undefined) throw new BrokenRow(`${column} ${JSON.stringify(value.slice(0, 60))} is not one of ${words.join(', ')}.`);
  return word;
}

export function flag(row: Row, column: string): boolean {
  const value = row[column];
  if (typeof value !== 'boolean') throw new BrokenRow(`${column} is missing.`);
  return value;
}

export function whole(row: Row, column: string, least = 0): number {
  const value = Number(row[column] ?? Number.NaN);
  if (!Number.isSafeInteger(value) || value < least) throw new BrokenRow(`${column} ${String(row[column])} is not a whole number of ${least} or more.`);
  return value;
}

export function wholeOrNull(row: Row, column: string): number | null {
  return row[column] === null || row[column] === undefined ? null : whole(row, column);
}

/** A fraction that is not money, such as a percent. */
export function decimal(row: Row, column: string): number {
  const value = Number(row[column] ?? Number.NaN);
  if (!Number.isFinite(value) || value < 0) throw new BrokenRow(`${column} ${String(row[column])} is not a number of 0 or more.`);
  return value;
}

export function money(row: Row, column: string): Money {
  const value = text(row, column);
  try {
    return parseMoney(value);
  } catch (error) {
    throw new BrokenRow(`${column}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

export function moneyOrNull(row: Row, column: string): Money | null {
  return row[column] === null ? null : money(row, column);
}

export function msOrNull(row: Row, column: string): number | null {
  const value = row[column];
  if (value === null || value === undefined) return null;
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) throw new BrokenRow(`${column} is not a moment.`);
  return value.getTime();
}
