/** Tollgate itself as a process of its own, for the lab, the demo and tests that kill it. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newFolder } from './lab-folder.ts';
import { freePort } from './ports.ts';
import { ServerProcess } from './server-process.ts';
import type { Asterisk } from './asterisk.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const SETPRIV = '/usr/bin/setpriv';
/** Its TypeScript is compiled as it is loaded: two seconds, on a busy machine ten times as long. */
const START_TIMEOUT_MS = 60_000;

/** In the lab callers, far ends and databases share the processors with Asterisk: how long it takes tells of them, not of its calls. */
export const SLOW_IS_NO_OVERLOAD = { delayMs: 0 } as const;

export type EngineOptions = {
  postgresUrl: string;
  redisUrl: string;
  /** Their numbers in CDRs and counters are 1, 2 ... in this order. */
  asterisks: Asterisk[];
  /** Compiled main.js, as it is deployed; without it, the TypeScript of this checkout. */
  compiled?: string;
  /** Replaced when it answers nothing for so many seconds. */
  watchdogS?: number;
  /** A file of JavaScript that is loaded before it, and what that finds in its environment. */
  preload?: { file: string; environment: Record<string, string> };
  /** More settings, by their names in config/sample.yaml. */
  settings?: Record<string, unknown>;
};

export class EngineProcess {
  /** Answers `/ready`, `/health` and what else the health server has. */
  readonly healthUrl: string;
  readonly settingsFile: string;
  /** JSON lines. */
  readonly logFile: string;
  readonly #start: () => Promise<ServerProcess>;
  #server: ServerProcess;

  constructor(at: { healthUrl: string; settingsFile: string; logFile: string }, server: ServerProcess, start: () => Promise<ServerProcess>) {
    this.healthUrl = at.healthUrl;
    this.settingsFile = at.settingsFile;
    this.logFile = at.logFile;
    this.#server = server;
    this.#start = start;
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** What it logged so far; lines that are not JSON (a crash's last words) come as `{ text }`. */
  log(): Record<string, unknown>[] {
    const lines = readFileSync(this.logFile, 'utf8').split('\n').filter((line) => line !== '');
    return lines.map((line) => (line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : { text: line }));
  }

  /** Lets running calls end, as far as its drain time allows. */
  async stop(): Promise<void> {
    await this.#server.stop('SIGTERM');
  }

  /** SIGKILL: calls go on in Asterisk without it. */
  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Resolves when it has ended, by whatever. */
  get ended(): Promise<void> {
    return this.#server.ended;
  }

  pause(): void {
    this.#server.pause();
  }

  resume(): void {
    this.#server.resume();
  }

  /** After stop() or kill(), with the same settings. */
  async start(): Promise<void> {
    this.#server = await this.#start();
  }
}

/** Resolves when it is attached to every Asterisk and has its catalog. The database must be migrated. */
export async function startEngine(options: EngineOptions): Promise<EngineProcess> {
  const folder = newFolder('engine');
  const healthPort = await freePort();
  const settingsFile = join(folder, 'tollgate.yaml');
  // JSON is YAML as well.
  writeFileSync(settingsFile, JSON.stringify(settingsOf(options, healthPort), undefined, 2), { mode: 0o600 });
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  const logFile = join(folder, 'engine.log');
  const { preload, compiled } = options;
  const program = [
    ...(preload === undefined ? [] : [`--import=${preload.file}`]),
    ...(compiled === undefined ? ['--import=tsx', join(PROJECT, 'main.ts')] : ['--enable-source-maps', compiled]),
  ];
  const node = [process.execPath, ...program, '--config', settingsFile, 'run', ...(options.watchdogS === undefined ? [] : ['--watchdog', String(options.watchdogS)])];
  const [file = '', ...args] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', ...node] : node;
  const start = async (): Promise<ServerProcess> =>
    ServerProcess.start({
      name: 'tollgate',
      command: { file, args },
      folder: PROJECT,
      logFile,
      startTimeoutMs: START_TIMEOUT_MS,
      ...(preload === undefined ? {} : { environment: preload.environment }),
      whyNotReady: async () => {
        const answer = await fetch(`${healthUrl}/ready`);
        return answer.ok ? undefined : await answer.text();
      },
    });
  return new EngineProcess({ healthUrl, settingsFile, logFile }, await start(), start);
}

/** The one place of the lab that knows Tollgate's settings by name. */
function settingsOf(options: EngineOptions, healthPort: number): Record<string, unknown> {
  return {
    postgresUrl: options.postgresUrl,
    redisUrl: options.redisUrl,
    asterisk: options.asterisks.map((asterisk, index) => ({
      id: index + 1,
      url: asterisk.ariUrl,
      username: asterisk.ariUser,
      password: asterisk.ariPassword,
      witness: asterisk.celFile,
      ami: { url: `tcp://${asterisk.host}:${asterisk.amiPort}`, username: asterisk.amiUser, secret: asterisk.amiPassword },
    })),
    health: { host: '127.0.0.1', port: healthPort },
    overload: SLOW_IS_NO_OVERLOAD,
    ...options.settings,
  };
}
