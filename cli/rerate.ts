/** `rerate`: prices a period again from its CDRs; shows the differences, books them, takes them back. */
import { userInfo } from 'node:os';
import { SingleBar } from 'cli-progress';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import { reportJson, reportText, runsJson, runsText } from './rerate-report.ts';
import { parseMoment } from '../rating/dates.ts';
import { RateError } from '../rating/errors.ts';
import { zoneOf } from '../rating/zone.ts';
import { listRerates } from '../store/rerate/list.ts';
import { RerateError } from '../store/rerate/error.ts';
import { rerate } from '../store/rerate/rerate.ts';
import type { Asked } from '../store/rerate/selection.ts';
import { undoRerate } from '../store/rerate/undo.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- rerate --tariff "Retail EUR" --from 2026-11-01 --to 2026-12-01
  npm run -s tollgate -- rerate --tariff "Retail EUR" --from 2026-11-01 --to 2026-12-01 --apply
  npm run -s tollgate -- rerate --list
  npm run -s tollgate -- rerate --undo 7

docs/RATING.md, "Re-rating", tells what is priced again and by what.`;

interface Options {
  readonly user?: string;
  readonly provider?: string;
  readonly tariff?: string;
  readonly from?: string;
  readonly to?: string;
  readonly zone: string;
  readonly apply?: boolean;
  readonly list?: boolean;
  readonly undo?: number;
  readonly json?: boolean;
}

function runId(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('must be the number of a re-rating; --list shows them');
  return Number(text);
}

export function registerRerate(program: Command, context: CliContext): void {
  program
    .command('rerate')
    .description('price the calls of a period again by the tariffs as they are now: shows who would pay how much more or less; --apply books it')
    .option('--user <name>', 'what this user pays; of a reseller or partner also on the calls of those below him')
    .option('--provider <name>', 'what this provider is paid')
    .option('--tariff <name>', 'what was priced by this tariff, whoever pays it')
    .option('--from <time>', 'calls from here on: 2026-11-01, or 2026-11-01T08:00:00')
    .option('--to <time>', 'and before this time')
    .option('--zone <name>', 'time zone of --from and --to', 'UTC')
    .option('--apply', 'change the CDRs and write correcting ledger rows; goes on if it was interrupted')
    .option('--list', 'the re-ratings that were applied')
    .option('--undo <id>', 'take one back', runId)
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((options: Options) => run(context, options));
}

async function run(context: CliContext, options: Options): Promise<void> {
  const does = [options.list === true, options.undo !== undefined, options.user !== undefined || options.provider !== undefined || options.tariff !== undefined];
  if (does.filter(Boolean).length !== 1 || (options.apply === true && does[2] !== true)) {
    throw new CommandError('Say what to price again (--user, --provider or --tariff, with --from and --to, and --apply to book it), or --list, or --undo ID. --help shows examples.');
  }
  try {
    if (options.list === true) await list(context, options.json === true);
    else if (options.undo === undefined) await price(context, askedOf(options), options);
    else await undo(context, options.undo, options.json === true);
  } catch (error) {
    throw commandError(error);
  }
}

function commandError(error: unknown): unknown {
  if (error instanceof CommandError) return error;
  if (error instanceof RerateError || error instanceof RateError) return new CommandError(error.message);
  const { code, message } = error as { code?: string; message: string };
  if (code === '42P01') return new CommandError('The database lacks the tables of this version: run the command migrate first.');
  return new CommandError(`The re-rating did not come to its end: ${message || code}\nEvery batch that was written stays; the same command goes on behind it.`);
}

function askedOf(options: Options): Asked {
  const named = (['user', 'provider', 'tariff'] as const).filter((kind) => options[kind] !== undefined);
  const [kind] = named;
  if (kind === undefined || named.length > 1) throw new CommandError('Name one of --user, --provider and --tariff.');
  if (options.from === undefined || options.to === undefined) throw new CommandError('Name the period: --from (the first moment of it) and --to (the first moment after it), as in --from 2026-11-01 --to 2026-12-01.');
  return { kind, name: options[kind] ?? '', fromMs: moment(options.from, options.zone, '--from'), toMs: moment(options.to, options.zone, '--to') };
}

/** A time on the clock of `zone`, or one that ends in Z, as messages show it. */
function moment(text: string, zone: string, field: string): number {
  const utc = /^(.*?)(?:\.000)?Z$/.exec(text)?.[1];
  return parseMoment(utc ?? text, zoneOf(utc === undefined ? zone : 'UTC'), field);
}

async function price(context: CliContext, asked: Asked, options: Options): Promise<void> {
  const { postgresUrl, calls } = context.settings();
  const bar = new Bar();
  try {
    const report = await rerate({
      postgresUrl, priceDecimals: calls.priceDecimals, rounding: calls.billsecRounding, asked,
      applyAs: options.apply === true ? operator() : null, onProgress: (done) => bar.show(done), signal: stopped(),
    });
    bar.stop();
    process.stdout.write(options.json === true ? `${reportJson(asked, report)}\n` : reportText(asked, report));
  } finally {
    bar.stop();
  }
}

async function undo(context: CliContext, id: number, json: boolean): Promise<void> {
  const bar = new Bar();
  try {
    const { run, changes } = await undoRerate({ postgresUrl: context.settings().postgresUrl, id, by: operator(), onProgress: (done) => bar.show(done), signal: stopped() });
    bar.stop();
    if (json) process.stdout.write(`${JSON.stringify({ id, outcome: changes === 0 ? 'undone before' : 'undone', changes })}\n`);
    else process.stdout.write(changes === 0 && run.changes > 0 ? `Re-rating ${id} was undone before; nothing was changed.\n` : `Re-rating ${id} is undone: ${changes} prices are what they were before it.\n`);
  } finally {
    bar.stop();
  }
}

async function list(context: CliContext, json: boolean): Promise<void> {
  const runs = await listRerates(context.settings().postgresUrl);
  process.stdout.write(json ? `${runsJson(runs)}\n` : runsText(runs));
}

/** The first Ctrl-C stops behind the batch in hand, a second one at once. */
function stopped(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** Who is at the keyboard, for the record. */
function operator(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id without a name.
    return 'unknown';
  }
}

/** On a terminal only. */
class Bar {
  #bar: SingleBar | null = null;

  show(done: number): void {
    if (!process.stderr.isTTY) return;
    if (this.#bar === null) {
      this.#bar = new SingleBar({ format: 're-rating {bar} {percentage} %', stream: process.stderr, gracefulExit: false });
      this.#bar.start(1000, 0);
    }
    this.#bar.update(Math.floor(done * 1000));
  }

  stop(): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}
