/** LCR by price: cheapest first; equal prices by priority, then by id, so that the order never depends on chance. */
import type { Candidate } from './order.ts';

export function byPrice(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => {
    if (a.perMinute !== b.perMinute) return a.perMinute < b.perMinute ? -1 : 1;
    return a.place.priority - b.place.priority || a.provider.id - b.provider.id;
  });
}

/** True when the candidate costs more than the cheapest plus `percent` (cause 235). Exact: no division. */
export function overPriceLimit(candidate: Candidate, cheapest: Candidate, percent: number | null): boolean {
  if (percent === null) return false;
  // Percent may have decimals; four of them are kept.
  return candidate.perMinute * 1_000_000n > cheapest.perMinute * (1_000_000n + BigInt(Math.round(percent * 10_000)));
}
