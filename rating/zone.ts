// Local time without a clock and without a Date: offsets of a time zone, asked of Intl once per day and remembered.

import { RateError } from './errors.ts';

export const DAY_MS = 86_400_000;
export const DAY_S = 86_400;

/** A UTC day of a zone: one offset, or two with the moment where the clocks change. */
interface ZoneDay {
  readonly startMs: number;
  readonly offsetMs: number;
  readonly changeMs: number;
  readonly laterOffsetMs: number;
}

export interface Zone {
  readonly name: string;
  readonly format: Intl.DateTimeFormat;
  readonly days: Map<number, ZoneDay>;
  latest: ZoneDay | null;
}

/** About eleven years of calls in one zone; then the memory is started afresh. */
const MAX_DAYS = 4_096;
/** There are about 600 zone names. */
const MAX_ZONES = 1_024;

const zones = new Map<string, Zone>();
/** The levels of a call mostly share a zone. */
let latestZone: Zone | null = null;

/** Throws RateError('badZone') for a name that the time zone database does not know. */
export function zoneOf(name: string): Zone {
  if (latestZone !== null && latestZone.name === name) return latestZone;
  latestZone = knownOrNew(name);
  return latestZone;
}

function knownOrNew(name: string): Zone {
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone: Zone = { name, format: formatOf(name), days: new Map(), latest: null };
  if (zones.size >= MAX_ZONES) zones.clear();
  zones.set(name, zone);
  return zone;
}

function formatOf(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', era: 'short',
      year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
  } catch {
    throw new RateError('badZone', 'timeZone', `"${name.slice(0, 40)}" is not a known time zone; write it as in Europe/Vilnius.`);
  }
}

/** Milliseconds since 1970-01-01 00:00 on the zone's own clock. */
export function localMs(zone: Zone, ms: number): number {
  const day = zoneDay(zone, ms);
  return ms + (ms < day.changeMs ? day.offsetMs : day.laterOffsetMs);
}

/** The first clock change in (ms, untilMs], or untilMs if there is none. */
export function nextClockChange(zone: Zone, ms: number, untilMs: number): number {
  for (let at = ms; at < untilMs; at = zoneDay(zone, at).startMs + DAY_MS) {
    const { changeMs } = zoneDay(zone, at);
    if (changeMs > ms && changeMs <= untilMs) return changeMs;
  }
  return untilMs;
}

/** Every moment (none, one, or two when clocks go back) at which the zone's clock shows `local`. */
export function momentsOf(zone: Zone, local: number): number[] {
  const offsets = new Set([localMs(zone, local - DAY_MS) - local + DAY_MS, localMs(zone, local + DAY_MS) - local - DAY_MS]);
  return [...offsets].map((offset) => local - offset).filter((ms) => localMs(zone, ms) === local).sort((a, b) => a - b);
}

function zoneDay(zone: Zone, ms: number): ZoneDay {
  const { latest } = zone;
  if (latest !== null && ms >= latest.startMs && ms < latest.startMs + DAY_MS) return latest;
  const startMs = Math.floor(ms / DAY_MS) * DAY_MS;
  let day = zone.days.get(startMs);
  if (day === undefined) {
    day = readDay(zone, startMs);
    if (zone.days.size >= MAX_DAYS) zone.days.clear();
    zone.days.set(startMs, day);
  }
  zone.latest = day;
  return day;
}

function readDay(zone: Zone, startMs: number): ZoneDay {
  const offsetMs = askOffset(zone, startMs);
  const laterOffsetMs = askOffset(zone, startMs + DAY_MS);
  if (offsetMs === laterOffsetMs) return { startMs, offsetMs, changeMs: Infinity, laterOffsetMs };
  let before = startMs;
  let after = startMs + DAY_MS;
  while (after - before > 1000) {
    const middle = before + Math.floor((after - before) / 2000) * 1000;
    if (askOffset(zone, middle) === offsetMs) before = middle;
    else after = middle;
  }
  return { startMs, offsetMs, changeMs: after, laterOffsetMs };
}

function askOffset(zone: Zone, ms: number): number {
  const parts = new Map(zone.format.formatToParts(ms).map((part) => [part.type, part.value]));
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const year = parts.get('era')?.startsWith('B') === true ? 1 - part('year') : part('year');
  const seconds = (part('hour') * 60 + part('minute')) * 60 + part('second');
  return (dayNumber(year, part('month'), part('day')) * DAY_S + seconds) * 1000 - Math.floor(ms / 1000) * 1000;
}

/** Days from 1970-01-01 in the Gregorian calendar; March is taken as the first month so that February 29 comes last. */
export function dayNumber(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + dayOfYear - 719_468;
}

/** 0 is Monday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}
