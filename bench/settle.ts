/**
 * `npm run bench:settle`: what the store can take: calls admitted and ended a second through Redis, finished calls a second
 * into Postgres, each beside the least that could be done instead, in one run; and the memory of calls that are up.
 */
import { loadavg } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Command } from 'commander';
import Table from 'cli-table3';
import { describeMachine } from './machine.ts';
import { atLeast, targetsText } from './targets.ts';
import type { Target } from './targets.ts';
import { measureMemory } from './settle/memory.ts';
import type { MemoryFigures } from './settle/memory.ts';
import { measurePostgres } from './settle/postgres.ts';
import type { PostgresFigures } from './settle/postgres.ts';
import { measureRedis } from './settle/redis.ts';
import type { RedisFigures } from './settle/redis.ts';

interface Options {
  readonly json?: boolean;
  readonly quick?: boolean;
}

interface Figures {
  readonly machine: string;
  readonly loadBefore: number;
  readonly redis: RedisFigures;
  readonly postgres: PostgresFigures;
  readonly memory: MemoryFigures;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measureAll(quick: boolean): Promise<Figures> {
  // Only collected memory can be compared.
  setFlagsFromString('--expose-gc');
  globalThis.gc = runInNewContext('gc') as typeof globalThis.gc;
  const loadBefore = loadavg()[0] ?? 0;
  const open = quick ? 2000 : 10_000;
  say(`${open} calls that are up`);
  const memory = await measureMemory(open);
  say(`  ${Math.round(memory.nodeBytes)} bytes each in Node, ${Math.round(memory.redisBytes)} in Redis`);
  say('Admissions and ends through Redis');
  const redis = await measureRedis(quick ? 1000 : 5000, quick ? 3 : 7);
  say(`  ${Math.round(redis.admits)} and ${Math.round(redis.finishes)} a second, scripts that do nothing ${Math.round(redis.bareAdmits)} and ${Math.round(redis.bareFinishes)}`);
  say('Finished calls into Postgres');
  const postgres = await measurePostgres(quick ? 4000 : 20_000, quick ? 3 : 5);
  return { machine: describeMachine(), loadBefore, redis, postgres, memory };
}

function targets({ redis, postgres }: Figures): Target[] {
  return [
    atLeast('admissions / a script that does nothing', redis.admits / redis.bareAdmits, 0.5),
    atLeast('ends / a script that does nothing', redis.finishes / redis.bareFinishes, 0.5),
    atLeast('finished calls a second into Postgres', postgres.settled, 5000),
    atLeast('finished calls / COPY of the same rows', postgres.settled / postgres.copied, 0.4),
  ];
}

function report(figures: Figures): string {
  const { redis, postgres, memory } = figures;
  const table = new Table({ head: ['', 'a second'], style: { head: [], border: [] } });
  const row = (name: string, value: number): unknown => table.push([name, Math.round(value)]);
  row('admissions', redis.admits);
  row('a script that does nothing, with their keys and arguments', redis.bareAdmits);
  row('ends', redis.finishes);
  row('a script that does nothing, with theirs', redis.bareFinishes);
  row(`finished calls settled, ${postgres.batch} a transaction, three debits each`, postgres.settled);
  row('their rows alone, COPY in transactions of that size', postgres.copied);
  row('their rows alone, one COPY', postgres.copiedAtOnce);
  row('their rows alone, an INSERT each', postgres.inserted);
  return `${figures.machine}; load average before: ${figures.loadBefore.toFixed(1)}\n${table.toString()}\n${memory.calls} calls that are up: ${Math.round(memory.nodeBytes)} bytes each in Node, ${Math.round(memory.redisBytes)} in Redis\n${targetsText(targets(figures))}`;
}

await new Command('bench:settle')
  .description('what the store can take, beside the least that could be done instead; memory of calls that are up')
  .option('--json', 'figures for programs')
  .option('--quick', 'fewer calls and rounds: under a minute')
  .addHelpText('after', '\nExample:\n  npm run bench:settle -- --quick')
  .action(async (options: Options) => {
    const figures = await measureAll(options.quick === true);
    process.stdout.write(options.json === true ? `${JSON.stringify({ ...figures, targets: targets(figures) })}\n` : report(figures));
    // Timers of the calls that were up would keep it alive.
    process.exit();
  })
  .parseAsync();
