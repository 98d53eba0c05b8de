/**
 * Hands finished calls to the store and does not let go of one before the store has it: while Redis is away they
 * wait here, in order, and are tried again. The wait is visible in health.
 */
import type { Cdr, FinishRequest } from './call/admission.ts';
import { monotonicMs, pause } from './clock.ts';
import { NO_METER } from './meter.ts';
import type { Meter } from './meter.ts';
import type { CallStore, Log } from './ports.ts';

const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2000;
/** A Redis that comes back may have lost what it was told within this time. */
const REMEMBER_MS = 10_000;

type Job = { readonly callId: string; /** Only who leads the call may do it. */ readonly led: boolean; readonly run: () => Promise<unknown> };

export class Finisher {
  readonly #store: CallStore;
  readonly #log: Log;
  readonly #meter: Meter;
  readonly #waiting: Job[] = [];
  readonly #running = new Set<Job>();
  #retrying = false;
  /** What the store has taken lately, oldest first. */
  readonly #recent: { readonly job: Job; readonly atMs: number }[] = [];
  #idle: (() => void)[] = [];

  constructor(store: CallStore, log: Log, meter: Meter = NO_METER) {
    this.#store = store;
    this.#log = log;
    this.#meter = meter;
  }

  /** Finished calls that the store does not have yet. */
  get backlog(): number {
    return this.#waiting.length + this.#running.size;
  }

  finish(request: FinishRequest): void {
    this.#meter.ended(request.cdrs);
    this.#start({ callId: request.callId, led: true, run: () => this.#store.finish(request) });
  }

  record(cdrs: readonly Cdr[]): void {
    this.#meter.ended(cdrs);
    this.#start({ callId: cdrs[0]?.uniqueId ?? '', led: false, run: () => this.#store.record(cdrs) });
  }

  /** Calls whose end is on its way to the store. */
  ending(): ReadonlySet<string> {
    return new Set([...this.#running, ...this.#waiting].map((job) => job.callId));
  }

  /** The store may have lost what it took lately: it is told again. What it knows changes nothing. */
  repeat(): void {
    const sinceMs = monotonicMs() - REMEMBER_MS;
    for (const { job, atMs } of this.#recent.splice(0)) if (atMs > sinceMs) this.#start(job);
  }

  /** Ends of calls of an Asterisk that another daemon leads now: they are its to tell. */
  forget(serverId: number): void {
    const kept = this.#waiting.filter((job) => !job.led || !job.callId.startsWith(`${serverId}-`));
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    this.#tellIdle();
  }

  /** Resolves when the store has everything. */
  drained(): Promise<void> {
    if (this.backlog === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#idle.push(resolve);
    });
  }

  #start(job: Job): void {
    if (this.#retrying) {
      this.#waiting.push(job);
      return;
    }
    this.#running.add(job);
    job.run().then(
      () => {
        this.#remember(job);
        this.#ended(job);
      },
      (error: unknown) => {
        // A lease that ran out for a moment is no trouble: it is renewed, or another daemon tells the end.
        const fenced = error instanceof Error && error.message.startsWith('FENCED');
        this.#log[fenced ? 'warn' : 'error']({ err: error, callId: job.callId }, 'A finished call could not be handed to the store; it is kept and tried again');
        this.#waiting.push(job);
        this.#ended(job);
        this.#retry();
      },
    );
  }

  #remember(job: Job): void {
    const nowMs = monotonicMs();
    this.#recent.push({ job, atMs: nowMs });
    const old = this.#recent.findIndex(({ atMs }) => atMs > nowMs - REMEMBER_MS);
    // Not one by one: an array that loses its head is copied.
    if (old > 1000) this.#recent.splice(0, old);
  }

  #ended(job: Job): void {
    this.#running.delete(job);
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.backlog > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #retry(): void {
    if (this.#retrying) return;
    this.#retrying = true;
    this.#retryAll().then(
      () => {
        this.#retrying = false;
        this.#tellIdle();
        if (this.#waiting.length > 0) this.#retry();
      },
      (error: unknown) => this.#log.error({ err: error }, 'Retrying finished calls failed'),
    );
  }

  async #retryAll(): Promise<void> {
    let waitMs = RETRY_MIN_MS;
    for (let job = this.#waiting[0]; job !== undefined; job = this.#waiting[0]) {
      try {
        await job.run();
        // It may have been forgotten meanwhile.
        if (this.#waiting[0] === job) this.#waiting.shift();
        waitMs = RETRY_MIN_MS;
      } catch {
        await pause(waitMs);
        waitMs = Math.min(waitMs * 2, RETRY_MAX_MS);
      }
    }
  }
}
