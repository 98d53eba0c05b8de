/**
 * The money of one call: what to hold for it, how long what is held lasts, and what it cost in the end.
 */
import { charge } from '../../rating/charge.ts';
import { billsec } from '../../rating/billable.ts';
import { longestCall, reserve } from '../../rating/credit.ts';
import type { Money } from '../../rating/money.ts';
import { perMinute, rateToJson } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import type { Level, Payer, PriceLevel } from '../../routing/plan.ts';
import type { CdrPrice, Debit, PayerClaim } from './admission.ts';
import type { Call, CallSettings } from './state.ts';

/** Price of `seconds` for everything this payer pays. */
function owed(payer: Payer, seconds: number): Money {
  return payer.rates.reduce((sum, rate) => sum + reserve(rate, seconds), 0n);
}

function cap(call: Call): number {
  const { settings, plan } = call;
  return settings.reservation === 'frozen' ? Math.min(settings.frozenS, plan.maxTalkS) : plan.maxTalkS;
}

/** Seconds the first hold is for. */
function firstSlice(call: Call): number {
  return Math.min(cap(call), call.settings.reservation === 'frozen' ? call.settings.frozenS : call.settings.sliceS);
}

/** Payers whose calls cost nothing need no hold (a free destination). */
export function payersOf(call: Call): readonly Payer[] {
  return call.plan.payers.filter((payer) => owed(payer, cap(call)) > 0n);
}

export function payerClaims(call: Call): PayerClaim[] {
  return payersOf(call).map((payer) => ({
    userId: payer.userId,
    want: owed(payer, firstSlice(call)),
    least: owed(payer, 1),
    ...payer.causes,
  }));
}

/** Longest call that `held` pays at all of the payer's rates. */
function longestFor(payer: Payer, held: Money, capS: number): number {
  const [only, ...more] = payer.rates;
  if (only !== undefined && more.length === 0) return longestCall(only, held, capS);
  let low = 0;
  let high = capS;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (owed(payer, middle) <= held) low = middle;
    else high = middle - 1;
  }
  return low;
}

function paysFromArrival(call: Call, payer: Payer): boolean {
  return call.plan.levels.some((level) => level.from === 'arrival' && payer.rates.includes(level.rate));
}

/** Seconds of talk that what is held pays for, and no timeout forbids. `beforeS` went by between arrival and answer. */
export function paidSeconds(call: Call, held: readonly Money[], limits: { readonly beforeS: number; readonly wayTimeoutS: number }): number {
  let least = limits.wayTimeoutS > 0 ? Math.min(cap(call), limits.wayTimeoutS) : cap(call);
  payersOf(call).forEach((payer, index) => {
    const before = paysFromArrival(call, payer) ? limits.beforeS : 0;
    least = Math.min(least, Math.max(0, longestFor(payer, held[index] ?? 0n, cap(call) + before) - before));
  });
  return least;
}

/** What to hold in all for a call that goes on to `untilS`, for each payer in the order of `payersOf`. */
export function holdUntil(call: Call, untilS: number, beforeS: number): { readonly userId: number; readonly want: Money }[] {
  return payersOf(call).map((payer) => ({
    userId: payer.userId,
    want: owed(payer, Math.min(untilS, cap(call)) + (paysFromArrival(call, payer) ? beforeS : 0)),
  }));
}

/** Nothing more can be held: the call's own timeouts end it. */
export function extendable(call: Call, paidS: number): boolean {
  return call.settings.reservation === 'slice' && paidS < cap(call) && payersOf(call).length > 0;
}

export interface TalkTimes {
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
    found[level] = priced(rate, from === 'answer' ? times.talkMs : times.arrivalToEndMs, call.settings);
  }
  return found;
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
