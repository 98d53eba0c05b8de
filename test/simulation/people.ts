/** How callers and far ends behave. */
import type { Chance } from './chance.ts';

export interface Caller {
  readonly endpoint: string;
  readonly number: string;
  readonly dialled: string;
  /** So long he waits for an answer. */
  readonly patienceMs: number;
  /** He hangs up so soon after the ringing began; null: he means to talk. */
  readonly flashAfterMs: number | null;
}

export interface LegFate {
  /** null: no ringing. */
  readonly ringAfterMs: number | null;
  /** After the ringing began; null: nobody answers. */
  readonly answerAfterMs: number | null;
  /** Without an answer: its end, after the ringing or the dialling, whichever is the last. */
  readonly endAfterMs: number;
  readonly end: { readonly cause: number; readonly techCause: number | null };
}

const FOR_EVER_MS = 10 ** 9;
const FAILURES = [{ cause: 34, techCause: 503 }, { cause: 38, techCause: 500 }, { cause: 1, techCause: 404 }, { cause: 20, techCause: 480 }] as const;

/** Providers are worse the higher their number. */
export function legFate(chance: Chance, endpoint: string, callId: string): LegFate {
  void callId;
  const isProvider = endpoint.startsWith('provider-');
  const dice = chance.below(100);
  const ringAfterMs = chance.between(30, 900);
  const end = { cause: 16, techCause: null };
  if (isProvider && dice < 10) return { ringAfterMs: null, answerAfterMs: null, endAfterMs: chance.between(10, 600), end: chance.pick(FAILURES) };
  if (isProvider && dice < 12) return { ringAfterMs: null, answerAfterMs: null, endAfterMs: FOR_EVER_MS, end };
  if (dice < 16) return { ringAfterMs: chance.oneIn(2) ? ringAfterMs : null, answerAfterMs: null, endAfterMs: chance.between(10, 900), end: { cause: 17, techCause: 486 } };
  if (dice < 20) return { ringAfterMs, answerAfterMs: null, endAfterMs: FOR_EVER_MS, end };
  return { ringAfterMs, answerAfterMs: chance.around(1800), endAfterMs: FOR_EVER_MS, end };
}

const LONGEST_TALK_MS = 100_000;

export function talkMs(chance: Chance): number {
  return Math.min(LONGEST_TALK_MS, chance.around(18_000));
}

export function caller(chance: Chance, parts: Pick<Caller, 'endpoint' | 'number' | 'dialled'>, flashes: boolean): Caller {
  return { ...parts, patienceMs: chance.between(4000, 25_000), flashAfterMs: flashes ? chance.between(50, 1200) : null };
}
