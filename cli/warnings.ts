/** `warnings`: whose balance is below his threshold, and what was told to whom. */
import Table from 'cli-table3';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import type { Settings } from '../config/schema.ts';
import { askForSweep } from '../jobs/warnings.ts';
import { shownUrl } from '../jobs/webhook.ts';
import { readWarnings } from '../store/warnings/list.ts';
import type { Told, WarningView } from '../store/warnings/list.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- warnings
  npm run -s tollgate -- warnings --most 1000 --json
  npm run -s tollgate -- warnings --sweep

docs/IMPORT.md, "Warning balance", tells how a user is warned.`;

interface Options {
  readonly most: number;
  readonly sweep?: boolean;
  readonly json?: boolean;
}

function most(text: string): number {
  if (!/^\d{1,6}$/.test(text) || Number(text) < 1) throw new InvalidArgumentError('must be a whole number from 1 to 999999');
  return Number(text);
}

export function registerWarnings(program: Command, context: CliContext): void {
  program
    .command('warnings')
    .description('show who is below his warning balance, and the mails and requests that told of it; those that failed come first')
    .option('--most <count>', 'how many of each', most, 50)
    .option('--sweep', 'have a daemon look at all balances now, not at the next hour')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((options: Options) => run(context.settings(), options));
}

async function run(settings: Settings, options: Options): Promise<void> {
  try {
    if (options.sweep === true) {
      await askForSweep(settings.redisUrl);
      process.stdout.write('A daemon that runs looks at all balances now.\n');
      return;
    }
    const found = await readWarnings(settings.postgresUrl, options.most);
    const told = found.told.map((one) => (one.channel === 'webhook' ? { ...one, address: shownUrl(one.address) } : one));
    process.stdout.write(options.json === true ? `${JSON.stringify({ ...found, told })}\n` : shown(settings, { ...found, told }));
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === '42P01' || code === '42703') throw new CommandError('The database lacks the tables of this version: run the command migrate first.');
    throw code === undefined ? error : new CommandError(`Postgres could not be asked: ${message || code}`);
  }
}

function moment(at: Date): string {
  return at.toISOString().replace('T', ' ').replace(/:\d\d\.\d+Z$/, ' UTC');
}

const STATES: Readonly<Record<Told['state'], string>> = { queued: 'waits', handed: 'is being sent', sent: 'sent', failed: 'FAILED', unknown: 'UNKNOWN' };

function shown({ warnings, mail }: Settings, { lastSweep, low, told }: WarningView): string {
  const lines: string[] = [];
  const users = new Table({ head: ['user', 'balance', 'below', 'mode', 'warned'], style: { head: [], border: [] } });
  for (const one of low) users.push([one.username, `${one.balance} ${one.currency}`, one.threshold, one.mode, one.mode === 'daily' ? 'every day' : one.warned ? 'yes' : 'not yet']);
  lines.push(low.length === 0 ? 'Nobody is below his warning balance.' : users.toString());
  const table = new Table({ head: ['when', 'user', 'balance', 'to', 'address', 'state', 'tries', 'answer'], style: { head: [], border: [] }, colWidths: [null, null, null, null, 36, null, null, 40], wordWrap: true });
  for (const one of told) table.push([moment(one.at), one.username, one.balance, one.recipient, one.address, STATES[one.state], one.attempts, one.answer]);
  if (told.length > 0) lines.push(table.toString());
  lines.push(lastSweep === null ? 'Balances have not been looked at yet.' : `Balances were looked at ${moment(lastSweep)}.`);
  if (warnings.sweepMinutes === 0) lines.push('Warnings are off: set warnings.sweepMinutes.');
  if (mail.host === '') lines.push('No mail is sent: set mail.host.');
  return `${lines.join('\n')}\n`;
}
