/**
 * LCR by percent: a weighted draw without replacement. A 50, B 30, C 20: the first is drawn with these weights;
 * were it B, the second is drawn between A 50 and C 20. A weight of 0 is never drawn first, but serves as
 * failover after all others.
 */
import type { Random } from '../plan.ts';
import type { Candidate } from './order.ts';

export function byPercent(candidates: readonly Candidate[], random: Random): Candidate[] {
  const left = candidates.filter((candidate) => candidate.place.percent > 0);
  const drawn: Candidate[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, candidate) => sum + candidate.place.percent, 0);
    let point = random() * total;
    let index = 0;
    while (index < left.length - 1 && point >= (left[index]?.place.percent ?? 0)) {
      point -= left[index]?.place.percent ?? 0;
      index += 1;
    }
    drawn.push(...left.splice(index, 1));
  }
  return [...drawn, ...candidates.filter((candidate) => candidate.place.percent <= 0)];
}
