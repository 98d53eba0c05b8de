/** How long to wait before the next try. Pure: the random number comes in. */

export interface BackOff {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Doubles from `minMs` to `maxMs`; the random half spreads the daemons that lost the same Asterisk, so that they
 * do not come back in one moment. `attempt` counts from 0, `random` is within 0..1.
 */
export function backOffMs(backOff: BackOff, attempt: number, random: number): number {
  // 2^30 times any sensible minimum is beyond every maximum, and keeps the product finite.
  const full = Math.min(backOff.maxMs, backOff.minMs * 2 ** Math.min(attempt, 30));
  return Math.round(full * (0.5 + random / 2));
}
