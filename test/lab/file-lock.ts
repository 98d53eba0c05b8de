/** A lock between processes: a file that names its holder, so that a killed holder's lock is taken over. */

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { fateOf, identify, type ProcessIdentity } from './process-identity.ts';
import { pause } from './wait.ts';

const POLL_MS = 250;

/** Runs `work` while holding the lock. `onWait` is called once if somebody else holds it. */
export async function withLock<T>(lock: { file: string; onWait: () => void }, work: () => Promise<T>): Promise<T> {
  let waited = false;
  while (!take(lock.file)) {
    if (!waited) lock.onWait();
    waited = true;
    await pause(POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(lock.file, { force: true });
  }
}

function take(file: string): boolean {
  try {
    writeFileSync(file, JSON.stringify(identify(process.pid)), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = holderOf(file);
  if (holder === undefined || fateOf(holder) !== 'dead') return false;
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    // Another waiter may have replaced the dead holder's lock by its own in between: then it gets it back.
    if (holderOf(aside)?.startedAt === holder.startedAt) rmSync(aside);
    else renameSync(aside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return false;
}

function holderOf(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined; // Just released, or not written out yet.
  }
}
