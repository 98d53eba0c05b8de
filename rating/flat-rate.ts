// Flat-rates: minutes per period to some destinations, used up before the normal rate begins. Pure: the seconds used
// and held come in and go out; who stores them, and when a period begins, is not decided here.

import { payableSeconds } from './amount.ts';
import { charge } from './charge.ts';
import { graceSeconds, longestCall } from './credit.ts';
import type { Available } from './credit.ts';
import { RateError } from './errors.ts';
import type { Money } from './money.ts';
import { buildPrefixMap, dialled, findPrefix, prefixStart, tagOf } from './prefix-map.ts';
import type { PrefixMap } from './prefix-map.ts';
import { perMinute, withoutConnectionFee } from './rate.ts';
import type { Rate } from './rate.ts';
import { checkIncrement, MAX_SECONDS } from './step.ts';
import { sortByPrefix } from './tariff-rows.ts';

export interface FlatRate {
  readonly id: number;
  /** Seconds of talk per period. */
  readonly includedS: number;
  readonly roundByS: number;
  /** Taken for every call that begins under the flat-rate. */
  readonly connectionFee: Money;
  /** Tag 1: included, 0: excluded; the longest prefix decides (buildFlatDestinations). */
  readonly destinations: PrefixMap;
  readonly activeFromMs: number;
  /** First moment at which it no longer holds; null: no end. */
  readonly activeUntilMs: number | null;
  /** Dearer providers are not used for its calls; null: any. */
  readonly maxProviderRate: Money | null;
  /** When the minutes end during a call: true, it goes on at the normal rate; false, it is cut. */
  readonly continueCall: boolean;
}

/** Seconds of the present period: talked away, and promised to calls in progress. */
export interface FlatUse {
  readonly usedS: number;
  readonly heldS: number;
}

export const UNUSED: FlatUse = Object.freeze({ usedS: 0, heldS: 0 });

/** Throws RateError for a bad prefix, or one that is both included and excluded. */
export function buildFlatDestinations(included: readonly string[], excluded: readonly string[]): PrefixMap {
  const rows = [...included.map((prefix) => ({ prefix, tag: 1 })), ...excluded.map((prefix) => ({ prefix, tag: 0 }))];
  const starts = Float64Array.from(rows, ({ prefix }) => (prefix === '' ? NaN : prefixStart(prefix)));
  const bad = starts.findIndex((start) => Number.isNaN(start));
  if (bad >= 0) throw new RateError('badPrefix', 'destinations', `"${(rows[bad]?.prefix ?? '').slice(0, 40)}" is not a prefix: 1 to 15 digits and nothing else.`);
  const order = sortByPrefix(starts, Uint8Array.from(rows, ({ prefix }) => prefix.length));
  const sorted = Array.from(order, (row) => rows[row] ?? { prefix: '', tag: 0 });
  const twice = sorted.find(({ prefix }, at) => prefix === sorted[at - 1]?.prefix);
  if (twice !== undefined) throw new RateError('duplicateRow', 'destinations', `${twice.prefix} stands twice among the destinations.`);
  return buildPrefixMap({
    starts: Float64Array.from(order, (row) => starts[row] ?? 0),
    digits: Uint8Array.from(sorted, ({ prefix }) => prefix.length),
    values: new Uint32Array(sorted.length),
    tags: Uint32Array.from(sorted, ({ tag }) => tag),
  });
}

/** Whether a call to this number that starts now may use the flat-rate at all. */
export function isCovered(flat: FlatRate, number: string, atMs: number): boolean {
  if (atMs < flat.activeFromMs || (flat.activeUntilMs !== null && atMs >= flat.activeUntilMs)) return false;
  const entry = findPrefix(flat.destinations, dialled(number));
  return entry >= 0 && tagOf(flat.destinations, entry) === 1;
}

export function leftSeconds(flat: FlatRate, use: FlatUse): number {
  return Math.max(0, flat.includedS - use.usedS - use.heldS);
}

/** Those that cover the call and have seconds left, in the order in which they are used: the oldest first. */
export function coveringFlatRates<Own extends { flat: FlatRate; use: FlatUse }>(owned: readonly Own[], number: string, atMs: number): Own[] {
  return owned
    .filter(({ flat, use }) => leftSeconds(flat, use) > 0 && isCovered(flat, number, atMs))
    .sort((a, b) => a.flat.activeFromMs - b.flat.activeFromMs || a.flat.id - b.flat.id);
}

/** Whether a provider is cheap enough for a call under the flat-rate ("limit max provider rate"). */
export function allowsProvider(flat: FlatRate, providerRate: Rate): boolean {
  return flat.maxProviderRate === null || perMinute(providerRate) <= flat.maxProviderRate;
}

/** Promises up to `wantS` of what is left to a call, so that another one at the same time cannot use it too. */
export function holdSeconds(flat: FlatRate, use: FlatUse, wantS: number): { use: FlatUse; heldS: number } {
  const heldS = Math.min(Math.max(0, wantS), leftSeconds(flat, use));
  return { use: { usedS: use.usedS, heldS: use.heldS + heldS }, heldS };
}

/** Gives back what a finished call held and takes what it used (see FlatPart). */
export function settleSeconds(use: FlatUse, heldS: number, usedS: number): FlatUse {
  return { usedS: use.usedS + usedS, heldS: Math.max(0, use.heldS - heldS) };
}

/** What a call holds of one flat-rate. */
export interface FlatHold {
  readonly flat: FlatRate;
  readonly heldS: number;
}

export interface FlatPart {
  readonly flatId: number;
  /** Rounded up to roundByS, but never more than was held. */
  readonly usedS: number;
}

export interface FlatCharge {
  readonly parts: readonly FlatPart[];
  readonly coveredS: number;
  /** Seconds billed by the normal rate. */
  readonly billedS: number;
  readonly price: Money;
}

/**
 * Price of a call of `seconds` that holds seconds of flat-rates, oldest first, and continues at `rate`. The connection
 * fee is that of the first flat-rate; the normal rate's own fee is not added when the call only continues under it.
 * Grace time and minimal time are those of `rate` and look at the call as a whole.
 */
export function chargeFlat(holds: readonly FlatHold[], rate: Rate, seconds: number): FlatCharge {
  const parts: FlatPart[] = [];
  if (payableSeconds(rate, seconds) === 0) return { parts, coveredS: 0, billedS: 0, price: 0n };
  let restS = seconds;
  for (const { flat, heldS } of holds) {
    checkIncrement(flat.roundByS, 'roundByS');
    const insideS = Math.min(restS, heldS);
    if (insideS <= 0) continue;
    parts.push({ flatId: flat.id, usedS: Math.min(heldS, Math.ceil(insideS / flat.roundByS) * flat.roundByS) });
    restS -= insideS;
  }
  const coveredS = seconds - restS;
  if (coveredS === 0) return { parts, coveredS, ...charge(rate, seconds) };
  const rest = charge(continuedRate(rate, coveredS), restS);
  return { parts, coveredS, billedS: rest.billedS, price: rest.price + firstFee(holds) };
}

/** Inverse of chargeFlat; where the last flat-rate does not let a call continue, its seconds are the end. */
export function longestFlatCall(holds: readonly FlatHold[], rate: Rate, available: Available, capS: number = MAX_SECONDS): number {
  const coveredS = holds.reduce((sum, { heldS }) => sum + heldS, 0);
  if (coveredS === 0) return longestCall(rate, available, capS);
  if (available !== 'unlimited' && available < 0n) return 0;
  const fee = firstFee(holds);
  const endS = holds.findLast(({ heldS }) => heldS > 0)?.flat.continueCall === false ? Math.min(coveredS, capS) : capS;
  if (available !== 'unlimited' && available < fee) return Math.min(graceSeconds(rate), endS);
  if (coveredS >= endS) return endS;
  const left = available === 'unlimited' ? available : available - fee;
  return coveredS + longestCall(continuedRate(rate, coveredS), left, endS - coveredS);
}

/** The normal rate for what comes after `coveredS` seconds of a call. */
function continuedRate(rate: Rate, coveredS: number): Rate {
  return {
    ...withoutConnectionFee(rate),
    graceS: Math.max(0, graceSeconds(rate) - coveredS),
    minTimeS: Math.max(0, rate.minTimeS - coveredS),
    minTimeBeatsGrace: false,
    split: rate.split === null ? null : { ...rate.split, startMs: rate.split.startMs + coveredS * 1000 },
  };
}

function firstFee(holds: readonly FlatHold[]): Money {
  return holds.find(({ heldS }) => heldS > 0)?.flat.connectionFee ?? 0n;
}
