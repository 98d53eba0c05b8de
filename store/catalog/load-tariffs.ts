/** Tariffs as far as the catalog reads them itself: their own rows, and the few rates of retail tariffs. */
import type { ClientBase } from 'pg';
import { parseMoney } from '../../rating/money.ts';
import { buildRetailTariff } from '../../rating/retail.ts';
import type { DestinationMap, RetailRow, RetailTariff } from '../../rating/retail.ts';
import type { Step } from '../../rating/step.ts';
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import { BrokenRow, moneyOrNull, oneOf, text, whole } from './field.ts';
import type { Row } from './field.ts';
import { dayType } from './load-wholesale.ts';
import type { Broken, Keys, Loaded } from './load.ts';
import { tariffProblem } from './tariff-problem.ts';

export interface TariffContext {
  readonly destinations: DestinationMap;
  /** Exchange rates by currency. */
  readonly currencies: ReadonlyMap<string, string>;
  readonly priceDecimals: number;
  /** Kept on every rate and so in the CDR. */
  readonly version: number;
}

type Reader = Pick<ClientBase, 'query'>;

export interface ReadTariffs {
  readonly retail: Loaded<RetailTariff>;
  /** Whose rates loadWholesale reads. */
  readonly wholesale: readonly TariffMeta[];
}

export async function readTariffs(reader: Reader, keys: Keys, context: TariffContext): Promise<ReadTariffs> {
  const { rows } = await reader.query<Row>(`select id, name, purpose, currency, time_zone, free_days::text[] as free_days, window_rule, max_cost, max_cost_beyond
    from tariffs where $1::int[] is null or id = any ($1) order by id`, [keys]);
  const retail: Loaded<RetailTariff> = { found: new Map(), broken: new Map() };
  const wholesale: TariffMeta[] = [];
  for (const row of rows) {
    const id = whole(row, 'id');
    try {
      const meta = tariffMeta(row, context);
      if (row['purpose'] === 'user_retail') retail.found.set(id, await loadRetail(reader, meta, context));
      else wholesale.push(meta);
    } catch (error) {
      const broken: Broken | null = tariffProblem(id, error);
      if (broken === null) throw error;
      retail.broken.set(id, broken);
    }
  }
  return { retail, wholesale };
}

function tariffMeta(row: Row, context: TariffContext): TariffMeta {
  const purpose = oneOf(row, 'purpose', ['provider', 'user_wholesale', 'user_retail', 'did']);
  const currency = text(row, 'currency');
  const exchangeRate = context.currencies.get(currency);
  if (exchangeRate === undefined) throw new BrokenRow(`currency ${currency} is unknown.`);
  const maxCost = moneyOrNull(row, 'max_cost');
  return {
    tariffId: whole(row, 'id'),
    version: context.version,
    currency,
    exchangeRate,
    timeZone: text(row, 'time_zone'),
    freeDays: row['free_days'] as string[],
    windowRule: oneOf(row, 'window_rule', ['start', 'split']),
    priceDecimals: context.priceDecimals,
    maxCost: maxCost === null ? null : { amount: maxCost, beyond: oneOf(row, 'max_cost_beyond', ['free', 'cut']) },
    paysBack: purpose === 'did',
  };
}

interface RetailStep {
  readonly group_id: number;
  readonly day_type: string;
  readonly start_time: string;
  readonly end_time: string;
  readonly from_s: number;
  readonly duration_s: number | null;
  readonly type: 'minute' | 'event';
  readonly round_by_s: number;
  readonly rate: string;
}

async function loadRetail(reader: Reader, meta: TariffMeta, context: TariffContext): Promise<RetailTariff> {
  const { rows } = await reader.query<RetailStep>('select * from retail_rates where tariff_id = $1 order by group_id, day_type, start_time, from_s, type', [meta.tariffId]);
  const prices = new Map<string, RetailRow & { steps: Step[] }>();
  for (const row of rows) {
    const window = `${row.group_id} ${row.day_type} ${row.start_time}`;
    const price = prices.get(window) ?? { groupId: row.group_id, steps: [], startTime: row.start_time, endTime: row.end_time, dayType: dayType(row.day_type) };
    price.steps.push({ type: row.type, fromS: row.from_s - 1, durationS: row.type === 'event' ? null : row.duration_s, rate: parseMoney(row.rate), perS: 60, roundByS: row.round_by_s });
    prices.set(window, price);
  }
  return buildRetailTariff(meta, context.destinations, prices.values());
}
