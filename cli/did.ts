/** `did`: shows one DID with its record of changes, or changes its status. */
import { userInfo } from 'node:os';
import Table from 'cli-table3';
import { Option } from 'commander';
import type { Command } from 'commander';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import { changeDid, DidError, showDid } from '../store/dids.ts';
import type { DidView } from '../store/dids.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- did 37052000001
  npm run -s tollgate -- did 37052000001 --to reserved --user anna
  npm run -s tollgate -- did 37052000001 --to active --device anna-desk
  npm run -s tollgate -- did 37052000001 --to active --external SIP/100@sip.example.com
  npm run -s tollgate -- did 37052000001 --to closed

docs/ROUTING.md, "DIDs", tells which status may become which.`;

interface Options {
  readonly to?: string;
  readonly user?: string;
  readonly device?: string;
  readonly external?: string;
  readonly who?: string;
  readonly json?: boolean;
}

export function registerDid(program: Command, context: CliContext): void {
  program
    .command('did <number>')
    .description('show a DID and who changed its status when; --to changes it')
    .addOption(new Option('--to <status>', 'change its status').choices(['free', 'reserved', 'active', 'closed', 'terminated']))
    .option('--user <name>', 'with --to: for this user')
    .addOption(new Option('--device <endpoint>', 'with --to: leads to this device of his alone').conflicts('external'))
    .option('--external <target>', "with --to: leads to somebody's server, SIP/number@host or SIP/number@host:port")
    .option('--who <name>', 'with --to: who does it, for the record (default: who is logged in)')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((did: string, options: Options) => run(context, did, options));
}

async function run(context: CliContext, did: string, { to, json, who, ...target }: Options): Promise<void> {
  if (to === undefined && (Object.keys(target).length > 0 || who !== undefined)) throw new CommandError('--user, --device, --external and --who go with --to STATUS.');
  const { postgresUrl } = context.settings();
  try {
    const found = to === undefined ? await showDid(postgresUrl, did) : await changeDid(postgresUrl, did, { to, ...target, who: who ?? userInfo().username });
    process.stdout.write(json === true ? `${JSON.stringify(found)}\n` : shown(found));
  } catch (error) {
    if (error instanceof DidError) throw new CommandError(error.message);
    const { code, message } = error as { code?: string; message: string };
    if (code === '42P01' || code === '42703') throw new CommandError('The database lacks the tables of this version: run the command migrate first.');
    throw code === undefined ? error : new CommandError(`Postgres could not be asked: ${message || code}`);
  }
}

/** How several devices ring, in words. */
const RING = { in_turn: 'in turn', at_once: 'at once' } as const;

function targetOf({ devices, ring, external }: DidView): string {
  const [first, ...others] = devices;
  if (first === undefined) return external ?? 'nothing';
  return others.length === 0 ? `device ${first}` : `devices ${devices.join(', ')}, ${RING[ring]}`;
}

function shown(found: DidView): string {
  const { did, status, since, user, provider, changes } = found;
  const lines = [
    `DID ${did} of provider ${provider}: ${status} since ${moment(since)}`,
    `user ${user ?? 'none'}, leads to ${targetOf(found)}`,
  ];
  const table = new Table({ head: ['when', 'who', 'from', 'to', 'user'], style: { head: [], border: [] } });
  for (const change of changes) table.push([moment(change.at), change.who, change.from ?? '(entered)', change.to, change.user ?? '']);
  return `${lines.join('\n')}\n${table.toString()}\n`;
}

function moment(at: Date): string {
  return at.toISOString().replace('T', ' ').replace(/\.\d+Z$/, ' UTC');
}
