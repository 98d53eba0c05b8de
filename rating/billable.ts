// Which part of a call is paid for, and how its milliseconds become whole seconds.
// Source: "DID Billing Time": a normal leg from answer to end (D–E), a DID leg from arrival to end (B–E).

import { RateError } from './errors.ts';

export type SecondsRounding = 'up' | 'down' | 'nearest';

export interface CallTimes {
  readonly arrivedMs: number;
  /** null: nobody answered. */
  readonly answeredMs: number | null;
  readonly endedMs: number;
}

/** Answer to end. Nothing when nobody answered; a clock that stepped back must never make a negative price. */
export function normalLegMs(times: CallTimes): number {
  return times.answeredMs === null ? 0 : Math.max(0, times.endedMs - times.answeredMs);
}

/** Arrival at the switch to end, ringing and menus included; nothing when the call was never answered. */
export function didLegMs(times: CallTimes): number {
  return times.answeredMs === null ? 0 : Math.max(0, times.endedMs - times.arrivedMs);
}

/** Real milliseconds to billsec. `nearest` takes half a second up. Throws RateError for a negative or missing duration. */
export function billsec(durationMs: number, rounding: SecondsRounding): number {
  if (!(durationMs >= 0)) throw new RateError('negative', 'durationMs', `${durationMs} ms is not the duration of a call.`);
  if (rounding === 'up') return Math.ceil(durationMs / 1000);
  return Math.floor((rounding === 'nearest' ? durationMs + 500 : durationMs) / 1000);
}
