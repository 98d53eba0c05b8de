/** Runs a program to its end and hands back what it printed. */

import { spawn } from 'node:child_process';

export class CommandFailed extends Error {
  override name = 'CommandFailed';
  constructor(file: string, args: string[], outcome: string, output: string) {
    super(`${[file, ...args].join(' ')} ended with ${outcome}\n${output.trim()}`);
  }
}

/**
 * Resolves with stdout. Rejects with CommandFailed, which carries both outputs, when the exit status is not 0.
 * `onLine` receives each line of stdout as it comes.
 */
export async function runCommand(
  file: string,
  args: string[],
  options: { env?: NodeJS.ProcessEnv; input?: string; onLine?: (line: string) => void } = {},
): Promise<string> {
  const child = spawn(file, args, { env: options.env ?? process.env, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined); // A program that reads no input may close the pipe first.
  child.stdin.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  let unfinished = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    const lines = (unfinished + text).split('\n');
    unfinished = lines.pop() ?? '';
    if (options.onLine !== undefined) lines.forEach(options.onLine);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((done, fail) => {
    child.once('error', fail);
    child.once('close', (code, signal) => {
      if (code === 0) done(stdout);
      else fail(new CommandFailed(file, args, code === null ? String(signal) : `status ${code}`, stdout + stderr));
    });
  });
}
