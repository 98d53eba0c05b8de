// One priced rule, as captured when a call is admitted: everything its price needs, so that the price can be
// computed again in a year from the CDR alone, whatever has become of the tariff.

import { parseExchangeRate } from './currency.ts';
import { RateError } from './errors.ts';
import { divide, ONE } from './fraction.ts';
import type { Fraction } from './fraction.ts';
import { Fields } from './json.ts';
import type { JsonValue } from './json.ts';
import { MONEY_DECIMALS, moneyText, roundRatio } from './money.ts';
import type { Money } from './money.ts';
import { checkMoney, checkSeconds, minuteStep, orderedSteps } from './step.ts';
import type { Step } from './step.ts';
import { taxFactor } from './tax.ts';
import type { Taxes } from './tax.ts';

/** The most a call can cost, in the tariff's currency and before taxes; beyond it the call is free, or is cut. */
export interface MaxCost {
  readonly amount: Money;
  readonly beyond: 'free' | 'cut';
}

/** Steps in force from a moment on; only with the split rule. */
export interface Span {
  readonly fromMs: number;
  readonly steps: readonly Step[];
}

/** When a call under the split rule was answered, and which steps are in force from when on. */
export interface Split {
  /** Second 0 of the call: the admission until the call is answered, then the answer (`answeredAt`). */
  readonly startMs: number;
  readonly spans: readonly Span[];
}

export interface Rate {
  readonly tariffId: number | null;
  readonly tariffVersion: number;
  readonly prefix: string;
  readonly destinationId: number | null;
  readonly effectiveFromMs: number | null;
  /** Of every amount in the rate. A price is in the default currency: amount / exchangeRate. */
  readonly currency: string;
  /** Units of `currency` per 1 of the default currency, frozen at admission. */
  readonly exchangeRate: string;
  readonly connectionFee: Money;
  /** In order of time; a simple rate is one minute step without end. Under the split rule: the steps at admission. */
  readonly steps: readonly Step[];
  readonly minTimeS: number;
  readonly graceS: number;
  /** The rule before 2013: a minimal time longer than the grace time is charged in any case. */
  readonly minTimeBeatsGrace: boolean;
  readonly maxCost: MaxCost | null;
  /** Set only where the price must include them: stored prices are without tax. */
  readonly taxes: Taxes | null;
  readonly priceDecimals: number;
  /** Whole percent of the time left that a caller is told (announcedSeconds). */
  readonly ghostPercent: number;
  readonly split: Split | null;
  /** Derived from taxes and exchangeRate; never stored. */
  readonly multiplier: Fraction;
}

export type RateParts = Partial<Omit<Rate, 'multiplier'>> & Pick<Rate, 'steps'>;

export const DEFAULT_PRICE_DECIMALS = 6;

const DEFAULTS = {
  tariffId: null,
  tariffVersion: 0,
  prefix: '',
  destinationId: null,
  effectiveFromMs: null,
  currency: '',
  exchangeRate: '1',
  minTimeS: 0,
  graceS: 0,
  minTimeBeatsGrace: false,
  priceDecimals: DEFAULT_PRICE_DECIMALS,
  ghostPercent: 100,
} as const;

/** Fills in defaults, checks, orders the steps. Throws RateError naming the field. */
export function makeRate(parts: RateParts): Rate {
  const exchangeRate = parts.exchangeRate ?? '1';
  const taxes = parts.taxes ?? null;
  // Field by field, in the order findRate uses: objects of one shape are what makes charge() fast.
  const rate: Rate = {
    tariffId: parts.tariffId ?? DEFAULTS.tariffId,
    tariffVersion: parts.tariffVersion ?? DEFAULTS.tariffVersion,
    prefix: parts.prefix ?? DEFAULTS.prefix,
    destinationId: parts.destinationId ?? DEFAULTS.destinationId,
    effectiveFromMs: parts.effectiveFromMs ?? DEFAULTS.effectiveFromMs,
    currency: parts.currency ?? DEFAULTS.currency,
    exchangeRate,
    connectionFee: parts.connectionFee ?? 0n,
    steps: orderedSteps(parts.steps),
    minTimeS: parts.minTimeS ?? DEFAULTS.minTimeS,
    graceS: parts.graceS ?? DEFAULTS.graceS,
    minTimeBeatsGrace: parts.minTimeBeatsGrace ?? DEFAULTS.minTimeBeatsGrace,
    maxCost: parts.maxCost ?? null,
    taxes,
    priceDecimals: parts.priceDecimals ?? DEFAULTS.priceDecimals,
    ghostPercent: parts.ghostPercent ?? DEFAULTS.ghostPercent,
    split: parts.split === undefined || parts.split === null ? null : orderedSplit(parts.split),
    multiplier: priceMultiplier(exchangeRate, taxes),
  };
  checkRate(rate);
  return rate;
}

/** The everyday rate: a price per minute, an increment, perhaps a minimal time and a connection fee. */
export function simpleRate(price: { ratePerMinute: Money; incrementS?: number } & Partial<Omit<Rate, 'multiplier' | 'steps'>>): Rate {
  const { ratePerMinute, incrementS, ...parts } = price;
  return makeRate({ ...parts, steps: [minuteStep(0, null, { rate: ratePerMinute, roundByS: incrementS ?? 1 })] });
}

/** What an amount of the tariff is multiplied by to become a price: taxes added, exchanged into the default currency. */
export function priceMultiplier(exchangeRate: string, taxes: Taxes | null): Fraction {
  const taxed = taxes === null ? ONE : taxFactor(taxes);
  return exchangeRate === '1' ? taxed : divide(taxed, parseExchangeRate(exchangeRate));
}

function orderedSplit(split: Split): Split {
  if (split.spans.length === 0) throw new RateError('stepsMissing', 'split.spans', 'a call that is split needs at least one span.');
  const spans = split.spans.map((span, index) => ({ fromMs: span.fromMs, steps: orderedSteps(span.steps, `split.spans[${index}].steps`) }));
  return { startMs: split.startMs, spans: spans.sort((a, b) => a.fromMs - b.fromMs) };
}

function checkRate(rate: Rate): void {
  checkMoney(rate.connectionFee, 'connectionFee');
  checkSeconds(rate.minTimeS, 'minTimeS');
  checkSeconds(rate.graceS, 'graceS');
  if (!Number.isInteger(rate.priceDecimals) || rate.priceDecimals < 0 || rate.priceDecimals > MONEY_DECIMALS) {
    throw new RateError('tooLarge', 'priceDecimals', `prices have 0 to ${MONEY_DECIMALS} decimals, not ${rate.priceDecimals}.`);
  }
  if (rate.maxCost !== null) {
    checkMoney(rate.maxCost.amount, 'maxCost.amount');
    if (rate.maxCost.amount < 0n) throw new RateError('negative', 'maxCost.amount', 'the most a call can cost is not below 0.');
  }
  checkSigns(rate);
}

/** A rate either takes or gives: with both signs a longer call could be cheaper, and no reservation would hold. */
function checkSigns(rate: Rate): void {
  const amounts = [rate.connectionFee, ...rate.steps.map((step) => step.rate)];
  for (const span of rate.split?.spans ?? []) amounts.push(...span.steps.map((step) => step.rate));
  if (amounts.some((amount) => amount < 0n) && amounts.some((amount) => amount > 0n)) {
    throw new RateError('mixedSigns', 'steps', 'the fee and the steps of a rate must all be 0 or more, or all be 0 or less.');
  }
}

/** Under the split rule, moves second 0 to the answer; every other rate stays as it is. */
export function answeredAt(rate: Rate, answeredMs: number): Rate {
  if (rate.split === null) return rate;
  return { ...rate, split: { ...rate.split, startMs: answeredMs } };
}

/**
 * The headline price per minute in the default currency, with the taxes the rate carries and without any fee:
 * what loss checks, the maximum call rate, LCR order and the CDR's rate columns compare. Rounded to 10 decimals.
 * For a step rate it is that of the dearest minute step (for a rate that pays: of the one that pays most), so that free
 * first seconds do not hide a price; a rate of events only has the headline 0.
 */
export function perMinute(rate: Rate): Money {
  let num = 0n;
  let den = 1n;
  for (const step of rate.steps) {
    if (step.type === 'event') continue;
    const perS = BigInt(step.perS);
    const left = magnitude(step.rate) * den;
    if (left > magnitude(num) * perS) [num, den] = [step.rate, perS];
  }
  return roundRatio(num * 60n * rate.multiplier.num, den * rate.multiplier.den, MONEY_DECIMALS);
}

function magnitude(amount: Money): Money {
  return amount < 0n ? -amount : amount;
}

/** The same rate under the grace time of a device, provider or DID. Throws RateError for anything but whole seconds. */
export function withGrace(rate: Rate, graceS: number): Rate {
  if (graceS === rate.graceS) return rate;
  checkSeconds(graceS, 'graceS');
  return { ...rate, graceS };
}

/** The same rate with a limit on what one call can cost. */
export function withMaxCost(rate: Rate, maxCost: MaxCost | null): Rate {
  return makeRate({ ...rate, maxCost });
}

/** The same rate with its taxes added to the price, or (null) without. */
export function withTaxesOn(rate: Rate, taxes: Taxes | null): Rate {
  return { ...rate, taxes, multiplier: priceMultiplier(rate.exchangeRate, taxes) };
}

/** The same rate without its connection fee: for seconds of a call that began under another price. */
export function withoutConnectionFee(rate: Rate): Rate {
  return rate.connectionFee === 0n ? rate : { ...rate, connectionFee: 0n };
}

/** Plain JSON of a rate: amounts as decimal text, defaults left out, since every open call and CDR carries several. */
export type RateJson = { readonly [field: string]: JsonValue };

const RATE_FIELDS = [
  'tariffId', 'tariffVersion', 'prefix', 'destinationId', 'effectiveFromMs', 'currency', 'exchangeRate', 'connectionFee', 'steps',
  'ratePerMinute', 'incrementS', 'minTimeS', 'graceS', 'minTimeBeatsGrace', 'maxCost', 'taxes', 'priceDecimals', 'ghostPercent', 'split',
];

export function rateToJson(rate: Rate): RateJson {
  const json: { [field: string]: JsonValue } = {};
  for (const [field, value] of Object.entries(DEFAULTS)) {
    const own = rate[field as keyof typeof DEFAULTS];
    if (own !== value) json[field] = own as JsonValue;
  }
  if (rate.connectionFee !== 0n) json['connectionFee'] = moneyText(rate.connectionFee);
  json['steps'] = rate.steps.map(stepToJson);
  if (rate.maxCost !== null) json['maxCost'] = { amount: moneyText(rate.maxCost.amount), beyond: rate.maxCost.beyond };
  if (rate.taxes !== null) json['taxes'] = { compound: rate.taxes.compound, percents: [...rate.taxes.percents] };
  if (rate.split !== null) {
    const spans = rate.split.spans.map((span) => ({ fromMs: span.fromMs, steps: span.steps.map(stepToJson) }));
    json['split'] = { startMs: rate.split.startMs, spans };
  }
  return json;
}

/**
 * Reads what rateToJson wrote, and what people write: `ratePerMinute` and `incrementS` may stand for the steps.
 * Strict, because a misspelt field would be a wrong price: throws RateError naming the field, unknown ones included.
 */
export function rateFromJson(value: unknown): Rate {
  const fields = new Fields(value, '', RATE_FIELDS);
  return makeRate({
    tariffId: fields.number('tariffId', null),
    tariffVersion: fields.number('tariffVersion', DEFAULTS.tariffVersion),
    prefix: fields.text('prefix', DEFAULTS.prefix),
    destinationId: fields.number('destinationId', null),
    effectiveFromMs: fields.number('effectiveFromMs', null),
    currency: fields.text('currency', DEFAULTS.currency),
    exchangeRate: fields.text('exchangeRate', DEFAULTS.exchangeRate),
    connectionFee: fields.money('connectionFee', 0n),
    steps: stepsOf(fields),
    minTimeS: fields.number('minTimeS', DEFAULTS.minTimeS),
    graceS: fields.number('graceS', DEFAULTS.graceS),
    minTimeBeatsGrace: fields.flag('minTimeBeatsGrace', DEFAULTS.minTimeBeatsGrace),
    maxCost: maxCostOf(fields),
    taxes: taxesOf(fields),
    priceDecimals: fields.number('priceDecimals', DEFAULTS.priceDecimals),
    ghostPercent: fields.number('ghostPercent', DEFAULTS.ghostPercent),
    split: splitOf(fields),
  });
}

function stepToJson(step: Step): JsonValue {
  const json: { [field: string]: JsonValue } = { type: step.type, fromS: step.fromS };
  if (step.durationS !== null) json['durationS'] = step.durationS;
  json['rate'] = moneyText(step.rate);
  if (step.type === 'minute') Object.assign(json, { perS: step.perS, roundByS: step.roundByS });
  return json;
}

function stepsOf(fields: Fields): readonly Step[] {
  if (!fields.has('steps')) {
    return [minuteStep(0, null, { rate: fields.money('ratePerMinute'), roundByS: fields.number('incrementS', 1) })];
  }
  for (const field of ['ratePerMinute', 'incrementS']) {
    if (fields.has(field)) throw new RateError('unknownField', field, 'a rate has either steps or a rate per minute, not both.');
  }
  return fields.list('steps').map((item, index) => stepFromJson(item, `steps[${index}]`));
}

function stepFromJson(value: unknown, path: string): Step {
  const fields = new Fields(value, path, ['type', 'fromS', 'durationS', 'rate', 'perS', 'roundByS']);
  const type = fields.oneOf('type', ['minute', 'event']);
  const fromS = fields.number('fromS');
  const rate = fields.money('rate');
  const durationS = fields.number('durationS', null);
  const price = { rate, perS: fields.number('perS', 60), roundByS: fields.number('roundByS', 1) };
  return type === 'event' ? { ...minuteStep(fromS, null, price), type } : minuteStep(fromS, durationS, price);
}

function maxCostOf(fields: Fields): MaxCost | null {
  const inner = fields.object('maxCost', ['amount', 'beyond']);
  return inner === null ? null : { amount: inner.money('amount'), beyond: inner.oneOf('beyond', ['free', 'cut']) };
}

function taxesOf(fields: Fields): Taxes | null {
  const inner = fields.object('taxes', ['compound', 'percents']);
  if (inner === null) return null;
  const percents = inner.list('percents').map((percent, index) => {
    if (typeof percent !== 'string') throw new RateError('wrongType', `taxes.percents[${index}]`, 'a percent must be decimal text such as "18".');
    return percent;
  });
  return { compound: inner.flag('compound', false), percents };
}

function splitOf(fields: Fields): Split | null {
  const inner = fields.object('split', ['startMs', 'spans']);
  if (inner === null) return null;
  const spans = inner.list('spans').map((item, index): Span => {
    const path = `split.spans[${index}]`;
    const span = new Fields(item, path, ['fromMs', 'steps']);
    return { fromMs: span.number('fromMs'), steps: span.list('steps').map((step, at) => stepFromJson(step, `${path}.steps[${at}]`)) };
  });
  return { startMs: inner.number('startMs'), spans };
}
