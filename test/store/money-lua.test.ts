import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { Redis } from 'ioredis';
import t from 'tap';
import { closeServers, connectToRedis, freshRedis } from './servers.ts';
import { SEED } from '../seed.ts';

t.teardown(closeServers);

const MONEY = readFileSync(new URL('../../store/redis/money.lua', import.meta.url), 'utf8');
const PROGRAM = `${MONEY}
  local a, b = money(ARGV[1]), money(ARGV[2])
  local order = less(a, b) and '-1' or (less(b, a) and '1' or '0')
  return {text(a), text(b), text(plus(a, b)), text(minus(a, b)), order}`;

/** Where doubles stop counting: 2^53 and beyond, to 2^62, on both sides of 0, and around the base of the pairs. */
const edges = [0n, 1n, 10n ** 9n, 10n ** 18n, 2n ** 31n, 2n ** 53n, 2n ** 60n, 2n ** 62n, 2n ** 63n];
const amount = fc.oneof(
  fc.bigInt(-(2n ** 63n), 2n ** 63n),
  fc.bigInt(-(10n ** 22n), 10n ** 22n),
  fc.tuple(fc.constantFrom(...edges), fc.bigInt(-3n, 3n), fc.boolean()).map(([edge, near, negative]) => (negative ? -(edge + near) : edge + near)),
);

t.test(`pairs of doubles add, subtract, compare and print as whole numbers do (seed ${SEED})`, async (t) => {
  const redis: Redis = connectToRedis(await freshRedis());
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(amount, amount), { minLength: 50, maxLength: 100 }), async (pairs) => {
      const answers = await Promise.all(pairs.map(async ([a, b]) => redis.eval(PROGRAM, 0, a.toString(), b.toString())));
      for (const [index, [a, b]] of pairs.entries()) {
        const expected = [a, b, a + b, a - b, BigInt(a < b ? -1 : a > b ? 1 : 0)].map(String);
        if (JSON.stringify(answers[index]) !== JSON.stringify(expected)) throw new Error(`${a} and ${b}: ${JSON.stringify(answers[index])}, not ${JSON.stringify(expected)}`);
      }
    }),
    { seed: SEED, numRuns: 100 },
  );
  t.pass('100 runs');
});
