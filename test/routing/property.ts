/** Properties over random values; see seed.ts for which. */
import * as fc from 'fast-check';
import { SEED, TIMES } from '../seed.ts';

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

/** The same for properties that ask a server. */
export async function holdsAsync<Values>(t: Test, property: fc.IAsyncProperty<Values>, numRuns: number): Promise<void> {
  await fc.assert(property, { seed: SEED, numRuns: numRuns * TIMES });
  t.pass(`holds (seed ${SEED}, ${numRuns} runs)`);
}
