/**
 * The calls that are up, read from Redis: a table that stays below what is said meanwhile. Where there is no terminal,
 * a copy of it after each change.
 */

import { createLogUpdate } from 'log-update';
import { callsTable } from '../../../cli/calls.ts';
import type { LiveCall } from '../../../store/redis/live.ts';
import type { LiveView } from '../../../store/redis/view.ts';
import { pause } from '../wait.ts';

const LOOK_EVERY_MS = 100;
/** What is said around it needs room too. */
const MOST_ROWS = 8;

export class LiveTable {
  readonly #view: LiveView;
  readonly #providerNames: ReadonlyMap<number, string>;
  readonly #update = process.stdout.isTTY ? createLogUpdate(process.stdout) : undefined;
  #last = '';
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(view: LiveView, providerNames: ReadonlyMap<number, string>) {
    this.#view = view;
    this.#providerNames = providerNames;
    this.#running = this.#run();
  }

  /** A line that stays. */
  say(line: string): void {
    if (this.#update === undefined) process.stdout.write(`${line}\n`);
    else this.#update.persist(line);
  }

  /** The table goes when the last call has gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    this.#update?.clear();
    this.#update?.done();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#show((await this.#view.calls()).map((call) => this.#named(call)));
      await pause(LOOK_EVERY_MS);
    }
  }

  #show(calls: readonly LiveCall[]): void {
    const table = `Active calls, read from Redis:\n${callsTable(calls, Date.now(), MOST_ROWS)}`;
    if (this.#update !== undefined) {
      this.#update(table);
      return;
    }
    const state = calls.map(({ callId, fields }) => `${callId} ${fields['state']} ${fields['way']}`).join('\n');
    if (state !== this.#last) process.stdout.write(`${table}\n`);
    this.#last = state;
  }

  /** With the provider's name, where it is with one. */
  #named(call: LiveCall): LiveCall {
    const id = /(?<=calls:provider:)\d+/.exec(call.counters.join(' '))?.[0];
    const name = id === undefined ? undefined : this.#providerNames.get(Number(id));
    return name === undefined ? call : { ...call, fields: { ...call.fields, way: name } };
  }
}
