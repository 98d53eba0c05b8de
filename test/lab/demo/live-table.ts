/**
 * The calls that are up, read from Redis: a table that stays below what is said meanwhile. Where there is no terminal,
 * a copy of it after each change.
 */

import { createLogUpdate } from 'log-update';
import { CallRows } from '../../../cli/calls/row.ts';
import type { CallRow } from '../../../cli/calls/row.ts';
import { callsTable } from '../../../cli/calls/table.ts';
import type { LiveView } from '../../../store/redis/view.ts';
import { pause } from '../wait.ts';

const LOOK_EVERY_MS = 100;
/** What is said around it needs room too. */
const MOST_LINES = 11;

export class LiveTable {
  readonly #view: LiveView;
  readonly #rows = new CallRows();
  readonly #update = process.stdout.isTTY ? createLogUpdate(process.stdout) : undefined;
  #last = '';
  #stopped = false;
  readonly #running: Promise<void>;

  constructor(view: LiveView) {
    this.#view = view;
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
      this.#show(this.#rows.of(await this.#view.calls(), Date.now()));
      await pause(LOOK_EVERY_MS);
    }
  }

  #show(rows: readonly CallRow[]): void {
    const { columns, isTTY } = process.stdout;
    const table = `Active calls, read from Redis:\n${callsTable(rows, rows.length, { columns: isTTY ? columns : 120, rows: MOST_LINES, colours: isTTY })}`;
    if (this.#update !== undefined) {
      this.#update(table);
      return;
    }
    const state = rows.map(({ callId, state, provider, device }) => `${callId} ${state} ${provider} ${device}`).join('\n');
    if (state !== this.#last) process.stdout.write(`${table}\n`);
    this.#last = state;
  }
}
