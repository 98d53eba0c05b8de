/** The simulation in its short form, and that its auditor can fail. The long form: `npm run test:simulation -- --calls 1000000`. */
import { test } from 'tap';
import { SEED } from '../seed.ts';
import { AS_WRITTEN, simulate } from './start.ts';

const replay = (seed: number, options: string): string => `repeat it: npm run test:simulation -- --seed ${seed} --worlds 1 ${options}`;

test('thousands of calls in simulated time: no row lost or doubled, no money wrong, nothing stuck', async (t) => {
  const result = await simulate(AS_WRITTEN, { calls: 3200, callsADay: 200, faults: 'none' });
  t.same(result.differences, [], replay(SEED, '--calls 200 --day 200'));
  t.ok(result.tally.answered > 500, `${result.tally.answered} answered`);
});

test('a seed repeats a run to the last step', async (t) => {
  const [one, other] = [await simulate(AS_WRITTEN, { calls: 300, callsADay: 150, worlds: 2 }), await simulate(AS_WRITTEN, { calls: 300, callsADay: 150, worlds: 2 })];
  t.equal(one.mark, other.mark);
  t.same(one, other);
});

for (const [sabotage, tells] of [['hold', /-\d+ on hold|on hold and -\d+ left|calls that are up make/], ['row', /no row/], ['place', /is stuck at|calls that are up make/], ['owed', /pending/], ['booking', /booked was|balance of user/]] as const) {
  test(`the auditor finds it: ${sabotage}`, async (t) => {
    const result = await simulate(AS_WRITTEN, { calls: 300, callsADay: 300, worlds: 1, faults: 'none', sabotage });
    t.match(result.differences.join('\n'), tells);
  });
}
