/** Has tariffs built in a worker thread, a few at a time, and keeps what has come until it is taken. */
import { Worker } from 'node:worker_threads';
import type { TariffMeta } from '../../rating/tariff-meta.ts';
import type { BuiltTariff, WorkerInput } from './tariff-worker.ts';

/** A small tariff does not wait behind a large one, and memory stays bounded. */
const MOST_AT_ONCE = 3;

const isSource = import.meta.url.endsWith('.ts');
const WORKER = new URL(isSource ? './tariff-worker-from-source.mjs' : './tariff-worker.js', import.meta.url);

export class TariffLoader {
  readonly #postgresUrl: string;
  readonly #onNews: () => void;
  /** Asked for and not come, each in its latest form. */
  readonly #wanted = new Map<number, TariffMeta>();
  /** Sent to the worker and not answered. */
  readonly #sent = new Map<number, TariffMeta>();
  readonly #come: BuiltTariff[] = [];
  #worker: Worker | null = null;
  #failure: Error | null = null;

  /** `onNews`: all that was wanted has come, or the worker failed. */
  constructor(postgresUrl: string, onNews: () => void) {
    this.#postgresUrl = postgresUrl;
    this.#onNews = onNews;
  }

  /** Starts a worker, which is asked again for what had not come. */
  open(): void {
    const worker = new Worker(WORKER, { workerData: { postgresUrl: this.#postgresUrl } satisfies WorkerInput });
    this.#worker = worker;
    this.#failure = null;
    this.#sent.clear();
    worker.on('message', (built: BuiltTariff) => this.#took(worker, built));
    worker.on('error', (error) => this.#failed(worker, error));
    worker.on('exit', (code) => this.#failed(worker, new Error(`The thread that builds tariffs ended with code ${code}.`)));
    this.#send();
  }

  close(): void {
    const worker = this.#worker;
    this.#worker = null;
    // The promise tells of the end, which nobody waits for; it never rejects.
    worker?.terminate().catch(() => undefined);
  }

  want(metas: readonly TariffMeta[]): void {
    for (const meta of metas) this.#wanted.set(meta.tariffId, meta);
    this.#send();
  }

  /** Whether it is still to come, or has come and was not taken. */
  isAwaited(tariffId: number): boolean {
    return this.#wanted.has(tariffId) || this.#come.some((built) => built.tariffId === tariffId);
  }

  /** Each once, in the order in which they came. Throws what ended the worker. */
  take(): readonly BuiltTariff[] {
    if (this.#failure !== null) throw this.#failure;
    return this.#come.splice(0);
  }

  #send(): void {
    if (this.#worker === null || this.#failure !== null) return;
    for (const [tariffId, meta] of this.#wanted) {
      if (this.#sent.size >= MOST_AT_ONCE) return;
      if (this.#sent.has(tariffId)) continue;
      this.#sent.set(tariffId, meta);
      this.#worker.postMessage(meta, []);
    }
  }

  #took(worker: Worker, built: BuiltTariff): void {
    if (worker !== this.#worker) return;
    this.#come.push(built);
    // If it was asked for again meanwhile, this one is taken all the same: it is newer than what is in force.
    if (this.#wanted.get(built.tariffId) === this.#sent.get(built.tariffId)) this.#wanted.delete(built.tariffId);
    this.#sent.delete(built.tariffId);
    this.#send();
    if (this.#wanted.size === 0) this.#onNews();
  }

  #failed(worker: Worker, error: Error): void {
    if (worker !== this.#worker) return;
    this.#failure ??= error;
    this.#onNews();
  }
}
