/**
 * Debian packages without touching the machine: apt with its own folders, its own empty list of installed packages and
 * one suite as its only source. The mirror, proxies and certificates are those the machine's apt is configured with.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

export type PackageSource = { suite: string; configFile: string; archives: string };

/** Where this machine's apt gets Debian from, or undefined where it has no such source. */
export function debianMirror(): string | undefined {
  let uris: string;
  try {
    // Needs neither the network nor lists: it prints what `update` would fetch.
    uris = execFileSync('apt-get', ['update', '--print-uris'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch {
    return undefined;
  }
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '';
  const suites = new Set([codename, 'stable', 'oldstable', 'testing', 'unstable', 'sid']);
  for (const line of uris.split('\n')) {
    const [, mirror, suite] = /^'(.+)\/dists\/([^/']+)\/(?:In)?Release'/.exec(line) ?? [];
    if (mirror !== undefined && suite !== undefined && suites.has(suite)) return mirror;
  }
  return undefined;
}

/** Fetches the suite's package list into `folder`. Rejects with CommandFailed when the mirror lacks the suite. */
export async function openPackageSource(folder: string, mirror: string, suite: string): Promise<PackageSource> {
  for (const part of ['state/lists/partial', 'cache/archives/partial']) mkdirSync(join(folder, part), { recursive: true });
  const keyring = ['gpg', 'pgp'].map((ending) => `/usr/share/keyrings/debian-archive-keyring.${ending}`).find(existsSync);
  const signedBy = keyring === undefined ? '' : `[signed-by=${keyring}] `;
  writeFileSync(join(folder, 'sources.list'), `deb ${signedBy}${mirror} ${suite} main\n`, { mode: 0o600 });
  writeFileSync(join(folder, 'status'), '');
  const configFile = join(folder, 'apt.conf');
  writeFileSync(configFile, aptConfiguration(folder), { mode: 0o600 });
  const source = { suite, configFile, archives: join(folder, 'cache', 'archives') };
  await apt(source, ['update']);
  return source;
}

/** Downloads the packages with all they depend on; resolves with the files. `onProgress` hears 0 to 100. */
export async function downloadPackages(
  source: PackageSource,
  packages: string[],
  onProgress: (percent: number) => void,
): Promise<string[]> {
  await apt(source, ['install', '--download-only', '--yes', '-o', 'APT::Status-Fd=1', ...packages], (line) => {
    const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
    if (percent !== undefined) onProgress(Number(percent));
  });
  return readdirSync(source.archives)
    .filter((name) => name.endsWith('.deb'))
    .map((name) => join(source.archives, name));
}

/** Downloads one package, without what it depends on, into `folder`; resolves with the file. */
export async function downloadPackage(source: PackageSource, name: string, folder: string): Promise<string> {
  const env = { ...process.env, APT_CONFIG: source.configFile, LC_ALL: 'C' };
  await runCommand('env', ['-C', folder, 'apt-get', '-q', 'download', name], { env });
  const file = readdirSync(folder).find((found) => found.startsWith(`${name}_`) && found.endsWith('.deb'));
  if (file === undefined) throw new Error(`The package ${name} did not come.`);
  return join(folder, file);
}

async function apt(source: PackageSource, args: string[], onLine?: (line: string) => void): Promise<void> {
  const env = { ...process.env, APT_CONFIG: source.configFile, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  await runCommand('apt-get', ['-q', '-o', 'APT::Update::Error-Mode=any', ...args], { env, ...(onLine && { onLine }) });
}

function aptConfiguration(folder: string): string {
  return `${[
    `Dir::State "${folder}/state";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    `Dir::Etc::SourceList "${folder}/sources.list";`,
    'Dir::Etc::SourceParts "/dev/null";',
    'Dir::Etc::Preferences "/dev/null";',
    'Dir::Etc::PreferencesParts "/dev/null";',
    // The machine's own configuration may hold hooks that act on the machine; only how to reach the mirror is taken.
    'Dir::Etc::Main "/dev/null";',
    'Dir::Etc::Parts "/dev/null";',
    ...connectionSettings(),
    // A mirror may be a frozen copy whose Release file has expired; it is signed all the same.
    'Acquire::Check-Valid-Until "false";',
    'Acquire::Languages "none";',
    'APT::Install-Recommends "false";',
    'APT::Sandbox::User "root";',
  ].join('\n')}\n`;
}

function connectionSettings(): string[] {
  const settings = execFileSync('apt-config', ['dump'], { encoding: 'utf8' }).split('\n');
  return settings.filter((line) => /^Acquire::(?:https?|ftp|Retries|ForceIPv4)\b/i.test(line));
}
