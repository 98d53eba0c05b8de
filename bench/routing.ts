/**
 * `npm run bench:routing`: what a whole decision costs with few and many DIDs and providers; what it costs to ask number pools of 10,000 and of 10,000,000 numbers, what a number weighs,
 * and what a change of a pool takes, alone and on its way from Postgres. `--quick` goes up to 1,000,000, in a minute.
 */
import Table from 'cli-table3';
import { Command } from 'commander';
import { describeMachine } from './machine.ts';
import type { Effort, Timing } from './rating/measure.ts';
import { measureDecisions } from './routing/decisions.ts';
import type { DecisionFigures } from './routing/decisions.ts';
import { measureFollowing } from './routing/follow-pool.ts';
import type { FollowedPool } from './routing/follow-pool.ts';
import { measurePools } from './routing/pools.ts';
import type { PoolFigures } from './routing/pools.ts';

interface Options {
  readonly json?: boolean;
  readonly quick?: boolean;
}

interface Figures {
  readonly machine: string;
  readonly decisions: DecisionFigures;
  readonly pools: readonly PoolFigures[];
  /** null: no Postgres to be had. */
  readonly followed: FollowedPool | null;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function measureAll(quick: boolean): Promise<Figures> {
  const effort: Effort = quick ? { rounds: 5, roundMs: 100 } : { rounds: 15, roundMs: 400 };
  const sizes = [10_000, quick ? 1_000_000 : 10_000_000];
  say('Whole decisions');
  const decisions = measureDecisions(quick, effort);
  say(`Pools of ${sizes.join(' and ')} numbers`);
  const pools = await measurePools(sizes, effort);
  say('The large one from Postgres');
  return { machine: describeMachine(), decisions, pools, followed: await followedOrNull(sizes[1] ?? 0) };
}

async function followedOrNull(numbers: number): Promise<FollowedPool | null> {
  try {
    return await measureFollowing(numbers, say);
  } catch (error) {
    say(`No figures with Postgres: ${String(error)}`);
    return null;
  }
}

const timed = ({ cpuNs, bestNs, wallNs }: Timing): string => `${cpuNs.toFixed(0)} ns (best ${bestNs.toFixed(0)} ns, by the clock ${wallNs.toFixed(0)} ns)`;

const perSecond = (timing: Timing): string => `${timed(timing)}, ${Math.round(1e9 / timing.cpuNs)} a second`;

function decisionRows({ dids, outbound }: DecisionFigures): string[][] {
  const [few, many] = dids;
  return [
    ...outbound.map(({ providers, decision }) => [`a call to the world with ${providers} providers in its LCR`, perSecond(decision), providers === 10 ? '< 25000 ns' : '']),
    ...dids.map(({ dids: count, wildcards, found, bytesEach }) => [`a call to one of ${count} DIDs (${wildcards} wildcards), ${bytesEach.toFixed(0)} bytes each`, perSecond(found), '']),
    ['the many DIDs over the few', few === undefined || many === undefined ? '' : (many.found.cpuNs / few.found.cpuNs).toFixed(2), '<= 1.3'],
  ];
}

function report({ machine, decisions, pools, followed }: Figures): string {
  const table = new Table({ head: ['', 'measured', 'to reach'], style: { head: [], border: [] } });
  table.push(...decisionRows(decisions));
  for (const { numbers, found, missed, bytes, grownBytes, changeMs } of pools) {
    table.push([`${numbers} numbers: one that is there`, timed(found), '< 2000 ns']);
    table.push(['one that is not', timed(missed), '< 2000 ns']);
    table.push(['bytes a number', `${bytes.toFixed(1)} in arrays, ${grownBytes.toFixed(1)} in all`, '≤ 60']);
    table.push(['one number changed, 1000 before it', `${changeMs.toFixed(2)} ms`, '< 20 ms']);
  }
  if (followed !== null) {
    table.push([`${followed.numbers} numbers from Postgres in force`, `${(followed.loadMs / 1000).toFixed(1)} s`, '']);
    table.push(['longest pause of the event loop meanwhile', `${followed.loadPauseMs.toFixed(1)} ms`, '≤ 20 ms']);
    table.push(['one number changed, from its commit to in force', `${followed.changeMs.toFixed(0)} ms`, '']);
    table.push(['longest pause of the event loop meanwhile', `${followed.changePauseMs.toFixed(1)} ms`, '≤ 20 ms']);
  }
  return `${machine}\n${table.toString()}\n`;
}

const program = new Command('bench:routing')
  .description('measure what routing costs by the size of what it asks')
  .option('--json', 'figures as JSON on standard output')
  .option('--quick', 'pools up to 1,000,000 and DIDs up to 100,000, shorter rounds: about a minute')
  .addHelpText('after', '\nExample:\n  npm run -s bench:routing -- --quick --json > routing.json')
  .action(async (options: Options) => {
    const figures = await measureAll(options.quick === true);
    process.stdout.write(options.json === true ? `${JSON.stringify(figures)}\n` : report(figures));
  });

await program.parseAsync();
