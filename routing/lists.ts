/**
 * Static black and white lists over number pools (User Details, "Blacklists / Whitelists").
 */
import type { NumberList } from './catalog.ts';
import { isInPool } from './number-pool.ts';
import type { NumberPool } from './number-pool.ts';

export interface ListCauses {
  readonly blacklisted: number;
  readonly notWhitelisted: number;
}

/** The hangup cause that the list raises for this number; 0: it passes. A list whose pool is missing refuses: a lost whitelist must not open the door. */
export function listRefusal(pools: ReadonlyMap<number, NumberPool>, list: NumberList, number: string, causes: ListCauses): number {
  if (list.mode === 'no') return 0;
  const pool = list.poolId === null ? undefined : pools.get(list.poolId);
  const cause = list.mode === 'blacklist' ? causes.blacklisted : causes.notWhitelisted;
  if (pool === undefined) return cause;
  const listed = isInPool(pool, number);
  return listed === (list.mode === 'blacklist') ? cause : 0;
}
