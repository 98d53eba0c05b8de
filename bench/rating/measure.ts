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

/** `work` runs the piece `count` times, so that the loop is part of one compiled function. */
export function timeOf(work: (count: number) => void, { rounds, roundMs }: Effort): Timing {
  let count = 1000;
  let ms = 0;
  // The compiler needs a while; then the count is known that fills a round.
  for (let warm = 0; warm < 8 || ms < roundMs / 4; warm++) {
    ms = cpuMs(() => work(count));
    if (ms < roundMs / 4) count *= 2;
  }
  count = Math.max(1, Math.round((count * roundMs) / ms));
  const cpu: number[] = [];
  const wall: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const started = performance.now();
    cpu.push((cpuMs(() => work(count)) * 1e6) / count);
    wall.push(((performance.now() - started) * 1e6) / count);
  }
  return { cpuNs: median(cpu), wallNs: median(wall), bestNs: Math.min(...cpu) };
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
