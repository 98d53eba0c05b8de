/** Which of the calls that are up are meant, and how many there are of each. */
import type { Money } from '../../rating/money.ts';
import type { CallRow } from './row.ts';

/** What calls are chosen and counted by. */
export const KEYS = ['user', 'provider', 'did', 'server', 'state'] as const;
export type CallKey = (typeof KEYS)[number];

/** Phases of a call that is up. */
export const STATES = ['dialling', 'ringing', 'answered'] as const;

export type Filter = Partial<Readonly<Record<CallKey, string>>>;

export function chosen(rows: readonly CallRow[], filter: Filter): readonly CallRow[] {
  return rows.filter((row) => KEYS.every((key) => filter[key] === undefined || row[key] === filter[key]));
}

export interface Count {
  /** '': calls that have none. */
  readonly name: string;
  readonly calls: number;
  readonly dialling: number;
  readonly ringing: number;
  readonly answered: number;
  /** Of those that are known. */
  readonly price: Money;
}

/** Most calls first. */
export function countedBy(rows: readonly CallRow[], key: CallKey): readonly Count[] {
  const groups = new Map<string, CallRow[]>();
  for (const row of rows) {
    const group = groups.get(row[key]);
    if (group === undefined) groups.set(row[key], [row]);
    else group.push(row);
  }
  const counts = [...groups].map(([name, group]) => countOf(name, group));
  return counts.sort((a, b) => b.calls - a.calls || (a.name < b.name ? -1 : 1));
}

function countOf(name: string, group: readonly CallRow[]): Count {
  const inState = (state: string): number => group.filter((row) => row.state === state).length;
  return {
    name, calls: group.length, dialling: inState('dialling'), ringing: inState('ringing'), answered: inState('answered'),
    price: group.reduce((sum, { price }) => sum + (price ?? 0n), 0n),
  };
}
