/** `export`: the rates of a tariff as a CSV price list, in the form that `import` reads. */
import { open, rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { SingleBar } from 'cli-progress';
import { Option } from 'commander';
import type { Command } from 'commander';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import { ExportError, exportRates } from '../store/export-rates.ts';
import type { ExportOptions } from '../store/export-rates.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- export "Retail EUR" > rates.csv
  npm run -s tollgate -- export Carrier --out prices.csv --separator ";" --decimal ,

docs/IMPORT.md describes the file; importing it again changes nothing.`;

interface Options {
  readonly out?: string;
  readonly separator: string;
  readonly decimal: '.' | ',';
  readonly json?: boolean;
}

export function registerExport(program: Command, context: CliContext): void {
  program
    .command('export <tariff>')
    .description('write the rates of a tariff as a price list (CSV), sorted by prefix and date')
    .option('--out <file>', 'into this file, which appears when it is complete; else to standard output')
    .addOption(new Option('--separator <char>', 'between the columns').choices([',', ';', '|', 'tab']).default(','))
    .addOption(new Option('--decimal <char>', 'decimal separator').choices(['.', ',']).default('.'))
    .option('--json', 'with --out: print the file and the number of rates for programs')
    .addHelpText('after', EXAMPLE)
    .action((tariff: string, options: Options) => run(context, tariff, options));
}

async function run(context: CliContext, tariff: string, options: Options): Promise<void> {
  if (options.separator === options.decimal) throw new CommandError('--separator and --decimal cannot be the same character.');
  if (options.json === true && options.out === undefined) throw new CommandError('--json needs --out FILE: standard output is the price list itself.');
  const asked = { postgresUrl: context.settings().postgresUrl, tariff, separators: { separator: options.separator, decimal: options.decimal } };
  try {
    if (options.out === undefined) return await toOutput(process.stdout, asked);
    const rates = await toFile(options.out, asked);
    process.stdout.write(options.json === true ? `${JSON.stringify({ tariff, file: options.out, rates })}\n` : `${rates} rates of ${tariff} are in ${options.out}.\n`);
  } catch (error) {
    throw commandError(error);
  }
}

function commandError(error: unknown): unknown {
  if (error instanceof ExportError) return new CommandError(error.message);
  const { code, message } = error as { code?: string; message: string };
  if (code === '42P01') return new CommandError('The database has no tables yet: run the command migrate first.');
  return typeof code === 'string' ? new CommandError(`The export failed, no file was written: ${message}`) : error;
}

async function toOutput(output: Writable, asked: ExportOptions): Promise<void> {
  try {
    await exportRates(output, asked);
  } catch (error) {
    // Whoever reads has seen enough, as in `export | head`.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

/** A file under its name is always a complete one. */
async function toFile(out: string, asked: ExportOptions): Promise<number> {
  const part = `${out}.part`;
  const file = (await open(part, 'w')).createWriteStream();
  const bar = process.stderr.isTTY ? new SingleBar({ format: 'writing {bar} {percentage} %', hideCursor: true, stream: process.stderr }) : null;
  try {
    const rates = await exportRates(file, { ...asked, onProgress: (done, of) => (bar?.isActive === true ? bar.update(done) : bar?.start(of, done)) });
    file.end();
    await finished(file);
    await rename(part, out);
    return rates;
  } catch (error) {
    file.destroy();
    await rm(part, { force: true });
    throw error;
  } finally {
    bar?.stop();
  }
}
