/**
 * Simulated time: one queue of moments, and behind `setTimeout`, `Date.now` and their like, which the product's shells use,
 * this queue instead of the machine's. What a step sets going by promises is carried out before the next step, so that the
 * order of everything follows from the order of the queue.
 */

/** Something whose code may be cut off: a daemon. Whatever is its own happens only while it lives and is awake. */
export interface Program {
  readonly name: string;
  alive: boolean;
  /** Frozen by its machine: what is due waits. */
  asleep: boolean;
}

/** An answer of the real Redis; it may be still on its way when its simulated moment has come. */
export interface Arrival {
  readonly arrived: boolean;
  /** Calls back once, when it is here. */
  wait(then: () => void): void;
}

interface Due {
  readonly atMs: number;
  readonly number: number;
  readonly run: () => void;
  readonly owner: Program | null;
  readonly needs: Arrival | null;
  cancelled: boolean;
}

export interface Planned {
  cancel(): void;
}

/** Runs what promises have made ready, down to the last: a step is whole. Node has no public word for it. */
const drain = (process as unknown as { _tickCallback: (this: void) => void })._tickCallback;

const realSetImmediate = setImmediate;
const REAL = { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate, dateNow: Date.now };

/** Several worlds may run in one process: while one waits for Redis another goes on. This is the one whose turn it is. */
let present: Time | null = null;
let worlds = 0;

/** 2026-11-24T00:00:00Z. */
export const BEGINNING_MS = 1_795_478_400_000;

export class Time {
  /** Whoever wants to read along: what happens to channels, and each script. */
  tell: ((about: string, what: string) => void) | null = null;
  #nowMs = BEGINNING_MS;
  #count = 0;
  readonly #queue: Due[] = [];
  /** Of programs that sleep. */
  readonly #held = new Map<Program, Due[]>();
  #running: Program | null = null;
  #done: ((error: unknown) => void) | null = null;
  #steps = 0;
  /** A running mark of all that happened, in order: two runs of one seed must agree in it. */
  #mark = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  get steps(): number {
    return this.#steps;
  }

  get mark(): number {
    return this.#mark;
  }

  /** Whose code runs; null: the world's. */
  get running(): Program | null {
    return this.#running;
  }

  /** The world's own. */
  in(ms: number, run: () => void): Planned {
    return this.#plan(ms, run, null, null);
  }

  /** A program's: it does not happen when that is dead, and later when it sleeps. */
  inOf(owner: Program, ms: number, run: () => void, needs: Arrival | null = null): Planned {
    return this.#plan(ms, run, owner, needs);
  }

  /** The world's, not before the real answer is here. */
  inWith(needs: Arrival, ms: number, run: () => void): Planned {
    return this.#plan(ms, run, null, needs);
  }

  /** Code of a program, outside of its turn. */
  as(owner: Program, run: () => void): void {
    const before = this.#running;
    this.#running = owner;
    run();
    this.#running = before;
  }

  /** It goes on where it was frozen. */
  wake(program: Program): void {
    program.asleep = false;
    for (const due of this.#held.get(program) ?? []) this.#push({ ...due, atMs: this.#nowMs, number: (this.#count += 1) });
    this.#held.delete(program);
  }

  /** Nothing of it will ever run. */
  forget(program: Program): void {
    this.#held.delete(program);
  }

  /** Adds to what two runs must agree in. */
  note(value: number): void {
    this.#mark = (Math.imul(this.#mark ^ (value | 0), 0x01000193) + 0x9e3779b9) | 0;
  }

  /** Nothing happens in between: nights. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Goes on until `stop` is called. */
  async run(begin: () => void): Promise<void> {
    patch();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#done = (error) => (error === null ? resolve() : reject(error));
        realSetImmediate(() => {
          enter(this);
          begin();
          drain();
          this.#turn();
        });
      });
    } finally {
      restore();
    }
  }

  stop(error: unknown = null): void {
    this.#done?.(error);
    this.#done = null;
  }

  #turn(): void {
    enter(this);
    try {
      while (this.#done !== null) {
        const due = this.#queue[0];
        if (due === undefined) throw new Error('The simulation has come to a standstill: nothing is due any more.');
        if (due.needs !== null && !due.needs.arrived && !due.cancelled && due.owner?.alive !== false) {
          due.needs.wait(() => this.#turn());
          return;
        }
        this.#pop();
        this.#step(due);
      }
    } catch (error) {
      this.stop(error);
    }
  }

  #step(due: Due): void {
    if (due.cancelled || due.owner?.alive === false) return;
    this.#nowMs = Math.max(this.#nowMs, due.atMs);
    if (due.owner?.asleep === true) {
      const held = this.#held.get(due.owner) ?? [];
      held.push(due);
      this.#held.set(due.owner, held);
      return;
    }
    this.#steps += 1;
    this.note(due.number);
    this.#running = due.owner;
    due.run();
    drain();
    this.#running = null;
  }

  #plan(ms: number, run: () => void, owner: Program | null, needs: Arrival | null): Planned {
    const due: Due = { atMs: this.#nowMs + Math.max(0, ms), number: (this.#count += 1), run, owner, needs, cancelled: false };
    this.#push(due);
    return { cancel: () => void (due.cancelled = true) };
  }

  // A binary heap; the first is the earliest, of one moment the one planned first.

  #push(due: Due): void {
    const queue = this.#queue;
    let at = queue.length;
    queue.push(due);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = queue[parent] as Due;
      if (!earlier(due, other)) break;
      queue[at] = other;
      at = parent;
    }
    queue[at] = due;
  }

  #pop(): void {
    const queue = this.#queue;
    const last = queue.pop() as Due;
    if (queue.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && earlier(queue[child + 1] as Due, queue[child] as Due)) child += 1;
      if (!earlier(queue[child] as Due, last)) break;
      queue[at] = queue[child] as Due;
      at = child;
    }
    queue[at] = last;
  }
}

function earlier(one: Due, other: Due): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.number < other.number);
}

function here(): Time {
  if (present === null) throw new Error('No simulation runs.');
  return present;
}

function enter(time: Time): void {
  present = time;
}

type Run = (...args: unknown[]) => void;

const SIMULATED = {
  setTimeout: (run: Run, ms = 1, ...args: unknown[]): Timer => new Timer(here(), ms >= 1 ? ms : 1, () => run(...args)),
  setImmediate: (run: Run, ...args: unknown[]): Timer => new Timer(here(), 0, () => run(...args)),
  setInterval: (run: Run, ms: number): Timer => new Timer(here(), ms, run, true),
  clearTimeout: (timer?: Timer): void => timer?.cancel(),
  clearImmediate: (timer?: Timer): void => timer?.cancel(),
  clearInterval: (timer?: Timer): void => timer?.cancel(),
};

function patch(): void {
  worlds += 1;
  if (worlds > 1) return;
  Object.assign(globalThis, SIMULATED);
  Date.now = (): number => Math.floor(here().nowMs);
  performance.now = (): number => here().nowMs - BEGINNING_MS;
}

function restore(): void {
  worlds -= 1;
  if (worlds > 0) return;
  const { dateNow, ...timers } = REAL;
  Object.assign(globalThis, timers);
  Date.now = dateNow;
  // Beneath it is the machine's own.
  delete (performance as { now?: unknown }).now;
}

/** What the patched functions return. A program's timers die with it. */
class Timer {
  readonly #time: Time;
  readonly #ms: number;
  readonly #run: () => void;
  readonly #repeats: boolean;
  readonly #owner: Program | null;
  #planned: Planned;

  constructor(time: Time, ms: number, run: () => void, repeats = false) {
    this.#time = time;
    this.#ms = ms;
    this.#run = run;
    this.#repeats = repeats;
    this.#owner = time.running;
    this.#planned = this.#plan();
  }

  #plan(): Planned {
    const fire = (): void => {
      if (this.#repeats) this.#planned = this.#plan();
      this.#run();
    };
    return this.#owner === null ? this.#time.in(this.#ms, fire) : this.#time.inOf(this.#owner, this.#ms, fire);
  }

  cancel(): void {
    this.#planned.cancel();
  }

  refresh(): this {
    this.cancel();
    this.#planned = this.#plan();
    return this;
  }

  unref(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}
