/** `migrate`: brings the database to the schema of this version. */
import type { Command } from 'commander';
import { CommandError } from './context.ts';
import type { CliContext } from './context.ts';
import { migrate } from '../store/migrate.ts';

const EXAMPLE = `
Example:
  npm run -s tollgate -- migrate`;

export function registerMigrate(program: Command, context: CliContext): void {
  program
    .command('migrate')
    .description('bring the database to the schema of this version; safe to repeat')
    .addHelpText('after', EXAMPLE)
    .action(async () => {
      const result = await migrated(context.settings().postgresUrl, (name) => say(`applied ${name}`));
      say(`The database has all ${result.present} migrations (${result.applied.length} new, ${result.partitionsMade} months of calls prepared).`);
    });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function migrated(postgresUrl: string, onApplied: (name: string) => void): ReturnType<typeof migrate> {
  try {
    return await migrate(postgresUrl, { onApplied });
  } catch (error) {
    throw new CommandError(`The database could not be migrated: ${error instanceof Error ? error.message : String(error)}`);
  }
}
