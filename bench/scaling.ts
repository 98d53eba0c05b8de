/**
 * `npm run bench:scaling`: what a call costs Redis and the daemon's store, step by step, and what a hundred thousand at once
 * then need. `--quick`: 2,000 calls instead of 20,000.
 */
import Table from 'cli-table3';
import { Command } from 'commander';
import { describeMachine } from './machine.ts';
import { measureCosts, STEPS } from './scaling/costs.ts';
import type { Cost, Costs } from './scaling/costs.ts';
import { extensions, needsOf } from './scaling/model.ts';
import type { Load } from './scaling/model.ts';

interface Options {
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly calls: string;
  readonly acd: string;
  readonly asr: string;
  readonly daemonMs: string;
}

const us = (value: number): string => `${value.toFixed(1)} µs`;

function costTable({ steps, reconcile, mixed, openBytes, waitingBytes }: Costs): string {
  const table = new Table({ head: ['', 'Redis', 'daemon'], style: { head: [], border: [] } });
  const row = (name: string, cost: Cost): unknown => table.push([name, us(cost.redisUs), us(cost.nodeUs)]);
  for (const name of STEPS) row(name, steps[name]);
  row('adding up, for each call that is up', reconcile);
  row('a whole life, by the sum of its steps', mixed.predicted);
  row('the same, measured', mixed.measured);
  table.push(['a call that is up', `${openBytes.toFixed(0)} bytes`, ''], ['one that waits for Postgres', `${waitingBytes.toFixed(0)} bytes`, '']);
  return table.toString();
}

function needsTable(load: Load, costs: Costs): string {
  const table = new Table({ head: ['calls at once', 'attempts/s', 'Redis cores', 'adding up', 'daemon cores', 'Redis MB', 'an hour of backlog, MB'], style: { head: [], border: [] } });
  for (const simultaneous of [1000, 10_000, load.simultaneous]) {
    const needs = needsOf({ ...load, simultaneous }, costs);
    table.push([simultaneous, needs.attemptsPerS.toFixed(0), needs.redisCores.toFixed(3), needs.reconcileRedisCores.toFixed(3), needs.daemonCores.toFixed(2), needs.redisOpenMb.toFixed(0), needs.redisBacklogMb.toFixed(0)]);
  }
  return table.toString();
}

async function bench(options: Options): Promise<void> {
  const load: Load = { simultaneous: Number(options.calls), acdS: Number(options.acd), asr: Number(options.asr), sliceS: 60, extendBeforeS: 15, reconcileEveryS: 30, daemonMs: Number(options.daemonMs) };
  if (Object.values(load).some((value) => !(value > 0)) || load.asr > 1) throw new Error('Numbers above 0 are needed, and an ASR of at most 1.');
  const costs = await measureCosts(options.quick === true ? 2000 : 20_000, (text) => process.stderr.write(`${text}\n`));
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ machine: describeMachine(), load, costs, needs: needsOf(load, costs) }, null, 1)}\n`);
    return;
  }
  process.stdout.write(`${describeMachine()}\n${costTable(costs)}\n`);
  process.stdout.write(`Mean talk ${load.acdS} s, ASR ${load.asr}, ${extensions(load).toFixed(1)} extensions a talk, ${load.daemonMs} ms of a daemon a call\n${needsTable(load, costs)}\n`);
}

await new Command('bench:scaling')
  .description('costs of a call on Redis, and what many calls at once need')
  .option('--quick', '2,000 calls instead of 20,000')
  .option('--json', 'figures for programs')
  .option('--calls <number>', 'calls at once', '100000')
  .option('--acd <seconds>', 'mean talk of an answered call', '180')
  .option('--asr <share>', 'answered calls of all', '0.5')
  .option('--daemon-ms <ms>', "the daemon's processor time for a call, of bench:calls", '2.6')
  .addHelpText('after', '\nExample:\n  npm run bench:scaling -- --calls 30000 --acd 120')
  .action(bench)
  .parseAsync();
