/**
 * Holds what stands in the books against what happened: rows, prices, debits and balances against the scripted Asterisk's
 * truth and a naive ledger; after each script nobody's money on hold may be more than he has.
 */
import type { Bank, Row } from './bank.ts';
import { begunSeconds, naivePrice } from './naive.ts';
import type { RedisWatch, ScriptSeen } from './redis.ts';
import type { RedisServer } from './redis.ts';
import { ACCOUNTS, DID, DIDS, FLASH, PHONES, TARIFFS } from './tenant.ts';
import type { Account, Terms } from './tenant.ts';
import { amountOf } from './naive.ts';
import type { CallTruth, LegTruth } from './truth.ts';
import type { Reply } from './wire.ts';

/** Redis' whole numbers are of so much. */
const UNIT = 10_000n;
const MONEY_SCRIPTS: ReadonlySet<string> = new Set(['admit', 'extend', 'finish', 'settled', 'set-balances', 'restore', 'repair']);

/** A cut by order needs so long to reach the channels when nothing is wrong. */
const QUICK_MS = 50;
/** A caller who hangs up in the last moment may find that the cut was quicker. */
const CROSSED_MS = 5;
/** As in engine/clock.ts. */
const LONGEST_WAY_MS = 10_000;

export interface Tally {
  calls: number;
  answered: number;
  rows: number;
  admitted: number;
  flash: number;
  cuts: number;
  estimates: number;
  /** Answered, and neither Redis nor the event log was told: free. */
  unknownAnswers: number;
  /** Answered calls that a daemon admitted while Redis was away, and that died with it. */
  lostWithDaemon: number;
  /** Answered attempts that only a daemon knew that had lost the lead: free. */
  lostAttempts: number;
  /** Billed too short: answered and ended while the daemon slept for more than ten seconds, and no other took over. */
  sleptThrough: number;
  /** On days on which Redis lost data, in all. */
  overdrawnAfterLoss: number;
  /** Seconds of talk that nobody paid, of calls that were to be cut while nobody led them. */
  unpaidS: number;
  scripts: number;
  checks: number;
  /** Lowest that a payer with a limit had beside his holds, in Redis' units. */
  leastLeft: number;
}

export class Auditor implements RedisWatch {
  readonly tally: Tally = { calls: 0, answered: 0, rows: 0, admitted: 0, flash: 0, cuts: 0, estimates: 0, unknownAnswers: 0, lostWithDaemon: 0, lostAttempts: 0, sleptThrough: 0, overdrawnAfterLoss: 0, unpaidS: 0, scripts: 0, checks: 0, leastLeft: Number.MAX_SAFE_INTEGER };
  readonly #bank: Bank;
  readonly #redis: RedisServer;
  readonly #differ: (difference: string) => void;
  #truths = new Map<string, CallTruth>();
  #admitted = new Set<string>();
  #finished = new Set<string>();
  #ownChoices = new Set<string>();
  #sleeps: { readonly fromMs: number; readonly toMs: number }[] = [];
  readonly #payersOf = new Map<string, readonly string[]>();
  /** Of whom it is known today that too much is on hold. */
  readonly #told = new Set<string>();
  /** What calls that ended owe, as Redis was told; since the beginning. */
  readonly #owed = new Map<string, bigint>();
  /** What daemons that stand in for Redis may give beyond what is there, each of them but one. */
  bound = 0n;
  /** Redis has lost what it knew, today: until all was told again, it gave what it did not know to be given. */
  lostData = false;
  /** They may admit calls. */
  allowed = false;
  /** What was missing to each payer when the day began, after a day with such a bound. */
  readonly #missing = new Map<string, bigint>();

  constructor(bank: Bank, redis: RedisServer, differ: (difference: string) => void) {
    this.#bank = bank;
    this.#redis = redis;
    this.#differ = differ;
  }

  slept(sleep: { readonly fromMs: number; readonly toMs: number }): void {
    this.#sleeps.push(sleep);
  }

  /** A daemon has chosen its next way without Redis. */
  ownChoice(callId: string): void {
    this.#ownChoices.add(callId);
  }

  /** A call has arrived. */
  begun(truth: CallTruth): void {
    this.tally.calls += 1;
    this.#truths.set(truth.id, truth);
  }

  get truths(): Iterable<CallTruth> {
    return this.#truths.values();
  }

  // After each script.

  script({ name, keys, packed }: ScriptSeen): ((reply: Reply) => void) | null {
    this.tally.scripts += 1;
    if (name === 'admit') {
      const callId = String(keys[0]).replace('tollgate:call:', '');
      this.#payersOf.set(callId, keys.filter((key) => key.startsWith('tollgate:payer:')));
      return (reply) => {
        if (Array.isArray(reply) && reply[0] === 'admitted' && !this.#admitted.has(callId)) {
          this.#admitted.add(callId);
          this.tally.admitted += 1;
        }
      };
    }
    if (name !== 'finish') return null;
    const [callId = '', life, owed = ''] = JSON.parse(packed) as string[];
    if (life === '0') return null;
    return (reply) => {
      if (Array.isArray(reply) && reply[0] === 1) this.#ended(callId, owed);
    };
  }

  /** Asked in the same breath: nothing comes between the script and this look. */
  afterScript({ name, keys, packed }: ScriptSeen): void {
    if (!MONEY_SCRIPTS.has(name)) return;
    for (const key of this.#touched(name, keys, packed)) {
      const userId = Number(key.slice('tollgate:payer:'.length));
      const account = ACCOUNTS.find(({ id }) => id === userId);
      if (account === undefined || account.credit === null) continue;
      const funds = this.#funds(account);
      this.#redis.wire.send(['HMGET', key, 'reserved', 'pending'], { look: (reply) => this.#look(name, key, funds, reply as readonly (string | null)[]) });
    }
  }

  #touched(name: string, keys: readonly string[], packed: string): readonly string[] {
    if (name === 'finish') return this.#payersOf.get((JSON.parse(packed) as string[])[0] ?? '') ?? [];
    if (name === 'settled') return ACCOUNTS.map(({ id }) => `tollgate:payer:${id}`);
    return keys.filter((key) => key.startsWith('tollgate:payer:'));
  }

  /** All that he ever had and may have: opening balance, payments so far, credit. */
  #funds({ id, opening, credit }: Account): bigint {
    return amountOf(opening) + (this.#bank.toppedUp.get(id) ?? 0n) + amountOf(credit ?? '0');
  }

  #look(script: string, key: string, funds: bigint, [reserved, pending]: readonly (string | null)[]): void {
    this.tally.checks += 1;
    const held = BigInt(reserved ?? '0') * UNIT;
    const left = funds - (this.#owed.get(key) ?? 0n) - held;
    if (!this.lostData && left < this.#least(key) && !this.#told.has(key)) {
      this.#told.add(key);
      this.#differ(`after ${script}: ${key} has ${held} on hold and ${left} left`);
    }
    if (held < 0n || BigInt(pending ?? '0') < 0n) this.#differ(`after ${script}: ${key} has ${reserved} on hold and ${pending} pending`);
    if (!this.lostData) this.tally.leastLeft = Math.min(this.tally.leastLeft, Number(left / UNIT));
  }

  #least(key: string): bigint {
    return -this.bound - (this.#missing.get(key) ?? 0n);
  }

  #ended(callId: string, owed: string): void {
    if (this.#finished.has(callId)) return;
    this.#finished.add(callId);
    const words = owed.split(' ');
    for (let at = 0; at + 1 < words.length; at += 2) {
      const key = `tollgate:payer:${words[at]}`;
      this.#owed.set(key, (this.#owed.get(key) ?? 0n) + BigInt(words[at + 1] ?? '0') * UNIT);
    }
  }

  // At the end of the day.

  newDay({ allowed, bound }: { readonly allowed: boolean; readonly bound: bigint }): void {
    this.bound = bound;
    this.allowed = allowed;
    this.#told.clear();
    this.lostData = false;
    for (const account of ACCOUNTS) {
      const left = this.#bank.balance(account.id) + amountOf(account.credit ?? '0');
      this.#missing.set(`tollgate:payer:${account.id}`, left < 0n ? -left : 0n);
    }
  }

  day(): void {
    for (const truth of this.#truths.values()) this.#call(truth, (this.#bank.rows.get(truth.id) ?? []).toSorted((one, other) => Number(one['attempt']) - Number(other['attempt'])));
    for (const callId of this.#bank.rows.keys()) if (!this.#truths.has(callId)) this.#differ(`there are rows of a call ${callId} that nobody made`);
    this.#ledger();
    this.#truths = new Map();
    this.#admitted = new Set();
    this.#finished = new Set();
    this.#ownChoices = new Set();
    this.#sleeps = [];
    this.#payersOf.clear();
    this.#bank.forgetRows();
  }

  #call(truth: CallTruth, rows: readonly Row[]): void {
    const differ = (what: string): void => this.#differ(`call ${truth.id} of ${truth.endpoint}: ${what}`);
    this.tally.rows += rows.length;
    const mustBe = this.#admitted.has(truth.id) || truth.answeredMs !== null;
    if (rows.length === 0) {
      // What a daemon admitted by itself, standing in for Redis, dies with it (docs/decisions/0012).
      if (this.allowed && !this.#admitted.has(truth.id) && truth.disturbed) this.tally.lostWithDaemon += truth.answeredMs === null ? 0 : 1;
      else if (mustBe) differ(`no row${truth.answeredMs === null ? '' : ', and it was answered'}`);
      return;
    }
    const last = rows.at(-1) as Row;
    if (rows.some((row, index) => Number(row['attempt']) !== index + 1 || (row['final'] === 'true') !== (row === last))) differ(`its rows are ${rows.map((row) => `${row['attempt']}${row['final'] === 'true' ? ' final' : ''}`).join(', ')}`);
    const attempts = new Set(truth.legs.map(({ id }) => id.slice(truth.id.length + 1).split('-')[0])).size;
    if (!truth.disturbed && attempts > rows.length) differ(`${attempts} attempts, ${rows.length} rows`);
    if (last['disposition'] === 'ANSWERED') this.#talk(truth, last, differ);
    else {
      if (truth.answeredMs !== null && truth.disturbed && truth.unwitnessed) this.tally.unknownAnswers += 1;
      // Where a daemon that stood in for Redis went on with the call, whoever took the lead from it did not know.
      else if (truth.answeredMs !== null && this.#ownChoices.has(truth.id)) this.tally.lostAttempts += 1;
      else if (truth.answeredMs !== null) differ(`answered at ${truth.answeredMs}, its row says ${last['disposition']} ${last['hangup_cause']}`);
      this.#unanswered(truth, last, differ);
    }
  }

  #unanswered(truth: CallTruth, row: Row, differ: (what: string) => void): void {
    const flash = row['flash_call'] === 'true';
    if (flash) this.tally.flash += 1;
    const phone = PHONES.find(({ endpoint }) => endpoint === truth.endpoint);
    if (flash && phone?.userId !== FLASH.userId) differ('a flash call of somebody who has none');
    this.#expect(truth, flash ? [{ account: 'user', id: FLASH.userId, amount: amountOf(FLASH.price) }] : [], differ);
  }

  #talk(truth: CallTruth, row: Row, differ: (what: string) => void): void {
    this.tally.answered += 1;
    const answerMs = Date.parse(row['answer_time'] ?? '');
    const answered = truth.legs.filter((leg) => leg.answeredMs !== null);
    // While nobody led, two devices may both have answered.
    const leg = answered.find(({ answeredMs }) => answeredMs === answerMs) ?? answered.at(-1);
    if (leg === undefined) return differ('its row says ANSWERED, and nobody did');
    const billMs = Number(row['bill_ms']);
    const estimated = row['end_source'] === 'estimate';
    if (estimated) this.tally.estimates += 1;
    if (answerMs !== leg.answeredMs && !truth.disturbed) differ(`answered at ${leg.answeredMs}, its row says ${answerMs}`);
    this.#duration(truth, { leg, row, billMs }, differ);
    const seconds = begunSeconds(billMs);
    if (Number(row['billsec']) !== seconds) differ(`billsec is ${row['billsec']}, of ${billMs} ms`);
    this.#expect(truth, this.#owedFor(truth, leg, { seconds, fromArrivalS: begunSeconds(answerMs - this.#arrival(truth, row, differ) + billMs) }), differ);
  }

  #duration(truth: CallTruth, { leg, row, billMs }: { readonly leg: LegTruth; readonly row: Row; readonly billMs: number }, differ: (what: string) => void): void {
    const endMs = Math.min(leg.endedMs ?? Infinity, truth.endedMs ?? Infinity);
    const talkedMs = Math.max(0, endMs - (leg.answeredMs ?? 0));
    const cut = row['terminated_by'] === 'system';
    if (cut) this.tally.cuts += 1;
    if (billMs > talkedMs + (cut ? CROSSED_MS : 0) && !truth.disturbed) differ(`talked for ${talkedMs} ms, billed ${billMs}`);
    if (billMs >= talkedMs) return;
    const unpaidMs = talkedMs - billMs;
    if (!cut && this.#sleptThrough(leg.answeredMs ?? 0, endMs)) this.tally.sleptThrough += 1;
    else if (!cut && !(truth.disturbed && truth.unwitnessed)) differ(`talked for ${talkedMs} ms, billed ${billMs}, ended by the ${row['terminated_by']} (${row['end_source']})`);
    if (cut && unpaidMs > QUICK_MS && !truth.disturbed) differ(`cut ${unpaidMs} ms late`);
    this.tally.unpaidS += unpaidMs / 1000;
  }

  /** A daemon slept, for longer than an event may be on its way: engine/clock.ts takes the stamps for those of a clock that was set. */
  #sleptThrough(answeredMs: number, endMs: number): boolean {
    return this.#sleeps.some(({ fromMs, toMs }) => toMs - fromMs > LONGEST_WAY_MS && answeredMs >= fromMs - LONGEST_WAY_MS && endMs <= toMs);
  }

  /** Whom nobody saw arrive counts as arriving when he is found. */
  #arrival(truth: CallTruth, row: Row, differ: (what: string) => void): number {
    const arrivedMs = Date.parse(row['calldate'] ?? '');
    if (truth.disturbed ? arrivedMs < truth.arrivedMs : arrivedMs !== truth.arrivedMs) differ(`arrived at ${truth.arrivedMs}, its row says ${arrivedMs}`);
    return arrivedMs;
  }

  /** Who owes what for a talk of so long, by the operator's own words. */
  #owedFor(truth: CallTruth, leg: LegTruth, { seconds, fromArrivalS }: { readonly seconds: number; readonly fromArrivalS: number }): Owed[] {
    const phone = PHONES.find(({ endpoint }) => endpoint === truth.endpoint);
    const user = ACCOUNTS.find(({ id }) => id === phone?.userId);
    if (DIDS.some(({ did }) => did === truth.dialled)) {
      const owed = [
        { account: 'user', id: DID.ownerId, amount: naivePrice(tariff(DID.ownerTariff), fromArrivalS) },
        { account: 'provider', id: DID.providerId, amount: naivePrice(tariff(DID.providerTariff), fromArrivalS) },
      ];
      return user === undefined ? owed : [...owed, { account: 'user', id: user.id, amount: naivePrice(tariff(DID.incomingTariff), fromArrivalS) }];
    }
    const owed: Owed[] = [];
    for (let account = user; account !== undefined; account = ACCOUNTS.find(({ id }) => id === account?.ownerId)) {
      const own = tariff(account.tariff);
      owed.push({ account: 'user', id: account.id, amount: naivePrice(account === user ? { ...own, graceS: phone?.graceS ?? 0 } : own, seconds) });
    }
    const provider = Number(leg.endpoint.replace('provider-', ''));
    return [...owed, { account: 'provider', id: provider, amount: -naivePrice(tariff(100 + provider), seconds) }];
  }

  #expect(truth: CallTruth, owed: readonly Owed[], differ: (what: string) => void): void {
    const booked = (this.#booked ??= this.#byCall()).get(truth.id) ?? [];
    const is = inWords(booked);
    const must = inWords(owed);
    if (is !== must) differ(`booked was ${is || 'nothing'}, owed is ${must || 'nothing'}`);
  }

  #booked: Map<string, Owed[]> | null = null;

  #byCall(): Map<string, Owed[]> {
    const found = new Map<string, Owed[]>();
    for (const { account, accountId, amount, callId } of this.#bank.ledger) {
      const one = { account, id: accountId, amount };
      const all = found.get(callId);
      if (all === undefined) found.set(callId, [one]);
      else all.push(one);
    }
    return found;
  }

  readonly #expected = new Map<number, bigint>(ACCOUNTS.map(({ id, opening }) => [id, amountOf(opening)]));

  /** Balances are what was there, what was paid, and what was booked. */
  #ledger(): void {
    this.#booked = null;
    for (const { account, accountId, amount } of this.#bank.ledger) if (account === 'user') this.#expected.set(accountId, (this.#expected.get(accountId) ?? 0n) - amount);
    for (const account of ACCOUNTS) {
      const must = (this.#expected.get(account.id) ?? 0n) + (this.#bank.toppedUp.get(account.id) ?? 0n);
      const is = this.#bank.balance(account.id);
      if (is !== must) this.#differ(`the balance of user ${account.id} is ${is}, not ${must}`);
      const beyond = account.credit === null ? 0n : this.#least(`tollgate:payer:${account.id}`) - is - amountOf(account.credit);
      if (beyond <= 0n) continue;
      if (this.lostData) this.tally.overdrawnAfterLoss += Number(beyond) / 1e10;
      else this.#differ(`user ${account.id} is overdrawn: ${is}`);
    }
  }
}

interface Owed {
  readonly account: string;
  readonly id: number;
  readonly amount: bigint;
}

function tariff(id: number): Terms {
  const found = TARIFFS[id];
  if (found === undefined) throw new Error(`There is no tariff ${id}.`);
  return found;
}

function inWords(owed: readonly Owed[]): string {
  return owed.filter(({ amount }) => amount !== 0n).map(({ account, id, amount }) => `${account} ${id}: ${amount}`).sort().join(', ');
}
