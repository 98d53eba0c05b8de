/** A number pool out of Postgres: ten million rows are never in memory as objects. */
import type { ClientBase } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { poolNumberProblem } from '../../routing/number-pool.ts';
import { PackedBuilder } from '../../routing/packed-numbers.ts';
import type { PackedNumbers } from '../../routing/packed-numbers.ts';
import { copying } from '../postgres.ts';
import type { Broken } from './load.ts';

/** The pool's numbers, or the first one that cannot be used. */
export async function buildPool(client: ClientBase, poolId: number, onRows: () => void = () => undefined): Promise<PackedNumbers | Broken> {
  const builder = new PackedBuilder();
  const lines = client.query(copying(copyTo(`copy (select number from numbers where pool_id = ${Math.trunc(poolId)}) to stdout`)));
  let rest = '';
  let broken: Broken | null = null;
  for await (const chunk of lines as AsyncIterable<Buffer>) {
    onRows();
    const texts = (rest + chunk.toString('latin1')).split('\n');
    rest = texts.pop() ?? '';
    for (const text of texts) {
      const problem = poolNumberProblem(text);
      if (problem === null) builder.add(text);
      else broken ??= { table: 'number_pools', key: String(poolId), reason: `number ${JSON.stringify(text.slice(0, 60))}: ${problem}.` };
    }
  }
  return broken ?? builder.finish();
}
