/** When a user's hour was last, on his own clock. */
import { DAY_MS, localMs, momentsOf, nextClockChange, zoneOf } from '../rating/zone.ts';

const HOUR_MS = 3_600_000;

export interface Due {
  /** The day on which it was, `2026-11-24`. */
  readonly day: string;
  readonly atMs: number;
}

/**
 * The last moment, up to now, at which the clock of this zone came to `hour`:00. Of an hour that comes twice, when the clocks go
 * back, the first; one that the clocks pass over is the moment in which they do.
 */
export function lastDue(timeZone: string, hour: number, nowMs: number): Due {
  const zone = zoneOf(timeZone);
  const local = localMs(zone, nowMs);
  const today = Math.floor(local / DAY_MS) * DAY_MS + hour * HOUR_MS;
  const due = today <= local ? today : today - DAY_MS;
  const about = due - (local - nowMs);
  const atMs = momentsOf(zone, due)[0] ?? nextClockChange(zone, about - DAY_MS / 2, about + DAY_MS / 2);
  return { day: new Date(due).toISOString().slice(0, 10), atMs };
}
