/** What one price of a call would be by its tariff as it is now. Pure; the arithmetic is that of the engine. */
import type { CdrPrice, PriceLevel } from '../../engine/call/admission.ts';
import { billsec } from '../../rating/billable.ts';
import type { SecondsRounding } from '../../rating/billable.ts';
import { charge } from '../../rating/charge.ts';
import { RateError } from '../../rating/errors.ts';
import type { Money } from '../../rating/money.ts';
import { answeredAt, makeRate, perMinute, rateFromJson, rateToJson } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import { findRate } from '../../rating/tariff.ts';
import type { Tariff } from '../../rating/tariff.ts';
import { LEVEL_RULES } from './levels.ts';

/** What a CDR says of an answered call. */
export interface RatedCall {
  readonly arrivedMs: number;
  readonly answeredMs: number;
  readonly endedMs: number;
  readonly billMs: number;
  readonly billsec: number;
  readonly src: string;
  readonly localizedDst: string;
}

/** What a CDR says of one of its prices. */
export interface RatedLevel {
  readonly level: PriceLevel;
  readonly price: Money;
  readonly tariffId: number | null;
  /** rateToJson of the rate that gave the price. */
  readonly captured: unknown;
}

/** Why a price stays although nobody knows whether it is right. */
export type Kept = 'unreadable' | 'notReproduced' | 'noTariff' | 'noRate' | 'blocked';

export interface PriceList {
  readonly tariffs: ReadonlyMap<number, Tariff>;
  /** The setting; it decides only where the CDR does not tell how its seconds were rounded. */
  readonly rounding: SecondsRounding;
}

const ROUNDINGS: readonly SecondsRounding[] = ['up', 'down', 'nearest'];

export function reprice(call: RatedCall, rated: RatedLevel, list: PriceList): CdrPrice | 'same' | Kept {
  const before = readRate(rated.captured);
  if (before === null) return 'unreadable';
  const seconds = secondsPaid(call, rated, before, list.rounding);
  if (seconds === null) return 'notReproduced';
  const tariff = rated.tariffId === null ? undefined : list.tariffs.get(rated.tariffId);
  if (tariff === undefined) return 'noTariff';
  const isDid = LEVEL_RULES[rated.level].leg === 'did';
  // The caller's number prices a DID's leg; a + is not part of an E.164 number.
  const found = findRate(tariff, isDid ? call.src.replace(/^\+/, '') : call.localizedDst, call.arrivedMs);
  if (typeof found === 'string') return found;
  const own = ofTheCall(found, before);
  const rate = isDid ? own : answeredAt(own, call.answeredMs);
  const { billedS, price } = charge(rate, seconds);
  if (price === rated.price) return 'same';
  return { tariffId: rate.tariffId, prefix: rate.prefix, rate: perMinute(rate), billedS, price, captured: rateToJson(rate) };
}

function readRate(captured: unknown): Rate | null {
  try {
    return rateFromJson(captured);
  } catch (error) {
    if (error instanceof RateError) return null;
    throw error;
  }
}

/** Whole seconds for which the captured rate gives the recorded price; null: there are none. */
function secondsPaid(call: RatedCall, rated: RatedLevel, rate: Rate, rounding: SecondsRounding): number | null {
  const isDid = LEVEL_RULES[rated.level].leg === 'did';
  const candidates = isDid ? didSeconds(call, rounding) : [call.billsec];
  return candidates.find((seconds) => charge(rate, seconds).price === rated.price) ?? null;
}

/** The CDR has no seconds of a DID's leg, only its times; how they were rounded is seen at the seconds of the talk. */
function didSeconds(call: RatedCall, rounding: SecondsRounding): number[] {
  const legMs = Math.max(0, call.endedMs - call.arrivedMs);
  return [rounding, ...ROUNDINGS].filter((one) => billsec(call.billMs, one) === call.billsec).map((one) => billsec(legMs, one));
}

/** What was the call's or its party's own and not the tariff's stays as it was captured. */
function ofTheCall(found: Rate, before: Rate): Rate {
  return makeRate({
    ...found,
    tariffVersion: 0,
    graceS: before.graceS,
    minTimeBeatsGrace: before.minTimeBeatsGrace,
    taxes: before.taxes,
    priceDecimals: before.priceDecimals,
    exchangeRate: found.currency === before.currency ? before.exchangeRate : found.exchangeRate,
  });
}
