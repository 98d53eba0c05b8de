/**
 * The folder that holds all a run starts: server files, and a record of every process. It goes with the run; what a
 * killed run left behind is cleared by the next one, which finds it by these records.
 */

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { familyOf, fateOf, identify, killIfSame, signalQuietly, type ProcessIdentity } from './process-identity.ts';

const PREFIX = 'tollgate-lab-';

let folder: string | undefined;
const counters = new Map<string, number>();

/** Made at first use, after clearing what dead runs left. */
export function labFolder(): string {
  if (folder !== undefined) return folder;
  clearDeadRuns();
  folder = mkdtempSync(join(tmpdir(), PREFIX));
  chmodSync(folder, 0o711); // Postgres runs as another user and must get through to its own folder.
  writeFileSync(join(folder, 'owner.json'), JSON.stringify(identify(process.pid)));
  mkdirSync(join(folder, 'processes'));
  endWithTheProcess();
  return folder;
}

/** A new folder such as `postgres-1` in the lab's. */
export function newFolder(kind: string): string {
  const number = (counters.get(kind) ?? 0) + 1;
  counters.set(kind, number);
  const path = join(labFolder(), `${kind}-${number}`);
  mkdirSync(path);
  return path;
}

export function recordProcess(pid: number): void {
  const identity = identify(pid);
  if (identity !== undefined) writeFileSync(recordOf(labFolder(), pid), JSON.stringify(identity));
}

export function forgetProcess(pid: number): void {
  rmSync(recordOf(labFolder(), pid), { force: true });
}

/** Clears the folders of runs whose process is dead, ending the recorded processes that are still the same ones. */
export function clearDeadRuns(): string[] {
  const cleared: string[] = [];
  for (const name of readdirSync(tmpdir())) {
    const path = join(tmpdir(), name);
    if (!name.startsWith(PREFIX) || !isMine(path)) continue;
    const owner = readIdentity(join(path, 'owner.json'));
    if (owner === undefined || fateOf(owner) !== 'dead') continue;
    recordsIn(path).forEach(killIfSame);
    removeFolder(path);
    cleared.push(path);
  }
  return cleared;
}

/** Ends what runs and removes the folder, in one go: for the moment this process ends, however it does. */
function endLab(): void {
  if (folder === undefined) return;
  for (const record of recordsIn(folder)) {
    // Its family too: the children of a frozen server are frozen and would not notice that it is gone.
    if (fateOf(record) === 'alive') familyOf(record.pid).forEach((pid) => signalQuietly(pid, 'SIGKILL'));
  }
  removeFolder(folder);
}

function endWithTheProcess(): void {
  process.once('exit', endLab);
  for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    // A program with a handler of its own says itself when it ends.
    process.on(signal, () => {
      if (process.listenerCount(signal) === 1) process.exit(status);
    });
  }
}

function isMine(path: string): boolean {
  try {
    return statSync(path).uid === (process.getuid?.() ?? statSync(path).uid);
  } catch {
    return false; // Gone in the meantime.
  }
}

function recordOf(path: string, pid: number): string {
  return join(path, 'processes', String(pid));
}

function recordsIn(path: string): ProcessIdentity[] {
  try {
    const names = readdirSync(join(path, 'processes'));
    return names.map((name) => readIdentity(join(path, 'processes', name))).filter((record) => record !== undefined);
  } catch {
    return [];
  }
}

function readIdentity(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}

function removeFolder(path: string): void {
  try {
    // A server just killed may still write its last file.
    rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  } catch {
    // The next run finds the folder again.
  }
}
