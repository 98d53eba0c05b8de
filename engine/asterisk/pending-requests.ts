/** Requests sent and not yet answered: bounded, and each one ends. */
import { AriError, type AriRequest } from './contract.ts';
import { later, monotonicMs } from './clock.ts';

interface Pending {
  readonly request: AriRequest;
  readonly deadlineMs: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: AriError) => void;
}

export class PendingRequests {
  readonly #byId = new Map<string, Pending>();
  readonly #timeoutMs: number;
  readonly #max: number;
  #nextId = 1;
  #closedBecause: string | undefined;
  #cancelSweep: (() => void) | undefined;

  constructor(timeoutMs: number, max: number) {
    this.#timeoutMs = timeoutMs;
    this.#max = max;
  }

  /** `send` gets the request's id and puts it on the wire; what it throws becomes the request's failure. */
  start(request: AriRequest, send: (id: string) => void): Promise<unknown> {
    if (this.#closedBecause !== undefined) return Promise.reject(new AriError(0, this.#closedBecause, request));
    if (this.#byId.size >= this.#max) return Promise.reject(new AriError(0, `${this.#max} requests are under way`, request));
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      this.#byId.set(id, { request, resolve, reject, deadlineMs: monotonicMs() + this.#timeoutMs });
      if (this.#cancelSweep === undefined) this.#armSweep(this.#timeoutMs);
      try {
        send(id);
      } catch (error) {
        this.refuse(id, 0, String(error));
      }
    });
  }

  answer(id: string, result: unknown): void {
    this.#take(id)?.resolve(result);
  }

  refuse(id: string, status: number, message: string): void {
    const pending = this.#take(id);
    pending?.reject(new AriError(status, message, pending.request));
  }

  /** Fails what is under way and whatever is still asked. */
  close(reason: string): void {
    if (this.#closedBecause !== undefined) return;
    this.#closedBecause = reason;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    for (const id of this.#byId.keys()) this.refuse(id, 0, reason);
  }

  #take(id: string): Pending | undefined {
    const pending = this.#byId.get(id);
    this.#byId.delete(id);
    return pending;
  }

  /** All share one timeout, so the map is in order of deadline and one timer serves all. */
  #armSweep(ms: number): void {
    this.#cancelSweep = later(ms, () => {
      this.#cancelSweep = undefined;
      this.#sweep();
    });
  }

  #sweep(): void {
    const now = monotonicMs();
    for (const [id, pending] of this.#byId) {
      if (pending.deadlineMs > now) {
        this.#armSweep(pending.deadlineMs - now);
        return;
      }
      this.refuse(id, 0, `no answer within ${this.#timeoutMs} ms`);
    }
  }
}
