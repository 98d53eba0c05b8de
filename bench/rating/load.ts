// Loading a tariff in a worker and swapping it in while this thread goes on pricing calls; and what it weighs.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { tariffBytes } from '../../rating/tariff.ts';
import type { WholesaleTariff } from '../../rating/tariff.ts';
import { priceCall } from './priced-calls.ts';
import { makePrefixes } from './price-list.ts';
import { seededRandom } from './random.ts';
import { readRateFile, writeRateFile } from './rate-file.ts';
import { sink } from './measure.ts';

export interface Loading {
  readonly rates: number;
  /** Reading, checking, sorting and packing in the worker. */
  readonly loadMs: number;
  /** Longest delay of a turn of this thread's event loop: before, while loading, and over the hand-over. */
  readonly idlePauseMs: number;
  readonly loadPauseMs: number;
  readonly swapPauseMs: number;
}

export interface Weight {
  readonly rates: number;
  /** Bytes of the arrays, and what the process really grew by with its heap, per million rates. */
  readonly arraysMb: number;
  readonly grownMb: number;
}

/** A turn of the event loop every millisecond, pricing a few calls, and the longest delay of one. */
class Pulse {
  #longestMs = 0;
  #due = performance.now();
  readonly #timer: NodeJS.Timeout;

  constructor(turn: () => void) {
    this.#timer = setInterval(() => {
      const now = performance.now();
      this.#longestMs = Math.max(this.#longestMs, now - this.#due);
      turn();
      this.#due = performance.now() + 1;
    }, 1);
  }

  /** The longest gap since the last time this was asked. */
  take(): number {
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

interface Loaded {
  readonly tariff: WholesaleTariff;
  readonly loadMs: number;
}

export async function measureLoading(rates: number, current: WholesaleTariff, number: string): Promise<Loading> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'));
  try {
    const path = join(folder, 'rates.csv');
    await writeRateFile(path, makePrefixes(rates, seededRandom(5)), seededRandom(6), false);
    let tariff = current;
    const pulse = new Pulse(() => {
      for (let call = 0; call < 20; call++) sink.value = priceCall([tariff], number, 1_782_864_000_000, 60);
    });
    await pause(1000);
    const idlePauseMs = pulse.take();
    const loaded = await load(path);
    const loadPauseMs = pulse.take();
    tariff = loaded.tariff;
    await pause(500);
    const swapPauseMs = pulse.take();
    pulse.stop();
    return { rates, loadMs: loaded.loadMs, idlePauseMs, loadPauseMs, swapPauseMs };
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function load(path: string): Promise<Loaded> {
  const worker = new Worker(new URL('./load-worker.mjs', import.meta.url), { workerData: { path } });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
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
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-bench-'));
  try {
    const path = join(folder, 'rates.csv');
    await writeRateFile(path, makePrefixes(rates, seededRandom(5)), seededRandom(6), distinct);
    const before = await memoryInUse();
    const tariff = await readRateFile(path, 1);
    const grown = (await memoryInUse()) - before;
    const perMillion = 1e6 / rates / 1e6;
    return { rates, arraysMb: tariffBytes(tariff) * perMillion, grownMb: grown * perMillion };
  } finally {
    await rm(folder, { recursive: true });
  }
}
