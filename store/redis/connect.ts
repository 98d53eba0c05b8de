/** The connection to Redis: answers or fails quickly, and comes back by itself for ever. */
import { Redis } from 'ioredis';
import type { Log } from '../log.ts';
import { defineScripts } from './scripts.ts';

/** A call waits no longer for Redis; scripts are idempotent, so what was sent may still take place. */
const COMMAND_TIMEOUT_MS = 1000;
const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 2000;

export function connectRedis(redisUrl: string, log: Log): Redis {
  const redis = new Redis(redisUrl, {
    // A command without a connection fails at once: a caller must not wait in a queue of unknown length.
    enableOfflineQueue: false,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: COMMAND_TIMEOUT_MS,
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times, 10)),
    connectionName: 'tollgate',
  });
  let last = '';
  redis.on('error', (error: Error) => {
    if (error.message !== last) log.warn({ reason: error.message }, 'Redis cannot be reached; trying again.');
    last = error.message;
  });
  redis.on('ready', () => {
    last = '';
    log.info({}, 'Redis is connected.');
  });
  defineScripts(redis);
  return redis;
}
