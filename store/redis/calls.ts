/** The four questions of a call, and balances: scripts, with payers seeded that Redis does not know. */
import type { Redis } from 'ioredis';
import type { AdmitAnswer, AdmitRequest, Cdr, ExtendAnswer, ExtendRequest, FinishRequest, FlashNumbers, NextWayRequest, RestoreRequest } from '../../engine/call/admission.ts';
import type { Money } from '../../rating/money.ts';
import type { Log } from '../log.ts';
import { decodeAdmit, decodeExtend, encodeAdmit, encodeExtend, encodeNextWay, encodeRestore, pushFields } from './admit.ts';
import { eventOf } from './events.ts';
import { encodeFinish, encodeRelease, encodeRecord } from './finish.ts';
import { callKey, payerKey } from './keys.ts';
import { runScript } from './scripts.ts';
import type { Fence, ScriptCall, ScriptName } from './scripts.ts';
import type { Units } from './units.ts';

/** What a user may spend, as Postgres last said. */
export interface Spendable {
  readonly userId: number;
  readonly balance: Money;
  /** null: without limit. */
  readonly credit: Money | null;
  readonly version: number;
  /** null: any. */
  readonly day: DailyLimit | null;
}

/** What a user's calls may cost within a day, and what those of the day that ends at `untilMs` cost so far. */
export interface DailyLimit {
  readonly limit: Money;
  readonly spent: Money;
  readonly untilMs: number;
}

export interface CallStore {
  readonly admit: (request: AdmitRequest) => Promise<AdmitAnswer>;
  /** Index into the request's ways; null: none has room, or the call is over. */
  readonly nextWay: (request: NextWayRequest) => Promise<number | null>;
  /** `want` is the hold in all, not in addition. null: the call is not in Redis. */
  readonly extend: (request: ExtendRequest) => Promise<ExtendAnswer | null>;
  /** False: it had been finished before. */
  readonly finish: (request: FinishRequest) => Promise<boolean>;
  /** Gives back what a call holds, if it holds anything, and settles nothing. */
  readonly release: (callId: string) => Promise<void>;
  /** True: Redis had lost the call. */
  readonly restore: (request: RestoreRequest) => Promise<boolean>;
  /** Queues rows of a call that held nothing. */
  readonly record: (cdrs: readonly Cdr[]) => Promise<void>;
  /** New fields of live calls; those that are over are left out. */
  readonly updateLive: (news: ReadonlyMap<string, LiveFields>) => Promise<void>;
  /** Returns how many were news. */
  readonly setBalances: (balances: readonly Spendable[]) => Promise<number>;
  /** A lower one waits while calls of its user are pending, as they may be in it already. Returns the users whose balances wait. */
  readonly offerBalances: (balances: readonly Spendable[]) => Promise<readonly number[]>;
}

export interface CallStoreParts {
  readonly redis: Redis;
  readonly units: Units;
  /** Balances kept in memory, for payers that Redis does not know (yet, or no more). */
  readonly balanceOf: (userId: number) => Spendable | undefined;
  /** What keeps out whoever does not lead the call's Asterisk; undefined: nothing does. */
  readonly fenceOf: (callId: string) => Fence | undefined;
  /** Flash calls of one number within an hour that are told; 0: none. */
  readonly flashAlarm: number;
  /** Whether calls feed the dynamic blacklist. */
  readonly scoring?: boolean | undefined;
  /** What becomes of calls is told on a stream that keeps so many entries; undefined, or 0: it is not. */
  readonly events?: number | undefined;
  readonly log: Log;
}

/** Told once an hour and number: at the call that reaches the threshold. */
function watchFlashCalls({ flashAlarm, log }: CallStoreParts, callId: string, numbers: FlashNumbers, counts: readonly number[]): void {
  if (!counts.includes(flashAlarm)) return;
  const [fromSource, toDestination] = counts;
  log.warn({ callId, ...numbers, fromSource, toDestination }, 'Many flash calls from or to one number within this hour.');
}

export type LiveFields = Readonly<Record<string, string>>;

/** Balances in one script call: enough to fill the wire, few enough not to hold up calls. */
const BALANCES_A_SCRIPT = 500;
/** Likewise, calls with news. */
const CALLS_A_SCRIPT = 500;

export function makeCallStore(parts: CallStoreParts): CallStore {
  const { redis, units } = parts;
  const fenced: Fenced = async (callId, name, call) => runScript(redis, name, { ...call, fence: parts.fenceOf(callId), events: parts.events });

  const seed = async (userIds: readonly number[]): Promise<readonly number[]> => {
    const known = userIds.map((userId) => parts.balanceOf(userId)).filter((balance) => balance !== undefined);
    await setBalances(redis, units, known);
    return userIds.filter((userId) => !known.some((balance) => balance.userId === userId));
  };

  return {
    async admit(request) {
      const call = encodeAdmit(request, units);
      const first = decodeAdmit(request.callId, await fenced(request.callId, 'admit', call));
      const answer = first.kind === 'unknown' ? await admitSeeded(request, first.userIds) : first;
      if (answer.kind !== 'admitted') return answer;
      const { held, left } = halves(answer.amounts, units);
      return { kind: 'admitted', way: answer.way, granted: held, left };

      async function admitSeeded({ callId, payers }: AdmitRequest, userIds: readonly number[]) {
        const strangers = await seed(userIds);
        const again = strangers.length > 0 ? null : decodeAdmit(callId, await fenced(callId, 'admit', call));
        if (again !== null && again.kind !== 'unknown') return again;
        // A payer without a balance anywhere was removed a moment ago: he cannot pay.
        parts.log.warn({ callId, userIds: strangers }, 'A payer has no balance; the call is refused.');
        return { kind: 'refused', cause: payers.find((payer) => userIds.includes(payer.userId))?.tooLow ?? 0 } as const;
      }
    },

    async nextWay(request) {
      const way = Number(await fenced(request.callId, 'next-way', encodeNextWay(request)));
      return way < 0 ? null : way;
    },

    async extend(request) {
      const call = encodeExtend(request, units);
      let answer = decodeExtend(await fenced(request.callId, 'extend', call));
      if (answer.kind === 'unknown') {
        const strangers = await seed(answer.userIds);
        if (strangers.length > 0) throw new Error(`Payers ${strangers.join(', ')} of call ${request.callId} have no balance.`);
        answer = decodeExtend(await fenced(request.callId, 'extend', call));
      }
      return answer.kind === 'held' ? halves(answer.amounts, units) : null;
    },

    ...ends(parts, fenced),

    async updateLive(news) {
      await updateLive(parts, [...news]);
    },

    async setBalances(balances) {
      return (await setBalances(redis, units, balances)).taken;
    },

    async offerBalances(balances) {
      return (await setBalances(redis, units, balances, 'wait')).waiting;
    },
  };
}

/** What each payer has on hold, then what is left to each. */
function halves(amounts: readonly string[], units: Units): ExtendAnswer {
  const payers = amounts.length / 2;
  return {
    held: amounts.slice(0, payers).map((amount) => units.toMoney(amount)),
    left: amounts.slice(payers).map((amount) => (amount === 'inf' ? null : units.toMoney(amount))),
  };
}

type Fenced = (callId: string, name: ScriptName, call: ScriptCall) => Promise<unknown>;

/** Nothing is put together for nobody. */
function told({ events = 0 }: CallStoreParts, cdrs: readonly Cdr[]): readonly string[] | undefined {
  return events > 0 ? eventOf(cdrs) : undefined;
}

/** What ends a call, or brings it back. */
function ends(parts: CallStoreParts, fenced: Fenced): Pick<CallStore, 'finish' | 'release' | 'restore' | 'record'> {
  const { redis, units } = parts;
  return {
    async finish(request) {
      const [first, ...flashCalls] = (await fenced(request.callId, 'finish', { ...encodeFinish(request, units, parts.scoring), event: told(parts, request.cdrs) })) as [number, ...number[]];
      if (request.flash !== undefined) watchFlashCalls(parts, request.callId, request.flash, flashCalls);
      return first === 1;
    },

    async release(callId) {
      await fenced(callId, 'finish', encodeRelease(callId));
    },

    async restore(request) {
      return (await fenced(request.callId, 'restore', encodeRestore(request, units))) === 1;
    },

    async record(cdrs) {
      await runScript(redis, 'record', { ...encodeRecord(cdrs, units, parts.scoring ?? false), events: parts.events, event: told(parts, cdrs) });
    },
  };
}

async function updateLive({ redis, fenceOf, events }: CallStoreParts, news: readonly (readonly [string, LiveFields])[]): Promise<void> {
  // A fence is one Asterisk's.
  for (const fence of new Set(news.map(([callId]) => fenceOf(callId)))) {
    const own = news.filter(([callId]) => fenceOf(callId) === fence);
    for (let at = 0; at < own.length; at += CALLS_A_SCRIPT) {
      const part = own.slice(at, at + CALLS_A_SCRIPT);
      await runScript(redis, 'update-live', { keys: part.map(([callId]) => callKey(callId)), args: part.flatMap(([, fields]) => liveArgs(fields)), fence, events });
    }
  }
}

function liveArgs(fields: LiveFields): (string | number)[] {
  const args: (string | number)[] = [Object.keys(fields).length];
  pushFields(fields, args);
  return args;
}

/** Balance, credit, version and the day ("limit spent until") as scripts take them. */
export function spendableArgs({ balance, credit, version, day }: Spendable, units: Units): readonly string[] {
  const ofDay = day === null ? '' : `${units.owned(day.limit)} ${units.owed(day.spent)} ${day.untilMs}`;
  return [units.owned(balance), credit === null ? 'inf' : units.owned(credit), String(version), ofDay];
}

async function setBalances(redis: Redis, units: Units, balances: readonly Spendable[], how: 'wait' | 'now' = 'now'): Promise<{ readonly taken: number; readonly waiting: readonly number[] }> {
  let taken = 0;
  const waiting: number[] = [];
  for (let at = 0; at < balances.length; at += BALANCES_A_SCRIPT) {
    const part = balances.slice(at, at + BALANCES_A_SCRIPT);
    const keys = part.map((balance) => payerKey(balance.userId));
    const args = [how, ...part.flatMap((balance) => spendableArgs(balance, units))];
    const [count, ...numbers] = (await runScript(redis, 'set-balances', { keys, args })) as [number, ...number[]];
    taken += count;
    waiting.push(...numbers.map((number) => part[number - 1]?.userId ?? 0));
  }
  return { taken, waiting };
}
