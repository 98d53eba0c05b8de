/** The simulation as a process of its own, as it takes the clocks of its process. Options come as one JSON argument; lines of JSON go out. */
import { FAULTS } from './rates.ts';
import { NO_FAULTS } from './faults.ts';
import type { Log } from '../../engine/ports.ts';
import { Line } from './wire.ts';
import { sabotageOf } from './sabotage.ts';
import type { SabotageName } from './sabotage.ts';
import { runWorlds } from './worlds.ts';

export interface ProgramOptions {
  readonly socket: string;
  readonly password: string;
  readonly seed: number;
  readonly calls: number;
  readonly callsADay: number;
  readonly worlds: number;
  readonly faults: 'all' | 'small' | 'none';
  readonly first: boolean;
  readonly sabotage: SabotageName;
  readonly verbose: boolean;
  /** Part of a channel's name: what happens to it is told; '': of none. */
  readonly follow: string;
}

const options = JSON.parse(process.argv[2] ?? '{}') as ProgramOptions;
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

function writingLog(bound: object): Log {
  const write = (level: string) => (fields: object, message: string): void =>
    void process.stderr.write(`${new Date(Date.now()).toISOString()} ${level} ${message} ${JSON.stringify({ ...bound, ...fields }, (_, value: unknown) => (value instanceof Error ? value.message : value))}\n`);
  return { debug: () => undefined, info: write('info'), warn: write('warn'), error: write('error'), child: (fields) => writingLog({ ...bound, ...fields }) };
}

const line = await Line.open(options.socket, options.password);
const { seed, calls, callsADay, worlds, first } = options;
const result = await runWorlds(
  { seed, calls, callsADay, worlds, rates: options.faults === 'none' ? NO_FAULTS : FAULTS, misfortunes: options.faults === 'all', stopAtFirst: first, sabotage: sabotageOf(options.sabotage), doubleBooking: options.sabotage === 'booking', follow: options.follow, ...(options.verbose ? { log: writingLog({}) } : {}) },
  line,
  (so) => say({ calls: so }),
);
line.close();
say({ result });
