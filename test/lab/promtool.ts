/**
 * Prometheus' own checker, for the test of metrics and alert rules: this machine's, or Debian's, kept in the cache folder beside
 * the private root. Only that test fetches it (17 MB), as nothing else needs it.
 */

import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { withLock } from './file-lock.ts';
import { debianMirror, downloadPackage } from './package-source.ts';
import { openNewestSource } from './private-root.ts';
import { Progress } from './progress.ts';
import { runCommand } from './run-command.ts';

/** null: it is not here, and cannot be fetched. */
export async function findPromtool(): Promise<string | null> {
  const own = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'promtool')).find(existsSync);
  if (own !== undefined) return own;
  if (process.platform !== 'linux' || debianMirror() === undefined) return null;
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tollgate');
  const file = join(cache, 'promtool');
  mkdirSync(cache, { recursive: true });
  if (!existsSync(file)) {
    await withLock({ file: `${file}.lock`, onWait: () => process.stderr.write('Another run fetches promtool; waiting for it ...\n') }, async () => {
      if (!existsSync(file)) await fetchInto(file);
    });
  }
  return file;
}

async function fetchInto(file: string): Promise<void> {
  const unfinished = `${file}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished);
  try {
    const source = await openNewestSource(join(unfinished, 'apt'), new Progress());
    const archive = await downloadPackage(source, 'promtool', unfinished);
    await runCommand('dpkg-deb', ['-x', archive, join(unfinished, 'tree')]);
    renameSync(join(unfinished, 'tree/usr/bin/promtool'), file);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
