// Runs a fast-check property and prints its seed.

import type { Test } from 'tap';
import { check, defaultReportMessage } from 'fast-check';
import type { IProperty } from 'fast-check';
import { chooseSeed } from './random-rates.ts';

export function holds<Values>(t: Test, property: IProperty<Values>, runs = 300): void {
  const seed = chooseSeed();
  t.comment(`seed ${seed} (TEST_SEED=${seed} repeats it)`);
  const result = check(property, { seed, numRuns: runs });
  if (result.failed) t.fail(String(defaultReportMessage(result)));
  else t.pass(`holds in ${result.numRuns} cases`);
}
