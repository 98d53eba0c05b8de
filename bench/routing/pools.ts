// What it costs to ask a pool, what a number of it weighs, and what one change of it takes.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { folded, PackedBuilder, packedBuffers } from '../../routing/packed-numbers.ts';
import { isInPool, patchPool, poolOf } from '../../routing/number-pool.ts';
import type { NumberPool } from '../../routing/number-pool.ts';
import { sink, timeInTurn } from '../rating/measure.ts';
import type { Effort, Timing } from '../rating/measure.ts';
import { seededRandom } from '../rating/random.ts';

export interface PoolFigures {
  readonly numbers: number;
  /** Numbers that are in it, and numbers that are not, spread over the whole pool. */
  readonly found: Timing;
  readonly missed: Timing;
  /** Bytes of the arrays, and what the process really grew by, for each number. */
  readonly bytes: number;
  readonly grownBytes: number;
  /** One number more, in a pool that 1,000 changed numbers stand over. */
  readonly changeMs: number;
}

/** Of these there is a prefix in each pool, of 3 to 7 digits, so that a number is also looked up by its beginnings. */
const PREFIXES = 500;
const ASKED = 65_536;

/** The same for each call; numbers of 11 and 12 digits in no order. */
function numberAt(index: number): string {
  return String(370_000_000_00 + ((index * 2_654_435_761) % 900_000_000_007));
}

async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let time = 0; time < 3; time += 1) {
    collect();
    await new Promise((resolve) => {
      setTimeout(resolve, 100);
    });
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function build(numbers: number): NumberPool {
  const builder = new PackedBuilder();
  const random = seededRandom(7);
  for (let index = 0; index < numbers - PREFIXES; index += 1) builder.add(numberAt(index));
  // Below 3 no number begins: they are looked for and not found.
  for (let index = 0; index < PREFIXES; index += 1) builder.add(`2${String(Math.floor(random() * 1e6)).slice(0, 2 + (index % 5))}%`);
  return poolOf('bench', builder.finish());
}

export async function measurePools(sizes: readonly number[], effort: Effort): Promise<PoolFigures[]> {
  const built: { pool: NumberPool; bytes: number; grownBytes: number }[] = [];
  for (const numbers of sizes) {
    const before = await memoryInUse();
    const pool = build(numbers);
    const grownBytes = ((await memoryInUse()) - before) / numbers;
    built.push({ pool, grownBytes, bytes: packedBuffers(pool.base).reduce((sum, buffer) => sum + buffer.byteLength, 0) / numbers });
  }
  const works = built.flatMap(({ pool }, size) => {
    const random = seededRandom(9);
    const inside = Array.from({ length: ASKED }, () => numberAt(Math.floor(random() * ((sizes[size] ?? 0) - PREFIXES))));
    const outside = Array.from({ length: ASKED }, () => `99${String(Math.floor(random() * 1e10))}`);
    if (!inside.every((number) => isInPool(pool, number)) || outside.some((number) => isInPool(pool, number))) throw new Error('A number is found that is not in the pool, or one is not that is.');
    return [inside, outside].map((asked) => (count: number) => {
      for (let time = 0; time < count; time += 1) sink.value = isInPool(pool, asked[time & (ASKED - 1)] as string);
    });
  });
  const timings = timeInTurn(works, effort);
  return built.map(({ pool, bytes, grownBytes }, index) => ({
    numbers: sizes[index] ?? 0, found: timings[index * 2] as Timing, missed: timings[index * 2 + 1] as Timing, bytes, grownBytes, changeMs: changeMs(pool),
  }));
}

function changeMs(pool: NumberPool): number {
  const drifted = patchPool(pool, new Map(Array.from({ length: 1000 }, (_, index): [string, string | null] => (index % 2 === 0 ? [numberAt(index), null] : [`8${index}`, `8${index}`]))));
  const taken: number[] = [];
  for (let time = 0; time < 51; time += 1) {
    const started = performance.now();
    sink.value = patchPool(drifted, new Map([[folded(`7${time}`), `7${time}`]]));
    taken.push(performance.now() - started);
  }
  return taken.toSorted((a, b) => a - b)[25] ?? NaN;
}
