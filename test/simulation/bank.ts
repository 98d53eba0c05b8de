/**
 * In place of Postgres: balances with their versions, rows of calls by their key, and a ledger. It takes entries of the
 * stream as the settling transaction does: a row that is there already is left alone, and debits come with a new final row.
 */
import type { DebitText } from '../../store/cdr-row.ts';
import { CALL_COLUMNS } from '../../store/cdr-row.ts';
import type { Spendable } from '../../store/redis/calls.ts';
import { usersOf } from '../../store/settle-entry.ts';
import type { Entry } from '../../store/settle-entry.ts';
import { amountOf } from './naive.ts';
import { ACCOUNTS } from './tenant.ts';

const NAMES = CALL_COLUMNS.map(([name]) => name);
/** Enough for the audit; the rates that were captured are not. */
const KEPT = new Set(NAMES.filter((name) => name !== 'captured' && !name.endsWith('_codec') && !name.endsWith('_call_id')));

/** One row, by column; null as Postgres has it. */
export type Row = Readonly<Record<string, string | null>>;

export interface Booked {
  readonly account: string;
  readonly accountId: number;
  readonly amount: bigint;
  readonly callId: string;
}

interface Holder {
  balance: bigint;
  version: number;
  readonly credit: bigint | null;
}

export class Bank {
  readonly #users = new Map<number, Holder>();
  readonly #providers = new Map<number, bigint>();
  /** Rows of the day, by their key, and by call. */
  #keys = new Set<string>();
  rows = new Map<string, Row[]>();
  ledger: Booked[] = [];
  readonly toppedUp = new Map<number, bigint>();
  /** Postgres does not answer. */
  away = false;
  /** A settler is in its transaction. */
  locked = false;
  onChange: (userIds: readonly number[]) => void = () => undefined;

  constructor() {
    for (const { id, opening, credit } of ACCOUNTS) this.#users.set(id, { balance: amountOf(opening), version: 1, credit: credit === null ? null : amountOf(credit) });
  }

  get userIds(): readonly number[] {
    return [...this.#users.keys()];
  }

  balance(userId: number): bigint {
    return this.#holder(userId).balance;
  }

  providerBalance(providerId: number): bigint {
    return this.#providers.get(providerId) ?? 0n;
  }

  spendable(userId: number): Spendable {
    const { balance, credit, version } = this.#holder(userId);
    return { userId, balance, credit, version, day: null };
  }

  topUp(userId: number, amount: bigint): void {
    const holder = this.#holder(userId);
    holder.balance += amount;
    holder.version += 1;
    this.toppedUp.set(userId, (this.toppedUp.get(userId) ?? 0n) + amount);
    this.onChange([userId]);
  }

  /** One transaction. Returns the balances of everybody who owes something. */
  settle(entries: readonly Entry[]): readonly Spendable[] {
    const changed = new Set<number>();
    for (const entry of entries) {
      const isNew = this.#insert(entry.rows);
      if (!isNew) continue;
      for (const [account, accountId, amount] of JSON.parse(entry.debits) as DebitText[]) {
        this.#book({ account, accountId, amount: amountOf(amount), callId: entry.final });
        if (account === 'user') changed.add(accountId);
      }
    }
    if (changed.size > 0) this.onChange([...changed]);
    return usersOf(entries).map((userId) => this.spendable(userId));
  }

  /** What no settler may do. */
  bookAgain(): void {
    const last = this.ledger.at(-1);
    if (last !== undefined) this.#book(last);
  }

  /** The day is audited. */
  forgetRows(): void {
    this.#keys = new Set();
    this.rows = new Map();
    this.ledger = [];
  }

  /** True: the call's final row was not there yet. */
  #insert(lines: string): boolean {
    let final = false;
    for (const line of lines.split('\n')) {
      if (line === '') continue;
      const row = parsed(line);
      const callId = row['uniqueid'] ?? '';
      const key = `${callId} ${row['attempt']} ${row['calldate']}`;
      if (this.#keys.has(key)) continue;
      this.#keys.add(key);
      const rows = this.rows.get(callId);
      if (rows === undefined) this.rows.set(callId, [row]);
      else rows.push(row);
      final ||= row['final'] === 'true';
    }
    return final;
  }

  #book(booked: Booked): void {
    this.ledger.push(booked);
    if (booked.account === 'provider') {
      this.#providers.set(booked.accountId, this.providerBalance(booked.accountId) - booked.amount);
      return;
    }
    const holder = this.#holder(booked.accountId);
    holder.balance -= booked.amount;
    holder.version += 1;
  }

  #holder(userId: number): Holder {
    const holder = this.#users.get(userId);
    if (holder === undefined) throw new Error(`There is no user ${userId}.`);
    return holder;
  }
}

function parsed(line: string): Row {
  const row: Record<string, string | null> = {};
  for (const [index, value] of line.split('\t').entries()) {
    const name = NAMES[index] ?? '';
    if (KEPT.has(name)) row[name] = value === String.raw`\N` ? null : value;
  }
  return row;
}
