/** The demo stays up until it is told to end. */

import { registerBen } from './far-ends.ts';
import type { DemoStage } from './stage.ts';

/** Registrations last ten minutes. */
const REGISTER_EVERY_MS = 240_000;

/** Resolves at Ctrl-C. */
export async function stay({ asterisk, farEnds }: DemoStage): Promise<void> {
  const timer = setInterval(() => {
    registerBen(asterisk, farEnds.bensPhone).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  }, REGISTER_EVERY_MS);
  await new Promise<void>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
  clearInterval(timer);
  process.stderr.write('\nStopping\n');
}
