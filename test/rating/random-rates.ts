// Random rates for the tests, from plain text and numbers, so that the auditor and rating/ read the same thing.

import type { PlainRate, PlainStep } from './auditor.ts';

export type Random = () => number;

/** Mulberry32: small, seeded, good enough to choose test cases. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

export function pick<Value>(random: Random, values: readonly [Value, ...Value[]]): Value {
  return values[below(random, values.length)] ?? values[0];
}

export function decimalText(random: Random, limit: number, decimals: number): string {
  const digits = String(below(random, limit * 10 ** decimals)).padStart(decimals + 1, '0');
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

function rateText(random: Random): string {
  return random() < 0.15 ? '0' : decimalText(random, pick(random, [1, 1, 2, 90]), pick(random, [0, 2, 4, 4, 6, 9, 10]));
}

export function randomSteps(random: Random): PlainStep[] {
  const steps: PlainStep[] = [];
  const minutes = pick(random, [1, 1, 1, 2, 3, 4]);
  let fromS = 0;
  for (let index = 0; index < minutes; index++) {
    const step: PlainStep = {
      type: 'minute', fromS, rate: rateText(random), perS: pick(random, [60, 60, 60, 1, 30, 7, 3600]), roundByS: pick(random, [1, 1, 6, 7, 30, 60, 100]),
    };
    const durationS = pick(random, [1, 15, 59, 60, 61, 120, 300]);
    if (index < minutes - 1 || random() < 0.3) step.durationS = durationS;
    fromS += durationS;
    steps.push(step);
  }
  for (let events = pick(random, [0, 0, 0, 1, 2]); events > 0; events--) {
    steps.push({ type: 'event', fromS: pick(random, [0, 0, 1, 30, 60, 200]), rate: rateText(random), perS: 60, roundByS: 1 });
  }
  return shuffled(random, random() < 0.05 ? steps.filter((step, at) => step.type === 'event' || at > 0 || steps.length === minutes) : steps);
}

export function shuffled<Value>(random: Random, values: readonly Value[]): Value[] {
  const mixed = [...values];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = below(random, at + 1);
    [mixed[at], mixed[other]] = [mixed[other] as Value, mixed[at] as Value];
  }
  return mixed;
}

export function randomRate(random: Random): PlainRate {
  const rate: PlainRate = {
    connectionFee: random() < 0.5 ? '0' : rateText(random),
    steps: randomSteps(random),
    minTimeS: pick(random, [0, 0, 0, 1, 10, 60, 61]),
    graceS: pick(random, [0, 0, 0, 3, 10]),
  };
  if (!isGapless(rate.steps)) rate.steps = randomSimple(random);
  if (random() < 0.1) rate.minTimeBeatsGrace = true;
  if (random() < 0.1) rate.maxCost = { amount: rateText(random), beyond: pick(random, ['free', 'cut']) };
  if (random() < 0.2) rate.taxes = { compound: random() < 0.5, percents: Array.from({ length: below(random, 5) }, () => decimalText(random, 30, below(random, 4))) };
  if (random() < 0.2) rate.exchangeRate = `${below(random, 3)}.${1 + below(random, 99_999)}`;
  if (random() < 0.3) rate.priceDecimals = below(random, 11);
  if (random() < 0.15) rate.split = randomSplit(random);
  return rate;
}

/** The filter above may have taken a minute step that others follow. */
function isGapless(steps: readonly PlainStep[]): boolean {
  const minutes = steps.filter((step) => step.type === 'minute');
  return minutes.length === 0 ? steps.length > 0 : minutes.some((step) => step.fromS === 0);
}

function randomSimple(random: Random): PlainStep[] {
  return [{ type: 'minute', fromS: 0, rate: rateText(random), perS: 60, roundByS: pick(random, [1, 6, 60]) }];
}

function randomSplit(random: Random): NonNullable<PlainRate['split']> {
  const startMs = 1_800_000_000_000 + below(random, 86_400_000);
  let fromMs = startMs - below(random, 3_600_000);
  const spans = Array.from({ length: 1 + below(random, 4) }, (_, index) => {
    if (index > 0) fromMs = Math.max(fromMs + 1, startMs) + below(random, 200_000);
    const steps = randomSteps(random);
    return { fromMs, steps: isGapless(steps) ? steps : randomSimple(random) };
  });
  return { startMs, spans };
}

/** Mostly short, some long, seldom nothing. */
export function randomSeconds(random: Random): number {
  return random() < 0.02 ? below(random, 7200) : below(random, pick(random, [5, 70, 130, 400]));
}
