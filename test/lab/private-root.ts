/**
 * The private root: a folder with Debian's Asterisk, Postgres, Redis and SIPp and the libraries under them, which the
 * lab's servers run in. Stable Debian has no Asterisk and the newer one's libraries do not fit a stable system, hence a
 * root of its own. Packages are only unpacked: nothing of what they would do at installation is needed, and a root
 * unpacked by apt and tar is made in half the time that a bootstrap with dpkg takes.
 */

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir } from 'node:os';
import { basename, join } from 'node:path';
import { withLock } from './file-lock.ts';
import { debianMirror, downloadPackages, openPackageSource, type PackageSource } from './package-source.ts';
import { Progress } from './progress.ts';
import { CommandFailed } from './run-command.ts';

export const POSTGRES_UID = 971;

/** A root of an older recipe that nobody has used for so long goes when a new one is made. */
const FORGET_AFTER_MS = 14 * 24 * 3600 * 1000;

/** Everything that shapes the root: a change of any of it makes another root beside the old one. */
const RECIPE = {
  suites: ['forky', 'sid'],
  packages: ['asterisk', 'asterisk-core-sounds-en-gsm', 'postgresql', 'redis-server', 'sip-tester'],
  // What the servers call, and what Debian takes for granted and thus nothing depends on.
  basics: ['base-files', 'coreutils', 'dash', 'libc-bin', 'util-linux'],
  leftOut: ['./usr/share/doc', './usr/share/man', './usr/share/info', './usr/share/locale', './usr/share/i18n'],
  files: {
    'etc/passwd': `root:x:0:0:root:/root:/bin/sh\npostgres:x:${POSTGRES_UID}:${POSTGRES_UID}::/:/bin/sh\n`,
    'etc/group': `root:x:0:\npostgres:x:${POSTGRES_UID}:\n`,
    'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
    'etc/hosts': '127.0.0.1 localhost\n',
  },
  // Made by Debian's alternatives at installation.
  links: { 'usr/share/asterisk/sounds/en': 'en_US_f_Allison' },
};

export function canUsePrivateRoot(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || debianMirror() === undefined) return false;
  // A container may be root and yet not be allowed to mount.
  return spawnSync('unshare', ['--mount', '--ipc', 'true'], { stdio: 'ignore' }).status === 0;
}

/** The root's folder; builds it first when there is none yet (about half a minute on two cores). */
export async function ensurePrivateRoot(): Promise<string> {
  const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tollgate');
  const version = createHash('sha256').update(JSON.stringify(RECIPE)).digest('hex').slice(0, 12);
  const root = join(cache, `root-${version}`);
  mkdirSync(cache, { recursive: true });
  const lock = { file: `${root}.lock`, onWait: () => process.stderr.write('Another run builds the private root; waiting for it ...\n') };
  if (!existsSync(root)) {
    await withLock(lock, async () => {
      if (!existsSync(root)) await build(root);
      forgetOldRoots(cache);
    });
  }
  const now = new Date();
  utimesSync(root, now, now);
  return root;
}

function forgetOldRoots(cache: string): void {
  const roots = readdirSync(cache).filter((name) => /^root-[0-9a-f]{12}$/.test(name)).map((name) => join(cache, name));
  for (const root of roots) {
    if (Date.now() - statSync(root).mtimeMs > FORGET_AFTER_MS) rmSync(root, { recursive: true, force: true });
  }
}

async function build(root: string): Promise<void> {
  const started = performance.now();
  const unfinished = `${root}.unfinished`;
  process.stderr.write(`Making a private root with Asterisk, Postgres, Redis and SIPp in ${root} (once, about a minute)\n`);
  rmSync(unfinished, { recursive: true, force: true });
  const progress = new Progress();
  try {
    const source = await openNewestSource(join(unfinished, 'apt'), progress);
    const packages = await downloadPackages(source, [...RECIPE.basics, ...RECIPE.packages], (percent) =>
      progress.show('downloading packages', `${Math.round(percent)} %`),
    );
    const tree = join(unfinished, 'root');
    mkdirSync(tree);
    await unpackAll(packages, tree, progress);
    for (const [path, content] of Object.entries(RECIPE.files)) writeFileSync(join(tree, path), content);
    for (const [path, target] of Object.entries(RECIPE.links)) symlinkSync(target, join(tree, path));
    // The archive brought a date of its own along.
    const now = new Date();
    utimesSync(tree, now, now);
    // Only a complete root ever bears the final name.
    renameSync(tree, root);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
  progress.done(`Private root made in ${Math.round((performance.now() - started) / 1000)} s`);
}

/** Of the newest Debian that has what the lab needs. */
export async function openNewestSource(folder: string, progress: Progress): Promise<PackageSource> {
  const mirror = debianMirror();
  if (mirror === undefined) throw new Error('The sources of this machine\'s apt hold no Debian mirror.');
  let failure: unknown;
  for (const suite of RECIPE.suites) {
    try {
      const opened = openPackageSource(join(folder, suite), mirror, suite);
      return await progress.during(`reading the package list of ${suite}`, opened);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      failure = error;
    }
  }
  throw failure;
}

function isFirst(file: string): boolean {
  return basename(file).startsWith('base-files_');
}

async function unpackAll(packages: string[], tree: string, progress: Progress): Promise<void> {
  // base-files first: it brings the links /bin, /lib and /sbin, which must not become folders of their own.
  for (const file of packages.filter(isFirst)) await unpack(file, tree);
  const waiting = packages.filter((file) => !isFirst(file));
  const total = waiting.length;
  const worker = async (): Promise<void> => {
    for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
      progress.show('unpacking', `${total - waiting.length} of ${total} packages`);
      await unpack(file, tree);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
}

async function unpack(file: string, tree: string): Promise<void> {
  const reader = spawn('dpkg-deb', ['--fsys-tarfile', file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const excludes = RECIPE.leftOut.map((path) => `--exclude=${path}`);
  const writer = spawn('tar', ['-x', '-C', tree, '--keep-directory-symlink', ...excludes], { stdio: ['pipe', 'inherit', 'inherit'] });
  reader.stdout.pipe(writer.stdin);
  writer.stdin.on('error', () => undefined); // tar's exit status tells.
  const statuses = await Promise.all(
    [reader, writer].map(
      (child) =>
        new Promise<number | null>((done, fail) => {
          child.once('error', fail);
          child.once('close', done);
        }),
    ),
  );
  if (statuses.some((status) => status !== 0)) throw new Error(`${basename(file)} could not be unpacked into ${tree}`);
}
