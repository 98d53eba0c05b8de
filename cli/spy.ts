/** `spy`: an operator's device rings, and he hears a call. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { orderSpy } from '../store/redis/order-spy.ts';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- calls
  npm run -s tollgate -- spy 1-1795509403.14 --device desk
  npm run -s tollgate -- spy 1-1795509403.14 --device agent7 --as acme --side callee

The device rings; who answers it hears the call. Keys: 4 listens, 5 whispers to the spied side, 6 speaks to both,
# steps the volume through 1 2 3 4 -4 -3 -2 -1 0. It ends with the call, or when he hangs up; the call knows nothing of it.`;

interface Options {
  readonly device: string;
  readonly as?: string;
  readonly side?: string;
  readonly json?: boolean;
}

export function registerSpy(program: Command, context: CliContext): void {
  program
    .command('spy <call>')
    .description('ring a device, and let whoever answers hear a call')
    .requiredOption('--device <endpoint>', 'the device that rings')
    .option('--as <username>', 'the user who wants it, with his permissions; the admin when left out')
    .option('--side <caller|callee>', 'who hears a whisper; the side of the own user when left out')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((call: string, options: Options) => run(context, call, options));
}

async function run(context: CliContext, call: string, { device, as = '', side = '', json }: Options): Promise<void> {
  if (!/^\d{1,5}-[\w.-]{1,100}$/.test(call)) throw new CommandError(`"${call}" is not the id of a call, such as 1-1795509403.14: \`calls --json\` shows them.`);
  if (side !== '' && side !== 'caller' && side !== 'callee') throw new CommandError(`--side is caller or callee, not "${side}".`);
  const { redisUrl, asterisk } = context.settings();
  const answer = await orderSpy(redisUrl, { call, device, as, side, by: userInfo().username }, asterisk.map(({ id }) => id)).catch((error: unknown) => {
    throw new CommandError(error instanceof Error ? error.message : String(error));
  });
  const text = answer.done ? `${device} rings: 4 listens, 5 whispers to the ${answer.fields['side']}, 6 speaks to both, # steps the volume.` : `Nobody spies on ${call}. ${answer.reason}`;
  process.stdout.write(json === true ? `${JSON.stringify({ call, ...answer })}\n` : `${text}\n`);
  if (!answer.done) process.exitCode = 1;
}
