/** Tells a process from a later one with the same number, so that only what a run really left behind is ever killed. */

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

export type ProcessIdentity = {
  pid: number;
  /** Start time in the system's own words; compared, never computed with. */
  startedAt: string;
  /** Pids mean something only within one boot and one pid namespace (containers may share /tmp). */
  boot: string;
  namespace: string;
};

export function identify(pid: number): ProcessIdentity | undefined {
  const startedAt = startOf(pid);
  if (startedAt === undefined) return undefined;
  return { pid, startedAt, boot: currentBoot(), namespace: currentNamespace() };
}

/** `elsewhere`: a process of another container, about which nothing can be said. */
export function fateOf(identity: ProcessIdentity): 'alive' | 'dead' | 'elsewhere' {
  if (identity.boot !== currentBoot()) return 'dead';
  if (identity.namespace !== currentNamespace()) return 'elsewhere';
  return startOf(identity.pid) === identity.startedAt ? 'alive' : 'dead';
}

/** Kills exactly this process; a stranger under its number is left alone. */
export function killIfSame(identity: ProcessIdentity): void {
  if (fateOf(identity) === 'alive') signalQuietly(identity.pid, 'SIGKILL');
}

export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The process and everything under it, parents first. */
export function familyOf(pid: number): number[] {
  const parents = parentsOfAll();
  const family = [pid];
  // The list grows while it is walked: children of children are found in the same pass.
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const fields = statOf(pid);
    // A zombie has ended; its parent has only not asked yet.
    return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined;
  }
}

/** Fields of proc(5) `stat` from the third on; the second, the command, may itself hold spaces and parentheses. */
function statOf(pid: number): string[] | undefined {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return line.slice(line.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function parentsOfAll(): Map<number, number> {
  const parents = new Map<number, number>();
  if (process.platform === 'linux') {
    for (const name of readdirSync('/proc')) {
      const fields = /^\d+$/.test(name) ? statOf(Number(name)) : undefined;
      if (fields !== undefined) parents.set(Number(name), Number(fields[1]));
    }
    return parents;
  }
  for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).split('\n')) {
    const [pid, parent] = line.trim().split(/\s+/).map(Number);
    if (pid !== undefined && parent !== undefined) parents.set(pid, parent);
  }
  return parents;
}

function currentBoot(): string {
  return process.platform === 'linux' ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : 'boot';
}

function currentNamespace(): string {
  return process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : 'host';
}
