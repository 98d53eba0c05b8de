// The rows of a step rate: seconds `fromS` .. `fromS + durationS` at one price, or one fee when a second is reached.
// Source: "Advanced Rates"; there FROM counts from 1, here seconds count from 0 (FROM = fromS + 1).

import { RateError } from './errors.ts';
import type { Money } from './money.ts';

/**
 * `minute`: the part of the call inside the step is rounded up to `roundByS` and priced at `rate` per `perS` seconds.
 * `event`: `rate` once, when the call goes on past second `fromS` (so an event at 0 is a connection fee).
 */
export interface Step {
  readonly type: 'minute' | 'event';
  readonly fromS: number;
  /** null: no end. Always null for an event. */
  readonly durationS: number | null;
  readonly rate: Money;
  readonly perS: number;
  readonly roundByS: number;
}

/** About 68 years: no call, increment or step is longer, and twice of it still is an exact number. */
export const MAX_SECONDS = 2_147_483_647;

/** A price list that needs more is a mistake in a file, and a price must stay a matter of nanoseconds. */
export const MAX_STEPS = 64;

/** Second just behind the step. */
export function stepEndS(step: Step): number {
  return step.durationS === null ? Infinity : step.fromS + step.durationS;
}

export function minuteStep(fromS: number, durationS: number | null, price: { rate: Money; perS?: number; roundByS?: number }): Step {
  return { type: 'minute', fromS, durationS, rate: price.rate, perS: price.perS ?? 60, roundByS: price.roundByS ?? 1 };
}

export function eventStep(fromS: number, rate: Money): Step {
  return { type: 'event', fromS, durationS: null, rate, perS: 60, roundByS: 1 };
}

/**
 * Checks steps given in any order and returns them in order of time.
 * The minute steps must begin at 0 and follow each other without gap or overlap. The last of them has no end, whatever
 * its durationS says: a call that outlasts its price list goes on at the last price, not free of charge.
 * Throws RateError naming `field[index]` as the steps were given.
 */
export function orderedSteps(steps: readonly Step[], field = 'steps'): readonly Step[] {
  if (steps.length === 0) throw new RateError('stepsMissing', field, 'a rate needs at least one step.');
  if (steps.length > MAX_STEPS) throw new RateError('tooLarge', field, `a rate has at most ${MAX_STEPS} steps, not ${steps.length}.`);
  const named = steps.map((step, index) => ({ step: checkedStep(step, `${field}[${index}]`), field: `${field}[${index}]` }));
  named.sort((a, b) => a.step.fromS - b.step.fromS || typeRank(a.step) - typeRank(b.step));
  const minutes = named.filter(({ step }) => step.type === 'minute');
  let nextS = 0;
  for (const { step, field: name } of minutes) {
    if (step.fromS > nextS) throw new RateError('stepsGap', `${name}.fromS`, `seconds ${nextS} to ${step.fromS} have no price; the step must begin at ${nextS}.`);
    if (step.fromS < nextS) throw new RateError('stepsOverlap', `${name}.fromS`, `second ${step.fromS} is already priced by the step before; ${beginAt(nextS)}`);
    nextS = stepEndS(step);
  }
  const last = minutes.at(-1)?.step;
  return named.map(({ step }) => (step === last && step.durationS !== null ? { ...step, durationS: null } : step));
}

function beginAt(nextS: number): string {
  return nextS === Infinity ? 'that step has no end.' : `this one must begin at ${nextS}.`;
}

/** At the same second a fee comes before the minutes, only to have one order for equal rates. */
function typeRank(step: Step): number {
  return step.type === 'event' ? 0 : 1;
}

function checkedStep(step: Step, field: string): Step {
  if (step.type !== 'minute' && step.type !== 'event') throw new RateError('wrongType', `${field}.type`, 'a step is of type "minute" or "event".');
  checkSeconds(step.fromS, `${field}.fromS`);
  checkMoney(step.rate, `${field}.rate`);
  if (step.type === 'event') return step.durationS === null && step.perS === 60 && step.roundByS === 1 ? step : eventStep(step.fromS, step.rate);
  if (step.durationS !== null) {
    checkSeconds(step.durationS, `${field}.durationS`);
    if (step.durationS === 0) throw new RateError('zeroIncrement', `${field}.durationS`, 'a step must last at least 1 second; leave its duration out if it has no end.');
  }
  checkIncrement(step.perS, `${field}.perS`);
  checkIncrement(step.roundByS, `${field}.roundByS`);
  return step;
}

export function checkMoney(amount: Money, field: string): void {
  if (typeof amount !== 'bigint') throw new RateError('badMoney', field, 'an amount of money is missing.');
}

/** A whole number of seconds, 0 to MAX_SECONDS. */
export function checkSeconds(seconds: number, field: string): void {
  if (typeof seconds !== 'number' || Number.isNaN(seconds)) throw new RateError('wrongType', field, 'a number of seconds is needed.');
  if (seconds < 0) throw new RateError('negative', field, `${seconds} seconds is below 0.`);
  if (seconds > MAX_SECONDS) throw new RateError('tooLarge', field, `${seconds} seconds is more than ${MAX_SECONDS}.`);
  if (!Number.isInteger(seconds)) throw new RateError('notWhole', field, `${seconds} is not a whole number of seconds.`);
}

/** As checkSeconds, and not 0: nothing can be divided into increments of nothing. */
export function checkIncrement(seconds: number, field: string): void {
  checkSeconds(seconds, field);
  if (seconds === 0) throw new RateError('zeroIncrement', field, 'an increment must be at least 1 second.');
}
