/** LCR by priority: the operator's order, lower number first. */
import type { Candidate } from './order.ts';

export function byPriority(candidates: readonly Candidate[]): Candidate[] {
  return [...candidates].sort((a, b) => a.place.priority - b.place.priority || a.provider.id - b.provider.id);
}
