/** `run`: the daemon. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { pino } from 'pino';
import type { Logger } from 'pino';
import { isReady, startHealth } from '../api/health.ts';
import type { HealthServer } from '../api/health.ts';
import type { CliContext } from './context.ts';
import { Engine } from '../engine/engine.ts';
import type { EngineHealth } from '../engine/engine.ts';
import type { Warnings } from '../jobs/warnings.ts';
import type { Settings } from '../config/schema.ts';
import { parseMoney } from '../rating/money.ts';
import { openStore } from '../store/open.ts';
import type { StoreHealth } from '../store/open.ts';
import { CommandListener } from '../store/redis/commands.ts';
import { sayAlive, watchOver } from './watchdog.ts';

const EXAMPLE = `
Example:
  npm run -s tollgate -- run
  node dist/main.js run --watchdog 10
  TOLLGATE_CONFIG=/etc/tollgate/tollgate.yaml node dist/main.js run`;

export function registerRun(program: Command, context: CliContext): void {
  program
    .command('run')
    .description('attach to Asterisk and lead its calls; SIGTERM lets running calls end, then stops')
    .option('--watchdog <seconds>', 'kill and replace the daemon when it answers nothing for so long', watchdogSeconds)
    .addHelpText('after', EXAMPLE)
    .action(async ({ watchdog }: { watchdog?: number }) => (watchdog === undefined ? run(context.settings(), context.version) : watched(context.settings(), watchdog)));
}

/** Lines are written together: a system call for each cost an eighth of the engine's CPU at 100 calls a second. */
const LOG_BUFFER = { dest: 1, sync: false, minLength: 4096, periodicFlush: 200 } as const;

function logOf(settings: Settings): Logger {
  const destination = pino.destination(LOG_BUFFER);
  process.on('exit', () => destination.flushSync());
  // The settings hold passwords; whatever might carry them is cut out of every line.
  return pino({ level: settings.logLevel, redact: { paths: ['password', 'secret', '*.password', '*.secret', 'err.request.body'], censor: '[hidden]' } }, destination);
}

function watchdogSeconds(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 2 || seconds > 3600) throw new InvalidArgumentError('It must be a whole number of seconds, 2 to 3600.');
  return seconds;
}

/** The same command without the watchdog, as a child. */
async function watched(settings: Settings, seconds: number): Promise<void> {
  const args = process.argv.slice(1);
  const at = args.findIndex((arg) => arg === '--watchdog' || arg.startsWith('--watchdog='));
  args.splice(at, args[at] === '--watchdog' ? 2 : 1);
  process.exitCode = await watchOver(args, seconds, pino({ level: settings.logLevel }));
  process.exit();
}

interface FullReport {
  readonly draining: boolean;
  readonly store: StoreHealth;
  readonly engine: EngineHealth;
  readonly warnings: ReturnType<Warnings['health']> | null;
}

async function run(settings: Settings, version: string): Promise<void> {
  const log = logOf(settings);
  sayAlive();
  // Off, it is not even loaded; loaded, it is before anything waits for an answer.
  const WarningsOf = settings.warnings.sweepMinutes === 0 ? null : (await import('../jobs/warnings.ts')).Warnings;
  const metrics = settings.health.port === 0 || !settings.health.metrics ? null : new (await import('../api/metrics.ts')).Metrics(version);
  const store = openStore({
    postgresUrl: settings.postgresUrl,
    redisUrl: settings.redisUrl,
    priceDecimals: settings.calls.priceDecimals,
    flashAlarm: settings.calls.flashAlarmPerHour,
    qualityWindowMinutes: settings.quality.windowMinutes,
    blacklist: settings.blacklist,
    closedDidDays: settings.dids.closedDays, reconcileEveryMs: settings.reconcileEveryS * 1000,
    settleBatch: settings.settle.batch,
    settleEveryMs: settings.settle.everyMs,
    mostBacklog: settings.settle.mostBacklog,
    redisAway: { policy: settings.redisAway.policy, bound: parseMoney(settings.redisAway.bound.toFixed(4)) },
    eventsKeep: settings.events.keep,
    log,
  });
  const engine = new Engine(settings, store, log, metrics ?? undefined);
  store.onCatalogChange(() => engine.catalogChanged());
  const { postgresUrl, redisUrl, mail, webhook } = settings;
  const commands = new CommandListener({ redisUrl, daemon: engine.daemon, obey: async (command) => engine.obey(command), log });
  const warnings = WarningsOf === null ? null : new WarningsOf({ postgresUrl, redisUrl, sweepMinutes: settings.warnings.sweepMinutes, mail, webhook, log });
  let draining = false;
  const report = (): FullReport => ({ draining, store: store.health(), engine: engine.health(), warnings: warnings?.health() ?? null });
  metrics?.watch(() => {
    const now = report();
    return { ready: isReady(now), ...now, figures: engine.figures() };
  });
  const health = await startHealth(settings.health, report, metrics);
  log.info({ health: health?.url ?? null }, 'Tollgate is up');
  const signal = await terminated();
  draining = true;
  log.info({ signal }, 'Stopping');
  await Promise.all([stop(engine, store, health), warnings?.close()]);
  commands.close();
  log.info({}, 'Stopped');
  // All is handed over; timers of the drain would keep the process for as long as it might have lasted.
  process.exit(0);
}

/** A second signal ends the process at once. */
function terminated(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        process.once(signal, () => process.exit(130));
        resolve(signal);
      });
    }
  });
}

async function stop(engine: Engine, store: ReturnType<typeof openStore>, health: HealthServer | null): Promise<void> {
  await engine.stop();
  await health?.close();
  await store.close();
}
