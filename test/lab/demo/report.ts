/** The demo's tables. */

import Table from 'cli-table3';
import type { BalanceRow } from './balances.ts';
import { BALANCE_CHANGES, LEVELS } from './calls.ts';
import type { CdrRow } from './cdrs.ts';
import type { PlacedCall } from './placing.ts';
import { judgeBalance, LEVEL_NAMES, type Verdict } from './verdict.ts';

const colour = (code: number, text: string): string => (process.stdout.isTTY ? `\u001B[${code}m${text}\u001B[0m` : text);

function mark(ok: boolean): string {
  return ok ? colour(32, 'ok') : colour(31, 'WRONG');
}

function newTable(head: string[], colWidths?: number[]): Table.Table {
  const style = process.stdout.isTTY ? { head: ['bold'], border: ['grey'] } : { head: [], border: [] };
  return new Table({ head, style, wordWrap: true, ...(colWidths !== undefined && { colWidths }) });
}

function right(content: string): Table.Cell {
  return { content, hAlign: 'right' };
}

export function verdictTable(verdicts: readonly Verdict[]): string {
  const table = newTable(['call', 'what should happen', 'what happened', ''], [38, 34, 34, 7]);
  for (const { what, should, did, ok } of verdicts) table.push([what, should, did, mark(ok)]);
  return table.toString();
}

/** A row of a failed attempt carries its number behind the call's letter. */
export function cdrTable(cdrs: readonly CdrRow[], placed: readonly PlacedCall[]): string {
  const table = newTable(['', 'user', 'called', 'by way of', 'end', 's', ...LEVELS.map((level) => LEVEL_NAMES[level])]);
  for (const row of cdrs) {
    const letter = placed.find((one) => one.sipCallId === row.sipCallId)?.call.letter ?? '';
    const attempt = row.attempt === 1 && row.final ? '' : row.attempt;
    table.push([
      `${letter}${attempt}`, row.username, row.localizedDst, row.way, `${row.disposition} ${row.cause}`, row.seconds,
      ...LEVELS.map((level) => right(row.prices[level] ?? '')),
    ]);
  }
  return table.toString();
}

export function balanceTable(balances: readonly BalanceRow[]): string {
  const table = newTable(['', 'account', 'before', 'after', 'difference', 'should be', '']);
  for (const row of balances) {
    table.push([row.kind, row.name, right(row.before), right(row.after), right(row.change), right(BALANCE_CHANGES[row.name] ?? '?'), mark(judgeBalance(row))]);
  }
  return table.toString();
}
