/** What a re-rating did, or would do, with names and balances. */
import type { Client } from 'pg';
import { parseMoney } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import { LEVEL_RULES } from './levels.ts';
import type { AccountKind } from './levels.ts';
import type { Ground } from './price-list.ts';
import type { Difference, KeptPrices, Summary } from './summary.ts';

export interface NamedDifference extends Difference {
  readonly name: string;
}

export interface AccountEffect {
  readonly account: AccountKind;
  readonly name: string;
  /** What its balance changes by. */
  readonly change: Money;
  /** After it. */
  readonly balance: Money;
  /** How far that is below what his credit allows; 0n: not at all. */
  readonly overdrawn: Money;
}

export interface RerateReport {
  readonly outcome: 'dry run' | 'applied' | 'nothing to change';
  /** Of the application; null: nothing was written. */
  readonly id: number | null;
  /** Prices that an interrupted application had changed before this one went on; they are not in the differences. */
  readonly changedBefore: number;
  /** Calls looked at. */
  readonly calls: number;
  /** Prices that change. */
  readonly changes: number;
  readonly differences: readonly NamedDifference[];
  readonly accounts: readonly AccountEffect[];
  readonly kept: readonly KeptPrices[];
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : Number(a.name > b.name));

export async function makeReport(client: Client, ground: Ground, summary: Summary, how: Pick<RerateReport, 'outcome' | 'id' | 'changedBefore'>): Promise<RerateReport> {
  const nameOf = (account: AccountKind, id: number): string => (account === 'user' ? ground.users : ground.providers).get(id) ?? String(id);
  const named = summary.differences.map((one): NamedDifference => ({ ...one, name: nameOf(one.account, one.accountId) }));
  return {
    ...how,
    calls: summary.calls,
    changes: summary.changes,
    differences: named.sort((a, b) => byName(a, b) || rank(a) - rank(b) || byName({ name: a.destination }, { name: b.destination })),
    accounts: (await Promise.all((['user', 'provider'] as const).map((account) => effects(client, account, { summary, nameOf, isPlanned: how.outcome === 'dry run' })))).flat(),
    kept: summary.kept,
  };
}

const LEVELS = Object.keys(LEVEL_RULES);

function rank({ level }: Difference): number {
  return LEVELS.indexOf(level);
}

interface Effects {
  readonly summary: Summary;
  readonly nameOf: (account: AccountKind, id: number) => string;
  /** The balances do not contain the changes yet. */
  readonly isPlanned: boolean;
}

const BALANCES: Readonly<Record<AccountKind, string>> = {
  user: 'select id, balance, credit from users where id = any ($1)',
  provider: 'select id, balance, null as credit from providers where id = any ($1)',
};

async function effects(client: Client, account: AccountKind, { summary, nameOf, isPlanned }: Effects): Promise<AccountEffect[]> {
  const moved = summary.moved(account);
  const { rows } = await client.query<{ id: number; balance: string; credit: string | null }>(BALANCES[account], [[...moved.keys()]]);
  return rows.map(({ id, balance, credit }): AccountEffect => {
    const change = moved.get(id) ?? 0n;
    const after = parseMoney(balance) + (isPlanned ? change : 0n);
    const least = credit === null ? after : -parseMoney(credit);
    return { account, name: nameOf(account, id), change, balance: after, overdrawn: after < least ? least - after : 0n };
  }).sort(byName);
}
