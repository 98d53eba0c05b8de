/** Redis as the job queues want it: commands wait for the connection however long it takes. Nothing of a call goes this way. */
import { Redis } from 'ioredis';

export function connectForJobs(redisUrl: string): Redis {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null, connectionName: 'tollgate jobs' });
  // The store's own connection tells when Redis is away.
  redis.on('error', () => undefined);
  return redis;
}
