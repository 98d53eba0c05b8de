/**
 * How many calls a second an Asterisk is let have, decided before anything else of a call: by a ceiling, and by how long
 * its orders wait for their answers. docs/decisions/0011-overload.md tells why it settles and does not swing.
 */

export interface OverloadRules {
  /** Calls a second; 0: no ceiling. */
  readonly callsPerSecond: number;
  /** Orders may wait so much longer than the quickest of late; 0: the wait is not watched. */
  readonly delayMs: number;
}

/** A window is at least so long and has so many answers; one that has not filled within a second tells of few calls. */
const WINDOW = { ms: 100, answers: 8, longestMs: 1000 } as const;
/** What is left of the rate that proved too high. */
const CUT = 0.9;
/** By so much a second the rate grows while nothing waits. */
const GROWTH = 0.15;
/** The quickest answer is looked for within the last one to two of these: a way to Asterisk that has become longer is no load. */
const QUICKEST_MS = 30_000;
/** A rate that no Asterisk reaches is no limit. */
const NO_LIMIT = 10_000;
/** As many orders as a window has, the oldest without an answer for so many times `delayMs`, shut the door: one or two tell of a pause only. */
const STALLED = 10;

/** What the answers within one window told. */
export interface Window {
  readonly tookMs: number;
  readonly answers: number;
  /** The shortest wait, beyond the quickest of late: what *every* order waits, as a burst does not make it. */
  readonly standingMs: number;
}

export interface Pace {
  /** Calls a second; null: as many as come. */
  readonly rate: number | null;
  /** Orders wait so much too long; 0: they do not. */
  readonly excessMs: number;
}

export const FREE: Pace = { rate: null, excessMs: 0 };

/**
 * Too long a wait that does not shrink: at first nine tenths of what Asterisk has just shown that it can do, then nine tenths
 * of that. While it shrinks, the last cut is at work. No wait: a little more is tried.
 */
export function nextPace(before: Pace, seen: Window, delayMs: number): Pace {
  const excessMs = Math.max(0, seen.standingMs - delayMs);
  if (excessMs === 0) return { rate: grown(before.rate, seen.tookMs), excessMs };
  if (before.excessMs > 0 && excessMs < before.excessMs) return { rate: before.rate, excessMs };
  // Later windows hold the pauses of the control itself, and tell nothing of what could be served.
  return { rate: CUT * (before.rate ?? (seen.answers * 1000) / seen.tookMs), excessMs };
}

function grown(rate: number | null, tookMs: number): number | null {
  if (rate === null) return null;
  const more = rate * (1 + (GROWTH * Math.min(tookMs, WINDOW.longestMs)) / 1000);
  return more > NO_LIMIT ? null : more;
}

/** Lets in at a rate, several at once as long as they are few. Nobody waits: who comes too many is turned away. */
export class Bucket {
  #tokens = Number.POSITIVE_INFINITY;
  #atMs = 0;

  take(rate: number, nowMs: number, atOnce = smooth(rate)): boolean {
    this.#tokens = Math.min(atOnce, this.#tokens + (rate * (nowMs - this.#atMs)) / 1000);
    this.#atMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Nobody is let in for so long. */
  pause(rate: number, forMs: number): void {
    this.#tokens = Math.min(this.#tokens, (-rate * forMs) / 1000);
  }
}

/** A tenth of a second's calls; five where that is less; one second's where that is less again. */
function smooth(rate: number): number {
  return Math.max(rate / 10, Math.min(rate, 5), 1);
}

/** The quickest answer of late. */
class Quickest {
  #before = Number.POSITIVE_INFINITY;
  #now = Number.POSITIVE_INFINITY;
  #sinceMs = 0;

  see(waitedMs: number, nowMs: number): void {
    if (nowMs - this.#sinceMs > QUICKEST_MS) {
      this.#before = this.#now;
      this.#now = waitedMs;
      this.#sinceMs = nowMs;
    }
    this.#now = Math.min(this.#now, waitedMs);
  }

  get ms(): number {
    return Math.min(this.#before, this.#now);
  }
}

/** One Asterisk's door. Times are those of one monotonic clock, ms. */
export class Overload {
  readonly #rules: OverloadRules;
  readonly #bucket = new Bucket();
  readonly #quickest = new Quickest();
  /** Orders without an answer, oldest first. */
  readonly #open = new Set<{ readonly askedMs: number }>();
  #pace = FREE;
  /** Calls a second within the last window that was full. */
  #served: number = WINDOW.answers;
  #window = { sinceMs: 0, answers: 0, leastMs: Number.POSITIVE_INFINITY };

  constructor(rules: OverloadRules) {
    this.#rules = rules;
  }

  /** Calls a second at present; null: no limit; 0: nobody, until orders are answered. */
  rate(nowMs: number): number | null {
    if (this.#stalled(nowMs)) return 0;
    const { rate } = this.#pace;
    const { callsPerSecond } = this.#rules;
    return callsPerSecond === 0 ? rate : Math.min(rate ?? callsPerSecond, callsPerSecond);
  }

  /** A call came: whether it is let in. */
  arrive(nowMs: number): boolean {
    this.#judge(nowMs);
    const rate = this.rate(nowMs);
    return rate === null || (rate > 0 && this.#bucket.take(rate, nowMs));
  }

  /** Each call's first order went out; what is returned is called with its answer. */
  asked(nowMs: number): (answeredMs: number | null) => void {
    if (this.#rules.delayMs === 0) return nothing;
    const order = { askedMs: nowMs };
    this.#open.add(order);
    return (answeredMs) => {
      this.#open.delete(order);
      if (answeredMs !== null) this.#answered(answeredMs - nowMs, answeredMs);
    };
  }

  /** It is over: as many as come are let in again, but for the ceiling. */
  rest(): void {
    this.#pace = FREE;
  }

  #answered(waitedMs: number, nowMs: number): void {
    const window = this.#window;
    this.#quickest.see(waitedMs, nowMs);
    window.answers += 1;
    window.leastMs = Math.min(window.leastMs, waitedMs);
    this.#judge(nowMs);
  }

  #judge(nowMs: number): void {
    const { sinceMs, answers, leastMs } = this.#window;
    const tookMs = nowMs - sinceMs;
    const full = tookMs >= WINDOW.ms && answers >= WINDOW.answers && tookMs <= WINDOW.longestMs;
    if (!full && tookMs <= WINDOW.longestMs) return;
    this.#window = { sinceMs: nowMs, answers: 0, leastMs: Number.POSITIVE_INFINITY };
    // Few answers mean few calls, or an Asterisk that gives none: what it served before it stalled is where to begin then.
    if (!full && this.#stalled(nowMs)) {
      this.#pace = { rate: this.#pace.rate ?? CUT * this.#served, excessMs: this.#pace.excessMs };
      return;
    }
    if (full) this.#served = (answers * 1000) / tookMs;
    this.#pace = nextPace(this.#pace, { tookMs, answers, standingMs: full ? leastMs - this.#quickest.ms : 0 }, this.#rules.delayMs);
    const { rate, excessMs } = this.#pace;
    if (rate !== null && excessMs > 0) this.#bucket.pause(rate, excessMs);
  }

  #stalled(nowMs: number): boolean {
    return this.#open.size >= WINDOW.answers && this.#unansweredMs(nowMs) > this.#rules.delayMs * STALLED;
  }

  /** For how long the oldest open order has waited, beyond the quickest. */
  #unansweredMs(nowMs: number): number {
    for (const { askedMs } of this.#open) return nowMs - askedMs - (Number.isFinite(this.#quickest.ms) ? this.#quickest.ms : 0);
    return 0;
  }
}

/** So many times the calls that are let in come through to the engine, which chooses the moment of each. */
const MARGIN = 1.15;
const MOST_THOUSANDTHS = 990;

/** Thousandths of the calls that Asterisk refuses by itself, before the engine hears of them. */
export function shareRefused(rate: number, offered: number): number {
  return offered <= rate * MARGIN ? 0 : Math.min(MOST_THOUSANDTHS, Math.floor(1000 * (1 - (rate * MARGIN) / offered)));
}

function nothing(): void {
  // The wait is not watched.
}
