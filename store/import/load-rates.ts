/** The rates of one tariff of a tenant file, written in it or in a CSV beside it. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { Client } from 'pg';
import { csvRates, CutError, EncodingError } from './csv-rates.ts';
import type { Problems } from './problem.ts';
import { BadColumn, copyLine, rateReader } from './rate-row.ts';
import type { RateRules } from './rate-row.ts';
import { loadRetail } from './load-retail.ts';
import { copyRates, doubledRates, makeRatesTable, mergeRates, overlappingRates, removeOthers } from './rates-sql.ts';
import type { Merged } from './rates-sql.ts';
import type { Entry, RateValues } from './read.ts';

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
  readonly onProgress?: OnProgress | undefined;
}

/** How far a file is: bytes while it is read, rates while they are written; checking all of them is one statement. */
export interface Progress {
  readonly file: string;
  readonly stage: 'reading' | 'checking' | 'writing';
  readonly done: number;
  readonly of: number;
}

export type OnProgress = (progress: Progress) => void;

interface TariffRow {
  readonly purpose: string;
  readonly time_zone: string;
}

export const NOTHING_MERGED: Merged = { added: 0, changed: 0, removed: 0, unchanged: 0 };

export async function loadRates(context: RatesContext, entry: Entry, tariffId: number): Promise<Merged> {
  const { rows } = await context.client.query<TariffRow>('select purpose, time_zone from tariffs where id = $1', [tariffId]);
  const tariff = rows[0] ?? { purpose: '', time_zone: 'UTC' };
  if (tariff.purpose === 'user_retail') {
    const retail = await loadRetail(context, entry, tariffId);
    return retail === null ? NOTHING_MERGED : { ...NOTHING_MERGED, [retail.outcome]: retail.count };
  }
  const rules: RateRules = { timeZone: tariff.time_zone, decimal: '.', did: tariff.purpose === 'did' };
  const inline = entry.rates === null ? NOTHING_MERGED : await loadLines(context, { file: context.file, tariffId }, () => Readable.from(inlineLines(context, entry.rates ?? [], rules)));
  if (entry.file === null) return inline;
  const separator = entry.csv?.columns.get('separator')?.value ?? context.separators.separator;
  const decimal = entry.csv?.columns.get('decimal')?.value ?? context.separators.decimal;
  const fromFile = await loadCsv(context, entry.file, tariffId, { ...rules, separators: { separator: String(separator), decimal: decimal === ',' ? ',' : '.' } });
  return { added: inline.added + fromFile.added, changed: inline.changed + fromFile.changed, removed: 0, unchanged: inline.unchanged + fromFile.unchanged };
}

export interface CsvRules extends RateRules {
  readonly separators: Separators;
  /** Rates that the file does not name are removed, hence it must be whole: its last line must end. */
  readonly replace?: boolean;
}

export async function loadCsv(context: RatesContext, named: { readonly name: string; readonly line: number; readonly path: string }, tariffId: number, rules: CsvRules): Promise<Merged> {
  const { problems, onProgress } = context;
  const { separator, decimal } = rules.separators;
  const path = resolve(context.folder, named.name);
  try {
    const { size } = await stat(path);
    const lines = (): Readable => csvRates(path, named.name, {
      ...rules, decimal, separator: separator === 'tab' ? '\t' : separator, mustEnd: rules.replace === true,
      onProgress: (done) => onProgress?.({ file: named.name, stage: 'reading', done, of: size }),
    }, problems);
    return await loadLines(context, { file: named.name, tariffId, replace: rules.replace === true }, lines);
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
  if (error instanceof EncodingError || error instanceof CutError) return { line: error.line, text: error.message };
  const { code, lines, message } = error as { code?: string; lines?: number; message: string };
  if (code === 'ENOENT') return { line: 0, text: 'does not exist.' };
  if (code === 'EACCES' || code === 'EISDIR') return { line: 0, text: `cannot be read: ${message}.` };
  if (code?.startsWith('CSV_') === true) return { line: lines ?? 1, text: code === 'CSV_QUOTE_NOT_CLOSED' ? 'a quote is not closed; is the file complete?' : message };
  return null;
}

interface Target {
  readonly file: string;
  readonly tariffId: number;
  readonly replace?: boolean;
}

async function loadLines(context: RatesContext, { file, tariffId, replace }: Target, open: () => Readable): Promise<Merged> {
  const { client, problems, onProgress } = context;
  const before = problems.count;
  await makeRatesTable(client);
  const count = await copyRates(client, open);
  onProgress?.({ file, stage: 'checking', done: 0, of: count });
  if (replace === true && count === 0 && problems.count === before) problems.add({ file, line: 0, path: '', reason: 'has no rates; a tariff is not replaced by nothing.' });
  for (const { line, first, prefix } of await doubledRates(client)) {
    problems.add({ file, line, path: 'prefix', reason: `${prefix} with the same date and hours is already in line ${first}.` });
  }
  let merged = NOTHING_MERGED;
  if (problems.count === before) {
    const removed = replace === true ? await removeOthers(client, tariffId) : 0;
    const { added, changed, unchanged } = await mergeRates(client, tariffId, count, (done) => onProgress?.({ file, stage: 'writing', done, of: count }));
    merged = { added, changed, removed, unchanged };
    for (const { line, other, prefix } of await overlappingRates(client, tariffId)) {
      problems.add({ file, line, path: 'startTime', reason: `the hours of ${prefix} overlap with those of ${other === null ? 'a rate in the tariff' : `line ${other}`} from the same date on.` });
    }
  }
  await client.query('drop table import_rates');
  return problems.count > before ? NOTHING_MERGED : merged;
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
