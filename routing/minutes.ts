/** Minutes that a provider may be talked by in a month or on a day (285). */
import type { Provider } from './catalog.ts';

/** Billed seconds of calls that are over. */
export interface Talk {
  readonly monthS: number;
  readonly dayS: number;
}

/** By provider id, of those with a limit; none: nothing was talked. */
export type TalkView = ReadonlyMap<number, Talk>;

type Limits = Pick<Provider, 'monthlyMinutes' | 'dailyMinutes'>;

export function hasMinutes({ monthlyMinutes, dailyMinutes }: Limits): boolean {
  return monthlyMinutes > 0 || dailyMinutes > 0;
}

export function minutesUsedUp({ monthlyMinutes, dailyMinutes }: Limits, talk: Talk | undefined): boolean {
  if (talk === undefined) return false;
  return (monthlyMinutes > 0 && talk.monthS >= monthlyMinutes * 60) || (dailyMinutes > 0 && talk.dayS >= dailyMinutes * 60);
}

function usedText(seconds: number, limit: number, when: string): string[] {
  return limit === 0 ? [] : [`${(Math.floor(seconds / 6) / 10).toFixed(1)} of ${limit} minutes ${when}`];
}

/** For `route`. */
export function minutesText({ monthlyMinutes, dailyMinutes }: Limits, talk: Talk = { monthS: 0, dayS: 0 }): string {
  return [...usedText(talk.monthS, monthlyMinutes, 'this month'), ...usedText(talk.dayS, dailyMinutes, 'today')].join(', ');
}
