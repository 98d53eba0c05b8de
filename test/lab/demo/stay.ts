/** The demo stays up until it is told to end. From a terminal, each call can be placed again by its letter. */

import { createInterface } from 'node:readline';
import { CALLS } from './calls.ts';
import { readCdrs } from './cdrs.ts';
import { registerBen } from './far-ends.ts';
import { placeCalls } from './placing.ts';
import { cdrTable } from './report.ts';
import type { DemoStage } from './stage.ts';

/** Registrations last ten minutes. */
const REGISTER_EVERY_MS = 240_000;

/** Resolves at Ctrl-C. */
export async function stay(stage: DemoStage): Promise<void> {
  const { asterisk, farEnds } = stage;
  const timer = setInterval(() => {
    registerBen(asterisk, farEnds.bensPhone).catch(complain);
  }, REGISTER_EVERY_MS);
  // Not as a terminal of its own: Ctrl-C stays a signal.
  const lines = process.stdin.isTTY ? createInterface({ input: process.stdin, terminal: false }) : undefined;
  lines?.on('line', (line) => {
    placeAgain(stage, line.trim().toLowerCase()).catch(complain);
  });
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
  clearInterval(timer);
  lines?.close();
  process.stderr.write('\nStopping\n');
}

async function placeAgain({ asterisk, db }: DemoStage, letters: string): Promise<void> {
  const calls = letters.split('').flatMap((letter) => CALLS.filter((call) => call.letter === letter));
  if (calls.length === 0) return;
  const placed = await placeCalls(calls, asterisk, say);
  say(cdrTable(await readCdrs(db, placed), placed));
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function complain(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}
