/**
 * Chance in tests. A plain run takes the same seed each time, so that it tells of a change and never of luck;
 * TEST_SEED=new takes one from the clock, TEST_SEED=NUMBER repeats one, TEST_RUNS=20 looks twenty times as long.
 */
import { configureGlobal } from 'fast-check';

const WISH = process.env['TEST_SEED'] ?? '20261127';
export const SEED = WISH === 'new' ? 1 + (Date.now() % 2_147_483_646) : Number(WISH);
export const TIMES = Number(process.env['TEST_RUNS'] ?? 1);

configureGlobal({ seed: SEED, numRuns: 100 * TIMES });
