/** Connections to Postgres that answer, or fail within a bounded time: a frozen server must not freeze us. */
import type { EventEmitter } from 'node:events';
import { Client, Pool } from 'pg';
import type { ClientConfig } from 'pg';
import type { Log } from './log.ts';

const CONNECT_TIMEOUT_MS = 3000;
/** Longer than any statement of ours takes; only a server that answers nothing reaches it. */
const QUERY_TIMEOUT_MS = 15_000;

function config(postgresUrl: string, role: string, queryTimeoutMs = QUERY_TIMEOUT_MS): ClientConfig {
  return {
    connectionString: postgresUrl,
    application_name: `tollgate ${role}`,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: queryTimeoutMs,
    keepAlive: true,
  };
}

/**
 * A COPY stops the clock of its own timeout when it is over. The packages do not do that for each other: each COPY left
 * a timer of 15 s behind, for which a command waited with its end.
 */
export function copying<Copy extends EventEmitter>(copy: Copy): Copy {
  copy.once('close', () => (copy as { callback?: () => void }).callback?.());
  return copy;
}

/**
 * One connection of its own, connected. Its later loss is told by its `end` event; queries fail.
 * `queryTimeoutMs` 0: statements may take as long as they need.
 */
export async function connectClient(postgresUrl: string, role: string, queryTimeoutMs?: number): Promise<Client> {
  const client = new Client(config(postgresUrl, role, queryTimeoutMs));
  // Without a listener a lost connection would end the process; what was under way rejects and tells.
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    client.end().catch(() => undefined);
    throw error;
  }
  return client;
}

export function makePool(postgresUrl: string, log: Log, most: number): Pool {
  const pool = new Pool({ ...config(postgresUrl, 'engine'), max: most, idleTimeoutMillis: 60_000 });
  pool.on('error', (error: Error) => log.debug({ reason: error.message }, 'An idle connection to Postgres was lost.'));
  return pool;
}

/** Ends a connection without waiting for a server that may not answer. */
export function dropClient(client: Client): void {
  client.end().catch(() => undefined);
  // A frozen server never closes its side.
  (client as unknown as { connection?: { stream?: { destroy?: () => void } } }).connection?.stream?.destroy?.();
}
