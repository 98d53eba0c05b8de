/**
 * All pure tests in two processes, one a processor: loading tap and the TypeScript loader for each file anew takes longer
 * than the tests. The two parts are about equally long.
 */
import { readdirSync } from 'node:fs';

export async function importTests(...rooms: readonly string[]): Promise<void> {
  for (const room of rooms) {
    const folder = new URL(`../${room}/`, import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith('.test.ts'));
    for (const file of files.sort()) await import(new URL(file, folder).href);
  }
}
