/** What the worker thread is asked to build, and what comes of it. */
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import type { WholesaleTariff } from '../../rating/tariff.ts';
import type { PackedNumbers } from '../../routing/packed-numbers.ts';
import type { Broken } from './load.ts';

export type Job = TariffMeta | { readonly poolId: number };

export interface BuiltTariff {
  readonly tariffId: number;
  /** Or why there is none. */
  readonly tariff: WholesaleTariff | Broken;
}

export interface BuiltPool {
  readonly poolId: number;
  /** Or why there are none. */
  readonly numbers: PackedNumbers | Broken;
}

/** What it posts for each job. */
export type Built = BuiltTariff | BuiltPool;

/** What it posts meanwhile, as long as Postgres sends. */
export const PROGRESS = 'progress';

/** The same for a job and for what came of it. */
export function jobKey(job: Job | Built): string {
  return 'poolId' in job ? `pool ${job.poolId}` : `tariff ${job.tariffId}`;
}
