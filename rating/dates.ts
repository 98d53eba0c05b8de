// Dates and times of day as people and files write them. What does not exist is refused, never moved to a neighbour.

import { RateError } from './errors.ts';
import { DAY_MS, dayNumber, momentsOf } from './zone.ts';
import type { Zone } from './zone.ts';

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}(?::\d{2})?))?$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2}))?$/;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** `2026-02-28` as days from 1970-01-01. Throws RateError('badDate'), also for `2026-02-30`. */
export function parseDay(text: string, field = 'date'): number {
  const match = DATE.exec(text);
  if (match === null) throw new RateError('badDate', field, `"${text.slice(0, 40)}" is not a date; write it as in 2026-12-31.`);
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : (MONTH_DAYS[month - 1] ?? 0);
  if (day < 1 || day > days) throw new RateError('badDate', field, `${text} does not exist in the calendar.`);
  return dayNumber(year, month, day);
}

/** `08:00` or `08:00:00` as seconds of the day. Throws RateError('badTime'). */
export function parseTimeOfDay(text: string, field = 'time'): number {
  const match = TIME.exec(text);
  const [hours, minutes, seconds] = (match ?? []).slice(1).map((part) => Number(part ?? '0')) as [number, number, number];
  if (match === null || hours > 23 || minutes > 59 || seconds > 59) {
    throw new RateError('badTime', field, `"${text.slice(0, 40)}" is not a time of day; write it from 00:00:00 to 23:59:59.`);
  }
  return (hours * 60 + minutes) * 60 + seconds;
}

/**
 * `2026-12-31`, `2026-12-31 08:00` or `2026-12-31T08:00:00` on the zone's clock, in epoch milliseconds. Of a time that
 * the clocks show twice it is the first. Throws RateError('badDate'), also for a time the clocks skip on that day.
 */
export function parseMoment(text: string, zone: Zone, field = 'effectiveFrom'): number {
  const match = DATE_TIME.exec(text);
  if (match === null) throw new RateError('badDate', field, `"${text.slice(0, 40)}" is not a date and time; write it as in 2026-12-31 08:00:00.`);
  const local = parseDay(match[1] ?? '', field) * DAY_MS + (match[2] === undefined ? 0 : parseTimeOfDay(match[2], field) * 1000);
  const [first] = momentsOf(zone, local);
  if (first === undefined) throw new RateError('badDate', field, `${text} does not exist in ${zone.name}: the clocks go forward over it.`);
  return first;
}
