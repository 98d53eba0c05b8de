// The exact amount of a call's seconds, as a fraction, before it is rounded: a formula per step, never a loop over
// increments, so an hour costs what a minute costs. Whole-number arithmetic only.

import { RateError } from './errors.ts';
import { MAX_SECONDS, stepEndS } from './step.ts';
import type { Step } from './step.ts';
import type { Rate, Span } from './rate.ts';

/** Seconds the price is computed from: 0 within the grace time, else at least the minimal time. */
export function payableSeconds(rate: Rate, seconds: number): number {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) {
    throw new RateError('notWhole', 'seconds', `a call lasts a whole number of seconds from 0 to ${MAX_SECONDS}, not ${seconds}.`);
  }
  if (seconds === 0) return 0;
  const atLeast = seconds > rate.minTimeS ? seconds : rate.minTimeS;
  return (rate.minTimeBeatsGrace ? atLeast : seconds) <= rate.graceS ? 0 : atLeast;
}

/** Whole increments in `seconds`, the begun one included; `seconds` > 0. */
export function incrementsIn(seconds: number, roundByS: number): number {
  return roundByS === 1 ? seconds : Math.ceil(seconds / roundByS);
}

/** Seconds after rounding, over the minute steps that the call touches; the seconds themselves if it touches none. */
export function roundedSeconds(steps: readonly Step[], seconds: number): number {
  let rounded = 0;
  for (const step of steps) {
    if (step.type === 'event') continue;
    const inside = Math.min(seconds, stepEndS(step)) - step.fromS;
    if (inside > 0) rounded += incrementsIn(inside, step.roundByS) * step.roundByS;
  }
  return rounded === 0 ? seconds : rounded;
}

/** The common denominator of all steps: an amount is a whole number of 1/denominator money units. */
export function commonPerS(steps: readonly Step[]): bigint {
  let common = 1;
  let exact: bigint | null = null;
  for (const { type, perS } of steps) {
    if (type === 'event' || (exact === null && common % perS === 0)) continue;
    const product = exact === null ? leastCommonMultiple(common, perS) : Infinity;
    if (Number.isSafeInteger(product)) common = product;
    else exact = bigLeastCommonMultiple(exact ?? BigInt(common), BigInt(perS));
  }
  return exact ?? BigInt(common);
}

function leastCommonMultiple(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}

function bigLeastCommonMultiple(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b];
  while (y !== 0n) [x, y] = [y, x % y];
  return (a / x) * b;
}

/**
 * Connection fee and steps for payable `seconds` > 0, times `perS`; the most a call can cost is not yet looked at.
 * `perS` must be a multiple of every step's own (see commonPerS).
 */
export function amountNumerator(rate: Rate, steps: readonly Step[], perS: bigint, seconds: number): bigint {
  let num = rate.connectionFee * perS;
  for (const step of steps) {
    if (step.fromS >= seconds) break;
    if (step.type === 'event') num += step.rate * perS;
    else num += incrementPrice(step, perS) * BigInt(incrementsIn(Math.min(seconds, stepEndS(step)) - step.fromS, step.roundByS));
  }
  return num;
}

/** One increment of a minute step, times `perS`. */
export function incrementPrice(step: Step, perS: bigint): bigint {
  const ownPerS = BigInt(step.perS);
  const price = step.rate * BigInt(step.roundByS);
  return ownPerS === perS ? price : price * (perS / ownPerS);
}

/** The steps of a rate in seconds of the call, in order of time. */
export function stepsInForce(rate: Rate): readonly Step[] {
  return rate.split === null ? rate.steps : splitSteps(rate.split.startMs, rate.split.spans);
}

/**
 * Cuts the steps of each span to the seconds the span holds. A second belongs to the window in which it begins; step
 * seconds go on counting from the start of the call, so "the first 10 minutes" mean the same in every window.
 */
function splitSteps(startMs: number, spans: readonly Span[]): readonly Step[] {
  const cut: Step[] = [];
  spans.forEach((span, index) => {
    const next = spans[index + 1];
    const fromS = index === 0 ? 0 : secondAt(startMs, span.fromMs);
    const endS = next === undefined ? Infinity : secondAt(startMs, next.fromMs);
    for (const step of span.steps) {
      const stepFromS = step.type === 'event' ? step.fromS : Math.max(step.fromS, fromS);
      const stepEnd = Math.min(stepEndS(step), endS);
      if (stepFromS < fromS || stepFromS >= endS || stepFromS >= stepEnd) continue;
      cut.push({ ...step, fromS: stepFromS, durationS: step.type === 'event' || stepEnd === Infinity ? null : stepEnd - stepFromS });
    }
  });
  return cut;
}

function secondAt(startMs: number, ms: number): number {
  return Math.max(0, Math.ceil((ms - startMs) / 1000));
}
