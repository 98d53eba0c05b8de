/**
 * The job that looks at balances every hour, and one job for each mail or request that follows. BullMQ wakes a daemon, one of
 * all, and tries again later; what is to be sent, and what was, stands in Postgres (docs/decisions/0013-warnings.md), so that
 * an emptied queue, a job done twice or a daemon killed in the middle changes nothing but the time.
 */
import { Queue, Worker } from 'bullmq';
import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { connectForJobs } from '../store/redis/jobs-connection.ts';
import { makePool } from '../store/postgres.ts';
import { closeUnknown, countDeliveries, queuedDeliveries } from '../store/warnings/deliveries.ts';
import type { DeliveryCounts } from '../store/warnings/deliveries.ts';
import { sweepWarnings } from '../store/warnings/sweep.ts';
import { decideWarnings } from './decide-warnings.ts';
import { deliver, TryAgain } from './deliver.ts';
import type { DeliverContext, Tries } from './deliver.ts';

const QUEUE = 'warnings';
const PREFIX = 'tollgate:jobs';
const MINUTE_MS = 60_000;
/** A job whose daemon is gone for so long is done by another. */
const LOCK_MS = 10_000;
/** Sent at once by one daemon. */
const CONCURRENCY = 4;
/** Jobs made at once; what is beyond waits for the next minute. */
const MOST_JOBS = 5000;
const SWEEP_TRIES = { attempts: 5, backoff: { type: 'exponential', delay: 30_000 } } as const;
const POOL_SIZE = 3;
/** A mail that was handed over so long after its time was over has lost its sender. */
const LOST_AFTER_MS = 10_000;
/** The end of a mail that is being sent is waited for so long. */
const CLOSE_MS = 5000;

export interface WarningOptions {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly sweepMinutes: number;
  readonly mail: DeliverContext['mail'];
  readonly webhook: DeliverContext['webhook'];
  readonly log: DeliverContext['log'] & { debug(fields: object, sentence: string): void };
}

export interface WarningHealth extends DeliveryCounts {
  /** false: no mail server is set. */
  readonly mail: boolean;
  /** Why Postgres or Redis could not be asked; '': they could. */
  readonly reason: string;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function makeQueue(connection: Redis): Queue {
  const queue = new Queue(QUEUE, { connection, prefix: PREFIX, defaultJobOptions: { removeOnComplete: true, removeOnFail: true } });
  queue.on('error', () => undefined);
  return queue;
}

function jobOf(id: string, { attempts, retryS }: Tries): Parameters<Queue['addBulk']>[0][number] {
  return { name: 'deliver', data: { id }, opts: { jobId: `deliver-${id}`, attempts, backoff: { type: 'exponential', delay: retryS * 1000 } } };
}

export class Warnings {
  readonly #options: WarningOptions;
  readonly #pool: Pool;
  readonly #redis: Redis;
  readonly #queue: Queue;
  readonly #worker: Worker;
  readonly #timer: NodeJS.Timeout;
  #counts: DeliveryCounts = { queued: 0, failed: 0, unknown: 0 };
  #reason = '';

  constructor(options: WarningOptions) {
    this.#options = options;
    this.#pool = makePool(options.postgresUrl, options.log, POOL_SIZE);
    this.#redis = connectForJobs(options.redisUrl);
    this.#queue = makeQueue(this.#redis);
    this.#worker = new Worker(QUEUE, async (job) => this.#work(job), { connection: this.#redis, prefix: PREFIX, concurrency: CONCURRENCY, lockDuration: LOCK_MS, stalledInterval: LOCK_MS, maxStalledCount: 10 });
    this.#worker.on('error', (error) => options.log.debug({ reason: error.message }, 'The queue of warnings cannot be reached'));
    this.#worker.on('failed', (job, error) => {
      if (!(error instanceof TryAgain)) options.log.error({ err: error, job: job?.name }, 'A job of warnings failed');
    });
    this.#timer = setInterval(() => void this.#tend(), MINUTE_MS);
    void this.#tend();
  }

  health(): WarningHealth {
    return { mail: this.#options.mail.host !== '', ...this.#counts, reason: this.#reason };
  }

  async #work(job: Job): Promise<void> {
    if (job.name === 'sweep') return this.#sweep();
    const { mail, webhook, log } = this.#options;
    await deliver({ pool: this.#pool, mail, webhook, log }, String((job.data as { id?: unknown }).id));
  }

  async #sweep(): Promise<void> {
    const { mail, sweepMinutes, log } = this.#options;
    const found = await sweepWarnings(this.#pool, sweepMinutes * MINUTE_MS, (users, span) => decideWarnings(users, span, mail.host !== ''));
    if (found !== null && found > 0) log.info({ warnings: found }, 'Users are warned that their balance is low');
    await this.#lookAfter();
  }

  /** What is queued in Postgres has a job; one that has is not given another. Mails whose sender is gone are given up. */
  async #lookAfter(): Promise<void> {
    const { mail, webhook, log } = this.#options;
    for (const lost of await closeUnknown(this.#pool, { olderMs: mail.timeoutMs + LOST_AFTER_MS })) {
      log.error({ warning: lost.id, recipient: lost.recipient, username: lost.username }, 'Whether the mail server took a warning is not known: it is not sent again');
    }
    const tries = { attempts: Math.max(mail.attempts, webhook.attempts), retryS: Math.min(mail.retryS, webhook.retryS) };
    const ids = await queuedDeliveries(this.#pool, MOST_JOBS);
    if (ids.length > 0) await this.#queue.addBulk(ids.map((id) => jobOf(id, tries)));
    this.#counts = await countDeliveries(this.#pool);
  }

  /** The next sweep has a job, queued deliveries have theirs. */
  async #tend(): Promise<void> {
    const { sweepMinutes, log } = this.#options;
    try {
      const everyMs = sweepMinutes * MINUTE_MS;
      const next = (Math.floor(Date.now() / everyMs) + 1) * everyMs;
      await this.#queue.add('sweep', {}, { jobId: `sweep-${next}`, delay: next - Date.now(), ...SWEEP_TRIES });
      await this.#lookAfter();
      this.#reason = '';
    } catch (error) {
      this.#reason = reasonOf(error);
      log.debug({ reason: this.#reason }, 'Warnings cannot be looked after');
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closed = async (): Promise<void> => {
      await this.#worker.close();
      await this.#pool.end();
    };
    await Promise.race([closed(), new Promise((resolve) => void setTimeout(resolve, CLOSE_MS))]);
    this.#redis.disconnect();
  }
}

/** A sweep now, by whichever daemon is there. */
export async function askForSweep(redisUrl: string): Promise<void> {
  const redis = connectForJobs(redisUrl);
  try {
    await makeQueue(redis).add('sweep', {}, SWEEP_TRIES);
  } finally {
    redis.disconnect();
  }
}
