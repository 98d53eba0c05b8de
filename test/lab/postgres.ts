/** A private Postgres for tests, the demo and benches. */

import { chownSync } from 'node:fs';
import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';
import { labFolder, newFolder } from './lab-folder.ts';
import { makeCluster } from './postgres-cluster.ts';
import { freePort } from './ports.ts';
import { findPrograms, type Programs } from './programs.ts';
import { ServerProcess } from './server-process.ts';

export type PostgresOptions = {
  /** Wait for the disk at every commit. Off: a killed server loses nothing all the same, only a power cut would. */
  fsync?: boolean;
  /** More server settings, as in postgresql.conf. */
  settings?: Record<string, string>;
};

export class Postgres {
  /** The superuser's own database. */
  readonly url: string;
  readonly #start: () => Promise<ServerProcess>;
  #server: ServerProcess;
  #databases = 0;

  constructor(url: string, server: ServerProcess, start: () => Promise<ServerProcess>) {
    this.url = url;
    this.#server = server;
    this.#start = start;
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** A new empty database, or a copy of the template; resolves with its URL. */
  async createDatabase(template?: string): Promise<string> {
    return createDatabaseAt(this.url, `lab_${process.pid}_${++this.#databases}`, template);
  }

  /** A template made once per server by `prepare`, which gets the URL of an empty database. Resolves with its name. */
  async template(name: string, prepare: (url: string) => Promise<void>): Promise<string> {
    return templateAt(this.url, name, prepare);
  }

  /** Ends all connections and the server in an orderly way. */
  async stop(): Promise<void> {
    await this.#server.stop('SIGINT');
  }

  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Freezes the server with all its connections: they stay open and nothing answers. */
  pause(): void {
    this.#server.pause();
  }

  resume(): void {
    this.#server.resume();
  }

  /** After stop() or kill(): the same databases on the same port. */
  async start(): Promise<void> {
    this.#server = await this.#start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

/** Starts a server with an empty cluster of its own, in about a second. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const programs = await findPrograms(labFolder());
  const folder = newFolder('postgres');
  const cluster = join(folder, 'cluster');
  if (programs.postgresUid !== undefined) chownSync(folder, programs.postgresUid, programs.postgresUid);
  const password = await makeCluster(programs, cluster);
  const port = await freePort();
  const url = `postgres://tollgate:${password}@127.0.0.1:${port}/postgres`;
  const start = async (): Promise<ServerProcess> =>
    ServerProcess.start({
      name: 'postgres',
      command: postgresCommand(programs, cluster, port, options),
      logFile: join(folder, 'postgres.log'),
      whyNotReady: async () => {
        await query(url, 'select 1');
        return undefined;
      },
    });
  return new Postgres(url, await start(), start);
}

/** As Postgres.createDatabase, for a server known by its URL. */
export async function createDatabaseAt(serverUrl: string, name: string, template = 'template0'): Promise<string> {
  // Copying files takes half the time of the default, which writes the whole template through the log.
  await query(
    serverUrl,
    `create database ${escapeIdentifier(name)} template ${escapeIdentifier(template)} strategy file_copy`,
  );
  return databaseUrl(serverUrl, name);
}

/** As Postgres.template, for a server known by its URL. Safe under processes that ask at once. */
export async function templateAt(
  serverUrl: string,
  name: string,
  prepare: (url: string) => Promise<void>,
): Promise<string> {
  const client = new Client(serverUrl);
  await client.connect();
  try {
    // One at a time: the others then find it made.
    await client.query('select pg_advisory_lock(hashtext($1))', [name]);
    const made = await client.query('select 1 from pg_database where datname = $1', [name]);
    if (made.rowCount === 0) {
      const unfinished = `${name}_unfinished`;
      await client.query(`drop database if exists ${escapeIdentifier(unfinished)}`);
      await client.query(`create database ${escapeIdentifier(unfinished)} template template0`);
      await prepare(databaseUrl(serverUrl, unfinished));
      await client.query(`alter database ${escapeIdentifier(unfinished)} rename to ${escapeIdentifier(name)}`);
    }
  } finally {
    await client.end();
  }
  return name;
}

function postgresCommand(
  programs: Programs,
  cluster: string,
  port: number,
  options: PostgresOptions,
): { file: string; args: string[] } {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '128MB',
    fsync: options.fsync === true ? 'on' : 'off',
    full_page_writes: options.fsync === true ? 'on' : 'off',
    // Commits reach the kernel before they are answered, hence they survive a kill of the server.
    synchronous_commit: 'on',
    wal_level: 'minimal',
    max_wal_senders: '0',
    timezone: 'UTC',
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
  return programs.command('postgres', ['-D', cluster, ...args], { asPostgres: true, folder: cluster });
}

async function query(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  client.on('error', () => undefined); // The query's own rejection tells.
  try {
    await client.connect();
    await client.query(text);
  } finally {
    await client.end().catch(() => undefined);
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
