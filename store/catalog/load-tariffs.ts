/** Tariffs with their rates, read through a cursor: a million rows are never in memory as objects. */
import type { ClientBase } from 'pg';
import { parseMoney } from '../../rating/money.ts';
import { buildRetailTariff } from '../../rating/retail.ts';
import type { DestinationMap, RetailRow } from '../../rating/retail.ts';
import type { Step } from '../../rating/step.ts';
import { TariffError } from '../../rating/tariff-meta.ts';
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import { TariffBuilder } from '../../rating/tariff.ts';
import type { RateRow, Tariff } from '../../rating/tariff.ts';
import type { DayType } from '../../rating/window.ts';
import { BrokenRow, moneyOrNull, oneOf, text, whole } from './field.ts';
import type { Row } from './field.ts';
import type { Broken, Keys, Loaded } from './load.ts';
import { tariffProblem } from './tariff-problem.ts';

/** Rows between two turns of the event loop: a few milliseconds of work. */
const ROWS_A_FETCH = 1000;

export interface TariffContext {
  readonly destinations: DestinationMap;
  /** Exchange rates by currency. */
  readonly currencies: ReadonlyMap<string, string>;
  readonly priceDecimals: number;
  /** Kept on every rate and so in the CDR. */
  readonly version: number;
}

type Reader = Pick<ClientBase, 'query'>;

/** Must run inside a transaction, because it opens cursors. */
export async function loadTariffs(reader: Reader, keys: Keys, context: TariffContext): Promise<Loaded<Tariff>> {
  const { rows } = await reader.query<Row>(`select id, name, purpose, currency, time_zone, free_days::text[] as free_days, window_rule, max_cost, max_cost_beyond
    from tariffs where $1::int[] is null or id = any ($1) order by id`, [keys]);
  const loaded: Loaded<Tariff> = { found: new Map(), broken: new Map() };
  for (const row of rows) {
    const id = whole(row, 'id');
    try {
      loaded.found.set(id, await loadTariff(reader, row, context));
    } catch (error) {
      const broken: Broken | null = tariffProblem(id, error);
      if (broken === null) throw error;
      loaded.broken.set(id, broken);
    }
  }
  return loaded;
}

async function loadTariff(reader: Reader, row: Row, context: TariffContext): Promise<Tariff> {
  const purpose = oneOf(row, 'purpose', ['provider', 'user_wholesale', 'user_retail', 'did']);
  const meta = tariffMeta(row, context);
  return purpose === 'user_retail' ? loadRetail(reader, meta, context) : loadWholesale(reader, meta);
}

function tariffMeta(row: Row, context: TariffContext): TariffMeta {
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
    paysBack: row['purpose'] === 'did',
  };
}

type RateArray = [prefix: string, destinationId: number | null, from: string, rate: string, fee: string, increment: number, least: number,
  start: string, end: string, days: string, blocked: boolean, ghost: number];

async function loadWholesale(reader: Reader, meta: TariffMeta): Promise<Tariff> {
  const builder = new TariffBuilder(meta);
  await reader.query(`declare rates_cursor no scroll cursor for
    select r.prefix, d.id as destination_id, (extract(epoch from effective_from) * 1000)::bigint, rate, connection_fee, increment_s, min_time_s,
      start_time, end_time, day_type, blocked, ghost_percent
    from rates r left join destinations d on d.prefix = r.prefix
    where tariff_id = ${meta.tariffId} order by prefix, effective_from desc`);
  let line = 0;
  try {
    for (;;) {
      const { rows } = await reader.query<RateArray>({ text: `fetch ${ROWS_A_FETCH} from rates_cursor`, rowMode: 'array' });
      for (const row of rows) builder.add(rateRow(row), (line += 1));
      if (rows.length < ROWS_A_FETCH) break;
    }
  } finally {
    await reader.query('close rates_cursor');
  }
  return finishNamed(reader, builder, meta.tariffId);
}

/** The builder counts lines; who looks for the row needs its prefix and date. */
async function finishNamed(reader: Reader, builder: TariffBuilder, tariffId: number): Promise<Tariff> {
  try {
    return builder.finish();
  } catch (error) {
    if (!(error instanceof TariffError)) throw error;
    const [first] = error.problems;
    const { rows } = await reader.query<{ prefix: string; from: string }>(`select prefix, effective_from::text as from from rates
      where tariff_id = $1 order by prefix, effective_from desc offset $2 limit 1`, [tariffId, (first?.line ?? 1) - 1]);
    throw new BrokenRow(`rates: prefix "${rows[0]?.prefix}" from ${rows[0]?.from}: ${first?.error.message} (${error.count} broken in all)`, { cause: error });
  }
}

function rateRow([prefix, destinationId, from, rate, fee, incrementS, minTimeS, startTime, endTime, days, blocked, ghostPercent]: RateArray): RateRow {
  return {
    prefix, destinationId, effectiveFromMs: Number(from),
    rate: blocked ? 'blocked' : parseMoney(rate), connectionFee: parseMoney(fee),
    incrementS, minTimeS, startTime, endTime, dayType: dayType(days), ghostPercent,
  };
}

function dayType(word: string): DayType {
  if (word === 'work') return 'workDays';
  return word === 'free' ? 'freeDays' : 'all';
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

async function loadRetail(reader: Reader, meta: TariffMeta, context: TariffContext): Promise<Tariff> {
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
