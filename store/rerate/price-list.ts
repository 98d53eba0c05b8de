/** The tariffs of a re-rating as they are when it begins, and the names that its report needs. */
import type { Client } from 'pg';
import type { SecondsRounding } from '../../rating/billable.ts';
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import { buildTariff } from '../catalog/load-wholesale.ts';
import { noParts, putTariffs, readTopic } from '../catalog/parts.ts';
import type { PriceList } from './reprice.ts';
import { tariffsOf } from './rows.ts';
import { loadNames, selectionOf } from './selection.ts';
import type { Asked, Names, Selection } from './selection.ts';

export interface Ground {
  readonly selection: Selection;
  readonly list: PriceList;
  readonly destinations: ReadonlyMap<number, { readonly name: string }>;
  readonly users: Names;
  readonly providers: Names;
  readonly tariffs: Names;
  /** Why a tariff cannot be used, by its id. */
  readonly broken: ReadonlyMap<number, string>;
}

/** All as of one moment. Throws RerateError for a selection that is none. */
export async function readGround(client: Client, asked: Asked, settings: { readonly rounding: SecondsRounding; readonly priceDecimals: number }): Promise<Ground> {
  await client.query('begin isolation level repeatable read read only');
  try {
    const [users, providers, tariffs] = [await loadNames(client, 'user'), await loadNames(client, 'provider'), await loadNames(client, 'tariff')];
    const selection = selectionOf(asked, { user: users, provider: providers, tariff: tariffs }[asked.kind]);
    const parts = noParts();
    const metas: TariffMeta[] = [];
    const context = { reader: client, priceDecimals: settings.priceDecimals, version: 0, build: (wanted: readonly TariffMeta[]) => metas.push(...wanted), buildPools: () => undefined };
    await readTopic(parts, 'currencies', null, context);
    await readTopic(parts, 'destinations', null, context);
    await readTopic(parts, 'tariffs', await tariffsOf(client, selection), context);
    for (const meta of metas) putTariffs(parts, [{ tariffId: meta.tariffId, tariff: await buildTariff(client, meta) }], 0);
    const broken = new Map([...parts.broken.values()].filter(({ table }) => table === 'tariffs').map(({ key, reason }) => [Number(key), reason]));
    return { selection, list: { tariffs: parts.tariffs, rounding: settings.rounding }, destinations: parts.destinations, users, providers, tariffs, broken };
  } finally {
    await client.query('rollback');
  }
}
