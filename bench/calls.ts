/**
 * `npm run bench:calls`: the same calls through one Asterisk by (a) Dial() alone, (b) a null application over the
 * same transport, (c) Tollgate with Postgres and Redis by ARI, (d) the same by FastAGI around Dial(); side by side, because machines differ and drift.
 */
import { Command } from 'commander';
import Table from 'cli-table3';
import { openHouse, VARIANTS } from './calls/house.ts';
import type { House, Variant } from './calls/house.ts';
import { measure } from './calls/measure.ts';
import type { Figures, Load } from './calls/measure.ts';
import { watchTrips } from './calls/trips.ts';
import type { Trips } from './calls/trips.ts';
import { describeMachine } from './machine.ts';
import { atLeast, targetsText, upTo } from './targets.ts';
import type { Target } from './targets.ts';

interface Options {
  readonly json?: boolean;
  readonly quick?: boolean;
}

const LABELS: Readonly<Record<Variant, string>> = { dial: '(a) Dial()', null: '(b) null Stasis', tollgate: '(c) Tollgate', agi: '(d) FastAGI' };
const GOOD_P99_MS = 100;
/** The highest rate is searched in steps of this many calls a second. */
const STEP = 20;
/** On a shared machine a rate that failed once is tried once more. */
const TRIES = 2;
/** A daemon's code is compiled to machine code after some thousand calls; it then runs for weeks. */
const WARM_UP = { ratePerSecond: 60, seconds: 45 } as const;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

async function rounds(house: House, rates: readonly number[], seconds: number): Promise<Figures[]> {
  const all: Figures[] = [];
  for (const ratePerSecond of rates) {
    for (const variant of VARIANTS) {
      say(`${LABELS[variant]}, ${ratePerSecond} calls a second for ${seconds} s`);
      const one = await measure(house, { variant, ratePerSecond, seconds });
      say(`  ${one.failed} failed, p50 ${one.setupP50Ms.toFixed(1)} ms, p99 ${one.setupP99Ms.toFixed(0)} ms, Node ${one.nodeMsPerCall.toFixed(2)} and Asterisk ${one.asteriskMsPerCall.toFixed(2)} ms a call`);
      all.push(one);
    }
  }
  return all;
}

function holds(figures: Figures): boolean {
  return figures.failed === 0 && figures.setupP99Ms < GOOD_P99_MS;
}

async function held(house: House, load: Load): Promise<boolean> {
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const figures = await measure(house, load);
    const good = holds(figures);
    say(`${LABELS[load.variant]}, ${load.ratePerSecond} calls a second: ${good ? 'held' : 'not held'} (${figures.failed} failed, p99 ${figures.setupP99Ms.toFixed(0)} ms)`);
    if (good) return true;
  }
  return false;
}

/** Highest rate, in steps, held for 20 s without a failed call and with p99 under 100 ms: halving what is left to search. */
async function highest(house: House, variant: Variant, seconds: number): Promise<number> {
  let good = 0;
  let bad = 420;
  let ratePerSecond = 120;
  while (bad - good > STEP) {
    if (await held(house, { variant, ratePerSecond, seconds })) good = ratePerSecond;
    else bad = ratePerSecond;
    ratePerSecond = Math.round((good + bad) / 2 / STEP) * STEP;
    if (ratePerSecond === good || ratePerSecond === bad) break;
  }
  return good;
}

function table(all: readonly Figures[]): string {
  const made = new Table({ head: ['', 'calls/s', 'failed', 'set-up p50', 'p95', 'p99 ms', 'Node ms/call', 'Asterisk ms/call', 'Redis scripts/call', 'other Redis', 'Postgres tx/call'], style: { head: [], border: [] } });
  for (const one of all) {
    made.push([
      LABELS[one.variant], one.ratePerSecond, `${one.failed} of ${one.calls}`, one.setupP50Ms.toFixed(1), one.setupP95Ms.toFixed(1), one.setupP99Ms.toFixed(1),
      one.nodeMsPerCall.toFixed(2), one.asteriskMsPerCall.toFixed(2), one.redisScriptsPerCall.toFixed(2), one.redisOtherPerCall.toFixed(2), one.postgresTransactionsPerCall.toFixed(3),
    ]);
  }
  return made.toString();
}

function targets(all: readonly Figures[], rates: Readonly<Record<Variant, number>> | null, trips: Trips): Target[] {
  const top = Math.max(...all.map((one) => one.ratePerSecond));
  const at = (variant: Variant): Figures | undefined => all.find((one) => one.variant === variant && one.ratePerSecond === top);
  const [a, b, c, d] = [at('dial'), at('null'), at('tollgate'), at('agi')];
  if (a === undefined || b === undefined || c === undefined || d === undefined) return [];
  return [
    upTo(`failed calls at ${top}/s`, c.failed, 0),
    upTo('Node CPU, (c) / (b)', c.nodeMsPerCall / b.nodeMsPerCall, 1.6),
    upTo('Asterisk CPU, (c) / (b)', c.asteriskMsPerCall / b.asteriskMsPerCall, 1.15),
    upTo('set-up p50, (c) - (b), ms', c.setupP50Ms - b.setupP50Ms, 3),
    upTo(`failed calls at ${top}/s by FastAGI`, d.failed, 0),
    upTo('Node CPU, (d) / (c)', d.nodeMsPerCall / c.nodeMsPerCall, 1),
    upTo('Asterisk CPU, (d) / (c)', d.asteriskMsPerCall / c.asteriskMsPerCall, 1),
    upTo('set-up p50, (d) - (a), ms', d.setupP50Ms - a.setupP50Ms, 10),
    upTo('Redis round trips before dialling', trips.beforeDialling, 1),
    upTo('Redis round trips after the end', trips.afterTheEnd, 1),
    upTo('calls that wait for a frozen Postgres', trips.waitedForPostgres, 0),
    ...(rates === null ? [] : [atLeast('highest rate, (c) / (b)', rates.tollgate / rates.null, 0.8)]),
  ];
}

async function bench(options: Options): Promise<void> {
  say(`Starting Asterisk, Postgres, Redis, the null application and Tollgate${options.quick === true ? '' : '; their code warms up for two minutes'}`);
  const house = await openHouse();
  try {
    const trips = await watchTrips(house);
    say(`One call with Postgres frozen, scripts as Redis saw them: ${trips.scripts.join(', ')}`);
    if (options.quick !== true) for (const variant of VARIANTS) await measure(house, { variant, ...WARM_UP });
    else await rounds(house, [20], 2);
    const all = await rounds(house, options.quick === true ? [60] : [20, 60, 100], options.quick === true ? 5 : 20);
    const rates: Record<Variant, number> | null = options.quick === true ? null : { dial: 0, null: 0, tollgate: 0, agi: 0 };
    if (rates !== null) for (const variant of VARIANTS) rates[variant] = await highest(house, variant, 20);
    const reached = targets(all, rates, trips);
    if (options.json === true) process.stdout.write(`${JSON.stringify({ machine: describeMachine(), figures: all, highestRates: rates, trips, targets: reached })}\n`);
    else {
      process.stdout.write(`${describeMachine()}\n${table(all)}\n`);
      if (rates !== null) process.stdout.write(`Highest rate held for 20 s: ${VARIANTS.map((variant) => `${LABELS[variant]} ${rates[variant]}/s`).join(', ')}\n`);
      process.stdout.write(targetsText(reached));
    }
  } finally {
    await house.close();
  }
}

await new Command('bench:calls')
  .description('calls through Dial(), a null application, Tollgate by ARI and by FastAGI, side by side on one Asterisk')
  .option('--json', 'figures for programs')
  .option('--quick', 'under a minute: one rate, no search for the highest')
  .addHelpText('after', '\nExample:\n  npm run bench:calls -- --quick')
  .action(bench)
  .parseAsync();
