/**
 * Properties over random values. Each run has a new seed and tells it; TEST_SEED in the environment
 * repeats one, TEST_RUNS=20 looks twenty times as long.
 */
import * as fc from 'fast-check';

const TIMES = Number(process.env['TEST_RUNS'] ?? 1);
const SEED = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);

interface Test {
  pass(message: string): void;
}

/** Throws with seed, path and the smallest counter-example when the property does not hold. */
export function holds<Values>(t: Test, property: fc.IProperty<Values>, numRuns = 300): void {
  fc.assert(property, { seed: SEED, numRuns: numRuns * TIMES });
  t.pass(`holds (seed ${SEED}, ${numRuns} runs)`);
}

/** A small generator of numbers from 0 to 1 with a seed of its own (mulberry32): chance that a test can repeat. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
