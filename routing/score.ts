/**
 * Scores that fade by half in each half-life. What is kept is a level, `moment / half-life + log2(points)`: fading moves all
 * scores alike, so a level stays as it is, and levels are in the order of their scores at every moment.
 */
import { folded } from './packed-numbers.ts';

export type ScoreKind = 'source' | 'destination' | 'ip';

/** Levels by item. */
export type ScoreView = ReadonlyMap<string, number>;

const MOST = 1_000_000_000;

/** `source:37060000001`, `ip:192.0.2.1`. */
export function scoreItem(kind: ScoreKind, text: string): string {
  return `${kind}:${folded(text)}`;
}

/** The half-lives that have passed since 1970; with a half-life of 0 scores never fade, and none has. */
export function halfLives(atMs: number, halfLifeMs: number): number {
  return halfLifeMs === 0 ? 0 : atMs / halfLifeMs;
}

/** `points` above 0. */
export function levelOf(points: number, atMs: number, halfLifeMs: number): number {
  return halfLives(atMs, halfLifeMs) + Math.log2(points);
}

/** The level of both together, in whichever order they came. */
export function together(one: number, other: number): number {
  const [low, high] = one < other ? [one, other] : [other, one];
  return high + Math.log2(1 + 2 ** (low - high));
}

/** In whole points: what is shown is what is compared. */
export function pointsAt(level: number, atMs: number, halfLifeMs: number): number {
  return Math.round(Math.min(MOST, 2 ** (level - halfLives(atMs, halfLifeMs))));
}
