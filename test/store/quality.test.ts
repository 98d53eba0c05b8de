/** How providers' attempts went, through a real Redis: daemons add, every one of them reads the sums of all. */
import t from 'tap';
import type { Cdr } from '../../engine/call/admission.ts';
import { QualityFigures } from '../../store/redis/quality.ts';
import { closeServers, connectToRedis, freshRedis, memoryLog } from './servers.ts';

t.teardown(closeServers);

const MINUTE_MS = 60_000;
const NOW_MS = 1_795_521_600_000;

function attempt(providerId: number | null, endMs: number, parts: Partial<Cdr> = {}): Cdr {
  return { providerId, endMs, disposition: 'FAILED', billMs: 0, pddMs: null, ...parts } as Cdr;
}

async function daemons(count: number): Promise<{ at: (nowMs: number) => void; all: QualityFigures[]; keys: () => Promise<string[]>; lives: () => Promise<number[]> }> {
  const url = await freshRedis();
  let nowMs = NOW_MS;
  const redises = Array.from({ length: count }, () => connectToRedis(url));
  const all = redises.map((redis) => new QualityFigures({ redis, usable: () => true, windowMs: 60 * MINUTE_MS, providerIds: () => [1, 2, 3, 2], now: () => nowMs, log: memoryLog().log }));
  const [first] = redises;
  return {
    at: (ms) => {
      nowMs = ms;
    },
    all,
    keys: async () => (await first?.keys('tollgate:quality:*')) ?? [],
    lives: async () => Promise.all(((await first?.keys('tollgate:quality:*')) ?? []).map(async (key) => (await first?.pttl(key)) ?? -1)),
  };
}

t.test('what two daemons saw is one sum for both', async (t) => {
  const { all: [one, other] } = await daemons(2);
  if (one === undefined || other === undefined) throw new Error('There are two.');
  one.add([attempt(1, NOW_MS, { disposition: 'ANSWERED', billMs: 61_500, pddMs: 300 }), attempt(1, NOW_MS), attempt(null, NOW_MS), attempt(9, NOW_MS)]);
  other.add([attempt(1, NOW_MS - 20 * MINUTE_MS, { disposition: 'NO ANSWER', pddMs: 1200 }), attempt(2, NOW_MS, { disposition: 'BUSY', pddMs: 50 })]);
  await one.refresh();
  await other.refresh();
  t.same([...other.view], [
    [1, { attempts: 3, answered: 1, talkMs: 61_500, rang: 2, pddMs: 1500 }],
    [2, { attempts: 1, answered: 0, talkMs: 0, rang: 1, pddMs: 50 }],
  ], 'nobody asks for provider 9, and 3 was never tried');
  await one.refresh();
  t.same([...one.view], [...other.view]);
  await one.refresh();
  t.same([...one.view], [...other.view], 'nothing is sent twice');
});

t.test('what lies before the window counts no more, and goes', async (t) => {
  const { at, all: [one], keys, lives } = await daemons(1);
  if (one === undefined) throw new Error('There is one.');
  one.add([attempt(1, NOW_MS), attempt(1, NOW_MS - 59 * MINUTE_MS)]);
  await one.refresh();
  t.match(one.view.get(1), { attempts: 1 }, 'the bucket of 59 minutes ago began before the window');
  one.add([attempt(1, NOW_MS - 54 * MINUTE_MS)]);
  await one.refresh();
  t.match(one.view.get(1), { attempts: 2 });
  at(NOW_MS + 54 * MINUTE_MS);
  await one.refresh();
  t.match(one.view.get(1), { attempts: 1 });
  at(NOW_MS + 61 * MINUTE_MS);
  await one.refresh();
  t.equal(one.view.get(1), undefined, 'unknown again, so that it is tried again');
  t.equal((await keys()).length, 3);
  for (const lifeMs of await lives()) t.ok(lifeMs > 0 && lifeMs <= 65 * MINUTE_MS, `gone in ${lifeMs} ms`);
});
