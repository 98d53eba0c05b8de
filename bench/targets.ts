/** What a bench is to reach, and how it says whether it did. */

export interface Target {
  readonly name: string;
  readonly found: number;
  readonly goal: string;
  readonly reached: boolean;
}

export function upTo(name: string, found: number, most: number): Target {
  return { name, found, goal: `<= ${most}`, reached: found <= most };
}

export function atLeast(name: string, found: number, least: number): Target {
  return { name, found, goal: `>= ${least}`, reached: found >= least };
}

/** A line each. */
export function targetsText(all: readonly Target[]): string {
  return all.map(({ name, found, goal, reached }) => `${reached ? 'reached' : 'MISSED '}  ${name}: ${found < 1000 ? found.toFixed(2) : Math.round(found)} (goal ${goal})\n`).join('');
}
