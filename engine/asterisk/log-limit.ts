/** A warning that cannot flood the log, whoever sends the bad input that causes it. */
import type { LinkLog } from './contract.ts';

export type Warn = (fields: object, message: string) => void;

export interface LogLimit {
  readonly log: LinkLog;
  /** At most this many lines in a window; the next window's first line tells how many were left out. */
  readonly lines: number;
  readonly windowMs: number;
  readonly now: () => number;
}

export function limitedWarn(limit: LogLimit): Warn {
  let windowStart = Number.NEGATIVE_INFINITY;
  let written = 0;
  let leftOut = 0;
  return (fields, message) => {
    const now = limit.now();
    if (now - windowStart >= limit.windowMs) {
      windowStart = now;
      written = 0;
    }
    if (written >= limit.lines) {
      leftOut += 1;
      return;
    }
    written += 1;
    limit.log.warn(leftOut === 0 ? fields : { ...fields, leftOut }, message);
    leftOut = 0;
  };
}
