/**
 * `npm run bench:overload`: twice as many calls as one machine can take, with what is too much refused by Asterisk and the
 * engine, by the engine alone, and by nobody. Ratios within one run: to the capacity and to half of it.
 */
import { loadavg } from 'node:os';
import { Command } from 'commander';
import Table from 'cli-table3';
import { openHouse } from './calls/house.ts';
import type { House } from './calls/house.ts';
import { describeMachine } from './machine.ts';
import { atLeast, targetsText, upTo } from './targets.ts';
import type { Target } from './targets.ts';
import { offer, SETTLING_S } from './overload/offer.ts';
import type { Outcome } from './overload/offer.ts';

interface Options {
  readonly json?: boolean;
  readonly quick?: boolean;
  readonly apart?: boolean;
}

interface Figures {
  readonly machine: string;
  /** Of the minute before, beside this bench's own. */
  readonly loadBefore: number;
  readonly capacity: number;
  readonly half: Outcome;
  readonly twice: Readonly<Record<Way, Outcome>>;
}

type Way = 'shed' | 'engineOnly' | 'nobody';

const WAYS: Readonly<Record<Way, { readonly label: string; readonly overload: object }>> = {
  shed: { label: 'twice, refused by Asterisk and the engine', overload: {} },
  engineOnly: { label: 'twice, refused by the engine alone', overload: { inAsterisk: false } },
  nobody: { label: 'twice, nobody refused', overload: { delayMs: 0 } },
};

/** As in bench:calls. */
const GOOD_P99_MS = 100;
const STEP = 10;
const TRIES = 2;
const LOW = 30;

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function told(one: Outcome): string {
  return `${one.failed} failed, ${one.refused} of ${one.calls} refused, ${one.admittedPerSecond.toFixed(1)} a second answered, p50 ${one.setupP50Ms.toFixed(1)} ms, p99 ${one.setupP99Ms.toFixed(0)} ms`;
}

async function held(house: House, ratePerSecond: number, seconds: number): Promise<boolean> {
  for (let tried = 1; tried <= TRIES; tried += 1) {
    const found = await offer(house, { ratePerSecond, seconds });
    const good = found.failed + found.refused === 0 && found.setupP99Ms < GOOD_P99_MS;
    say(`  ${ratePerSecond} a second: ${good ? 'held' : 'not held'} (${told(found)})`);
    if (good) return true;
  }
  return false;
}

/** The highest rate without a failed call and with p99 under 100 ms, when nobody is refused; from below, as an overload leaves work behind. */
async function capacityOf(house: House, seconds: number): Promise<number> {
  let good = 0;
  while (await held(house, good + (good === 0 ? LOW : STEP), seconds)) good += good === 0 ? LOW : STEP;
  if (good === 0) throw new Error(`Not even ${LOW} calls a second are set up within ${GOOD_P99_MS} ms: the machine is busy with something else.`);
  return good;
}

async function measureAll({ quick = false, apart = false }: Options): Promise<Figures> {
  const loadBefore = loadavg()[0] ?? 0;
  say('Starting Asterisk, Postgres, Redis and Tollgate; its code warms up');
  const house = await openHouse({ apart });
  try {
    await house.restart({ overload: WAYS.nobody.overload });
    await offer(house, { ratePerSecond: LOW, seconds: quick ? 10 : 45 });
    const seconds = quick ? 10 : 20;
    say('The highest rate:');
    const capacity = await capacityOf(house, seconds);
    const twice: Partial<Record<Way, Outcome>> = {};
    let half: Outcome | undefined;
    for (const way of Object.keys(WAYS) as Way[]) {
      await house.restart({ overload: WAYS[way].overload });
      // The new process warms up at half the capacity, where it is measured as well.
      await offer(house, { ratePerSecond: capacity / 2, seconds: quick ? 5 : 20 });
      if (way === 'shed') {
        half = await offer(house, { ratePerSecond: capacity / 2, seconds: seconds + SETTLING_S });
        say(`half, with shedding: ${told(half)}`);
      }
      twice[way] = await offer(house, { ratePerSecond: capacity * 2, seconds: seconds + SETTLING_S });
      say(`${WAYS[way].label}: ${told(twice[way])}`);
    }
    if (half === undefined) throw new Error('half the capacity was not measured');
    return { machine: describeMachine(), loadBefore, capacity, half, twice: twice as Record<Way, Outcome> };
  } finally {
    await house.close();
  }
}

function targets({ capacity, half, twice: { shed } }: Figures): Target[] {
  const admitted = shed.admittedPerSecond / capacity;
  return [
    upTo('refused at half the capacity', half.refused, 0),
    atLeast('answered at twice the capacity / capacity', admitted, 0.9),
    upTo('their set-up p99 / p99 at half the capacity', shed.setupP99Ms / half.setupP99Ms, 3),
    upTo('INVITE to 503, p99, ms', shed.refusalP99Ms, 50),
    upTo('failed calls', shed.failed + half.failed, 0),
  ];
}

function report(figures: Figures): string {
  const table = new Table({ head: ['', 'offered/s', 'answered/s', 'of capacity', 'set-up p50', 'p99 ms', '/ half', '503 p50', 'p99 ms', 'refused', 'failed'], style: { head: [], border: [] } });
  const row = (label: string, one: Outcome): void => {
    table.push([
      label, one.ratePerSecond, one.admittedPerSecond.toFixed(1), (one.admittedPerSecond / figures.capacity).toFixed(2), one.setupP50Ms.toFixed(1), one.setupP99Ms.toFixed(1),
      (one.setupP99Ms / figures.half.setupP99Ms).toFixed(1), one.refusalP50Ms.toFixed(1), one.refusalP99Ms.toFixed(1), `${one.refused} of ${one.calls}`, one.failed,
    ]);
  };
  row('half the capacity', figures.half);
  for (const way of Object.keys(WAYS) as Way[]) row(WAYS[way].label, figures.twice[way]);
  return `${figures.machine}; load average before: ${figures.loadBefore.toFixed(1)}\nCapacity: ${figures.capacity} calls a second\n${table.toString()}\n${targetsText(targets(figures))}`;
}

await new Command('bench:overload')
  .description('twice as many calls as one Asterisk can take, with and without shedding')
  .option('--json', 'figures for programs')
  .option('--quick', 'shorter rounds: about four minutes')
  .option('--apart', 'callers and far ends on a processor of their own, as if they were other machines')
  .addHelpText('after', '\nExample:\n  npm run bench:overload -- --quick')
  .action(async (options: Options) => {
    const figures = await measureAll(options);
    process.stdout.write(options.json === true ? `${JSON.stringify({ ...figures, targets: targets(figures) })}\n` : report(figures));
  })
  .parseAsync();
