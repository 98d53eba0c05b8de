// How long money lasts: the exact inverse of charge(), and what must be held so that a call is paid.

import { commonPerS, incrementPrice, payableSeconds, stepsInForce } from './amount.ts';
import { charge } from './charge.ts';
import { roundingStep } from './money.ts';
import type { Money } from './money.ts';
import type { Rate } from './rate.ts';
import { MAX_SECONDS, stepEndS } from './step.ts';
import type { Step } from './step.ts';

/** Of a payer without credit limit; a maximum cost with `cut` still ends his call. */
export type Available = Money | 'unlimited';

/**
 * The greatest whole number of seconds, up to `capS`, whose price (as `charge` rounds it) is within `available`.
 * 0 if not even 1 second is; `capS` when the money never runs out.
 */
export function longestCall(rate: Rate, available: Available, capS: number = MAX_SECONDS): number {
  payableSeconds(rate, capS);
  if (available !== 'unlimited' && available < 0n) return 0;
  const steps = stepsInForce(rate);
  const perS = commonPerS(steps);
  const most = greatestNumerator(rate, available, perS);
  if (most === null) return capS;
  const freeS = Math.min(capS, graceSeconds(rate));
  const lastS = lastAffordable(steps, { most: most - rate.connectionFee * perS, perS });
  return lastS === 0 || lastS < rate.minTimeS ? freeS : Math.max(freeS, Math.min(capS, lastS));
}

/** What to hold so that a call of `untilS` seconds is paid: to the digit what charge() will ask for it. */
export function reserve(rate: Rate, untilS: number): Money {
  return charge(rate, untilS).price;
}

/** What to hold in addition when a call paid until `heldS` may go on until `untilS`. */
export function reserveNext(rate: Rate, heldS: number, untilS: number): Money {
  return charge(rate, untilS).price - charge(rate, heldS).price;
}

/**
 * As longestCall for a payer who pays several rates of one call. Rates that give him money are left out: what a call
 * will bring is not yet there to be spent.
 */
export function longestCallOf(rates: readonly Rate[], available: Available, capS: number = MAX_SECONDS): number {
  const longestS = rates.reduce((shortest, rate) => longestCall(rate, available, shortest), capS);
  const paid = rates.filter((rate) => !givesMoney(rate));
  if (available === 'unlimited' || paid.length < 2 || reserveOf(paid, longestS) <= available) return longestS;
  // Each price only grows with time, so their sum does: halving finds its last affordable second.
  let affordableS = 0;
  let tooLongS = longestS;
  while (tooLongS - affordableS > 1) {
    const middleS = Math.floor((affordableS + tooLongS) / 2);
    if (reserveOf(paid, middleS) <= available) affordableS = middleS;
    else tooLongS = middleS;
  }
  return affordableS;
}

/** What to hold for all the rates one payer pays; see reserve. */
export function reserveOf(rates: readonly Rate[], untilS: number): Money {
  return rates.reduce((sum, rate) => (givesMoney(rate) ? sum : sum + reserve(rate, untilS)), 0n);
}

/** A DID can pay its owner or its caller; makeRate sees to it that a rate never does both. */
function givesMoney(rate: Rate): boolean {
  return rate.connectionFee < 0n || rate.steps.some((step) => step.rate < 0n);
}

/** Seconds that cost nothing by grace time. */
export function graceSeconds(rate: Rate): number {
  return rate.minTimeBeatsGrace && rate.minTimeS > rate.graceS ? 0 : rate.graceS;
}

/**
 * The greatest numerator (over perS, see amountNumerator) that is still affordable; null: any is.
 * With `available` cut to whole rounding steps, round-half-up(x) <= available means x < available + half a step.
 */
function greatestNumerator(rate: Rate, available: Available, perS: bigint): bigint | null {
  const { maxCost, multiplier } = rate;
  const ceiling = maxCost === null ? null : maxCost.amount * perS;
  const cut = maxCost?.beyond === 'cut' ? ceiling : null;
  if (available === 'unlimited') return cut;
  const step = roundingStep(rate.priceDecimals);
  const doubled = ((available - (available % step)) * 2n + step) * perS * multiplier.den;
  const affordable = (doubled - 1n) / (multiplier.num * 2n);
  if (ceiling === null || affordable < ceiling) return affordable;
  return cut;
}

interface Budget {
  /** What is left for the steps, over perS. */
  readonly most: bigint;
  readonly perS: bigint;
}

/** Last second whose steps cost no more than the budget: one piece between two events after the other. */
function lastAffordable(steps: readonly Step[], budget: Budget): number {
  let left = budget.most;
  let reachedS = 0;
  if (left < 0n) return 0;
  for (const event of steps) {
    if (event.type !== 'event') continue;
    if (event.fromS > reachedS) {
      reachedS = Math.max(reachedS, lastOfMinutes(steps, { ...budget, most: left }));
      if (reachedS < event.fromS) return reachedS;
      reachedS = event.fromS;
    }
    left -= event.rate * budget.perS;
    if (left < 0n) return reachedS;
  }
  return Math.max(reachedS, lastOfMinutes(steps, { ...budget, most: left }));
}

function lastOfMinutes(steps: readonly Step[], { most, perS }: Budget): number {
  let left = most;
  for (const step of steps) {
    if (step.type === 'event') continue;
    const endS = stepEndS(step);
    const price = incrementPrice(step, perS);
    if (price <= 0n) continue;
    const affordable = left / price;
    if (endS === Infinity || affordable < BigInt(Math.ceil((endS - step.fromS) / step.roundByS))) {
      return Math.min(endS, step.fromS + Number(affordable) * step.roundByS);
    }
    left -= price * BigInt(Math.ceil((endS - step.fromS) / step.roundByS));
  }
  return Infinity;
}
