/** Adds up what a re-rating changes, by account and destination, and what it leaves alone. Pure. */
import type { PriceLevel } from '../../engine/call/admission.ts';
import type { Money } from '../../rating/money.ts';
import type { Change } from './change.ts';
import { difference } from './change.ts';
import { balanceChange, LEVEL_RULES } from './levels.ts';
import type { AccountKind } from './levels.ts';

export interface Difference {
  readonly account: AccountKind;
  readonly accountId: number;
  readonly level: PriceLevel;
  readonly destination: string;
  readonly calls: number;
  readonly was: Money;
  readonly now: Money;
}

export interface KeptPrices {
  readonly reason: string;
  readonly prices: number;
  /** Unique id of one of the calls. */
  readonly example: string;
}

export class Summary {
  readonly #differences = new Map<string, Difference>();
  readonly #kept = new Map<string, KeptPrices>();
  readonly #moved: Readonly<Record<AccountKind, Map<number, Money>>> = { user: new Map(), provider: new Map() };
  /** Calls of the selection that were looked at. */
  calls = 0;
  changes = 0;

  change(change: Change): void {
    const { level, accountId, destination } = change;
    const { account } = LEVEL_RULES[level];
    const key = `${level} ${accountId} ${destination}`;
    const before = this.#differences.get(key) ?? { account, accountId, level, destination, calls: 0, was: 0n, now: 0n };
    this.#differences.set(key, { ...before, calls: before.calls + 1, was: before.was + change.before.price, now: before.now + change.after.price });
    const moved = this.#moved[account];
    moved.set(accountId, (moved.get(accountId) ?? 0n) + balanceChange(level, difference(change)));
    this.changes += 1;
  }

  keep(reason: string, example: string): void {
    const before = this.#kept.get(reason) ?? { reason, prices: 0, example };
    this.#kept.set(reason, { ...before, prices: before.prices + 1 });
  }

  get differences(): readonly Difference[] {
    return [...this.#differences.values()];
  }

  get kept(): readonly KeptPrices[] {
    return [...this.#kept.values()].sort((a, b) => b.prices - a.prices);
  }

  /** What each account's balance changes by. */
  moved(account: AccountKind): ReadonlyMap<number, Money> {
    return this.#moved[account];
  }
}

/** What the balances of all accounts of a kind change by. */
export function totalMoved(account: AccountKind, changes: readonly Change[]): Money {
  const own = changes.filter(({ level }) => LEVEL_RULES[level].account === account);
  return own.reduce((sum, change) => sum + balanceChange(change.level, difference(change)), 0n);
}
