// The least a postpaid user pays for his voice calls in a month ("Minimum contract billing").

import type { Money } from './money.ts';

export interface MinimalCharge {
  /** 0: none. */
  readonly minimum: Money;
  readonly validFromMs: number;
}

/** The line an invoice gets so that the calls of a period reach the minimum; 0 for a period that began before it was valid. */
export function missingCharge(agreed: MinimalCharge, periodStartMs: number, callsTotal: Money): Money {
  if (periodStartMs < agreed.validFromMs || callsTotal >= agreed.minimum) return 0n;
  return agreed.minimum - callsTotal;
}
