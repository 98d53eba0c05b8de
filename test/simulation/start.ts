/** Starts a simulation on a Redis of its own, and waits for its result. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { newFolder } from '../lab/lab-folder.ts';
import { startRedis } from '../lab/redis.ts';
import { SEED } from '../seed.ts';
import type { ProgramOptions } from './program.ts';
import type { Result } from './simulation.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** What to run with Node. */
export type Program = readonly string[];

export const AS_WRITTEN: Program = ['--import=tsx', join(PROJECT, 'test/simulation/program.ts')];

/** Compiled it runs twice as fast: for the long runs. */
export function compiled(): Program {
  const folder = join(PROJECT, '.bench/simulation');
  const { status } = spawnSync(process.execPath, ['build.mjs', 'tsconfig.simulation.json', folder], { cwd: PROJECT, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0) throw new Error('The build failed: see above.');
  return ['--enable-source-maps', join(folder, 'test/simulation/program.js')];
}

const USUAL = { seed: SEED, calls: 1000, callsADay: 1000, worlds: 16, faults: 'all', first: false, sabotage: 'none', verbose: false, follow: '' } as const;

export async function simulate(program: Program, wish: Partial<Omit<ProgramOptions, 'socket' | 'password'>>, tell: (calls: number) => void = () => undefined): Promise<Result> {
  const socket = join(newFolder('simulation'), 'redis.sock');
  const redis = await startRedis({ settings: { unixsocket: socket } });
  const all: ProgramOptions = { ...USUAL, ...wish, socket, password: new URL(redis.url).password };
  const child = spawn(process.execPath, [...program, JSON.stringify(all)], { cwd: PROJECT, stdio: ['ignore', 'pipe', 'inherit'] });
  let result: Result | null = null;
  const ended = once(child, 'close');
  for await (const line of createInterface({ input: child.stdout })) {
    const news = JSON.parse(line) as { readonly calls: number } | { readonly result: Result };
    if ('result' in news) result = news.result;
    else tell(news.calls);
  }
  await ended;
  await redis.stop();
  if (result === null) throw new Error('The simulation ended without a result: see above.');
  return result;
}
