/**
 * Composition root and command line: the only reader of the environment.
 */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { CommandError } from './cli/context.ts';
import type { CliContext } from './cli/context.ts';
import { loadSettings, SettingsError } from './config/load.ts';
import type { Settings } from './config/schema.ts';

type Register = (program: Command, context: CliContext) => void;

/** Each command brings its own packages; only the one that was named is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  run: async () => (await import('./cli/run.ts')).registerRun,
  migrate: async () => (await import('./cli/migrate.ts')).registerMigrate,
  import: async () => (await import('./cli/import.ts')).registerImport,
  export: async () => (await import('./cli/export.ts')).registerExport,
  route: async () => (await import('./cli/route.ts')).registerRoute,
  calls: async () => (await import('./cli/calls.ts')).registerCalls,
  hangup: async () => (await import('./cli/hangup.ts')).registerHangup,
  spy: async () => (await import('./cli/spy.ts')).registerSpy,
  doctor: async () => (await import('./cli/doctor.ts')).registerDoctor,
  price: async () => (await import('./cli/price.ts')).registerPrice,
  did: async () => (await import('./cli/did.ts')).registerDid,
  topup: async () => (await import('./cli/topup.ts')).registerTopup,
  scores: async () => (await import('./cli/scores.ts')).registerScores,
  warnings: async () => (await import('./cli/warnings.ts')).registerWarnings,
  rerate: async () => (await import('./cli/rerate.ts')).registerRerate,
};

const DEFAULT_FILE = 'tollgate.yaml';

function settingsText(file: string | undefined): string {
  try {
    return readFileSync(file ?? DEFAULT_FILE, 'utf8');
  } catch (error) {
    // Without a file all may stand in the environment; a file that was named must be there.
    if (file === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new CommandError(`The settings file ${file ?? DEFAULT_FILE} cannot be read: ${(error as Error).message}`);
  }
}

function versionOf(): string {
  const text = ['package.json', '../package.json'].map((name) => new URL(name, import.meta.url)).flatMap((url) => {
    try {
      return [readFileSync(url, 'utf8')];
    } catch {
      return [];
    }
  })[0];
  return text === undefined ? '0.0.0' : (JSON.parse(text) as { version: string }).version;
}

async function main(): Promise<number> {
  const program = new Command('tollgate')
    .description('Real-time call control and rating for Asterisk')
    .version(versionOf())
    .option('-c, --config <file>', `settings file (default: $TOLLGATE_CONFIG, else ${DEFAULT_FILE})`)
    .showHelpAfterError('(--help shows what there is)');
  const settings = (): Settings => loadSettings(settingsText(program.opts<{ config?: string }>().config ?? process.env['TOLLGATE_CONFIG']), process.env);
  const context: CliContext = { settings, version: versionOf() };
  const named = process.argv.slice(2).find((word) => Object.hasOwn(COMMANDS, word));
  const loads = named === undefined ? Object.values(COMMANDS) : [COMMANDS[named]];
  for (const load of loads) (await load?.())?.(program, context);
  try {
    await program.parseAsync();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (!(error instanceof CommandError) && !(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

process.exitCode = await main();
