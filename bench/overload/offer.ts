/** Calls at one rate, more than can be taken or less: who got in, how long that took, and how soon the others were told. */
import { CALLER_IPS } from '../calls/house.ts';
import type { House } from '../calls/house.ts';
import { channelsLeft, percentile } from '../calls/measure.ts';
import { call } from '../../test/lab/sipp.ts';
import type { SippResult } from '../../test/lab/sipp.ts';

export interface Offer {
  readonly ratePerSecond: number;
  readonly seconds: number;
}

export interface Outcome extends Offer {
  readonly calls: number;
  /** Neither answered nor refused as they should be. */
  readonly failed: number;
  readonly refused: number;
  /** From here on all is of the time after the first seconds. Calls answered a second. */
  readonly admittedPerSecond: number;
  readonly setupP50Ms: number;
  readonly setupP99Ms: number;
  readonly refusalP50Ms: number;
  readonly refusalP99Ms: number;
}

/** A rate that begins at once is an overload that nobody could foresee; it is told apart from what follows. */
export const SETTLING_S = 5;
const HOLD_MS = 1000;

function timesOf(result: SippResult, name: string, fromMs: number): number[] {
  return result.responses.filter((each) => each.name === name && each.atMs >= fromMs).map(({ tookMs }) => tookMs).sort((a, b) => a - b);
}

export async function offer(house: House, { ratePerSecond, seconds }: Offer): Promise<Outcome> {
  const calls = ratePerSecond * seconds;
  const result = await call({
    scenario: 'answered-or-refused', target: house.asterisk, ip: CALLER_IPS.tollgate, from: '37060000001', to: '37061234567',
    values: { holdMs: HOLD_MS }, calls, ratePerSecond, trace: false, timeoutS: seconds + 40,
  });
  const stuck = await channelsLeft(house);
  const startedMs = Math.min(...result.responses.map(({ atMs }) => atMs));
  const fromMs = startedMs + SETTLING_S * 1000;
  const untilMs = startedMs + seconds * 1000;
  const answered = result.responses.filter((each) => each.name === 'setup' && each.atMs >= fromMs && each.atMs < untilMs);
  const setup = timesOf(result, 'setup', fromMs);
  const refusals = timesOf(result, 'refused', fromMs);
  return {
    ratePerSecond, seconds, calls,
    failed: calls - result.stats.successful + stuck,
    refused: timesOf(result, 'refused', 0).length,
    admittedPerSecond: answered.length / (seconds - SETTLING_S),
    setupP50Ms: percentile(setup, 0.5), setupP99Ms: percentile(setup, 0.99),
    refusalP50Ms: percentile(refusals, 0.5), refusalP99Ms: percentile(refusals, 0.99),
  };
}
