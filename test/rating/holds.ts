// Runs a fast-check property and tells its seed.

import type { Test } from 'tap';
import { check, defaultReportMessage } from 'fast-check';
import type { IAsyncProperty, IProperty, RunDetails } from 'fast-check';
import { SEED, TIMES } from '../seed.ts';

export function holds<Values>(t: Test, property: IProperty<Values>, runs = 300): void {
  tell(t, check(property, { seed: SEED, numRuns: runs * TIMES }));
}

/** For properties that ask a server; they shrink slowly, so the first counterexample is told after a minute at most. */
export async function holdsAsync<Values>(t: Test, property: IAsyncProperty<Values>, runs = 50): Promise<void> {
  tell(t, await check(property, { seed: SEED, numRuns: runs, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true }));
}

function tell<Values>(t: Test, result: RunDetails<Values>): void {
  if (result.failed) t.fail(String(defaultReportMessage(result)));
  else t.pass(`holds in ${result.numRuns} cases (seed ${SEED})`);
}
