/** `route`: what would happen to a call from DEVICE to NUMBER, step by step, without placing it. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import Table from 'cli-table3';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import { explainCall } from './explain-call.ts';
import type { Explanation } from './explain-call.ts';
import { showingReading } from './reading.ts';
import { routingSettings } from '../engine/settings-of.ts';
import { formatMoney } from '../rating/money.ts';
import { readBalancesOnce } from '../store/balances.ts';
import { loadCatalogOnce } from '../store/catalog/once.ts';
import { readTalkOnce } from '../store/provider-talk.ts';
import { openLiveView } from '../store/redis/view.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- route alice 37061234567
  npm run -s tollgate -- route provider-3 37088888123 --from 4930123456 --json`;

interface Options {
  readonly from: string;
  readonly server: number;
  readonly port?: number;
  readonly ip: string;
  readonly at?: Date;
  readonly json?: boolean;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('must be a whole number');
  return Number(text);
}

function moment(text: string): Date {
  const at = new Date(text);
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('must be a date such as 2026-12-24T18:30:00Z');
  return at;
}

export function registerRoute(program: Command, context: CliContext): void {
  program
    .command('route <device> <number>')
    .description('explain what would happen to a call from DEVICE (SIP user name, or provider-ID) to NUMBER, without placing it')
    .option('--from <number>', "the caller's number", '')
    .option('--server <id>', 'the Asterisk it would arrive on', wholeNumber, 1)
    .option('--port <port>', 'the port it would come from, which tells devices behind one address apart', wholeNumber)
    .option('--ip <address>', 'the address that its signalling would come from, for the dynamic blacklist', '')
    .option('--at <time>', 'as if it were then', moment)
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((device: string, number: string, options: Options) => explain(context, { device, number, options }));
}

async function explain(context: CliContext, asked: { device: string; number: string; options: Options }): Promise<void> {
  const settings = context.settings();
  const { options } = asked;
  const catalog = await showingReading(async (onReading) => loadCatalogOnce(settings.postgresUrl, settings.calls.priceDecimals, onReading));
  if (!catalog.devicesByEndpoint.has(asked.device) && !catalog.providersByEndpoint.has(asked.device)) {
    const near = [...catalog.devicesByEndpoint.keys()].filter((name) => name.startsWith(asked.device.slice(0, 2))).slice(0, 5);
    throw new CommandError(`There is no device ${asked.device}.${near.length > 0 ? ` Similar: ${near.join(', ')}` : ''}`);
  }
  const talk = await readTalkOnce(settings.postgresUrl);
  const balances = await readBalancesOnce(settings.postgresUrl, [...catalog.users.values()].filter(({ warningPrompt }) => warningPrompt !== null).map(({ id }) => id));
  const view = await openLiveView(settings.redisUrl, settings.calls.priceDecimals);
  try {
    const atMs = (options.at ?? new Date()).getTime();
    const arrival = { serverId: options.server, endpoint: asked.device, port: options.port ?? null, ip: options.ip, dialled: asked.number, callerNumber: options.from, atMs };
    const found = await explainCall({ catalog, settings: routingSettings(settings), view, talk, balances, frozenS: settings.reservation.frozenTimeMinutes * 60, qualityWindowMinutes: settings.quality.windowMinutes, reservation: settings.reservation.mode, blacklist: settings.blacklist.enabled ? settings.blacklist : undefined }, arrival);
    process.stdout.write(options.json === true ? `${JSON.stringify(found, withMoney)}\n` : shown(found));
  } finally {
    await view.close();
  }
}

function withMoney(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? formatMoney(value, 10) : value;
}

function shown(found: Explanation): string {
  const steps = new Table({ head: ['check', 'outcome', 'what', 'cause'], style: plain() });
  for (const step of found.steps) steps.push([step.check, step.outcome, step.detail, step.cause ?? '']);
  const lines = [steps.toString()];
  if (found.ways.length > 0) {
    const ways = new Table({ head: ['way', 'dials', 'per minute', 'calls now', 'limit'], style: plain() });
    for (const way of found.ways) ways.push([way.name, way.dials, way.perMinute, way.calls, way.limit === 0 ? 'none' : way.limit]);
    lines.push(ways.toString());
  }
  lines.push(found.verdict);
  return `${lines.join('\n')}\n`;
}

function plain(): { head: string[]; border: string[] } {
  return process.stdout.isTTY ? { head: ['bold'], border: ['grey'] } : { head: [], border: [] };
}
