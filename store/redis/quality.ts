/**
 * How providers' attempts went, in buckets of five minutes in Redis: every daemon adds what it saw, every second, and
 * reads the sums of all. A daemon that dies takes at most a second of figures along; no call waits for them.
 */
import type { Redis } from 'ioredis';
import type { Cdr } from '../../engine/call/admission.ts';
import type { ProviderQuality, QualityView } from '../../routing/lcr/quality.ts';
import { later } from '../clock.ts';
import type { Log } from '../log.ts';
import { QUALITY_BUCKET_MS, qualityKey } from './keys.ts';

const EVERY_MS = 1000;
const FIELDS = ['attempts', 'answered', 'talkMs', 'rang', 'pddMs'] as const;

type Sums = Record<(typeof FIELDS)[number], number>;

export interface QualityParts {
  readonly redis: Redis;
  readonly usable: () => boolean;
  readonly windowMs: number;
  /** Whose figures are read. */
  readonly providerIds: () => readonly number[];
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly log: Log;
}

export class QualityFigures {
  readonly #parts: QualityParts;
  /** By key in Redis. */
  #waiting = new Map<string, Sums>();
  #view: QualityView = new Map();
  #closed = false;

  constructor(parts: QualityParts) {
    this.#parts = parts;
  }

  get view(): QualityView {
    return this.#view;
  }

  start(): void {
    later(EVERY_MS, () => void this.#again());
  }

  /** What is left is sent; nothing is read any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#send().catch(() => undefined);
  }

  /** Attempts of a call that is over. */
  add(cdrs: readonly Cdr[]): void {
    for (const cdr of cdrs) {
      if (cdr.providerId === null) continue;
      const key = qualityKey(cdr.providerId, cdr.endMs);
      const sums = this.#waiting.get(key) ?? { attempts: 0, answered: 0, talkMs: 0, rang: 0, pddMs: 0 };
      this.#waiting.set(key, sums);
      sums.attempts += 1;
      if (cdr.disposition === 'ANSWERED') sums.answered += 1;
      sums.talkMs += cdr.billMs;
      if (cdr.pddMs === null) continue;
      sums.rang += 1;
      sums.pddMs += cdr.pddMs;
    }
  }

  /** Sends what was added and reads the sums of all daemons. */
  async refresh(): Promise<void> {
    await this.#send();
    const ids = this.#parts.providerIds();
    this.#view = ids.length === 0 ? new Map() : await readQuality(this.#parts.redis, ids, { nowMs: this.#parts.now(), windowMs: this.#parts.windowMs });
  }

  async #again(): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#parts.usable()) await this.refresh();
    } catch (error) {
      this.#parts.log.debug({ reason: String(error) }, 'The figures of quality are behind.');
    }
    this.start();
  }

  async #send(): Promise<void> {
    const news = this.#waiting;
    if (news.size === 0 || !this.#parts.usable()) return;
    this.#waiting = new Map();
    const pipeline = this.#parts.redis.pipeline();
    for (const [key, sums] of news) {
      for (const field of FIELDS) if (sums[field] > 0) pipeline.hincrby(key, field, Math.round(sums[field]));
      pipeline.pexpire(key, this.#parts.windowMs + QUALITY_BUCKET_MS);
    }
    await pipeline.exec();
  }
}

/** Sums of the buckets that the window reaches into; providers without any are left out. */
export async function readQuality(redis: Redis, providerIds: readonly number[], { nowMs, windowMs }: { readonly nowMs: number; readonly windowMs: number }): Promise<QualityView> {
  const pipeline = redis.pipeline();
  const asked: number[] = [];
  for (const providerId of new Set(providerIds)) {
    for (let atMs = nowMs; atMs > nowMs - windowMs; atMs -= QUALITY_BUCKET_MS) {
      pipeline.hmget(qualityKey(providerId, atMs), ...FIELDS);
      asked.push(providerId);
    }
  }
  const view = new Map<number, ProviderQuality>();
  const answers = (await pipeline.exec()) ?? [];
  for (const [index, [error, values]] of answers.entries()) {
    if (error !== null) throw error;
    const [attempts = 0, answered = 0, talkMs = 0, rang = 0, pddMs = 0] = (values as (string | null)[]).map(Number);
    const id = asked[index];
    if (attempts === 0 || id === undefined) continue;
    const sums = view.get(id);
    view.set(id, sums === undefined ? { attempts, answered, talkMs, rang, pddMs } : {
      attempts: sums.attempts + attempts, answered: sums.answered + answered, talkMs: sums.talkMs + talkMs, rang: sums.rang + rang, pddMs: sums.pddMs + pddMs,
    });
  }
  return view;
}
