/**
 * A new, empty Postgres cluster. Initialising one takes a second of CPU, copying one a tenth: the first is kept in
 * the private root and copied by later runs.
 */

import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Programs } from './programs.ts';
import { runCommand } from './run-command.ts';

/** Superuser of every lab cluster. */
export const POSTGRES_USER = 'tollgate';

/** Makes the cluster in the folder `cluster`, which must not exist yet; resolves with the superuser's password. */
export async function makeCluster(programs: Programs, cluster: string): Promise<string> {
  const kept = programs.clusterCache;
  if (kept !== undefined && existsSync(kept)) {
    await copy(join(kept, 'cluster'), cluster);
    return readFileSync(join(kept, 'password'), 'utf8');
  }
  const password = randomBytes(12).toString('hex');
  await initialise(programs, cluster, password);
  if (kept !== undefined) await keep(cluster, password, kept);
  return password;
}

async function initialise(programs: Programs, cluster: string, password: string): Promise<void> {
  const passwordFile = `${cluster}.password`;
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (programs.postgresUid !== undefined) chownSync(passwordFile, programs.postgresUid, programs.postgresUid);
  const options = [
    ['--pgdata', cluster, '--username', POSTGRES_USER, '--auth', 'scram-sha-256', '--pwfile', passwordFile],
    ['--encoding', 'UTF8', '--locale', 'C.UTF-8', '--wal-segsize', '4', '--no-sync', '--no-instructions'],
  ].flat();
  const init = programs.command('initdb', options, { asPostgres: true });
  await runCommand(init.file, init.args);
}

async function keep(cluster: string, password: string, kept: string): Promise<void> {
  const unfinished = `${kept}.${process.pid}`;
  mkdirSync(unfinished, { mode: 0o700 });
  await copy(cluster, join(unfinished, 'cluster'));
  writeFileSync(join(unfinished, 'password'), password, { mode: 0o600 });
  try {
    renameSync(unfinished, kept);
  } catch {
    rmSync(unfinished, { recursive: true, force: true }); // Another run was faster.
  }
}

/** With owners and modes; blocks are shared where the file system can. */
async function copy(from: string, to: string): Promise<void> {
  await runCommand('cp', ['-a', '--reflink=auto', from, to]);
}
