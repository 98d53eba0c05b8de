/**
 * `run --watchdog SECONDS`: this process runs the daemon as its child and looks whether it still lives. One that is alive
 * but answers nothing (frozen, in an endless loop) is killed and replaced; one that ends by itself ends this process too,
 * for systemd or Docker to decide.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';

/** Between the child and its watcher; whoever does not know it, ignores it. */
const ALIVE = 'alive';
const EVERY_MS = 500;
/** The first sign comes after all is loaded. */
const START_MS = 60_000;

/** The child's side: as long as its event loop turns, it says so. Without a watcher any more it ends in order. */
export function sayAlive(): void {
  if (process.send === undefined) return;
  const timer = setInterval(() => process.send?.(ALIVE), EVERY_MS).unref();
  process.once('disconnect', () => {
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  });
  process.send(ALIVE);
}

/** Resolves with the exit code of a child that ended by itself. */
export async function watchOver(args: readonly string[], seconds: number, log: Logger): Promise<number> {
  let child: ChildProcess;
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stopping = true;
      child.kill(signal);
    });
  }
  for (;;) {
    child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const code = await ended(child, seconds * 1000);
    if (code !== null) return code;
    if (stopping) return 137;
    log.error({ pid: child.pid, seconds }, 'The daemon answers nothing: it is killed and replaced');
  }
}

/** null: it was silent for too long, and is killed. */
function ended(child: ChildProcess, silentMs: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    let silent = false;
    const kill = (): void => {
      silent = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(kill, Math.max(START_MS, silentMs));
    child.on('message', () => {
      clearTimeout(timer);
      timer = setTimeout(kill, silentMs);
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      // As a shell tells it: killed by a signal that nobody here has sent.
      resolve(silent ? null : (code ?? (signal === null ? 1 : 128)));
    });
  });
}
