/** News of live calls, gathered for a moment and sent in one trip: a view may lag, a call must not wait for it. */
import { later } from '../clock.ts';
import type { Log } from '../log.ts';
import type { CallStore } from './calls.ts';

/** Ringing and answer of a call often come within this time and are then one command; a person does not see the delay. */
const GATHER_MS = 200;

export class LiveUpdates {
  readonly #calls: Pick<CallStore, 'updateLive'>;
  readonly #log: Log;
  #waiting = new Map<string, Record<string, string>>();
  #sending: Promise<void> = Promise.resolve();

  constructor(calls: Pick<CallStore, 'updateLive'>, log: Log) {
    this.#calls = calls;
    this.#log = log;
  }

  /** Later values of a field replace earlier ones. */
  add(callId: string, fields: Readonly<Record<string, string>>): void {
    const known = this.#waiting.get(callId);
    if (known !== undefined) {
      Object.assign(known, fields);
      return;
    }
    if (this.#waiting.size === 0) later(GATHER_MS, () => this.#send());
    this.#waiting.set(callId, { ...fields });
  }

  /** A call that is over has no news. */
  forget(callId: string): void {
    this.#waiting.delete(callId);
  }

  /** Resolves when everything added so far was sent. */
  async flush(): Promise<void> {
    this.#send();
    await this.#sending;
  }

  #send(): void {
    const news = this.#waiting;
    if (news.size === 0) return;
    this.#waiting = new Map();
    this.#sending = this.#calls.updateLive(news).catch((error: unknown) => {
      this.#log.debug({ reason: String(error) }, 'The live view of some calls is behind.');
    });
  }
}
