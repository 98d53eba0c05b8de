/** A wholesale tariff with its rates out of Postgres: a million rows are never in memory as objects. */
import type { ClientBase } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { parseMoney } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import { TariffError } from '../../rating/tariff-meta.ts';
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import { TariffBuilder } from '../../rating/tariff.ts';
import type { RateRow, WholesaleTariff } from '../../rating/tariff.ts';
import type { DayType } from '../../rating/window.ts';
import { copying } from '../postgres.ts';
import { BrokenRow } from './field.ts';
import type { Broken } from './load.ts';
import { tariffProblem } from './tariff-problem.ts';

/** In this order rows are counted when one of them is broken. */
const ORDER = 'order by prefix, effective_from desc';

/** Amounts and dates are written in few ways: most lines find theirs here. */
const MOST_REMEMBERED = 10_000;

/** The tariff, or why there is none, with prefix and date of the first rate that cannot be used. */
export async function buildTariff(client: ClientBase, meta: TariffMeta, onRows: () => void = () => undefined): Promise<WholesaleTariff | Broken> {
  try {
    return await loadWholesale(client, meta, onRows);
  } catch (error) {
    const broken = tariffProblem(meta.tariffId, error);
    if (broken === null) throw error;
    return broken;
  }
}

async function loadWholesale(client: ClientBase, meta: TariffMeta, onRows: () => void): Promise<WholesaleTariff> {
  try {
    return await build(client, { meta, order: '', onRows });
  } catch (error) {
    if (!(error instanceof TariffError)) throw error;
    return buildNaming(client, meta, onRows);
  }
}

interface Reading {
  readonly meta: TariffMeta;
  readonly order: string;
  readonly onRows: () => void;
}

async function build(client: ClientBase, { meta, order, onRows }: Reading): Promise<WholesaleTariff> {
  const builder = new TariffBuilder(meta);
  const lines = client.query(copying(copyTo(`copy (select r.prefix, d.id, (extract(epoch from effective_from) * 1000)::bigint, rate, connection_fee,
      increment_s, min_time_s, start_time, end_time, day_type, blocked, ghost_percent
    from rates r left join destinations d on d.prefix = r.prefix where tariff_id = ${Math.trunc(meta.tariffId)} ${order}) to stdout`)));
  const money = remembering(parseMoney);
  let rest = '';
  let line = 0;
  for await (const chunk of lines as AsyncIterable<Buffer>) {
    onRows();
    const texts = (rest + chunk.toString('latin1')).split('\n');
    rest = texts.pop() ?? '';
    for (const text of texts) builder.add(rateRow(text, money), (line += 1));
  }
  return builder.finish();
}

/** The builder counts lines; who looks for the row needs its prefix and date. */
async function buildNaming(client: ClientBase, meta: TariffMeta, onRows: () => void): Promise<WholesaleTariff> {
  try {
    return await build(client, { meta, order: ORDER, onRows });
  } catch (error) {
    if (!(error instanceof TariffError)) throw error;
    const [first] = error.problems;
    const { rows } = await client.query<{ prefix: string; from: string }>(`select prefix, effective_from::text as from from rates
      where tariff_id = $1 ${ORDER} offset $2 limit 1`, [meta.tariffId, (first?.line ?? 1) - 1]);
    throw new BrokenRow(`rates: prefix "${rows[0]?.prefix}" from ${rows[0]?.from}: ${first?.error.message} (${error.count} broken in all)`, { cause: error });
  }
}

function remembering(parse: (text: string) => Money): (text: string) => Money {
  const known = new Map<string, Money>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = parse(text);
    if (known.size < MOST_REMEMBERED) known.set(text, value);
    return value;
  };
}

/** A line of COPY's text format, in the order of the statement above. */
function rateRow(line: string, money: (text: string) => Money): RateRow {
  const [prefix = '', destination = '', from = '', rate = '', fee = '', increment = '', least = '', startTime = '', endTime = '', days = '', blocked = '', ghost = ''] = line.split('\t');
  return {
    prefix,
    destinationId: destination === '\\N' ? null : Number(destination),
    effectiveFromMs: Number(from),
    rate: blocked === 't' ? 'blocked' : money(rate),
    connectionFee: money(fee),
    incrementS: Number(increment),
    minTimeS: Number(least),
    startTime,
    endTime,
    dayType: dayType(days),
    ghostPercent: Number(ghost),
  };
}

export function dayType(word: string): DayType {
  if (word === 'work') return 'workDays';
  return word === 'free' ? 'freeDays' : 'all';
}

