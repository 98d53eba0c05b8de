/** Asterisk's timestamps, e.g. `2026-11-24T04:14:22.005+0000`, to epoch milliseconds. */

/** The minute read last: at a hundred calls a second nearly every event falls into it. */
let minute = '';
let zone = '';
let minuteMs = 0;

/** Undefined for whatever is no timestamp. */
export function stampMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (value.length === 28 && value.startsWith(minute) && value.endsWith(zone) && minute !== '') {
    const ms = withinMinuteMs(value);
    if (ms !== undefined) return minuteMs + ms;
  }
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return undefined;
  remember(value, ms);
  return ms;
}

function remember(value: string, ms: number): void {
  const within = value.length === 28 ? withinMinuteMs(value) : undefined;
  if (within === undefined) return;
  minute = value.slice(0, 17);
  zone = value.slice(23);
  minuteMs = ms - within;
}

/** `SS.mmm` at its fixed place. */
function withinMinuteMs(value: string): number | undefined {
  if (value.charCodeAt(19) !== 46) return undefined;
  const tens = digit(value, 17);
  const ms = (tens * 10 + digit(value, 18)) * 1000 + digit(value, 20) * 100 + digit(value, 21) * 10 + digit(value, 22);
  return tens < 6 && ms >= 0 ? ms : undefined;
}

/** NaN for anything else, which makes the caller's comparison fail. */
function digit(value: string, index: number): number {
  const code = value.charCodeAt(index) - 48;
  return code >= 0 && code <= 9 ? code : Number.NaN;
}
