/** The rates of one tariff of a tenant file, written in it or in a CSV beside it. */
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Client } from 'pg';
import { csvRates, EncodingError } from './csv-rates.ts';
import { BadValue, formed, money, name, oneOf, timeOfDay, whole } from './field.ts';
import type { Parse } from './field.ts';
import type { Problems } from './problem.ts';
import { BadColumn, copyLine, rateReader } from './rate-row.ts';
import type { RateRules } from './rate-row.ts';
import { copyRates, doubledRates, makeRatesTable, mergeRates } from './rates-sql.ts';
import type { Merged } from './rates-sql.ts';
import type { Entry, RateValues } from './read.ts';
import { destinationGroups, replaceRetailRates } from './rows-sql.ts';
import type { RetailCells } from './rows-sql.ts';

export interface Separators {
  readonly separator: string;
  readonly decimal: '.' | ',';
}

export interface RatesContext {
  readonly client: Client;
  readonly file: string;
  readonly problems: Problems;
  /** Folder that file names in the tenant file are relative to. */
  readonly folder: string;
  readonly separators: Separators;
  readonly onProgress?: ((file: string, bytes: number) => void) | undefined;
}

interface TariffRow {
  readonly purpose: string;
  readonly time_zone: string;
}

export const NOTHING_MERGED: Merged = { added: 0, changed: 0, unchanged: 0 };

export async function loadRates(context: RatesContext, entry: Entry, tariffId: number): Promise<Merged> {
  const { rows } = await context.client.query<TariffRow>('select purpose, time_zone from tariffs where id = $1', [tariffId]);
  const tariff = rows[0] ?? { purpose: '', time_zone: 'UTC' };
  if (tariff.purpose === 'user_retail') return loadRetail(context, entry, tariffId);
  const rules: RateRules = { timeZone: tariff.time_zone, decimal: '.', did: tariff.purpose === 'did' };
  const inline = entry.rates === null ? NOTHING_MERGED : await loadLines(context, context.file, tariffId, () => Readable.from(inlineLines(context, entry.rates ?? [], rules)));
  if (entry.file === null) return inline;
  const separator = entry.csv?.columns.get('separator')?.value ?? context.separators.separator;
  const decimal = entry.csv?.columns.get('decimal')?.value ?? context.separators.decimal;
  const fromFile = await loadCsv(context, entry.file, tariffId, { ...rules, separators: { separator: String(separator), decimal: decimal === ',' ? ',' : '.' } });
  return { added: inline.added + fromFile.added, changed: inline.changed + fromFile.changed, unchanged: inline.unchanged + fromFile.unchanged };
}

export async function loadCsv(context: RatesContext, named: { readonly name: string; readonly line: number; readonly path: string }, tariffId: number, options: RateRules & { readonly separators: Separators }): Promise<Merged> {
  const { problems, onProgress } = context;
  const { separator, decimal } = options.separators;
  const lines = (): Readable => csvRates(resolve(context.folder, named.name), named.name, {
    ...options, decimal, separator: separator === 'tab' ? '\t' : separator, onProgress: (bytes) => onProgress?.(named.name, bytes),
  }, problems);
  try {
    return await loadLines(context, named.name, tariffId, lines);
  } catch (error) {
    const reason = fileReason(error);
    if (reason === null) throw error;
    if (reason.line === 0) problems.add({ file: context.file, line: named.line, path: named.path, reason: `${named.name} ${reason.text}` });
    else problems.add({ file: named.name, line: reason.line, path: '', reason: reason.text });
    return NOTHING_MERGED;
  }
}

/** What went wrong with a file and its line (0: it cannot be read at all); null: something else went wrong. */
export function fileReason(error: unknown): { line: number; text: string } | null {
  if (error instanceof EncodingError) return { line: error.line, text: error.message };
  const { code, lines, message } = error as { code?: string; lines?: number; message: string };
  if (code === 'ENOENT') return { line: 0, text: 'does not exist.' };
  if (code === 'EACCES' || code === 'EISDIR') return { line: 0, text: `cannot be read: ${message}.` };
  if (code?.startsWith('CSV_') === true) return { line: lines ?? 1, text: code === 'CSV_QUOTE_NOT_CLOSED' ? 'a quote is not closed; is the file complete?' : message };
  return null;
}

async function loadLines(context: RatesContext, file: string, tariffId: number, open: () => Readable): Promise<Merged> {
  const { client, problems } = context;
  const before = problems.count;
  await makeRatesTable(client);
  await copyRates(client, open);
  for (const { line, first, prefix } of await doubledRates(client)) {
    problems.add({ file, line, path: 'prefix', reason: `${prefix} with the same date and hours is already in line ${first}.` });
  }
  const merged = problems.count > before ? NOTHING_MERGED : await mergeRates(client, tariffId);
  await client.query('drop table import_rates');
  return merged;
}

function* inlineLines({ file, problems }: RatesContext, rates: readonly RateValues[], rules: RateRules): Generator<string> {
  const read = rateReader(rules);
  for (const { line, path, values } of rates) {
    try {
      yield `${line}\t${copyLine(read(values))}`;
    } catch (error) {
      if (!(error instanceof BadColumn)) throw error;
      problems.add({ file, line, path: `${path}.${error.column}`, reason: error.message });
    }
  }
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

async function loadRetail(context: RatesContext, entry: Entry, tariffId: number): Promise<Merged> {
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
  if (problems.count > before) return NOTHING_MERGED;
  const groups = await destinationGroups(context.client, [...new Set(parsed.map((cells) => cells['group'] ?? ''))]);
  const outcome = await replaceRetailRates(context.client, tariffId, parsed.map((cells) => retailCells(cells, groups)));
  return { ...NOTHING_MERGED, [outcome]: parsed.length };
}

function retailCells(cells: Readonly<Record<string, string>>, groups: ReadonlyMap<string, number>): RetailCells {
  const durationS = Number(cells['durationS'] === '' ? -1 : cells['durationS']);
  return {
    groupId: groups.get(cells['group'] ?? '') ?? 0, dayType: cells['dayType'] ?? '', startTime: cells['startTime'] ?? '', endTime: cells['endTime'] ?? '',
    fromS: Number(cells['fromS']), durationS: durationS < 0 ? null : durationS, type: cells['type'] ?? '', roundByS: Number(cells['roundByS']), rate: cells['rate'] ?? '0',
  };
}
