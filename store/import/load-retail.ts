/** The rates of one retail tariff of a tenant file: steps that only mean something together, so all of them are replaced. */
import type { Client } from 'pg';
import { RateError } from '../../rating/errors.ts';
import { parseMoney } from '../../rating/money.ts';
import { orderedSteps } from '../../rating/step.ts';
import type { Step } from '../../rating/step.ts';
import { overlap, timeWindow } from '../../rating/window.ts';
import type { TimeWindow } from '../../rating/window.ts';
import { dayType } from '../catalog/load-wholesale.ts';
import { BadValue, formed, money, name, oneOf, timeOfDay, whole } from './field.ts';
import type { Parse } from './field.ts';
import type { Problems } from './problem.ts';
import type { Entry } from './read.ts';
import { destinationGroups, replaceRetailRates } from './rows-sql.ts';
import type { Outcome, RetailCells } from './rows-sql.ts';

export interface RetailContext {
  readonly client: Client;
  readonly file: string;
  readonly problems: Problems;
}

const RETAIL: Readonly<Record<string, { readonly parse: Parse; readonly missing: string | null }>> = {
  group: { parse: name, missing: null },
  rate: { parse: money('notNegative'), missing: null },
  type: { parse: oneOf('minute', 'event'), missing: 'minute' },
  fromS: { parse: whole(1, 2_147_483_647), missing: '1' },
  roundByS: { parse: whole(1, 86_400), missing: '1' },
  dayType: { parse: oneOf('all', 'work', 'free'), missing: 'all' },
  startTime: { parse: timeOfDay, missing: '00:00:00' },
  endTime: { parse: timeOfDay, missing: '23:59:59' },
  durationS: { parse: formed(/^(?:\d{1,9}|-1|)$/, 'a number of seconds'), missing: '' },
};

/** null: something is wrong with them. */
export async function loadRetail(context: RetailContext, entry: Entry, tariffId: number): Promise<{ readonly outcome: Outcome; readonly count: number } | null> {
  const { file, problems } = context;
  const before = problems.count;
  if (entry.file !== null) problems.add({ file, line: entry.file.line, path: entry.file.path, reason: 'the rates of a retail tariff are written in the tenant file, under `rates`.' });
  const parsed: Record<string, string>[] = (entry.rates ?? []).map(({ line, path, values }) => {
    const cells: Record<string, string> = {};
    for (const [key, { parse, missing }] of Object.entries(RETAIL)) {
      try {
        if (values[key] === undefined && missing === null) throw new BadValue('is missing.');
        cells[key] = String(parse(values[key] ?? missing ?? ''));
      } catch (error) {
        if (!(error instanceof BadValue)) throw error;
        problems.add({ file, line, path: `${path}.${key}`, reason: error.message });
      }
    }
    return cells;
  });
  if (problems.count === before) checkPrices(context, entry, parsed);
  if (problems.count > before) return null;
  const groups = await destinationGroups(context.client, [...new Set(parsed.map((cells) => cells['group'] ?? ''))]);
  const outcome = await replaceRetailRates(context.client, tariffId, parsed.map((cells) => retailCells(cells, groups)));
  return { outcome, count: parsed.length };
}

interface Price {
  readonly window: TimeWindow;
  readonly steps: Step[];
  /** Places of the steps in the list of the file. */
  readonly places: number[];
}

/** The steps of a price follow each other from the first second on, and no two prices of a group share an hour. */
function checkPrices({ file, problems }: RetailContext, entry: Entry, parsed: readonly Readonly<Record<string, string>>[]): void {
  const fail = (place: number, key: string, reason: string): void => {
    const rate = entry.rates?.[place];
    problems.add({ file, line: rate?.line ?? entry.line, path: `${rate?.path ?? entry.path}.${key}`, reason });
  };
  const groups = new Map<string, Map<string, Price>>();
  for (const [place, cells] of parsed.entries()) {
    const { group = '', dayType: days = '', startTime = '', endTime = '' } = cells;
    const prices = groups.get(group) ?? new Map<string, Price>();
    groups.set(group, prices);
    const key = `${days} ${startTime}`;
    const price = prices.get(key) ?? { window: timeWindow({ startTime, endTime, dayType: dayType(days) }), steps: [], places: [] };
    if (price.steps.length === 0 && [...prices.values()].some(({ window }) => overlap(window, price.window))) fail(place, 'startTime', 'the hours overlap with those of another price of this group.');
    prices.set(key, price);
    price.steps.push(stepOf(cells));
    price.places.push(place);
  }
  for (const prices of groups.values()) for (const price of prices.values()) checkSteps(price, fail);
}

function checkSteps({ steps, places }: Price, fail: (place: number, key: string, reason: string) => void): void {
  try {
    orderedSteps(steps);
  } catch (error) {
    if (!(error instanceof RateError)) throw error;
    const { step = '0', key = 'fromS' } = /^steps\[(?<step>\d+)\]\.(?<key>\w+)/.exec(error.field)?.groups ?? {};
    // Seconds are counted from 0 there, and from 1 in the file.
    fail(places[Number(step)] ?? 0, key, `${error.message.replace(/^[^:]*: /, '')} (seconds counted from 0)`);
  }
}

function stepOf(cells: Readonly<Record<string, string>>): Step {
  const durationS = Number(cells['durationS'] === '' ? -1 : cells['durationS']);
  const isEvent = cells['type'] === 'event';
  return {
    type: isEvent ? 'event' : 'minute', fromS: Number(cells['fromS']) - 1, durationS: isEvent || durationS < 0 ? null : durationS,
    rate: parseMoney(cells['rate'] ?? '0'), perS: 60, roundByS: isEvent ? 1 : Number(cells['roundByS']),
  };
}

function retailCells(cells: Readonly<Record<string, string>>, groups: ReadonlyMap<string, number>): RetailCells {
  const durationS = Number(cells['durationS'] === '' ? -1 : cells['durationS']);
  return {
    groupId: groups.get(cells['group'] ?? '') ?? 0, dayType: cells['dayType'] ?? '', startTime: cells['startTime'] ?? '', endTime: cells['endTime'] ?? '',
    fromS: Number(cells['fromS']), durationS: durationS < 0 ? null : durationS, type: cells['type'] ?? '', roundByS: Number(cells['roundByS']), rate: cells['rate'] ?? '0',
  };
}
