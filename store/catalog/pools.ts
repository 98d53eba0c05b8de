/**
 * Number pools in the parts of the catalog. All numbers of a pool are read in the worker thread; a change of a few is
 * put over what is in force, at once. Keys of the topic: `7` the pool's own row, `7:` all its numbers, `7:370%` one.
 */
import type { ClientBase } from 'pg';
import { folded } from '../../routing/packed-numbers.ts';
import { driftOf, patchPool, poolNumberProblem, poolOf } from '../../routing/number-pool.ts';
import type { NumberPool } from '../../routing/number-pool.ts';
import type { BuiltPool } from './build-job.ts';
import type { Broken } from './load.ts';

/** Patched numbers after which the pool is built anew: each change costs as much as all before it. */
const MOST_DRIFT = 2000;

/** By folded number: as it stands in Postgres; null: not there. */
type Changes = ReadonlyMap<string, string | null>;

export interface PoolParts {
  /** Names of the pools that there are; one that is new is among `pools` only when its numbers have come. */
  poolNames: ReadonlyMap<number, string>;
  pools: ReadonlyMap<number, NumberPool>;
  /** Changes since a pool was asked of the worker, which may have read it before them; null: too many. */
  poolNews: ReadonlyMap<number, Changes | null>;
  broken: Map<string, Broken>;
}

export const noPools = (): Omit<PoolParts, 'broken'> => ({ poolNames: new Map(), pools: new Map(), poolNews: new Map() });

export interface PoolContext {
  readonly reader: Pick<ClientBase, 'query'>;
  /** Has the numbers of these pools read and packed; what comes of it goes into the parts by `putPools`. */
  readonly buildPools: (poolIds: readonly number[]) => void;
}

interface Asked {
  readonly rows: readonly number[];
  readonly whole: ReadonlySet<number>;
  readonly single: ReadonlyMap<number, readonly string[]>;
}

function askedBy(keys: readonly string[]): Asked {
  const rows: number[] = [];
  const whole = new Set<number>();
  const single = new Map<number, string[]>();
  for (const key of keys) {
    const colon = key.indexOf(':');
    const poolId = Number(colon < 0 ? key : key.slice(0, colon));
    const number = colon < 0 ? '' : key.slice(colon + 1);
    if (colon < 0) rows.push(poolId);
    else if (number === '') whole.add(poolId);
    else single.set(poolId, [...(single.get(poolId) ?? []), number]);
  }
  return { rows, whole, single };
}

/** Reads pools again, all (null) or by key, and puts them into `parts`. Inside a transaction. */
export async function readPools(parts: PoolParts, keys: readonly string[] | null, context: PoolContext): Promise<void> {
  const asked = keys === null ? null : askedBy(keys);
  if (asked === null || asked.rows.length > 0) await readPoolRows(parts, asked?.rows ?? null, context);
  const whole = asked === null ? [...parts.poolNames.keys()] : [...asked.whole];
  const isNew = [...parts.poolNames.keys()].filter((poolId) => !parts.pools.has(poolId) && asked?.rows.includes(poolId) === true);
  build(parts, [...new Set([...whole, ...isNew])].filter((poolId) => parts.poolNames.has(poolId)), context);
  for (const [poolId, numbers] of asked?.single ?? []) {
    if (!asked?.whole.has(poolId) && parts.poolNames.has(poolId)) await readNumbers(parts, { poolId, numbers }, context);
  }
}

/** Whatever changed before is in what the worker will read. */
function build(parts: PoolParts, poolIds: readonly number[], context: PoolContext): void {
  if (poolIds.length === 0) return;
  const news = new Map(parts.poolNews);
  for (const poolId of poolIds) news.set(poolId, new Map());
  parts.poolNews = news;
  context.buildPools(poolIds);
}

async function readPoolRows(parts: PoolParts, ids: readonly number[] | null, { reader }: PoolContext): Promise<void> {
  const { rows } = await reader.query<{ id: number; name: string }>('select id, name from number_pools where $1::int[] is null or id = any ($1)', [ids]);
  const names = new Map(ids === null ? [] : parts.poolNames);
  for (const id of ids ?? []) names.delete(id);
  for (const { id, name } of rows) names.set(id, name);
  parts.poolNames = names;
  parts.pools = new Map([...parts.pools].filter(([id]) => names.has(id)).map(([id, pool]) => [id, { ...pool, name: names.get(id) ?? pool.name }]));
  parts.poolNews = new Map([...parts.poolNews].filter(([id]) => names.has(id)));
  for (const name of parts.broken.keys()) {
    if (name.startsWith('number_pools ') && !names.has(Number(name.slice('number_pools '.length)))) parts.broken.delete(name);
  }
}

async function readNumbers(parts: PoolParts, { poolId, numbers }: { readonly poolId: number; readonly numbers: readonly string[] }, context: PoolContext): Promise<void> {
  const { rows } = await context.reader.query<{ folded: string; number: string }>('select folded, number from numbers where pool_id = $1 and folded = any ($2)', [poolId, numbers]);
  const changes = new Map<string, string | null>(numbers.map((number) => [number, null]));
  for (const row of rows) {
    // Whoever switched the checks off is told by the worker which number is wrong.
    if (poolNumberProblem(row.number) !== null || folded(row.number) !== row.folded) return build(parts, [poolId], context);
    changes.set(row.folded, row.number);
  }
  const awaited = parts.poolNews.get(poolId);
  if (awaited !== undefined) parts.poolNews = new Map(parts.poolNews).set(poolId, sum(awaited, changes));
  const pool = parts.pools.get(poolId);
  if (pool === undefined) return undefined;
  if (driftOf(pool) + changes.size <= MOST_DRIFT) parts.pools = new Map(parts.pools).set(poolId, patchPool(pool, changes));
  else if (awaited === undefined) build(parts, [poolId], context);
  return undefined;
}

function sum(before: Changes | null, changes: Changes): Changes | null {
  return before === null || before.size + changes.size > MOST_DRIFT ? null : new Map([...before, ...changes]);
}

/** Puts in what was built and is not asked for again, with what changed since it was asked for. True: a pool that is in use changed. */
export function putPools(parts: PoolParts, come: readonly BuiltPool[], context: Pick<PoolContext, 'buildPools'>): boolean {
  const pools = new Map(parts.pools);
  const news = new Map(parts.poolNews);
  const again: number[] = [];
  let isNews = false;
  for (const { poolId, numbers } of come) {
    const name = parts.poolNames.get(poolId);
    const changes = news.get(poolId);
    if (name === undefined || changes === undefined) continue;
    if (changes === null) {
      again.push(poolId);
      continue;
    }
    news.delete(poolId);
    isNews = true;
    if (!('slots' in numbers)) {
      parts.broken.set(`number_pools ${poolId}`, numbers);
      continue;
    }
    parts.broken.delete(`number_pools ${poolId}`);
    pools.set(poolId, patchPool(poolOf(name, numbers), changes));
  }
  parts.pools = pools;
  for (const poolId of again) news.set(poolId, new Map());
  parts.poolNews = news;
  if (again.length > 0) context.buildPools(again);
  return isNews;
}
