// The price of a call: seconds in, money out. The same function for every level and for everyone who asks.

import { amountNumerator, commonPerS, incrementsIn, payableSeconds, roundedSeconds, stepsInForce } from './amount.ts';
import { billsec } from './billable.ts';
import type { SecondsRounding } from './billable.ts';
import { fraction, ONE } from './fraction.ts';
import type { Fraction } from './fraction.ts';
import { roundRatio } from './money.ts';
import type { Money } from './money.ts';
import type { Rate } from './rate.ts';
import type { Step } from './step.ts';

export interface Charge {
  /** Seconds after minimal time and increments: what the documents call user_billsec. */
  readonly billedS: number;
  /** In the default currency, rounded once to the rate's priceDecimals. */
  readonly price: Money;
}

const NOTHING: Charge = Object.freeze({ billedS: 0, price: 0n });

/** Prices `seconds` of billsec, a whole number; 0 seconds (nobody answered) cost nothing, not even the connection fee. */
export function charge(rate: Rate, seconds: number): Charge {
  const payable = payableSeconds(rate, seconds);
  if (payable === 0) return NOTHING;
  const steps = stepsInForce(rate);
  const step = steps[0];
  const isOnly = steps.length === 1 && step?.type === 'minute' && step.fromS === 0 && step.durationS === null;
  return isOnly ? chargeOneStep(rate, step, payable) : chargeSteps(rate, steps, payable);
}

/** The everyday rate, which has only one step without end: the same sum as chargeSteps, written out because it is most of the work. */
function chargeOneStep(rate: Rate, step: Step, payable: number): Charge {
  const billedS = incrementsIn(payable, step.roundByS) * step.roundByS;
  const perS = step.perS === 60 ? 60n : BigInt(step.perS);
  return { billedS, price: priceOf(rate, perS, rate.connectionFee * perS + step.rate * BigInt(billedS)) };
}

function chargeSteps(rate: Rate, steps: readonly Step[], payable: number): Charge {
  const perS = commonPerS(steps);
  return { billedS: roundedSeconds(steps, payable), price: priceOf(rate, perS, amountNumerator(rate, steps, perS, payable)) };
}

function priceOf(rate: Rate, perS: bigint, num: bigint): Money {
  const { multiplier } = rate;
  const most = capped(rate, perS, num);
  if (multiplier === ONE) return roundRatio(most, perS, rate.priceDecimals);
  return roundRatio(most * multiplier.num, perS * multiplier.den, rate.priceDecimals);
}

/** Seconds after minimal time and increments, from the milliseconds a call really lasted. */
export function billedSeconds(rate: Rate, answeredMs: number, rounding: SecondsRounding): number {
  const payable = payableSeconds(rate, billsec(answeredMs, rounding));
  return payable === 0 ? 0 : roundedSeconds(stepsInForce(rate), payable);
}

/** The price before it is rounded, in money units of the default currency. */
export function exactPrice(rate: Rate, seconds: number): Fraction {
  const payable = payableSeconds(rate, seconds);
  if (payable === 0) return fraction(0n, 1n);
  const steps = stepsInForce(rate);
  const perS = commonPerS(steps);
  const num = capped(rate, perS, amountNumerator(rate, steps, perS, payable));
  return fraction(num * rate.multiplier.num, perS * rate.multiplier.den);
}

function capped(rate: Rate, perS: bigint, num: bigint): bigint {
  if (rate.maxCost === null) return num;
  const most = rate.maxCost.amount * perS;
  return num > most ? most : num;
}
