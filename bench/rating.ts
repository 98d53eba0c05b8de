/**
 * `npm run bench:rating`: what a price costs, by size of the price list and by length of the call, on one thread; what
 * a million rates weigh and how they come in; and the same by one SQL statement. `--quick` takes under a minute.
 */
import Table from 'cli-table3';
import { Command } from 'commander';
import { describeMachine } from './machine.ts';
import { measureFormulas } from './rating/formulas.ts';
import type { Formulas } from './rating/formulas.ts';
import { measureLoading } from './rating/load.ts';
import type { Loading } from './rating/load.ts';
import type { Effort, Timing } from './rating/measure.ts';
import { measurePricedCalls } from './rating/priced-calls.ts';
import type { PricedCalls } from './rating/priced-calls.ts';
import { measureSql } from './rating/sql.ts';
import type { SqlFigures } from './rating/sql.ts';
import { measureWeight } from './rating/weight.ts';
import type { Weight } from './rating/weight.ts';

interface Options {
  readonly json?: boolean;
  readonly quick?: boolean;
}

interface Figures {
  readonly machine: string;
  readonly calls: readonly PricedCalls[];
  readonly formulas: Formulas;
  readonly weights: { readonly usual: Weight; readonly distinct: Weight };
  /** null: no Postgres to be had. */
  readonly loading: Loading | null;
  readonly sql: SqlFigures | null;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measureAll(quick: boolean): Promise<Figures> {
  const effort: Effort = quick ? { rounds: 5, roundMs: 100 } : { rounds: 15, roundMs: 400 };
  const sizes = quick ? [10_000, 100_000] : [10_000, 100_000, 1_000_000];
  const most = sizes.at(-1) ?? 10_000;
  say('Prices by length of the call');
  const formulas = measureFormulas(effort);
  const calls = sizes.map((prefixes) => {
    say(`Calls at three levels, ${prefixes} prefixes in each tariff`);
    return measurePricedCalls(prefixes, effort);
  });
  say(`Memory of ${most} rates`);
  const weights = { usual: await measureWeight(most, false), distinct: await measureWeight(most, true) };
  say(`${most} rates into Postgres, out of it, and changed while calls go on`);
  const loading = await loadingOrNull(most);
  say(`The same by SQL, ${most} prefixes`);
  return { machine: describeMachine(), calls, formulas, weights, loading, sql: await sqlOrNull(most, quick ? 1000 : 10_000) };
}

async function loadingOrNull(rates: number): Promise<Loading | null> {
  try {
    return await measureLoading(rates);
  } catch (error) {
    say(`No figures of loading: ${String(error)}`);
    return null;
  }
}

async function sqlOrNull(prefixes: number, calls: number): Promise<SqlFigures | null> {
  try {
    return await measureSql(prefixes, calls);
  } catch (error) {
    say(`No figures by SQL: ${String(error)}`);
    return null;
  }
}

const ns = (value: number): string => (value < 10_000 ? `${value.toFixed(0)} ns` : `${(value / 1000).toFixed(1)} µs`);
const timed = ({ cpuNs, wallNs, bestNs }: Timing): string => `${ns(cpuNs)} (best ${ns(bestNs)}, by the clock ${ns(wallNs)})`;
const perSecond = (timing: Timing): string => `${Math.round(1e9 / timing.cpuNs)}: ${timed(timing)}`;

function report({ machine, calls, formulas, weights, loading, sql }: Figures): string {
  const table = new Table({ head: ['', 'measured', 'to reach'], style: { head: [], border: [] } });
  for (const [kind, name] of [['traffic', 'some numbers called often'], ['even', 'all equally often']] as const) {
    for (const one of calls) {
      const times = `${(one[kind].cpuNs / (calls[0]?.[kind].cpuNs ?? NaN)).toFixed(2)} × ${calls[0]?.prefixes ?? 0} prefixes`;
      table.push([`calls/s, three tariffs of ${one.prefixes} prefixes, ${name}`, `${perSecond(one[kind])}${one === calls[0] ? '' : `; ${times}`}`, one.prefixes >= 1e6 ? '≥ 500000, ≤ 1.3 ×' : '≥ 500000']);
    }
  }
  const { simple } = formulas;
  table.push(['price of 1 minute, increments of 1 s', timed(simple['60']), '']);
  table.push(['price of 3 minutes', timed(simple['180']), '']);
  table.push(['price of 1 hour', `${timed(simple['3600'])}, ${(simple['3600'].cpuNs / simple['60'].cpuNs).toFixed(2)} × 1 minute`, '≤ 1.2 ×']);
  table.push(['price of 1 hour in three steps', timed(formulas.stepped), '']);
  table.push(['longest calls/s', perSecond(formulas.longestSimple), '']);
  table.push(['longest calls/s, three steps', perSecond(formulas.longestStepped), '']);
  for (const [name, { arraysMb, grownMb }] of [['usual list', weights.usual], ['no two prices equal', weights.distinct]] as const) {
    table.push([`memory per million rates, ${name}`, `${arraysMb.toFixed(0)} MB in arrays, ${grownMb.toFixed(0)} MB in all`, '< 120 MB']);
  }
  if (loading !== null) {
    const { rates, importMs, loadMs, swapMs, idle, swap } = loading;
    table.push([`import of ${rates} rates from CSV`, `${(importMs / 1000).toFixed(1)} s`, '']);
    table.push([`${rates} rates from Postgres into force, start of the worker included`, `${(loadMs / 1000).toFixed(2)} s`, '< 6 s a million']);
    table.push([`one of ${rates} rates changed, the list in force anew`, `${(swapMs / 1000).toFixed(2)} s`, '']);
    table.push(['longest pause of the event loop meanwhile', `${swap.clockMs.toFixed(1)} ms by the clock, ${swap.ownMs.toFixed(1)} ms of its own work (before: ${idle.clockMs.toFixed(1)} and ${idle.ownMs.toFixed(1)} ms)`, '≤ 20 ms']);
  }
  if (sql !== null) {
    const ours = calls.find(({ prefixes }) => prefixes === sql.prefixes)?.even.wallNs ?? NaN;
    table.push([`one SQL statement, three levels, ${sql.prefixes} prefixes`, `${sql.threeLevelsUs.toFixed(0)} µs (one level ${sql.oneLevelUs.toFixed(0)} µs): ${Math.round((sql.threeLevelsUs * 1000) / ours)} × ours`, '']);
  }
  return `${machine}\n${table.toString()}\n`;
}

const program = new Command('bench:rating')
  .option('--json', 'figures as JSON on standard output')
  .option('--quick', 'smaller lists and shorter rounds: under a minute')
  .action(async (options: Options) => {
    const figures = await measureAll(options.quick === true);
    process.stdout.write(options.json === true ? `${JSON.stringify(figures)}\n` : report(figures));
  });

await program.parseAsync();
