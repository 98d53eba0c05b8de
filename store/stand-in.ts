/**
 * Places and money while Redis is away, by what this daemon knows itself: its own calls, the balances that Postgres told
 * last, and what its calls that ended lately owe. See docs/decisions/0012-redis-away.md.
 */
import type { AdmitAnswer, AdmitRequest, CounterClaim, Debit, ExtendAnswer, ExtendRequest, FinishRequest, NextWayRequest, PayerClaim } from '../engine/call/admission.ts';
import type { Money } from '../rating/money.ts';
import { DAILY_LIMIT_CAUSE, NO_WAY_CAUSE } from './redis/admit.ts';
import type { Spendable } from './redis/calls.ts';

/** A call that is up, with all that it holds. */
export interface Standing {
  readonly callId: string;
  readonly counters: readonly CounterClaim[];
  readonly wayCounters: readonly CounterClaim[];
  readonly holds: readonly { readonly userId: number; readonly amount: Money }[];
}

export interface StandInParts {
  /** Whether new calls are taken. */
  readonly policy: 'refuse' | 'allow';
  /** What each user is given at most beyond what was on hold before. */
  readonly bound: Money;
  readonly balanceOf: (userId: number) => Spendable | undefined;
  /** Down to what Redis can hold. */
  readonly floor: (amount: Money) => Money;
  /** Monotonic, ms. */
  readonly now: () => number;
}

interface Held {
  readonly counters: readonly string[];
  wayCounters: readonly string[];
  readonly holds: Map<number, Money>;
  /** Of these holds, what was given here. */
  readonly given: Map<number, Money>;
}

/** 41, "temporary failure": the store is away. */
const AWAY_CAUSE = 41;
/** Calls that ended within this time before may not be settled yet. */
const LATELY_MS = 10_000;

const isWindow = (key: string): boolean => key.startsWith('cps:');

export class StandIn {
  readonly #parts: StandInParts;
  readonly #servers = new Set<number>();
  readonly #calls = new Map<string, Held>();
  readonly #places = new Map<string, number>();
  /** By window, the second it stands for and the calls in it. */
  readonly #windows = new Map<string, { readonly second: number; calls: number }>();
  readonly #given = new Sums();
  /** Sums over the calls that are up, and over those that ended lately. */
  readonly #reserved = new Sums();
  readonly #owed = new Sums();
  readonly #lately = new Map<string, { readonly atMs: number; readonly debits: readonly Debit[] }>();

  constructor(parts: StandInParts) {
    this.#parts = parts;
  }

  get active(): boolean {
    return this.#servers.size > 0;
  }

  get admits(): boolean {
    return this.active && this.#parts.policy === 'allow';
  }

  serves(callId: string): boolean {
    return this.#servers.has(serverOf(callId));
  }

  /** Redis does not answer: `standing` are the calls of this Asterisk. */
  begin(serverId: number, standing: () => readonly Standing[]): void {
    if (this.#servers.has(serverId)) return;
    this.#servers.add(serverId);
    for (const call of standing()) {
      const held = { counters: places(call.counters), wayCounters: places(call.wayCounters), holds: new Map(call.holds.map(({ userId, amount }) => [userId, amount])), given: new Map<number, Money>() };
      this.#calls.set(call.callId, held);
      this.#count([...held.counters, ...held.wayCounters], 1);
      for (const [userId, amount] of held.holds) this.#reserved.add(userId, amount);
    }
  }

  /** Redis knows the calls of this Asterisk again, or another daemon does. */
  end(serverId: number): void {
    this.#servers.delete(serverId);
    for (const [callId, held] of this.#calls) if (serverOf(callId) === serverId) this.#drop(callId, held);
    if (this.#servers.size === 0) this.#given.clear();
  }

  admit({ callId, nowMs, counters, perSecond, payers, ways }: AdmitRequest): AdmitAnswer {
    if (this.#parts.policy === 'refuse') return { kind: 'refused', cause: AWAY_CAUSE };
    const second = Math.floor(nowMs / 1000);
    const full = [...counters, ...perSecond].find((claim) => !this.#hasRoom(claim, second));
    if (full !== undefined) return { kind: 'refused', cause: full.cause };
    for (const payer of payers) {
      const cause = this.#refusal(payer, nowMs);
      if (cause !== 0) return { kind: 'refused', cause };
    }
    const way = ways.findIndex((claims) => claims.every((claim) => this.#hasRoom(claim, second)));
    if (way < 0 && ways.length > 0) return { kind: 'refused', cause: NO_WAY_CAUSE };
    const held: Held = { counters: places(counters), wayCounters: places(ways[way] ?? []), holds: new Map(), given: new Map() };
    this.#calls.set(callId, held);
    this.#count([...held.counters, ...held.wayCounters], 1);
    for (const { key } of [...perSecond, ...(ways[way] ?? []).filter((claim) => isWindow(claim.key))]) this.#window(key, second).calls += 1;
    const granted = payers.map(({ userId, want }) => this.#give(held, userId, { want, nowMs }));
    return { kind: 'admitted', way, granted, left: payers.map(({ userId }) => this.#left(userId, nowMs)) };
  }

  extend({ callId, nowMs, payers }: ExtendRequest): ExtendAnswer {
    const held = this.#calls.get(callId);
    if (held === undefined) return { held: [], left: [] };
    return {
      held: payers.map(({ userId, want }) => this.#give(held, userId, { want, nowMs })),
      left: payers.map(({ userId }) => this.#left(userId, nowMs)),
    };
  }

  nextWay({ callId, nowMs, ways }: NextWayRequest): number | null {
    const held = this.#calls.get(callId);
    if (held !== undefined) this.#count(held.wayCounters, -1);
    const second = Math.floor(nowMs / 1000);
    const way = ways.findIndex((claims) => claims.every((claim) => this.#hasRoom(claim, second)));
    if (held !== undefined) {
      held.wayCounters = places(ways[way] ?? []);
      this.#count(held.wayCounters, 1);
    }
    return way < 0 ? null : way;
  }

  /** A call has ended, whether or not Redis knows it yet. */
  finished({ callId, debits: all }: FinishRequest): void {
    const debits = all.filter(({ account, amount }) => account === 'user' && amount > 0n);
    this.#remember(callId, debits);
    const held = this.#calls.get(callId);
    if (held === undefined) return;
    for (const [userId, given] of held.given) {
      const owed = debits.reduce((sum, debit) => (debit.accountId === userId ? sum + debit.amount : sum), 0n);
      // What was given and not used is there for others.
      if (owed < given) this.#given.add(userId, owed - given);
    }
    this.#drop(callId, held);
  }

  /** While it stands in, nothing is settled. Told of a call once more, it is the same call. */
  #remember(callId: string, debits: readonly Debit[]): void {
    const nowMs = this.#parts.now();
    this.#forget(callId);
    if (debits.length > 0) this.#lately.set(callId, { atMs: nowMs, debits });
    for (const { accountId, amount } of debits) this.#owed.add(accountId, amount);
    if (this.active) return;
    for (const [oldest, { atMs }] of this.#lately) {
      if (atMs > nowMs - LATELY_MS) return;
      this.#forget(oldest);
    }
  }

  #forget(callId: string): void {
    for (const { accountId, amount } of this.#lately.get(callId)?.debits ?? []) this.#owed.add(accountId, -amount);
    this.#lately.delete(callId);
  }

  #refusal(payer: PayerClaim, nowMs: number): number {
    const spendable = this.#parts.balanceOf(payer.userId);
    if (spendable === undefined) return payer.tooLow;
    const { own, today } = this.#free(spendable, nowMs);
    if (today !== null && today < payer.least) return DAILY_LIMIT_CAUSE;
    if (own !== null && own < payer.least) {
      const total = own + this.#reserved.of(payer.userId);
      return total <= 0n ? payer.tooLow : total < payer.least ? payer.underOneSecond : payer.simultaneous;
    }
    return this.#boundLeft(payer.userId) < payer.least ? AWAY_CAUSE : 0;
  }

  /** null: without limit. */
  #free({ userId, balance, credit, day }: Spendable, nowMs: number): { readonly own: Money | null; readonly today: Money | null } {
    const taken = this.#reserved.of(userId) + this.#owed.of(userId);
    return {
      own: credit === null ? null : balance + credit - taken,
      today: day === null ? null : day.limit - (nowMs < day.untilMs ? day.spent : 0n) - taken,
    };
  }

  #left(userId: number, nowMs: number): Money {
    const spendable = this.#parts.balanceOf(userId);
    const { own, today } = spendable === undefined ? { own: 0n, today: null } : this.#free(spendable, nowMs);
    const least = [own, today].reduce<Money>((found, one) => (one !== null && one < found ? one : found), this.#boundLeft(userId));
    return this.#parts.floor(least > 0n ? least : 0n);
  }

  #boundLeft(userId: number): Money {
    return this.#parts.bound - this.#given.of(userId);
  }

  /** Raises what is on hold to `want`, or as near as it goes. */
  #give(held: Held, userId: number, { want, nowMs }: { readonly want: Money; readonly nowMs: number }): Money {
    const before = held.holds.get(userId) ?? 0n;
    const left = this.#left(userId, nowMs);
    const more = want - before < left ? want - before : left;
    if (more <= 0n) return before;
    held.holds.set(userId, before + more);
    held.given.set(userId, (held.given.get(userId) ?? 0n) + more);
    this.#given.add(userId, more);
    this.#reserved.add(userId, more);
    return before + more;
  }

  #hasRoom({ key, limit }: CounterClaim, second: number): boolean {
    if (limit === 0) return true;
    return (isWindow(key) ? this.#window(key, second).calls : (this.#places.get(key) ?? 0)) < limit;
  }

  #window(key: string, second: number): { calls: number } {
    const found = this.#windows.get(key);
    if (found !== undefined && found.second === second) return found;
    const made = { second, calls: 0 };
    this.#windows.set(key, made);
    return made;
  }

  #count(keys: readonly string[], change: number): void {
    for (const key of keys) {
      const calls = (this.#places.get(key) ?? 0) + change;
      if (calls > 0) this.#places.set(key, calls);
      else this.#places.delete(key);
    }
  }

  #drop(callId: string, held: Held): void {
    this.#count([...held.counters, ...held.wayCounters], -1);
    for (const [userId, amount] of held.holds) this.#reserved.add(userId, -amount);
    this.#calls.delete(callId);
  }
}

/** Money by user; who has nothing takes no place. */
class Sums {
  readonly #amounts = new Map<number, Money>();

  of(userId: number): Money {
    return this.#amounts.get(userId) ?? 0n;
  }

  add(userId: number, amount: Money): void {
    const sum = this.of(userId) + amount;
    if (sum === 0n) this.#amounts.delete(userId);
    else this.#amounts.set(userId, sum);
  }

  clear(): void {
    this.#amounts.clear();
  }
}

function places(claims: readonly CounterClaim[]): string[] {
  return claims.map(({ key }) => key).filter((key) => !isWindow(key));
}

/** A call's id begins with the number of its Asterisk. */
export function serverOf(callId: string): number {
  return Number.parseInt(callId, 10);
}
