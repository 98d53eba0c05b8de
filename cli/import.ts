/** `import`: a YAML tenant file, or a CSV price list into one tariff; all or nothing. */
import { basename } from 'node:path';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import { Option } from 'commander';
import type { Command } from 'commander';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import type { Progress } from '../store/import/load-rates.ts';
import { importRates, importTenant } from '../store/import/import.ts';
import { ImportError } from '../store/import/problem.ts';
import type { Report } from '../store/import/write.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- import tenant.yaml
  npm run -s tollgate -- import rates.csv --tariff "Retail EUR"
  npm run -s tollgate -- import rates.csv --tariff "Retail EUR" --replace --dry-run
  npm run -s tollgate -- import rates.csv --tariff "Retail EUR" --effective-from 2026-12-31
  npm run -s tollgate -- import prices.csv --tariff Carrier --purpose provider --separator ";" --decimal ,

docs/IMPORT.md describes both files.`;

interface Options {
  readonly tariff?: string;
  readonly purpose?: string;
  readonly separator: string;
  readonly decimal: '.' | ',';
  readonly effectiveFrom?: string;
  readonly replace?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function registerImport(program: Command, context: CliContext): void {
  program
    .command('import <file>')
    .description('import a tenant file (YAML), or a price list (CSV) into a tariff: all of it, or nothing and every line that is wrong')
    .option('--tariff <name>', 'the file is a CSV price list for this tariff')
    .addOption(new Option('--purpose <purpose>', 'make the tariff if it is not there').choices(['provider', 'user_wholesale', 'did']))
    .addOption(new Option('--separator <char>', 'between the columns of CSV files').choices([',', ';', '|', 'tab']).default(','))
    .addOption(new Option('--decimal <char>', 'decimal separator in CSV files').choices(['.', ',']).default('.'))
    .option('--effective-from <date>', 'with --tariff: of lines without a date of their own, on the tariff\'s clock, as in 2026-12-31 or "2026-12-31 08:00"')
    .option('--replace', 'with --tariff: rates that the file does not name are removed')
    .option('--dry-run', 'check and count, change nothing')
    .option('--json', 'print the counts, or the problems, for programs')
    .addHelpText('after', EXAMPLE)
    .action((file: string, options: Options) => run(context, file, options));
}

async function run(context: CliContext, file: string, options: Options): Promise<void> {
  if (options.tariff === undefined && /\.csv$/i.test(file)) throw new CommandError('A CSV price list needs --tariff NAME: the tariff its rates belong to.');
  if (options.tariff === undefined && options.replace === true) throw new CommandError('--replace needs --tariff NAME: a tenant file removes nothing.');
  if (options.tariff === undefined && options.effectiveFrom !== undefined) throw new CommandError('--effective-from needs --tariff NAME: in a tenant file each rate says its own date.');
  if (options.separator === options.decimal) throw new CommandError('--separator and --decimal cannot be the same character.');
  const bar = new ProgressBar();
  const { postgresUrl } = context.settings();
  const common = {
    postgresUrl, dryRun: options.dryRun === true, separators: { separator: options.separator, decimal: options.decimal },
    onProgress: (progress: Progress) => bar.show(progress),
  };
  try {
    const report = options.tariff === undefined ? await importTenant(file, common) : await importRates(file, { ...common, tariff: options.tariff, purpose: options.purpose, replace: options.replace === true, effectiveFrom: options.effectiveFrom });
    bar.stop();
    process.stdout.write(options.json === true ? `${JSON.stringify({ report, dryRun: options.dryRun === true })}\n` : shown(report, options.dryRun === true));
  } catch (error) {
    bar.stop();
    throw commandError(error, options.json === true);
  }
}

function commandError(error: unknown, json: boolean): unknown {
  if (error instanceof ImportError) {
    if (json) process.stdout.write(`${JSON.stringify({ problems: error.problems, count: error.count })}\n`);
    return new CommandError(`${error.message}\nNothing was imported: ${error.count} ${error.count === 1 ? 'problem' : 'problems'}.`);
  }
  const { code, message } = error as { code?: string; message: string };
  if (code === '42P01') return new CommandError('The database has no tables yet: run the command migrate first.');
  return new CommandError(`The import failed, nothing was changed: ${message}`);
}

function shown(report: Report, dryRun: boolean): string {
  const removes = report.rates?.removed !== undefined;
  const table = new Table({ head: ['', 'added', 'changed', ...(removes ? ['removed'] : []), 'unchanged'], style: process.stdout.isTTY ? { head: ['bold'], border: ['grey'] } : { head: [], border: [] } });
  for (const [section, counts] of Object.entries(report)) table.push([section, counts.added, counts.changed, ...(removes ? [counts.removed ?? 0] : []), counts.unchanged]);
  return `${table.toString()}\n${dryRun ? 'Nothing was changed: a dry run.\n' : ''}`;
}

/** For files that take a while, on a terminal only. */
class ProgressBar {
  #bar: SingleBar | null = null;
  #shown = '';

  show({ file, stage, done, of }: Progress): void {
    if (!process.stderr.isTTY) return;
    if (this.#shown !== `${stage} ${file}`) {
      this.stop();
      this.#shown = `${stage} ${file}`;
      this.#bar = new SingleBar({ format: `${stage.padEnd(8)} ${basename(file)} {bar} {percentage} %`, hideCursor: true, stream: process.stderr });
      this.#bar.start(of, done);
    }
    this.#bar?.update(done);
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}
