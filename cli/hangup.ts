/** `hangup`: ends calls that are up, through the daemon that leads them. */
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { sendCommand } from '../store/redis/commands.ts';
import type { CommandAnswer } from '../store/redis/commands.ts';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- calls --json | jq -r '.calls[].callId'
  npm run -s tollgate -- hangup 1-1795509403.14

The caller gets a BYE, or 503 when nobody has answered yet; what was talked is charged as always, and the CDR says that the
system has ended the call. The daemon's log tells who wanted it.`;

interface Options {
  readonly json?: boolean;
}

export function registerHangup(program: Command, context: CliContext): void {
  program
    .command('hangup <call...>')
    .description('end calls that are up, by their ids')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((calls: string[], options: Options) => run(context, calls, options));
}

/** The server's id, and the channel's unique id of Asterisk, as calls are named everywhere. */
const CALL_ID = /^(\d{1,5})-[\w.-]{1,100}$/;

async function run(context: CliContext, calls: readonly string[], { json }: Options): Promise<void> {
  const wrong = calls.find((call) => !CALL_ID.test(call));
  if (wrong !== undefined) throw new CommandError(`"${wrong}" is not the id of a call, such as 1-1795509403.14: \`calls --json\` shows them.`);
  const { redisUrl } = context.settings();
  const by = userInfo().username;
  const answers: { readonly call: string; readonly answer: CommandAnswer }[] = [];
  for (const call of new Set(calls)) {
    const answer = await sendCommand(redisUrl, { name: 'hangup', serverId: Number.parseInt(call, 10), by, fields: { call } }).catch((error: unknown) => {
      throw new CommandError(error instanceof Error ? error.message : String(error));
    });
    answers.push({ call, answer });
  }
  const lines = answers.map(({ call, answer }) => (answer.done ? `${call} is hung up.` : `${call} is not hung up. ${answer.reason}`));
  process.stdout.write(json === true ? `${JSON.stringify(answers.map(({ call, answer }) => ({ call, ...answer })))}\n` : `${lines.join('\n')}\n`);
  if (answers.some(({ answer }) => !answer.done)) process.exitCode = 1;
}
