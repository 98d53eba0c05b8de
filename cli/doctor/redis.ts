/** Redis: reachable, new enough, and keeping what it is given. */
import { Redis } from 'ioredis';
import { bad, good, reasonOf, warn } from './check.ts';
import type { Check } from './check.ts';

const ABOUT = 'Redis';

export async function redisChecks(url: string): Promise<readonly Check[]> {
  const redis = new Redis(url, { lazyConnect: true, connectTimeout: 3000, commandTimeout: 5000, retryStrategy: null, maxRetriesPerRequest: 0 });
  const seen: { error: unknown } = { error: null };
  redis.on('error', (error: Error) => {
    seen.error = error;
  });
  try {
    await redis.connect();
    const text = await redis.info();
    const value = (key: string): string => new RegExp(`^${key}:(.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
    const version = value('redis_version');
    return [
      Number(version.split('.')[0]) >= 7 ? good(ABOUT, `version ${version}`) : bad(ABOUT, `version ${version}`, 'version 7 or newer is needed'),
      value('aof_enabled') === '1' ? good(ABOUT, 'keeps an append-only file') : warn(ABOUT, 'keeps no append-only file', 'set `appendonly yes`: a restart would lose running reservations and finished calls that are not settled yet'),
      value('maxmemory_policy') === 'noeviction' ? good(ABOUT, 'never evicts keys') : bad(ABOUT, `evicts keys when full (${value('maxmemory_policy')})`, 'set `maxmemory-policy noeviction`'),
      value('role') === 'master' ? good(ABOUT, 'takes writes') : bad(ABOUT, `is a ${value('role')}`, 'point redisUrl at the master'),
    ];
  } catch (error) {
    return [bad(ABOUT, `cannot be reached: ${reasonOf(seen.error ?? error)}`, 'start it, or correct redisUrl')];
  } finally {
    redis.disconnect();
  }
}
