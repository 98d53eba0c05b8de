/** Tollgate's command line as a user types it. */

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

export function commandLine(settingsFile: string, ...words: string[]): string {
  return `npm run -s tollgate -- --config ${settingsFile} ${words.join(' ')}`;
}

/** Shows the command and runs it with its output on ours. Rejects when it fails. */
export async function runTollgate(settingsFile: string, ...words: string[]): Promise<void> {
  process.stdout.write(`\n$ ${commandLine(settingsFile, ...words)}\n`);
  // What package.json makes of it.
  const args = ['setup.mjs', 'main.ts', '--config', settingsFile, ...words];
  const child = spawn(process.execPath, args, { cwd: PROJECT, stdio: ['ignore', 'inherit', 'inherit'] });
  const outcome = await new Promise<number | string>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => done(code ?? String(signal)));
  });
  if (outcome !== 0) throw new Error(`The command ${words[0]} ended with ${outcome}.`);
}
