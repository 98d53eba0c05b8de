/**
 * `npm run test:simulation -- --calls 1000000`: calls by the thousand in simulated time, with faults, and a table of what was
 * lost, doubled or stuck; exit code 1 unless nothing was. `--help` tells the rest.
 */
import { parseArgs } from 'node:util';
import { Progress } from '../lab/progress.ts';
import { SEED } from '../seed.ts';
import { compiled, simulate } from './start.ts';
import { tableText } from './table.ts';

const USAGE = `npm run test:simulation -- [options]
  --calls N        so many calls (50000)
  --days N         instead: so many days
  --seed N         chance begins here (TEST_SEED, or ${SEED})
  --day N          calls of a day (1000)
  --worlds N       worlds at once, each with the next seed: while one waits for Redis another goes on (16)
  --faults NAME    all, small (single messages), none
  --first          each world ends with its first difference
  --follow ID      tells what happens to channels and calls with this in their name, on stderr
  --verbose        the daemons' log, on stderr
  --json           the result as JSON
`;

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '50000' }, days: { type: 'string' }, seed: { type: 'string', default: String(SEED) }, day: { type: 'string', default: '1000' }, worlds: { type: 'string', default: '16' },
    faults: { type: 'string', default: 'all' }, first: { type: 'boolean', default: false }, verbose: { type: 'boolean', default: false }, follow: { type: 'string', default: '' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const faults = values.faults;
if (faults !== 'all' && faults !== 'small' && faults !== 'none') throw new Error(`--faults is all, small or none, not ${faults}.`);
const callsADay = Number(values.day);
const calls = values.days === undefined ? Number(values.calls) : Number(values.days) * callsADay;
const progress = new Progress();
const program = compiled();
const startedMs = performance.now();
const result = await simulate(program, { seed: Number(values.seed), calls, callsADay, worlds: Number(values.worlds), faults, first: values.first, verbose: values.verbose, follow: values.follow }, (so) => progress.show('simulated', `${so} of ${calls} calls`));
const seconds = (performance.now() - startedMs) / 1000;
process.stdout.write(values.json ? `${JSON.stringify({ ...result, seconds })}\n` : tableText(result, seconds));
process.exit(result.differences.length === 0 ? 0 : 1);
