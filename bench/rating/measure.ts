// Repeats a piece of work in rounds and says how long one run of it takes.

/** Nanoseconds of one run, medians of all rounds. */
export interface Timing {
  /** Of this process on a processor, its garbage collector included: what a core of its own would take. */
  readonly cpuNs: number;
  /** By the clock: more than cpuNs when other programs want the processor too. */
  readonly wallNs: number;
  /** The best round, on a processor. */
  readonly bestNs: number;
}

export interface Effort {
  readonly rounds: number;
  readonly roundMs: number;
}

/** Runs its piece so often that the loop is part of one compiled function. */
export type Work = (count: number) => void;

export function timeOf(work: Work, effort: Effort): Timing {
  return timeInTurn([work], effort)[0] as Timing;
}

/** Several pieces, a round of each in turn, so that a busy moment of the machine meets all of them. */
export function timeInTurn(works: readonly Work[], { rounds, roundMs }: Effort): Timing[] {
  const runs = works.map((work) => ({ work, count: countFilling(work, roundMs), cpu: [] as number[], wall: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { work, count, cpu, wall } of runs) {
      const started = performance.now();
      cpu.push((cpuMs(() => work(count)) * 1e6) / count);
      wall.push(((performance.now() - started) * 1e6) / count);
    }
  }
  return runs.map(({ cpu, wall }) => ({ cpuNs: median(cpu), wallNs: median(wall), bestNs: Math.min(...cpu) }));
}

/** How often fills a round, found when the compiler has done its work. */
function countFilling(work: Work, roundMs: number): number {
  let count = 1000;
  let ms = 0;
  for (let warm = 0; warm < 8 || ms < roundMs / 4; warm++) {
    ms = cpuMs(() => work(count));
    if (ms < roundMs / 4) count *= 2;
  }
  return Math.max(1, Math.round((count * roundMs) / ms));
}

function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

/** Somewhere to leave a result, so that computing it cannot be optimised away. */
export const sink: { value: unknown } = { value: null };
