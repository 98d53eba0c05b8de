/** The worker thread that builds wholesale tariffs. Whatever fails but a broken tariff ends it; its owner begins anew. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Client } from 'pg';
import { tariffBuffers } from '../../rating/tariff.ts';
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import type { WholesaleTariff } from '../../rating/tariff.ts';
import { connectClient } from '../postgres.ts';
import type { Broken } from './load.ts';
import { buildTariff } from './load-wholesale.ts';

export interface WorkerInput {
  readonly postgresUrl: string;
}

/** What is posted for each TariffMeta that was posted here. */
export interface BuiltTariff {
  readonly tariffId: number;
  /** Why there is none. */
  readonly tariff: WholesaleTariff | Broken;
}

const { postgresUrl } = workerData as WorkerInput;
/** As many as tariffs are asked for at a time. */
const idle: Client[] = [];

async function answer(meta: TariffMeta): Promise<void> {
  // A list takes as long as it takes; a server that is frozen is noticed by the owner.
  const client = idle.pop() ?? (await connectClient(postgresUrl, 'tariffs', 0));
  const tariff = await buildTariff(client, meta);
  idle.push(client);
  parentPort?.postMessage({ tariffId: meta.tariffId, tariff } satisfies BuiltTariff, 'kind' in tariff ? tariffBuffers(tariff) : []);
}

parentPort?.on('message', (meta: TariffMeta) => {
  answer(meta).catch((error: unknown) => {
    // Out of the promise, so that it ends the thread and reaches the owner.
    setImmediate(() => {
      throw error;
    });
  });
});
