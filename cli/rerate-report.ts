/** How a re-rating is shown: tables for people, JSON for programs. */
import Table from 'cli-table3';
import { moneyText } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import type { RerateReport } from '../store/rerate/report.ts';
import type { Run } from '../store/rerate/runs.ts';
import type { Asked } from '../store/rerate/selection.ts';

function plain(): { head: string[]; border: string[] } {
  return process.stdout.isTTY ? { head: ['bold'], border: ['grey'] } : { head: [], border: [] };
}

const LEVEL_NAMES = { user: 'user', reseller: 'reseller', partner: 'partner', provider: 'provider', did: 'DID owner', didIncoming: 'DID caller', didProvider: 'DID provider' } as const;

function utc(at: Date | number): string {
  return new Date(at).toISOString().replace('T', ' ').replace(/(:00)?\.\d+Z$/, '');
}

function signed(amount: Money): string {
  return amount > 0n ? `+${moneyText(amount)}` : moneyText(amount);
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

export function reportText(asked: Asked, report: RerateReport): string {
  const lines = [`${asked.kind} ${asked.name}: calls from ${utc(asked.fromMs)} to ${utc(asked.toMs)} UTC`];
  if (report.changedBefore > 0) lines.push(`Goes on with re-rating ${report.id}, which had changed ${counted(report.changedBefore, 'price', 'prices')} before it was interrupted.`);
  if (report.differences.length > 0) lines.push(differences(report));
  lines.push(`${counted(report.changes, 'price differs', 'prices differ')}, in ${counted(report.calls, 'call', 'calls')} looked at.`);
  for (const { account, name, change, balance, overdrawn } of report.accounts) {
    if (overdrawn > 0n) lines.push(`${account} ${name}: ${signed(change)} makes the balance ${moneyText(balance)}, ${moneyText(overdrawn)} below the credit.`);
  }
  for (const { reason, prices, example } of report.kept) lines.push(`${counted(prices, 'price stays', 'prices stay')} as recorded: ${reason} For example call ${example}.`);
  lines.push(outcomeText(report));
  return `${lines.join('\n')}\n`;
}

function differences({ differences: rows, accounts }: RerateReport): string {
  const table = new Table({ head: ['who', 'as', 'destination', 'calls', 'was', 'is now', 'difference'], style: plain(), colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'right'] });
  for (const { name, level, destination, calls, was, now } of rows) table.push([name, LEVEL_NAMES[level], destination, calls, moneyText(was), moneyText(now), signed(now - was)]);
  const totals = (['user', 'provider'] as const).flatMap((account) => {
    const own = accounts.filter((one) => one.account === account);
    const change = own.reduce((sum, one) => sum + one.change, 0n);
    return own.length === 0 ? [] : [`Balances of ${counted(own.length, account, `${account}s`)}: ${signed(change)}`];
  });
  return [table.toString(), ...totals].join('\n');
}

function outcomeText({ outcome, id, changes }: RerateReport): string {
  switch (outcome) {
    case 'dry run':
      return changes === 0 ? 'Nothing would change.' : 'A dry run: nothing was changed. --apply changes the CDRs and writes the ledger rows.';
    case 'applied':
      return `Re-rating ${id} is applied; \`rerate --undo ${id}\` takes it back.`;
    case 'nothing to change':
      return 'Nothing was changed: every price is what the tariffs say.';
  }
}

function withMoney(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? moneyText(value) : value;
}

export function reportJson(asked: Asked, report: RerateReport): string {
  const { kind, name, fromMs, toMs } = asked;
  const rows = report.differences.map(({ accountId: _accountId, ...row }) => ({ ...row, difference: row.now - row.was }));
  return JSON.stringify({ [kind]: name, from: new Date(fromMs), to: new Date(toMs), ...report, differences: rows }, withMoney);
}

export function runsText(runs: readonly Run[]): string {
  if (runs.length === 0) return 'No re-rating was ever applied.\n';
  const table = new Table({ head: ['id', 'of', 'calls from', 'to (UTC)', 'state', 'begun', 'by', 'prices', 'users', 'providers'], style: plain() });
  for (const run of runs) {
    table.push([run.id, `${run.kind} ${run.name}`, utc(run.from), utc(run.to), stateText(run), utc(run.startedAt), run.startedBy, run.changes, signed(run.usersChange), signed(run.providersChange)]);
  }
  return `${table.toString()}\nusers, providers: what their balances changed by when it was applied.\n`;
}

function stateText({ state, undoneAt, undoneBy }: Run): string {
  switch (state) {
    case 'running':
      return 'unfinished';
    case 'applied':
      return 'applied';
    case 'undoing':
      return 'half undone';
    case 'undone':
      return `undone ${undoneAt === null ? '' : utc(undoneAt)} by ${undoneBy ?? ''}`;
  }
}

export function runsJson(runs: readonly Run[]): string {
  return JSON.stringify({ rerates: runs.map(({ past: _past, ofId: _ofId, ...run }) => run) }, withMoney);
}
