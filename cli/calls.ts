/** `calls`: the calls that are up, read from Redis. */
import { setTimeout as wait } from 'node:timers/promises';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import { chosen, countedBy, KEYS, STATES } from './calls/choose.ts';
import type { CallKey, Filter } from './calls/choose.ts';
import { CallRows, rowForPrograms } from './calls/row.ts';
import { callsTable, countsTable } from './calls/table.ts';
import type { Screen } from './calls/table.ts';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import { moneyText } from '../rating/money.ts';
import { openLiveView } from '../store/redis/view.ts';
import type { LiveView } from '../store/redis/view.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- calls
  npm run -s tollgate -- calls --user anna --state answered
  npm run -s tollgate -- calls --by provider
  npm run -s tollgate -- calls --json | jq '.calls[].to'

The price is what the user would owe if the call ended now. A call is hung up by its id: \`hangup CALL\`.`;

interface Options extends Filter {
  readonly by?: CallKey;
  readonly newest?: boolean;
  readonly json?: boolean;
  readonly once?: boolean;
  readonly every: number;
}

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.2 && value <= 3600)) throw new InvalidArgumentError('must be 0.2 to 3600 seconds');
  return value;
}

export function registerCalls(program: Command, context: CliContext): void {
  program
    .command('calls')
    .description('the calls that are up: a table that stays until Ctrl-C')
    .option('--user <name>', 'only those of this user')
    .option('--provider <name>', 'only those that this provider carries now')
    .option('--did <DID>', 'only those to this DID')
    .option('--server <id>', 'only those on this Asterisk')
    .addOption(new Option('--state <state>', 'only those in this state').choices(STATES))
    .addOption(new Option('--by <what>', 'count them instead').choices(KEYS))
    .option('--newest', 'newest first')
    .option('--once', 'print the table once')
    .option('--json', 'print once, for programs')
    .option('--every <seconds>', 'refresh so often', seconds, 1)
    .addHelpText('after', EXAMPLE)
    .action((options: Options) => show(context, options));
}

async function show(context: CliContext, options: Options): Promise<void> {
  const settings = context.settings();
  const view = await openLiveView(settings.redisUrl, settings.calls.priceDecimals).catch((error: unknown) => {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  });
  try {
    if (options.json === true) process.stdout.write(`${JSON.stringify(await forPrograms(view, options))}\n`);
    else if (options.once === true || !process.stdout.isTTY) process.stdout.write(`${await tableOf(view, new CallRows(), options)}\n`);
    else await keepShowing(view, options);
  } finally {
    await view.close();
  }
}

async function forPrograms(view: LiveView, options: Options): Promise<object> {
  const rows = chosen(new CallRows().of(await view.calls(), Date.now()), options);
  if (options.by !== undefined) return { by: options.by, counts: countedBy(rows, options.by).map((count) => ({ ...count, price: moneyText(count.price) })) };
  return { calls: (options.newest === true ? rows.toReversed() : rows).map(rowForPrograms), counters: await view.counters() };
}

/** Where there is no terminal, all are shown as wide as they are. */
function screen(): Screen {
  const { isTTY, columns, rows } = process.stdout;
  return isTTY ? { columns, rows: rows - 1, colours: true } : { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY, colours: false };
}

async function tableOf(view: LiveView, known: CallRows, options: Options): Promise<string> {
  const all = known.of(await view.calls(), Date.now());
  const rows = chosen(all, options);
  if (options.by !== undefined) return countsTable(countedBy(rows, options.by), options.by, screen());
  return callsTable(options.newest === true ? rows.toReversed() : rows, all.length, screen());
}

async function keepShowing(view: LiveView, options: Options): Promise<void> {
  const update = createLogUpdate(process.stdout);
  const known = new CallRows();
  const stopped = new AbortController();
  process.once('SIGINT', () => stopped.abort());
  while (!stopped.signal.aborted) {
    update(await tableOf(view, known, options));
    await wait(options.every * 1000, undefined, { signal: stopped.signal }).catch(() => undefined);
  }
  update.done();
}
