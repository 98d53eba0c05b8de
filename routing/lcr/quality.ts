/**
 * LCR by quality: how well a provider's attempts went in the last while, and what it asks. The formula is ours, as the
 * documents tell none; docs/ROUTING.md explains it. Scores order ways and are never money.
 */
import type { Candidate } from './order.ts';
import { byPrice } from './price.ts';

/** Sums over the window. */
export interface ProviderQuality {
  readonly attempts: number;
  readonly answered: number;
  readonly talkMs: number;
  /** Of the attempts that rang. */
  readonly rang: number;
  readonly pddMs: number;
}

/** By provider id; none: nothing was tried in the window. */
export type QualityView = ReadonlyMap<number, ProviderQuality>;

export interface QualityRules {
  /** With fewer attempts a provider counts as perfect, so that it is tried. */
  readonly leastAttempts: number;
  /** A mean talk of so long, and longer, is full marks. */
  readonly fullAcdS: number;
  /** A mean delay of so long, and longer, is none. */
  readonly worstPddMs: number;
  readonly asrWeight: number;
  readonly acdWeight: number;
  readonly pddWeight: number;
  readonly priceWeight: number;
}

/** Each from 0 to 1. */
export interface Marks {
  readonly asr: number;
  readonly acd: number;
  readonly pdd: number;
}

const PERFECT: Marks = { asr: 1, acd: 1, pdd: 1 };

export function marksOf(quality: ProviderQuality | undefined, rules: QualityRules): Marks {
  if (quality === undefined || quality.attempts < rules.leastAttempts || quality.attempts === 0) return PERFECT;
  const { attempts, answered, talkMs, rang, pddMs } = quality;
  return {
    asr: answered / attempts,
    acd: answered === 0 ? 0 : Math.min(1, talkMs / answered / 1000 / rules.fullAcdS),
    // What never rang has shown no delay to be praised for.
    pdd: rang === 0 ? 0 : Math.max(0, 1 - pddMs / rang / rules.worstPddMs),
  };
}

/** The cheapest has 1, one that asks twice as much 0.5. */
function priceMark(one: Candidate, cheapest: Candidate): number {
  return one.perMinute <= cheapest.perMinute ? 1 : Number(cheapest.perMinute) / Number(one.perMinute);
}

export function scoreOf(marks: Marks, price: number, rules: QualityRules): number {
  return marks.asr * rules.asrWeight + marks.acd * rules.acdWeight + marks.pdd * rules.pddWeight + price * rules.priceWeight;
}

/** The highest score first; equal ones as by price. */
export function byQuality(candidates: readonly Candidate[], view: QualityView, rules: QualityRules): Candidate[] {
  const sorted = byPrice(candidates);
  const [cheapest] = sorted;
  if (cheapest === undefined) return sorted;
  const scores = new Map(sorted.map((one) => [one, scoreOf(marksOf(view.get(one.provider.id), rules), priceMark(one, cheapest), rules)]));
  return sorted.sort((a, b) => (scores.get(b) ?? 0) - (scores.get(a) ?? 0));
}

/** For `route`. */
export function qualityText(quality: ProviderQuality | undefined, rules: QualityRules): string {
  if (quality === undefined || quality.attempts < rules.leastAttempts) return `${quality?.attempts ?? 0} of ${rules.leastAttempts} attempts: not judged yet`;
  const { attempts, answered, talkMs, rang, pddMs } = quality;
  return `${attempts} attempts, ASR ${Math.round((100 * answered) / attempts)} %, ACD ${answered === 0 ? 0 : Math.round(talkMs / answered / 1000)} s, PDD ${rang === 0 ? 'none' : `${Math.round(pddMs / rang)} ms`}`;
}
