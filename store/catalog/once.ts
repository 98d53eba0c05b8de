/** The catalog read a single time, for commands that explain. */
import type { Catalog } from '../../routing/catalog.ts';
import { connectClient } from '../postgres.ts';
import { assemble } from './assemble.ts';
import type { Broken } from './load.ts';
import { noParts, putTariffs, readTopic, TOPICS } from './parts.ts';
import type { ReadContext } from './parts.ts';
import { buildPool } from './load-pool.ts';
import { buildTariff } from './load-wholesale.ts';
import { putPools } from './pools.ts';
import type { TariffMeta } from '../../rating/tariff-meta.ts';

export interface CatalogOnce {
  readonly catalog: Catalog;
  /** Rows that are broken and not used. */
  readonly broken: readonly Broken[];
}

/** Told before each tariff and each number pool, which may have millions of rows. */
export type OnReading = (what: string) => void;

export async function readCatalogOnce(postgresUrl: string, priceDecimals: number, onReading: OnReading = () => undefined): Promise<CatalogOnce> {
  const client = await connectClient(postgresUrl, 'look');
  try {
    const parts = noParts();
    const metas: TariffMeta[] = [];
    const poolIds: number[] = [];
    const context: ReadContext = {
      reader: client, priceDecimals, version: 1,
      build: (wanted) => metas.push(...wanted),
      buildPools: (wanted) => poolIds.push(...wanted),
    };
    await client.query('begin isolation level repeatable read read only');
    for (const topic of TOPICS) await readTopic(parts, topic, null, context);
    for (const [index, meta] of metas.entries()) {
      onReading(`price list ${index + 1} of ${metas.length}`);
      putTariffs(parts, [{ tariffId: meta.tariffId, tariff: await buildTariff(client, meta) }], 1);
    }
    for (const [index, poolId] of poolIds.entries()) {
      onReading(`number pool ${index + 1} of ${poolIds.length}`);
      putPools(parts, [{ poolId, numbers: await buildPool(client, poolId) }], context);
    }
    await client.query('commit');
    const { catalog, broken } = assemble(parts, null, 1);
    return { catalog, broken: [...broken.values()] };
  } finally {
    await client.end();
  }
}

export async function loadCatalogOnce(postgresUrl: string, priceDecimals: number, onReading?: OnReading): Promise<Catalog> {
  return (await readCatalogOnce(postgresUrl, priceDecimals, onReading)).catalog;
}
