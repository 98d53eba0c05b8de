/**
 * The highest scores of the dynamic blacklist in memory. A counter tells each second whether any was raised, and only then
 * are they read again. No call waits for them; with Redis away the last ones stay, and fade.
 */
import type { Redis } from 'ioredis';
import type { ScoreView } from '../../routing/score.ts';
import { later } from '../clock.ts';
import type { Log } from '../log.ts';
import { SCORES_CHANGED, scoresKey } from './keys.ts';
import type { BlacklistOptions } from './score-feed.ts';

const EVERY_MS = 1000;

/** Which scores: those of this half-life, so many of them. */
export type WhichScores = Pick<BlacklistOptions, 'halfLifeHours' | 'memoryItems'>;

/** Levels of the highest scores. */
export async function readScores(redis: Redis, { halfLifeHours, memoryItems }: WhichScores): Promise<ScoreView> {
  const found = await redis.zrevrange(scoresKey(halfLifeHours), 0, memoryItems - 1, 'WITHSCORES');
  const levels = new Map<string, number>();
  for (let at = 0; at + 1 < found.length; at += 2) levels.set(found[at] ?? '', Number(found[at + 1]));
  return levels;
}

/** The level of one item, known to calls or not. */
export async function readScore(redis: Redis, item: string, { halfLifeHours }: WhichScores): Promise<number | undefined> {
  const level = await redis.zscore(scoresKey(halfLifeHours), item);
  return level === null ? undefined : Number(level);
}

/** Forgets what the engine raised. */
export async function clearScore(redis: Redis, item: string, { halfLifeHours }: WhichScores): Promise<void> {
  await redis.multi().zrem(scoresKey(halfLifeHours), item).incr(SCORES_CHANGED).exec();
}

export interface BlacklistParts {
  readonly redis: Redis;
  readonly usable: () => boolean;
  /** undefined: off. */
  readonly options: BlacklistOptions | undefined;
  readonly log: Log;
}

export class BlacklistScores {
  readonly #parts: BlacklistParts;
  #view: ScoreView | null;
  /** The counter as of the last reading; undefined: never read. */
  #seen: string | null | undefined = undefined;
  #closed = false;

  constructor(parts: BlacklistParts) {
    this.#parts = parts;
    this.#view = parts.options === undefined ? null : new Map();
    this.#again(0);
  }

  /** null: the dynamic blacklist is off. */
  get view(): ScoreView | null {
    return this.#view;
  }

  close(): void {
    this.#closed = true;
  }

  #again(ms: number): void {
    const { options } = this.#parts;
    if (options !== undefined) later(ms, () => void this.#refresh(options));
  }

  async #refresh(options: BlacklistOptions): Promise<void> {
    if (this.#closed) return;
    try {
      if (this.#parts.usable()) await this.#read(options);
    } catch (error) {
      this.#parts.log.debug({ reason: String(error) }, 'The scores of the dynamic blacklist are behind.');
    }
    this.#again(EVERY_MS);
  }

  async #read(options: BlacklistOptions): Promise<void> {
    // Before the scores: what is raised meanwhile is read once more.
    const changed = await this.#parts.redis.get(SCORES_CHANGED);
    if (changed === this.#seen) return;
    this.#view = await readScores(this.#parts.redis, options);
    this.#seen = changed;
  }
}
