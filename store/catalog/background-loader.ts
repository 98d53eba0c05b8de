/** Has tariffs and pools built in a worker thread, a few at a time, and keeps what has come until it is taken. */
import { Worker } from 'node:worker_threads';
import { jobKey, PROGRESS } from './build-job.ts';
import type { Built, Job } from './build-job.ts';
import type { WorkerInput } from './build-worker.ts';

/** A small one does not wait behind a large one, and memory stays bounded. */
const MOST_AT_ONCE = 3;

/** Whatever stands in its way, a lock, a frozen server: a worker that has work and tells nothing for so long is given up. */
const SILENT_MS = 30_000;

const isSource = import.meta.url.endsWith('.ts');
const WORKER = new URL(isSource ? './build-worker-from-source.mjs' : './build-worker.js', import.meta.url);

export class BackgroundLoader {
  readonly #postgresUrl: string;
  readonly #onNews: () => void;
  readonly #silentMs: number;
  /** Asked for and not come, each in its latest form. */
  readonly #wanted = new Map<string, Job>();
  /** Sent to the worker and not answered. */
  readonly #sent = new Map<string, Job>();
  readonly #come: Built[] = [];
  #worker: Worker | null = null;
  #failure: Error | null = null;
  /** Runs while a worker has work. */
  #silence: NodeJS.Timeout | undefined;

  /** `onNews`: all that was wanted has come, or the worker failed. */
  constructor(postgresUrl: string, onNews: () => void, silentMs = SILENT_MS) {
    this.#postgresUrl = postgresUrl;
    this.#onNews = onNews;
    this.#silentMs = silentMs;
  }

  /** Starts a worker, which is asked again for what had not come. */
  open(): void {
    const worker = new Worker(WORKER, { workerData: { postgresUrl: this.#postgresUrl } satisfies WorkerInput });
    this.#worker = worker;
    this.#failure = null;
    this.#sent.clear();
    worker.on('message', (news: Built | typeof PROGRESS) => this.#heard(worker, news));
    worker.on('error', (error) => this.#failed(worker, error));
    worker.on('exit', (code) => this.#failed(worker, new Error(`The thread that builds tariffs and pools ended with code ${code}.`)));
    this.#send();
  }

  close(): void {
    const worker = this.#worker;
    this.#worker = null;
    clearTimeout(this.#silence);
    // The promise tells of the end, which nobody waits for; it never rejects.
    worker?.terminate().catch(() => undefined);
  }

  want(jobs: readonly Job[]): void {
    for (const job of jobs) this.#wanted.set(jobKey(job), job);
    this.#send();
  }

  /** By jobKey: whether it is still to come, or has come and was not taken. */
  isAwaited(key: string): boolean {
    return this.#wanted.has(key) || this.#come.some((built) => jobKey(built) === key);
  }

  /** Each once, in the order in which they came. Throws what ended the worker. */
  take(): readonly Built[] {
    if (this.#failure !== null) throw this.#failure;
    return this.#come.splice(0);
  }

  #send(): void {
    if (this.#worker === null || this.#failure !== null) return;
    for (const [key, job] of this.#wanted) {
      if (this.#sent.size >= MOST_AT_ONCE) return;
      if (this.#sent.has(key)) continue;
      this.#sent.set(key, job);
      if (this.#sent.size === 1) this.#listen(this.#worker);
      this.#worker.postMessage(job, []);
    }
  }

  #listen(worker: Worker): void {
    clearTimeout(this.#silence);
    if (this.#sent.size === 0) return;
    this.#silence = setTimeout(() => this.#failed(worker, new Error(`The thread that builds tariffs and pools tells nothing for ${this.#silentMs / 1000} s.`)), this.#silentMs);
  }

  #heard(worker: Worker, news: Built | typeof PROGRESS): void {
    if (worker !== this.#worker) return;
    if (news !== PROGRESS) this.#took(news);
    this.#listen(worker);
  }

  #took(built: Built): void {
    this.#come.push(built);
    // If it was asked for again meanwhile, this one is taken all the same: it is newer than what is in force.
    const key = jobKey(built);
    if (this.#wanted.get(key) === this.#sent.get(key)) this.#wanted.delete(key);
    this.#sent.delete(key);
    this.#send();
    if (this.#wanted.size === 0) this.#onNews();
  }

  #failed(worker: Worker, error: Error): void {
    if (worker !== this.#worker) return;
    this.#failure ??= error;
    this.#onNews();
  }
}
