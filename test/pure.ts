/** All pure tests in one process: loading tap and the TypeScript loader for each file anew takes longer than the tests. */
import { readdirSync } from 'node:fs';

const ROOMS = ['config', 'rating', 'routing', 'call', 'rerate', 'asterisk/pure'];

for (const room of ROOMS) {
  const folder = new URL(`${room}/`, import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
  for (const file of files.sort()) await import(new URL(file, folder).href);
}
