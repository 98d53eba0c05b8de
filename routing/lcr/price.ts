/** LCR by price: cheapest first; equal prices by priority, then by id, so that the order never depends on chance. */
import type { Money } from '../../rating/money.ts';
import type { Candidate } from './order.ts';

export function byPrice(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => {
    if (a.perMinute !== b.perMinute) return a.perMinute < b.perMinute ? -1 : 1;
    return a.place.priority - b.place.priority || a.provider.id - b.provider.id;
  });
}

/** True when the candidate costs more than the cheapest plus `percent` (cause 235). Exact: no division. */
export function overPriceLimit(candidate: Candidate, cheapest: Candidate, percent: number | null): boolean {
  return percent !== null && candidate.perMinute * WHOLE > withPercent(cheapest.perMinute, percent);
}

/** True when `selling` is not `percent` above what the provider asks (cause 224). */
export function underMargin(buying: Money, selling: Money, percent: number): boolean {
  return selling * WHOLE < withPercent(buying, percent);
}

/** Percent may have decimals; four of them are kept. */
const WHOLE = 1_000_000n;

/** In parts of WHOLE. */
function withPercent(price: Money, percent: number): bigint {
  return price * (WHOLE + BigInt(Math.round(percent * 10_000)));
}
