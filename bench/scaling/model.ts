/** From the costs of one call to what many of them need. docs/SCALING.md says it in words. */
import { sum, times } from './costs.ts';
import type { Costs } from './costs.ts';

export interface Load {
  /** Talking at once. */
  readonly simultaneous: number;
  /** Mean talk of an answered call, seconds. */
  readonly acdS: number;
  /** Answered calls of all, 0 to 1. */
  readonly asr: number;
  readonly sliceS: number;
  readonly extendBeforeS: number;
  readonly reconcileEveryS: number;
  /** The daemon's whole processor time for a call, by `npm run bench:calls`, milliseconds. */
  readonly daemonMs: number;
}

export interface Needs {
  readonly answeredPerS: number;
  readonly attemptsPerS: number;
  /** Processors kept busy. */
  readonly redisCores: number;
  readonly reconcileRedisCores: number;
  readonly daemonCores: number;
  readonly redisOpenMb: number;
  /** Of an hour without Postgres. */
  readonly redisBacklogMb: number;
  readonly rowsPerS: number;
}

/** A talk is paid for `sliceS` at first, and for as much again `extendBeforeS` before each end. */
export function extensions({ acdS, sliceS, extendBeforeS }: Load): number {
  // The mean of talks that end at any moment: exponentially many, so that a further extension is reached by as many as talk so long.
  const first = sliceS - extendBeforeS;
  const reached = Math.exp(-first / acdS);
  return reached / (1 - Math.exp(-sliceS / acdS));
}

export function needsOf(load: Load, { steps, openBytes, waitingBytes, reconcile }: Costs): Needs {
  const answeredPerS = load.simultaneous / load.acdS;
  const attemptsPerS = answeredPerS / load.asr;
  const unanswered = sum([steps.admit, times(steps.live, 1), steps.finish]);
  const answered = sum([unanswered, times(steps.live, 1), times(steps.extend, extensions(load))]);
  const redisUs = answeredPerS * answered.redisUs + (attemptsPerS - answeredPerS) * unanswered.redisUs;
  return {
    answeredPerS,
    attemptsPerS,
    redisCores: redisUs / 1e6,
    reconcileRedisCores: (load.simultaneous * reconcile.redisUs) / 1e6 / load.reconcileEveryS,
    daemonCores: (attemptsPerS * load.daemonMs) / 1000,
    redisOpenMb: (load.simultaneous * openBytes) / 1e6,
    redisBacklogMb: (attemptsPerS * 3600 * waitingBytes) / 1e6,
    rowsPerS: attemptsPerS,
  };
}
