/**
 * Runs the whole suite: `npm test`, or `npm test -- FILES...` for some of it. One Postgres and one Redis serve all
 * files (each makes its own database in them); every file that needs an Asterisk starts its own. A single file also
 * runs alone: node --import=tsx test/calls/x.test.ts.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { forgetProcess, labFolder, recordProcess } from './lab/lab-folder.ts';
import { startPostgres } from './lab/postgres.ts';
import { findPrograms } from './lab/programs.ts';
import { Progress } from './lab/progress.ts';
import { startRedis } from './lab/redis.ts';
import { TapSummary } from './tap-summary.ts';

const project = fileURLToPath(new URL('..', import.meta.url));

const files = process.argv.length > 2 ? process.argv.slice(2) : testFiles();
const started = performance.now();
process.stderr.write(`Programs: ${(await findPrograms(labFolder())).origin}\n`);
const compiled = compile();
const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
process.stderr.write(`Postgres and Redis are up after ${seconds()} s; running ${files.length} test files\n`);

const { summary, exitCode } = await runTap(files);
await Promise.all([postgres.stop(), redis.stop()]);
process.stderr.write(`\n${seconds()} s\n`);
process.stdout.write(`${summary.line()}\n`);
process.exit(exitCode === 0 && summary.failed === 0 ? 0 : 1);

async function runTap(paths: string[]): Promise<{ summary: TapSummary; exitCode: number }> {
  const progress = new Progress();
  const summary = new TapSummary((line) => progress.print(line));
  const tap = spawn(process.execPath, ['node_modules/.bin/tap', 'run', '--reporter=tap', ...paths], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LAB_POSTGRES: postgres.url, LAB_REDIS: redis.url, LAB_COMPILED: await compiled },
  });
  // If this run ends early, the next one or its own end takes the test processes with it.
  const pid = tap.pid ?? 0;
  if (pid !== 0) recordProcess(pid);
  const ended = new Promise<number>((done, fail) => {
    tap.once('error', fail);
    tap.once('close', (code) => done(code ?? 1));
  });
  for await (const line of createInterface({ input: tap.stdout })) {
    summary.read(line);
    progress.show('running', `${summary.passed} passed, ${summary.failed} failed`);
  }
  const exitCode = await ended;
  forgetProcess(pid);
  return { summary, exitCode };
}

/** The program as it is deployed, for the tests that start it many times. */
async function compile(): Promise<string> {
  const folder = join(project, '.compiled');
  const build = spawn(process.execPath, ['build.mjs', 'tsconfig.build.json', folder], { cwd: project, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(build, 'close')) as [number];
  if (code !== 0) throw new Error('The build failed: see above.');
  return join(folder, 'main.js');
}

function testFiles(): string[] {
  const names = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.test.ts')).map((name) => `test/${name}`);
}

function seconds(): string {
  return ((performance.now() - started) / 1000).toFixed(1);
}
