/** Where the servers' programs come from: the private root, or this machine when a root cannot be used. */

import { accessSync, constants, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { POSTGRES_UID, canUsePrivateRoot, ensurePrivateRoot } from './private-root.ts';

const PROGRAMS = ['asterisk', 'postgres', 'initdb', 'redis-server', 'sipp'] as const;
export type ProgramName = (typeof PROGRAMS)[number];

export type Programs = {
  /** One line for people: which programs these are. */
  origin: string;
  /** Where an initialised Postgres cluster may be kept for the next run; undefined: nowhere. */
  clusterCache: string | undefined;
  /** Owner of a folder that Postgres writes to; undefined when this process's own user serves. */
  postgresUid: number | undefined;
  /** What to spawn to run the program, so that it dies with this process. */
  command(program: ProgramName, args: string[], options?: CommandOptions): { file: string; args: string[] };
};

export type CommandOptions = {
  /** Postgres refuses to run as root. */
  asPostgres?: boolean;
  /** Working folder, within the lab's. */
  folder?: string;
};

const PACKAGES: Record<ProgramName, string> = {
  asterisk: 'asterisk (20.14, 21.9, 22.4 or newer)',
  postgres: 'postgresql',
  initdb: 'postgresql',
  'redis-server': 'redis-server',
  sipp: 'sip-tester',
};

let found: Promise<Programs> | undefined;

/** Found once per process. The private root is made when it is missing; LAB_PROGRAMS=path takes this machine's programs. */
export async function findPrograms(labFolder: string): Promise<Programs> {
  found ??= process.env['LAB_PROGRAMS'] !== 'path' && canUsePrivateRoot() ? inRoot(labFolder) : Promise.resolve(onPath());
  return found;
}

async function inRoot(labFolder: string): Promise<Programs> {
  const root = await ensurePrivateRoot();
  const enter = fileURLToPath(new URL('enter-root.sh', import.meta.url));
  writeFileSync(join(labFolder, 'hosts'), `127.0.0.1 localhost ${hostname()}\n`);
  const postgresFolder = join(root, 'usr/lib/postgresql');
  const postgresVersion = readdirSync(postgresFolder)[0] ?? '';
  const PATH = `/usr/bin:/usr/sbin:/usr/lib/postgresql/${postgresVersion}/bin`;
  return {
    origin: root,
    // Inside, since it fits this very Postgres only.
    clusterCache: join(root, 'var/lib/tollgate-cluster'),
    postgresUid: POSTGRES_UID,
    command: (program, args, { asPostgres = false, folder = labFolder } = {}) => ({
      file: 'setpriv',
      // The death signal twice: a change of user takes it away, and so the inner setpriv sets it again.
      args: [
        ['--pdeathsig', 'KILL', 'unshare', '--mount', '--ipc', 'sh', enter, root, labFolder],
        ['env', '-C', folder, `PATH=${PATH}`, 'LC_ALL=C.UTF-8', 'TZ=UTC', 'setpriv', ...identityOptions(asPostgres ? POSTGRES_UID : undefined)],
        [program, ...args],
      ].flat(),
    }),
  };
}

function onPath(): Programs {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', ...postgresFolders()];
  const files = new Map<ProgramName, string>();
  for (const program of PROGRAMS) {
    const file = folders.map((folder) => join(folder, program)).find(isExecutable);
    if (file !== undefined) files.set(program, file);
  }
  const missing = PROGRAMS.filter((program) => !files.has(program));
  if (missing.length > 0) refuse(missing);
  const setpriv = folders.map((folder) => join(folder, 'setpriv')).find(isExecutable);
  const postgresUid = process.getuid?.() === 0 ? uidOf('postgres') ?? uidOf('nobody') : undefined; // never root
  return {
    origin: 'programs of this machine',
    clusterCache: undefined,
    postgresUid,
    command: (program, args, { asPostgres = false } = {}) => {
      const file = files.get(program) ?? program;
      // What the servers write down is read as UTC.
      const prefix = setpriv === undefined ? [] : [setpriv, ...identityOptions(asPostgres ? postgresUid : undefined)];
      return { file: 'env', args: ['TZ=UTC', ...prefix, file, ...args] };
    },
  };
}

function identityOptions(uid: number | undefined): string[] {
  const drop = uid === undefined ? [] : [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
  return ['--pdeathsig', 'KILL', ...drop];
}

function uidOf(user: string): number | undefined {
  const uid = new RegExp(`^${user}:[^:]*:(\\d+):`, 'm').exec(readFileSync('/etc/passwd', 'utf8'))?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** Newest first. Debian keeps Postgres's server programs off the PATH. */
function postgresFolders(): string[] {
  try {
    const versions = readdirSync('/usr/lib/postgresql').sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => `/usr/lib/postgresql/${version}/bin`);
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function refuse(missing: ProgramName[]): never {
  const packages = [...new Set(missing.map((program) => PACKAGES[program]))];
  const why = process.env['LAB_PROGRAMS'] === 'path' ? 'LAB_PROGRAMS=path' : userInfo().uid === 0 ? 'mounting is not allowed here or apt has no Debian source' : 'this is not root on a Debian system';
  process.stderr.write(
    `The lab needs ${missing.join(', ')}, which ${missing.length === 1 ? 'is' : 'are'} not on the PATH.\n` +
      `A private root cannot be made instead (${why}). Install: ${packages.join(', ')}\n`,
  );
  process.exit(1);
}
