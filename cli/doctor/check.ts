/** One thing looked at. */
export interface Check {
  readonly about: string;
  readonly state: 'good' | 'warn' | 'bad';
  readonly found: string;
  /** What to do; '' when there is nothing to do. */
  readonly advice: string;
}

export function good(about: string, found: string): Check {
  return { about, state: 'good', found, advice: '' };
}

export function bad(about: string, found: string, advice: string): Check {
  return { about, state: 'bad', found, advice };
}

export function warn(about: string, found: string, advice: string): Check {
  return { about, state: 'warn', found, advice };
}

export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Clocks of the hosts that stamp calls should agree; effective dates of rates and CDRs depend on them. */
export const CLOCK_WARN_MS = 2000;

export function clockCheck(about: string, differenceMs: number): Check {
  const text = `its clock differs from this host's by ${Math.round(differenceMs)} ms`;
  return Math.abs(differenceMs) < CLOCK_WARN_MS ? good(`${about} clock`, text) : warn(`${about} clock`, text, 'run chrony or another NTP client on both hosts');
}
