// Time windows of a tariff: which hours of which days a rate is for, on the clock of the tariff's time zone.

import { parseTimeOfDay } from './dates.ts';
import { RateError } from './errors.ts';
import { DAY_MS, DAY_S, localMs, nextClockChange, weekdayOf } from './zone.ts';
import type { Zone } from './zone.ts';

/**
 * `workDays`: Monday to Friday without the tariff's free days. `freeDays`: Saturday, Sunday and the free days.
 * A list of days (0 is Monday) holds whether or not the day is a free day.
 */
export type DayType = 'all' | 'workDays' | 'freeDays' | readonly number[];

export interface TimeWindow {
  /** Bit 0–6: Monday to Sunday; bit 7–13: the same when the day is a free day. */
  readonly days: number;
  readonly startS: number;
  /** The last second that belongs to it, as in 23:59:59. Before startS: it goes over midnight. */
  readonly endS: number;
}

const ALL_DAYS = 0b11_1111_1111_1111;
const WORK_DAYS = 0b00_0000_0001_1111;

/** The usual times of a row: always in force. */
export function isAlways(window: TimeWindow): boolean {
  return window.days === ALL_DAYS && window.startS === 0 && window.endS === DAY_S - 1;
}

/** Throws RateError naming the field. Missing parts mean the whole day, all days. */
export function timeWindow(parts: { startTime?: string | undefined; endTime?: string | undefined; dayType?: DayType | undefined }): TimeWindow {
  const startS = parts.startTime === undefined ? 0 : parseTimeOfDay(parts.startTime, 'startTime');
  const endS = parts.endTime === undefined ? DAY_S - 1 : parseTimeOfDay(parts.endTime, 'endTime');
  return { days: dayMask(parts.dayType ?? 'all'), startS, endS };
}

function dayMask(dayType: DayType): number {
  if (dayType === 'all') return ALL_DAYS;
  if (dayType === 'workDays') return WORK_DAYS;
  if (dayType === 'freeDays') return ALL_DAYS & ~WORK_DAYS;
  if (!Array.isArray(dayType)) throw new RateError('badDays', 'dayType', 'days are "all", "workDays", "freeDays" or a list of days.');
  let mask = 0;
  for (const day of dayType as readonly number[]) {
    if (!Number.isInteger(day) || day < 0 || day > 6) throw new RateError('badDays', 'dayType', `${String(day)} is not a day from 0 (Monday) to 6 (Sunday).`);
    mask |= (1 << day) | (1 << (day + 7));
  }
  if (mask === 0) throw new RateError('badDays', 'dayType', 'the list of days is empty.');
  return mask;
}

/** A moment on a tariff's clock: kind of day (0–13, see TimeWindow.days) × 86,400 + second of the day. */
export type LocalMoment = number;

/** `freeDays`: days from 1970-01-01. */
export function localMoment(zone: Zone, freeDays: readonly number[], ms: number): LocalMoment {
  const local = localMs(zone, ms);
  const day = Math.floor(local / DAY_MS);
  const kind = weekdayOf(day) + (freeDays.length > 0 && freeDays.includes(day) ? 7 : 0);
  return kind * DAY_S + Math.floor((local - day * DAY_MS) / 1000);
}

export function covers(window: TimeWindow, moment: LocalMoment): boolean {
  const kind = Math.floor(moment / DAY_S);
  if (((window.days >> kind) & 1) === 0) return false;
  const second = moment - kind * DAY_S;
  return window.startS <= window.endS ? second >= window.startS && second <= window.endS : second >= window.startS || second <= window.endS;
}

/** Whether there is a second that belongs to both. */
export function overlap(a: TimeWindow, b: TimeWindow): boolean {
  if ((a.days & b.days) === 0) return false;
  return ranges(a).some(([startA, endA]) => ranges(b).some(([startB, endB]) => startA <= endB && startB <= endA));
}

function ranges(window: TimeWindow): [number, number][] {
  if (window.startS <= window.endS) return [[window.startS, window.endS]];
  return [[window.startS, DAY_S - 1], [0, window.endS]];
}

/** The next moment after `ms` at which any of the windows may begin or end: an edge, midnight, or a clock change. */
export function nextEdge(zone: Zone, windows: readonly TimeWindow[], ms: number): number {
  const local = localMs(zone, ms);
  const midnight = Math.floor(local / DAY_MS) * DAY_MS;
  let edge = midnight + DAY_MS;
  for (const { startS, endS } of windows) {
    for (const second of [startS, endS + 1]) {
      const at = midnight + second * 1000;
      if (at > local && at < edge) edge = at;
    }
  }
  return nextClockChange(zone, ms, ms + (edge - local));
}
