/** Several worlds on one line, each in a database of its own, and their results as one. */
import { Simulation } from './simulation.ts';
import type { Result, SimulationOptions } from './simulation.ts';
import { Wire } from './wire.ts';
import type { Line } from './wire.ts';

export interface WorldsOptions extends Omit<SimulationOptions, 'wire' | 'onDay'> {
  readonly worlds: number;
}

/** `tell` hears how many calls there were so far. */
export async function runWorlds(options: WorldsOptions, line: Line, tell: (calls: number) => void): Promise<Result> {
  const worlds = Math.min(options.worlds, Math.ceil(options.calls / options.callsADay));
  const calls = Array.from({ length: worlds }, () => 0);
  const results = await Promise.all(calls.map(async (_, world) =>
    new Simulation({
      ...options, wire: new Wire(line, world), seed: options.seed + world, calls: Math.ceil(options.calls / worlds),
      onDay: (news) => {
        calls[world] = news.calls;
        tell(calls.reduce((sum, one) => sum + one, 0));
      },
    }).run()));
  return results.reduce(joined);
}

function joined(one: Result, other: Result): Result {
  const faults = { ...one.faults };
  for (const [kind, count] of Object.entries(other.faults)) faults[kind] = (faults[kind] ?? 0) + count;
  return {
    seed: one.seed, days: one.days + other.days, tally: joinedTally(one.tally, other.tally), faults, differences: [...one.differences, ...other.differences],
    steps: one.steps + other.steps, commands: one.commands + other.commands, mark: (Math.imul(one.mark, 31) ^ other.mark) >>> 0,
  };
}

function joinedTally(one: Result['tally'], other: Result['tally']): Result['tally'] {
  const added = Object.fromEntries(Object.entries(one).map(([name, value]) => [name, value + other[name as keyof Result['tally']]]));
  return { ...(added as unknown as Result['tally']), leastLeft: Math.min(one.leastLeft, other.leastLeft) };
}
