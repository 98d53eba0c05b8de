/** One running server program: ends with this process, can be stopped, killed, frozen and thawed. */

import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { labFolder, forgetProcess, recordProcess } from './lab-folder.ts';
import { familyOf, identify, signalQuietly } from './process-identity.ts';
import { until, withTimeout, type Reason } from './wait.ts';

const START_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 10_000;
const LOG_TAIL_CHARACTERS = 3000;

export type ServerStart = {
  /** For messages: "postgres". */
  name: string;
  command: { file: string; args: string[] };
  /** Where it runs; the lab's folder when left out. */
  folder?: string;
  /** Receives stdout and stderr. */
  logFile: string;
  /** What is still missing until it serves. */
  whyNotReady: () => Promise<Reason>;
  startTimeoutMs?: number;
  /** Added to this process's own environment. */
  environment?: Record<string, string>;
};

export class ServerProcess {
  readonly name: string;
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #frozen: number[] = [];

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.pid = child.pid ?? 0;
    this.#child = child;
    this.#ended = new Promise((done) => child.once('exit', () => done()));
    this.#ended.finally(() => forgetProcess(this.pid)).catch(() => undefined);
  }

  /** Resolves when it serves. Rejects with the end of its log when it ends first or is not ready in time. */
  static async start(start: ServerStart): Promise<ServerProcess> {
    const log = openSync(start.logFile, 'a');
    // A session of its own: Ctrl-C on the terminal ends this process, which then ends the servers in order.
    const child = spawn(start.command.file, start.command.args, {
      stdio: ['ignore', log, log],
      cwd: start.folder ?? labFolder(),
      env: { ...process.env, ...start.environment },
      detached: true,
    });
    closeSync(log);
    const failed = new Promise<never>((_, fail) => child.once('error', fail));
    const server = new ServerProcess(start.name, child);
    if (server.pid !== 0) recordProcess(server.pid);
    child.unref();
    try {
      await Promise.race([failed, server.#ready(start)]);
    } catch (error) {
      server.#signal('SIGKILL');
      const log = readFileSync(start.logFile, 'utf8').slice(-LOG_TAIL_CHARACTERS);
      throw new Error(`${start.name} did not start. ${(error as Error).message}\n${log}`, { cause: error });
    }
    return server;
  }

  /** Resolves when it has ended, by whatever. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Asks it to end; kills it when it does not within ten seconds. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.resume();
    if (this.running) this.#signal(signal);
    try {
      await withTimeout(() => `${this.name} still runs`, this.#ended, STOP_TIMEOUT_MS);
    } catch {
      await this.kill();
    }
  }

  /** SIGKILL, as when a machine's memory runs out. Resolves when its children are gone too. */
  async kill(): Promise<void> {
    const family = familyOf(this.pid);
    if (this.running) this.#signal('SIGKILL');
    // Children of a frozen server cannot notice that their parent is gone.
    this.#frozen.filter((pid) => family.includes(pid)).forEach((pid) => signalQuietly(pid, 'SIGKILL'));
    this.#frozen = [];
    await withTimeout(() => `${this.name} survives SIGKILL`, this.#ended);
    await until(() => (family.some((pid) => identify(pid) !== undefined) ? `children of ${this.name} still run` : undefined));
  }

  /** Freezes it with all its children: connections stay open and nothing answers. */
  pause(): void {
    this.#frozen = familyOf(this.pid);
    this.#frozen.forEach((pid) => {
      recordProcess(pid);
      signalQuietly(pid, 'SIGSTOP');
    });
  }

  resume(): void {
    for (const pid of this.#frozen) {
      signalQuietly(pid, 'SIGCONT');
      if (pid !== this.pid) forgetProcess(pid);
    }
    this.#frozen = [];
  }

  async #ready(start: ServerStart): Promise<void> {
    const whyNot = async (): Promise<Reason> => (this.running ? start.whyNotReady() : undefined);
    const serves = until(whyNot, { timeoutMs: start.startTimeoutMs ?? START_TIMEOUT_MS });
    await Promise.race([this.#ended, serves]);
    if (!this.running) throw new Error('It ended at once.');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid !== 0) signalQuietly(this.pid, signal);
  }
}
