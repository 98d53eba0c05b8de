/** What should have happened held against what did. */

import type { BalanceRow } from './balances.ts';
import { BALANCE_CHANGES, LEVELS, type DemoCall, type ExpectedRow, type LevelName } from './calls.ts';
import type { CdrRow } from './cdrs.ts';
import type { PlacedCall } from './placing.ts';

export type Verdict = { what: string; should: string; did: string; ok: boolean };

export const LEVEL_NAMES: Readonly<Record<LevelName, string>> = {
  provider: 'provider', reseller: 'reseller', user: 'user', did: 'DID owner', did_prov: 'DID provider',
};

export function judgeCall(placed: PlacedCall, cdrs: readonly CdrRow[]): Verdict {
  const { call, sip, result } = placed;
  const rows = cdrs.filter((row) => row.sipCallId === placed.sipCallId);
  const ok = result.exitCode === 0 && sip === call.sip && rows.length === call.rows.length && call.rows.every((row, index) => isAs(row, rows[index]));
  const complaint = result.exitCode === 0 ? [] : [`SIPp: ${result.errors.split('\n')[0] ?? ''}`];
  return { what: `${call.letter}  ${call.story}`, should: shouldText(call), did: [`SIP ${sip ?? 'nothing'}`, ...rows.map(rowText), ...complaint].join('\n'), ok };
}

function isAs(expected: ExpectedRow, row: CdrRow | undefined): boolean {
  if (row === undefined) return false;
  const [least, most] = expected.seconds;
  return (
    row.way === expected.way &&
    row.disposition === expected.disposition &&
    row.cause === expected.cause &&
    row.seconds >= least && row.seconds <= most &&
    LEVELS.every((level) => (row.prices[level] ?? '0') === (expected.prices[level] ?? '0'))
  );
}

function shouldText(call: DemoCall): string {
  return [`SIP ${call.sip}`, ...call.rows.map((row) => rowText({ ...row, seconds: rangeText(row.seconds) }))].join('\n');
}

function rangeText([least, most]: readonly [number, number]): string {
  return least === most ? String(least) : `${least} to ${most}`;
}

function rowText(row: Pick<CdrRow, 'way' | 'disposition' | 'cause' | 'prices'> & { seconds: number | string }): string {
  const seconds = row.disposition === 'ANSWERED' ? `, ${row.seconds} s` : '';
  const prices = LEVELS.filter((level) => (row.prices[level] ?? '0') !== '0').map((level) => `${LEVEL_NAMES[level]} ${row.prices[level]}`);
  return [`${row.way === '' ? '' : `${row.way}: `}${row.disposition} ${row.cause}${seconds}`, ...prices.map((price) => `  ${price}`)].join('\n');
}

export function judgeBalance({ name, change }: BalanceRow): boolean {
  return change === BALANCE_CHANGES[name];
}
