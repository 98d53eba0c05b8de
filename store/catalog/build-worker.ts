/** The worker thread that builds what is large: wholesale tariffs and number pools. Whatever fails but a broken row ends it; its owner begins anew. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Client } from 'pg';
import { tariffBuffers } from '../../rating/tariff.ts';
import { packedBuffers } from '../../routing/packed-numbers.ts';
import { connectClient } from '../postgres.ts';
import { PROGRESS } from './build-job.ts';
import type { BuiltPool, BuiltTariff, Job } from './build-job.ts';
import { buildPool } from './load-pool.ts';
import { buildTariff } from './load-wholesale.ts';

export interface WorkerInput {
  readonly postgresUrl: string;
}

const PROGRESS_EVERY_MS = 1000;
let toldMs = 0;

function progress(): void {
  const nowMs = performance.now();
  if (nowMs - toldMs < PROGRESS_EVERY_MS) return;
  toldMs = nowMs;
  parentPort?.postMessage(PROGRESS, []);
}

async function answer(client: Client, job: Job): Promise<void> {
  if ('poolId' in job) {
    const numbers = await buildPool(client, job.poolId, progress);
    parentPort?.postMessage({ poolId: job.poolId, numbers } satisfies BuiltPool, 'slots' in numbers ? packedBuffers(numbers) : []);
    return;
  }
  const tariff = await buildTariff(client, job, progress);
  parentPort?.postMessage({ tariffId: job.tariffId, tariff } satisfies BuiltTariff, 'kind' in tariff ? tariffBuffers(tariff) : []);
}

const { postgresUrl } = workerData as WorkerInput;
/** As many as jobs are given at a time. */
const idle: Client[] = [];

async function work(job: Job): Promise<void> {
  // A list takes as long as it takes; its owner notices when nothing comes any more.
  const client = idle.pop() ?? (await connectClient(postgresUrl, 'builder', 0));
  await answer(client, job);
  idle.push(client);
}

parentPort?.on('message', (job: Job) => {
  work(job).catch((error: unknown) => {
    // Out of the promise, so that it ends the thread and reaches the owner.
    setImmediate(() => {
      throw error;
    });
  });
});
