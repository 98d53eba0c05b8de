/** `import`: a tenant file, or one price list, all or nothing in one transaction. */
import { readFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Client } from 'pg';
import { connectClient } from '../postgres.ts';
import { newPoolNumberProblem } from '../../routing/number-pool.ts';
import { decodeUtf8 } from './csv-rates.ts';
import { BadValue } from './field.ts';
import { fileReason, loadCsv } from './load-rates.ts';
import type { OnProgress, Separators } from './load-rates.ts';
import { didYouMean, ImportError, Problems, shown } from './problem.ts';
import { rateReader } from './rate-row.ts';
import type { RateRules } from './rate-row.ts';
import { readTenant } from './read.ts';
import type { Tenant } from './read.ts';
import { findIds, insertRow, someNames } from './rows-sql.ts';
import { rowReason } from './row-reason.ts';
import { writeTenant } from './write.ts';
import type { Report, WriteContext } from './write.ts';
import { YamlFile } from './yaml-node.ts';

export interface ImportOptions {
  readonly postgresUrl: string;
  readonly separators: Separators;
  /** Everything is checked and counted, nothing stays. */
  readonly dryRun?: boolean;
  readonly onProgress?: OnProgress | undefined;
}

/** Throws ImportError naming every line that is wrong; then nothing was imported. */
export async function importTenant(path: string, options: ImportOptions): Promise<Report> {
  const problems = new Problems();
  const file = basename(path);
  const folder = dirname(resolve(path));
  const yaml = new YamlFile(file, await fileText(path, file), problems);
  const tenant = readTenant(yaml);
  const poolFiles = await readPoolFiles(tenant, { file, folder, problems });
  problems.throwIfAny();
  const write = async (client: Client, careful: boolean): Promise<Report> => {
    const context: WriteContext = { client, file, folder, problems: new Problems(), careful, poolFiles, separators: options.separators, onProgress: options.onProgress };
    const report = await writeTenant(context, tenant);
    context.problems.throwIfAny();
    return report;
  };
  return inTransaction(options, async (client) => {
    try {
      return await write(client, false);
    } catch (error) {
      if (error instanceof ImportError || rowReason(error) === null) throw error;
      // Postgres refused a row: once more, slowly, to name every row that it refuses.
      await client.query('rollback');
      await client.query('begin');
      await write(client, true);
      throw error;
    }
  });
}

export interface TariffOptions extends ImportOptions {
  readonly tariff: string;
  /** Of a tariff that is not there yet; without it the tariff must exist. */
  readonly purpose?: string | undefined;
  /** Of lines without a date, in the forms of the column. */
  readonly effectiveFrom?: string | undefined;
  /** The tariff becomes what the file says: other rates are removed. */
  readonly replace?: boolean;
}

/** One CSV price list into one tariff. */
export async function importRates(path: string, options: TariffOptions): Promise<Report> {
  const problems = new Problems();
  const file = basename(path);
  return inTransaction(options, async (client) => {
    const report: Report = {};
    const tariffId = await tariffOf(client, options, report);
    const { rows } = await client.query<{ purpose: string; time_zone: string }>('select purpose, time_zone from tariffs where id = $1', [tariffId]);
    const tariff = rows[0] ?? { purpose: '', time_zone: 'UTC' };
    if (tariff.purpose === 'user_retail') throw new ImportError([{ file, line: 0, path: '', reason: `tariff ${shown(options.tariff)} is a retail tariff; its rates are written in a tenant file.` }]);
    const context = { client, file, folder: dirname(resolve(path)), problems, separators: options.separators, onProgress: options.onProgress };
    const rules = { timeZone: tariff.time_zone, decimal: options.separators.decimal, did: tariff.purpose === 'did', effectiveFrom: options.effectiveFrom };
    checkRules(rules);
    const merged = await loadCsv(context, { name: file, line: 0, path: '' }, tariffId, { ...rules, separators: options.separators, replace: options.replace === true });
    problems.throwIfAny();
    return { ...report, rates: { ...merged } };
  });
}

function checkRules(rules: RateRules): void {
  try {
    rateReader(rules);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new ImportError([{ file: '--effective-from', line: 0, path: '', reason: error.message }]);
  }
}

async function tariffOf(client: Client, { tariff, purpose }: TariffOptions, report: Report): Promise<number> {
  const known = (await findIds(client, 'tariffs', [tariff])).get(tariff);
  if (known !== undefined) return Number(known);
  if (purpose === undefined) {
    const near = didYouMean(tariff, await someNames(client, 'tariffs'));
    throw new ImportError([{ file: '--tariff', line: 0, path: '', reason: `there is no tariff ${shown(tariff)}.${near} To make it, say --purpose too.` }]);
  }
  report.tariffs = { added: 1, changed: 0, unchanged: 0 };
  return Number(await insertRow(client, 'tariffs', { name: tariff, purpose }));
}

async function inTransaction(options: ImportOptions, work: (client: Client) => Promise<Report>): Promise<Report> {
  const client = await connectClient(options.postgresUrl, 'import', 0);
  try {
    await client.query('begin');
    const report = await work(client);
    await client.query(options.dryRun === true ? 'rollback' : 'commit');
    return report;
  } finally {
    // Ends a transaction that did not come to its end.
    await client.end();
  }
}

async function fileText(path: string, file: string): Promise<string> {
  try {
    return decodeUtf8(await readFile(path));
  } catch (error) {
    const reason = fileReason(error);
    if (reason === null) throw error;
    throw new ImportError([{ file, line: reason.line, path: '', reason: reason.text }]);
  }
}

/** Pools may name a file of one number a line. */
async function readPoolFiles(tenant: Tenant, at: { readonly file: string; readonly folder: string; readonly problems: Problems }): Promise<ReadonlyMap<string, readonly string[]>> {
  const files = new Map<string, readonly string[]>();
  for (const entry of tenant.get('pools') ?? []) {
    if (entry.file === null) continue;
    const { name, line, path } = entry.file;
    try {
      const numbers: string[] = [];
      for (const [index, text] of decodeUtf8(await readFile(resolve(at.folder, name))).replace(/^\uFEFF/, '').split(/\r?\n/).entries()) {
        if (text.trim() === '') continue;
        const problem = newPoolNumberProblem(text.trim());
        if (problem === null) numbers.push(text.trim());
        else at.problems.add({ file: name, line: index + 1, path: '', reason: `${shown(text.trim())}: ${problem}.` });
      }
      files.set(entry.path, numbers);
    } catch (error) {
      const reason = fileReason(error);
      if (reason === null) throw error;
      if (reason.line === 0) at.problems.add({ file: at.file, line, path, reason: `${name} ${reason.text}` });
      else at.problems.add({ file: name, line: reason.line, path: '', reason: reason.text });
    }
  }
  return files;
}
