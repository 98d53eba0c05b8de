/** A private Redis for tests, the demo and benches. */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Redis as Client } from 'ioredis';
import { labFolder, newFolder } from './lab-folder.ts';
import { freePort } from './ports.ts';
import { findPrograms } from './programs.ts';
import { ServerProcess } from './server-process.ts';

const DATABASES = 1000;
/** In database 0: the number handed out last. */
const DATABASE_COUNTER = 'lab:databases';

export type RedisOptions = {
  /** Keep what is written over stop(), kill() and start(): an append-only file, synced as said. Off: memory only. */
  appendOnly?: 'always' | 'everysec';
  /** More options, as on redis-server's command line without dashes. */
  settings?: Record<string, string>;
};

export class Redis {
  /** Database 0, which the lab keeps for itself when createDatabase() is used. */
  readonly url: string;
  readonly #start: () => Promise<ServerProcess>;
  #server: ServerProcess;

  constructor(url: string, server: ServerProcess, start: () => Promise<ServerProcess>) {
    this.url = url;
    this.#server = server;
    this.#start = start;
  }

  get pid(): number {
    return this.#server.pid;
  }

  /** An empty database nobody else has; resolves with its URL. */
  async createDatabase(): Promise<string> {
    return createRedisDatabaseAt(this.url);
  }

  async stop(): Promise<void> {
    await this.#server.stop('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#server.kill();
  }

  /** Freezes the server: connections stay open and nothing answers. */
  pause(): void {
    this.#server.pause();
  }

  resume(): void {
    this.#server.resume();
  }

  /** After stop() or kill(): on the same port, empty unless it is append-only. */
  async start(): Promise<void> {
    this.#server = await this.#start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }
}

export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const programs = await findPrograms(labFolder());
  const folder = newFolder('redis');
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const settings: Record<string, string> = {
    bind: '127.0.0.1',
    port: String(port),
    dir: folder,
    databases: String(DATABASES),
    save: '',
    appendonly: options.appendOnly === undefined ? 'no' : 'yes',
    appendfsync: options.appendOnly ?? 'no',
    requirepass: password,
    ...options.settings,
  };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  const url = `redis://:${password}@127.0.0.1:${port}/0`;
  const start = async (): Promise<ServerProcess> =>
    ServerProcess.start({
      name: 'redis-server',
      command: programs.command('redis-server', args),
      logFile: join(folder, 'redis.log'),
      whyNotReady: async () => withClient(url, async (client) => ((await client.ping()) === 'PONG' ? undefined : 'no PONG')),
    });
  return new Redis(url, await start(), start);
}

/** As Redis.createDatabase, for a server known by its URL. */
export async function createRedisDatabaseAt(serverUrl: string): Promise<string> {
  const number = await withClient(serverUrl, async (client) => client.incr(DATABASE_COUNTER));
  if (number >= DATABASES) throw new Error(`All ${DATABASES} databases of the lab's Redis are handed out.`);
  const url = new URL(serverUrl);
  url.pathname = `/${number}`;
  return url.href;
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
  client.on('error', () => undefined); // The command's own rejection tells.
  try {
    await client.connect();
    return await work(client);
  } finally {
    client.disconnect();
  }
}
