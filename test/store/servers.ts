/** Real servers for the store's tests: a fresh database from a migrated template, and an empty Redis, per test file. */
import { Redis } from 'ioredis';
import { Client } from 'pg';
import type { Log } from '../../store/log.ts';
import { migrate, readMigrations } from '../../store/migrate.ts';
import { createDatabaseAt, startPostgres, templateAt } from '../lab/postgres.ts';
import { createRedisDatabaseAt, startRedis } from '../lab/redis.ts';

/** The runner may have servers up for all files; alone, a file starts its own. */
const POSTGRES = process.env['LAB_POSTGRES'];
const REDIS = process.env['LAB_REDIS'];

const closers: (() => Promise<unknown>)[] = [];
let databases = 0;

/** URL of a migrated database nobody else has. */
export async function freshDatabase(): Promise<string> {
  return migratedDatabase(await postgresServer());
}

/** The same, in a server that is to be stopped. */
export async function migratedDatabase(server: string): Promise<string> {
  const newest = (await readMigrations()).at(-1);
  const template = await templateAt(server, `tollgate_${newest?.checksum.slice(0, 16)}`, async (url) => {
    await migrate(url);
  });
  return createDatabaseAt(server, `store_${process.pid}_${(databases += 1)}`, template);
}

/** URL of an empty Redis database nobody else has. */
export async function freshRedis(): Promise<string> {
  return createRedisDatabaseAt(await redisServer());
}

let postgresUrl: Promise<string> | null = null;
export async function postgresServer(): Promise<string> {
  postgresUrl ??= POSTGRES === undefined ? ownPostgres() : Promise.resolve(POSTGRES);
  return postgresUrl;
}

async function ownPostgres(): Promise<string> {
  const server = await startPostgres();
  closers.push(async () => server.stop());
  return server.url;
}

let redisUrl: Promise<string> | null = null;
async function redisServer(): Promise<string> {
  redisUrl ??= REDIS === undefined ? ownRedis() : Promise.resolve(REDIS);
  return redisUrl;
}

async function ownRedis(): Promise<string> {
  const server = await startRedis();
  closers.push(async () => server.stop());
  return server.url;
}

/** A connection to a database of the tests. */
export async function connect(url: string): Promise<Client> {
  const client = new Client(url);
  client.on('error', () => undefined);
  await client.connect();
  closers.unshift(async () => client.end());
  return client;
}

export function connectToRedis(url: string): Redis {
  const redis = new Redis(url);
  redis.on('error', () => undefined);
  closers.unshift(async () => redis.disconnect());
  return redis;
}

/** For a file's last teardown. */
export async function closeServers(): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

export interface LoggedLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly sentence: string;
}

/** A log that remembers. */
export function memoryLog(): { log: Log; lines: LoggedLine[] } {
  const lines: LoggedLine[] = [];
  const at = (level: string) => (fields: object, sentence: string): void => {
    lines.push({ level, fields: fields as Record<string, unknown>, sentence });
  };
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}
