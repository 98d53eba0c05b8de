/** A moment as a price list writes it: on the clock of its tariff where that says it exactly, else in UTC. */
import { parseMoment } from '../../rating/dates.ts';
import { RateError } from '../../rating/errors.ts';
import { localMs, zoneOf } from '../../rating/zone.ts';

const MICROS_A_SECOND = 1_000_000n;

/**
 * Microseconds since 1970 as `2026-12-31`, `2026-12-31 08:00`, `2026-12-31 08:00:30.5`, or, for an hour that the zone's
 * clock shows twice and for a zone that is unknown here, `2026-12-31T06:00:30.5Z`. momentIn reads all of them.
 */
export function momentText(micros: bigint, timeZone: string): string {
  const ms = Number(micros / MICROS_A_SECOND) * 1000;
  const fraction = micros % MICROS_A_SECOND === 0n ? '' : `.${String(micros % MICROS_A_SECOND).padStart(6, '0').replace(/0+$/, '')}`;
  const local = localText(ms, timeZone);
  if (local === null) return `${isoSeconds(ms)}${fraction}Z`;
  const [day = '', time = ''] = local.split('T');
  if (fraction !== '') return `${day} ${time}${fraction}`;
  return time === '00:00:00' ? day : `${day} ${time.replace(/:00$/, '')}`;
}

/** null when the zone's clock cannot say it. */
function localText(ms: number, timeZone: string): string | null {
  try {
    const zone = zoneOf(timeZone);
    const text = isoSeconds(localMs(zone, ms));
    return parseMoment(text, zone) === ms ? text : null;
  } catch (error) {
    if (error instanceof RateError) return null;
    throw error;
  }
}

function isoSeconds(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19);
}
