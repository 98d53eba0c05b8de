// What a tariff of a million rates weighs in memory.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { buildTariff, tariffBytes } from '../../rating/tariff.ts';
import { pause } from '../../test/lab/wait.ts';
import { makePrefixes } from './price-list.ts';
import { seededRandom } from './random.ts';
import { rateRows } from './rate-file.ts';

export interface Weight {
  readonly rates: number;
  /** Bytes of the arrays, and what the process really grew by with its heap, per million rates. */
  readonly arraysMb: number;
  readonly grownMb: number;
}

/** Heap and array buffers after the garbage is gone; freed buffers are only counted off a little later. */
async function memoryInUse(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let time = 0; time < 3; time++) {
    collect();
    await pause(100);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** `distinct`: no two prefixes share a price, the heaviest list there is. */
export async function measureWeight(rates: number, distinct: boolean): Promise<Weight> {
  const prefixes = makePrefixes(rates, seededRandom(5));
  const before = await memoryInUse();
  const tariff = buildTariff({ tariffId: 1 }, rateRows(prefixes, seededRandom(6), distinct));
  const grown = (await memoryInUse()) - before;
  const perMillion = 1 / rates;
  return { rates, arraysMb: tariffBytes(tariff) * perMillion, grownMb: grown * perMillion };
}
