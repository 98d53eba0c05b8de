/** `calls`: the calls that are up, read from Redis. */
import { setTimeout as wait } from 'node:timers/promises';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import Table from 'cli-table3';
import { createLogUpdate } from 'log-update';
import type { CliContext } from './context.ts';
import { openLiveView } from '../store/redis/view.ts';
import type { LiveCall } from '../store/redis/live.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- calls
  npm run -s tollgate -- calls --json | jq '.calls[].to'`;

interface Options {
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
    .option('--once', 'print the table once')
    .option('--json', 'print once, for programs')
    .option('--every <seconds>', 'refresh so often', seconds, 1)
    .addHelpText('after', EXAMPLE)
    .action((options: Options) => show(context, options));
}

async function show(context: CliContext, options: Options): Promise<void> {
  const settings = context.settings();
  const view = await openLiveView(settings.redisUrl, settings.calls.priceDecimals);
  try {
    if (options.json === true) {
      const calls = (await view.calls()).map((call) => ({ callId: call.callId, startedMs: call.startedMs, ...call.fields }));
      process.stdout.write(`${JSON.stringify({ calls, counters: await view.counters() })}\n`);
      return;
    }
    if (options.once === true || !process.stdout.isTTY) {
      process.stdout.write(`${callsTable(await view.calls(), Date.now())}\n`);
      return;
    }
    await keepShowing(async () => callsTable(await view.calls(), Date.now()), options.every);
  } finally {
    await view.close();
  }
}

async function keepShowing(text: () => Promise<string>, everyS: number): Promise<void> {
  const update = createLogUpdate(process.stdout);
  const stopped = new AbortController();
  process.once('SIGINT', () => stopped.abort());
  while (!stopped.signal.aborted) {
    update(await text());
    await wait(everyS * 1000, undefined, { signal: stopped.signal }).catch(() => undefined);
  }
  update.done();
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function lasting(ms: number): string {
  const total = Math.max(0, Math.floor(ms / 1000));
  return `${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
}

const PROVIDER_COUNTER = 'tollgate:calls:provider:';

/** The SIP name of the provider that has the call at present: where it has its place. */
function wayOf({ fields, counters }: LiveCall): string {
  const place = counters.find((key) => key.startsWith(PROVIDER_COUNTER));
  return fields['way'] ?? (place === undefined ? '' : `provider-${place.slice(PROVIDER_COUNTER.length)}`);
}

/** Rows that fit the terminal; how many more there are is said below. */
export function callsTable(calls: readonly LiveCall[], nowMs: number, rows = (process.stdout.rows ?? 50) - 6): string {
  const style = process.stdout.isTTY ? { head: ['bold'], border: ['grey'] } : { head: [], border: [] };
  const table = new Table({ head: ['since', 'state', 'user', 'from', 'to', 'DID', 'provider', 'server'], style });
  for (const call of calls.slice(0, Math.max(1, rows))) {
    const { fields, startedMs } = call;
    table.push([lasting(nowMs - startedMs), fields['state'] ?? '', fields['user'] ?? '', fields['from'] ?? '', fields['to'] ?? '', fields['did'] ?? '', wayOf(call), fields['server'] ?? '']);
  }
  const more = calls.length - Math.max(1, rows);
  return `${table.toString()}\n${calls.length} ${calls.length === 1 ? 'call' : 'calls'}${more > 0 ? `, ${more} of them not shown` : ''}`;
}
