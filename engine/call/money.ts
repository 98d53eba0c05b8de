/**
 * The money of one call: what to hold for it, how long what is held lasts, and what it cost in the end.
 */
import { charge } from '../../rating/charge.ts';
import { billsec } from '../../rating/billable.ts';
import { longestCall, reserve } from '../../rating/credit.ts';
import type { Money } from '../../rating/money.ts';
import { answeredAt, perMinute, rateToJson } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import type { Level, Payer, PriceLevel } from '../../routing/plan.ts';
import type { Cdr, CdrPrice, Debit, ExtendAnswer, PayerClaim } from './admission.ts';
import type { Call, CallSettings } from './state.ts';

/** Price of `seconds` at all of a payer's rates. */
function owed(rates: readonly Rate[], seconds: number): Money {
  return rates.reduce((sum, rate) => sum + reserve(rate, seconds), 0n);
}

function cap(call: Call): number {
  const { settings, plan } = call;
  return settings.reservation === 'frozen' ? Math.min(settings.frozenS, plan.maxTalkS) : plan.maxTalkS;
}

/** Seconds the first hold is for. */
function firstSlice(call: Call): number {
  return Math.min(cap(call), call.settings.reservation === 'frozen' ? call.settings.frozenS : call.settings.sliceS);
}

/** Longest ringing that a payer from the arrival pays before anybody answers; 0 for the others. */
function ringingS(call: Call, payer: Payer): number {
  return paysFromArrival(call, payer) ? call.plan.ways.reduce((sum, way) => sum + way.ringTimeoutS, 0) : 0;
}

/** What a payer owes for a flash call: the user alone pays it. */
function flashPrice({ plan }: Call, payer: Payer): Money {
  return payer.userId === plan.parties.userId ? (plan.flash?.price ?? 0n) : 0n;
}

/** Payers whose calls cost nothing need no hold (a free destination). */
export function payersOf(call: Call): readonly Payer[] {
  return call.plan.payers.filter((payer) => owed(payer.rates, cap(call) + ringingS(call, payer)) > 0n || flashPrice(call, payer) > 0n);
}

function most(first: Money, ...others: readonly Money[]): Money {
  return others.reduce((found, one) => (one > found ? one : found), first);
}

/** Whoever has nothing gets no call, even if its first seconds are free by grace time: anything at all is asked for. */
const ANYTHING: Money = 1n;

export function payerClaims(call: Call): PayerClaim[] {
  return payersOf(call).map((payer) => {
    const least = most(owed(payer.rates, 1), flashPrice(call, payer), ANYTHING);
    const want = most(owed(payer.rates, firstSlice(call) + ringingS(call, payer)), least);
    return { userId: payer.userId, want, least, ...payer.causes };
  });
}

/** Longest call that `held` pays at all of these rates. */
function longestFor(rates: readonly Rate[], held: Money, capS: number): number {
  const [only, ...more] = rates;
  if (only !== undefined && more.length === 0) return longestCall(only, held, capS);
  let low = 0;
  let high = capS;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (owed(rates, middle) <= held) low = middle;
    else high = middle - 1;
  }
  return low;
}

function paysFromArrival(call: Call, payer: Payer): boolean {
  return call.plan.levels.some((level) => level.from === 'arrival' && payer.rates.includes(level.rate));
}

/** What an answered call's money depends on. */
export interface Talk {
  /** Wall clock of the answer: rates that change with the hour count their seconds from there. */
  readonly answeredMs: number;
  /** Seconds from the arrival to the answer, paid by those who pay from the arrival. */
  readonly beforeS: number;
  /** Longest call of the way that answered, seconds; 0: none. */
  readonly wayTimeoutS: number;
}

function ratesOf(call: Call, payer: Payer, talk: Talk): readonly Rate[] {
  return paysFromArrival(call, payer) ? payer.rates : payer.rates.map((rate) => answeredAt(rate, talk.answeredMs));
}

function longestTalk(call: Call, talk: Talk): number {
  return talk.wayTimeoutS > 0 ? Math.min(cap(call), talk.wayTimeoutS) : cap(call);
}

function paidBy(call: Call, payer: Payer, held: Money, talk: Talk): number {
  const beforeS = paysFromArrival(call, payer) ? talk.beforeS : 0;
  return Math.max(0, longestFor(ratesOf(call, payer, talk), held, cap(call) + beforeS) - beforeS);
}

/** Seconds of talk that what is held pays for, and no timeout forbids. */
export function paidSeconds(call: Call, held: readonly Money[], talk: Talk): number {
  return payersOf(call).reduce((least, payer, index) => Math.min(least, paidBy(call, payer, held[index] ?? 0n, talk)), longestTalk(call, talk));
}

/** Where a talk ends for want of money, and whose. */
export interface MoneyEnd {
  readonly atS: number;
  readonly userId: number;
}

/** null: a timeout ends the talk before. Others may spend the same money meanwhile: then it ends sooner. */
export function moneyEnd(call: Call, { held, left }: ExtendAnswer, talk: Talk): MoneyEnd | null {
  let end: MoneyEnd | null = null;
  let mostS = longestTalk(call, talk);
  for (const [index, payer] of payersOf(call).entries()) {
    const more = left[index] ?? 0n;
    const atS = left[index] === null ? mostS : paidBy(call, payer, (held[index] ?? 0n) + (more > 0n ? more : 0n), talk);
    if (atS >= mostS) continue;
    mostS = atS;
    end = { atS, userId: payer.userId };
  }
  return end;
}

/** Cause of the first payer whose hold does not last for a second of talk; 0: all of them pay. */
export function unpaidCause(call: Call, held: readonly Money[], talk: Talk): number {
  return payersOf(call).find((payer, index) => paidBy(call, payer, held[index] ?? 0n, talk) === 0)?.causes.tooLow ?? 0;
}

/** What to hold in all for a call that goes on to `untilS`, for each payer in the order of `payersOf`. */
export function holdUntil(call: Call, untilS: number, talk: Talk): { readonly userId: number; readonly want: Money }[] {
  return payersOf(call).map((payer) => ({
    userId: payer.userId,
    want: owed(ratesOf(call, payer, talk), Math.min(untilS, longestTalk(call, talk)) + (paysFromArrival(call, payer) ? talk.beforeS : 0)),
  }));
}

/** False when nothing more can be held: the call's own timeouts end it. */
export function extendable(call: Call, paidS: number, talk: Talk): boolean {
  return call.settings.reservation === 'slice' && paidS < longestTalk(call, talk) && payersOf(call).length > 0;
}

export interface TalkTimes {
  /** Wall clock of the answer; null: nobody answered. */
  readonly answeredMs: number | null;
  readonly talkMs: number;
  readonly arrivalToEndMs: number;
}

function priced(rate: Rate, durationMs: number, settings: CallSettings): CdrPrice {
  const { billedS, price } = charge(rate, billsec(durationMs, settings.rounding));
  return { tariffId: rate.tariffId, prefix: rate.prefix, rate: perMinute(rate), billedS, price, captured: rateToJson(rate) };
}

export type CdrPrices = Partial<Record<PriceLevel, CdrPrice>>;

/** All levels' prices; an unanswered call costs nothing but keeps its rates. */
export function prices(call: Call, provider: Rate | null, times: TalkTimes): CdrPrices {
  const found: CdrPrices = {};
  const all: readonly Level[] = provider === null ? call.plan.levels : [...call.plan.levels, { level: 'provider', rate: provider, from: 'answer' }];
  for (const { level, rate, from } of all) {
    const fromAnswer = times.answeredMs === null ? rate : answeredAt(rate, times.answeredMs);
    found[level] = from === 'answer' ? priced(fromAnswer, times.talkMs, call.settings) : priced(rate, times.arrivalToEndMs, call.settings);
  }
  return found;
}

/** A flash call costs its fixed price; the row keeps the rate that a talk would have cost. */
export function flashPrices(found: CdrPrices, price: Money): CdrPrices {
  return found.user === undefined ? found : { ...found, user: { ...found.user, price } };
}

export function flashDebits({ userId, prices: { user } }: Cdr): Debit[] {
  return userId === null || user === undefined || user.price === 0n ? [] : [{ account: 'user', accountId: userId, amount: user.price, cause: 'flash_call' }];
}

/** Who owes what. A provider's account grows by what we owe it; a DID's provider that pays us owes us. */
export function debits(call: Call, providerId: number | null, found: CdrPrices): Debit[] {
  const { parties } = call.plan;
  const all: Debit[] = [];
  const add = (account: Debit['account'], accountId: number | null, amount: Money, cause: Debit['cause']): void => {
    if (accountId !== null && amount !== 0n) all.push({ account, accountId, amount, cause });
  };
  add('user', parties.userId, found.user?.price ?? 0n, 'call');
  add('user', parties.resellerId, found.reseller?.price ?? 0n, 'call');
  add('user', parties.partnerId, found.partner?.price ?? 0n, 'call');
  add('provider', providerId, -(found.provider?.price ?? 0n), 'call');
  add('user', parties.dstUserId, found.did?.price ?? 0n, 'did');
  add('user', parties.userId, found.didIncoming?.price ?? 0n, 'did');
  add('provider', parties.didProviderId, found.didProvider?.price ?? 0n, 'did');
  return all;
}
