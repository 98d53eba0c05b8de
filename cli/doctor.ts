/** `doctor`: looks at everything a call needs and says what to do about what is wrong. */
import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { asteriskChecks } from './doctor/asterisk.ts';
import { postgresChecks } from './doctor/postgres.ts';
import { redisChecks } from './doctor/redis.ts';
import type { Check } from './doctor/check.ts';
import { SettingsError } from '../config/load.ts';

const EXAMPLE = `
Examples:
  npm run -s tollgate -- doctor
  npm run -s tollgate -- doctor --json`;

export function registerDoctor(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('check settings, Postgres, Redis, Asterisk, dialplan and clocks; exit code 1 when something is wrong')
    .option('--json', 'for programs')
    .addHelpText('after', EXAMPLE)
    .action((options: { json?: boolean }) => examine(context, options.json === true));
}

async function checksOf(context: CliContext): Promise<readonly Check[]> {
  try {
    const settings = context.settings();
    const found = await Promise.all([postgresChecks(settings.postgresUrl), redisChecks(settings.redisUrl), ...settings.asterisk.map((one) => asteriskChecks(one, settings.app))]);
    return [{ about: 'settings', state: 'good', found: 'read', advice: '' }, ...found.flat()];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.problems.map((problem) => ({ about: 'settings', state: 'bad', found: problem, advice: 'see docs/CONFIG.md and config/sample.yaml' }));
  }
}

const MARKS = { good: 'ok  ', warn: 'warn', bad: 'BAD ' } as const;

async function examine(context: CliContext, json: boolean): Promise<void> {
  const checks = await checksOf(context);
  const bad = checks.filter((check) => check.state === 'bad').length;
  const warned = checks.filter((check) => check.state === 'warn').length;
  if (json) process.stdout.write(`${JSON.stringify({ ok: bad === 0, checks })}\n`);
  else {
    for (const check of checks) {
      process.stdout.write(`${MARKS[check.state]}  ${check.about}: ${check.found}\n`);
      if (check.advice !== '') process.stdout.write(`      -> ${check.advice}\n`);
    }
    process.stdout.write(bad === 0 ? `Nothing stands in the way of calls${warned > 0 ? `, ${warned} warnings` : ''}.\n` : `${bad} things to mend.\n`);
  }
  if (bad > 0) process.exitCode = 1;
}
