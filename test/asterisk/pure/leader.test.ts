/** Who leads, by every answer that Redis may give, in any order of time. */
import t from 'tap';
import { until } from '../../lab/wait.ts';
import { Leader } from '../../../engine/leader.ts';
import type { LeaseAnswer } from '../../../engine/leader.ts';

const LIFE_MS = 50;

interface Scene {
  readonly leader: Leader;
  readonly told: string[];
  /** What the next questions are answered with; the last one stays. */
  answers: (LeaseAnswer | Error | null)[];
  readonly asked: { claim: boolean; token: number; dead: string }[];
  clockMs: number;
}

function scene(answers: Scene['answers'], isDead = false): Scene {
  const one: Omit<Scene, 'leader'> = { told: [], answers, asked: [], clockMs: 0 };
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined, child: () => log };
  const leader = new Leader({
    serverId: 1, daemon: 'me', lifeMs: LIFE_MS, isDead: () => isDead, now: () => one.clockMs, log,
    store: {
      lease: (request) => {
        one.asked.push({ claim: request.claim, token: request.token, dead: request.dead });
        const [answer] = one.answers.length > 1 ? one.answers.splice(0, 1) : one.answers;
        if (answer === null) return new Promise(() => undefined);
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as LeaseAnswer);
      },
      releaseLease: () => Promise.resolve(),
    },
    onLead: () => one.told.push('lead'),
    onLost: () => one.told.push('lost'),
    onSilent: () => one.told.push('silent'),
    onRenewed: (gap) => one.told.push(gap ? 'renewed after a gap' : 'renewed'),
  });
  return Object.assign(one, { leader });
}

/** So many questions were asked, and those but the last surely answered. */
async function asked(one: Scene, count: number): Promise<void> {
  await until(() => (one.asked.length >= count ? undefined : `${one.asked.length} of ${count} questions`), { everyMs: 2 });
}

const lead = (token: number): LeaseAnswer => ({ kind: 'lead', token });
const other: LeaseAnswer = { kind: 'other', daemon: 'them' };

t.test('the beginning of all: nobody ever led', async (t) => {
  const one = scene([{ kind: 'free', ever: false }, lead(1)]);
  t.teardown(async () => one.leader.release());
  await asked(one, 3);
  t.equal(one.told[0], 'lead');
  t.equal(one.leader.mayAct(), true);
});

t.test('a connection that broke and came back between two renewals is a gap, whatever the lease says', async (t) => {
  const one = scene([lead(3)]);
  t.teardown(async () => one.leader.release());
  await asked(one, 2);
  one.told.length = 0;
  one.leader.redisBack();
  await asked(one, one.asked.length + 2);
  t.equal(one.told.filter((word) => word === 'renewed after a gap').length, 1);
});

t.test('a lease that vanished is taken when it is missing twice', async (t) => {
  const one = scene([other, { kind: 'free', ever: true }, lead(7)]);
  t.teardown(async () => one.leader.release());
  await asked(one, 4);
  t.same(one.asked.slice(0, 3).map(({ claim }) => claim), [false, false, true]);
  t.ok(one.told.includes('lead'));
});

t.test('a Redis that has come back without the lease: whoever led has as long as a lease lasts to take it again', async (t) => {
  const one = scene([other, { kind: 'free', ever: false }]);
  t.teardown(async () => one.leader.release());
  await asked(one, 2);
  one.leader.redisBack();
  await asked(one, 6);
  t.notOk(one.asked.some(({ claim }) => claim));
  one.clockMs = LIFE_MS;
  await asked(one, one.asked.length + 2);
  t.ok(one.asked.at(-1)?.claim);
});

t.test('the lease of a daemon that is known to be dead is taken at once', async (t) => {
  const one = scene([other, lead(7)], true);
  t.teardown(async () => one.leader.release());
  await asked(one, 2);
  t.match(one.asked[1], { claim: true, dead: 'them' });
});

t.test('beyond the life of the lease nothing is done until it is confirmed', async (t) => {
  const one = scene([lead(1)]);
  t.teardown(async () => one.leader.release());
  await asked(one, 2);
  one.clockMs = LIFE_MS + 1;
  t.equal(one.leader.mayAct(), false, 'a process that wakes up');
  await asked(one, one.asked.length + 2);
  t.equal(one.leader.mayAct(), true);
  t.notOk(one.told.includes('lost'));
});

t.test('another daemon led meanwhile: what was known is dropped, also when the lead comes back', async (t) => {
  const one = scene([lead(1), lead(3)]);
  t.teardown(async () => one.leader.release());
  await asked(one, 3);
  t.same(one.told.slice(0, 3), ['lead', 'lost', 'lead']);
  const two = scene([lead(1), other]);
  t.teardown(async () => two.leader.release());
  await asked(two, 3);
  t.same(two.told.slice(0, 2), ['lead', 'lost']);
  t.equal(two.leader.mayAct(), false);
});

t.test('Redis lost the lease, and nobody took it: a gap, no more', async (t) => {
  const one = scene([lead(1), lead(2)]);
  t.teardown(async () => one.leader.release());
  await asked(one, 3);
  t.same(one.told.slice(0, 2), ['lead', 'renewed after a gap']);
});

t.test('Redis away: the lead goes on, and ends by another session at Asterisk', async (t) => {
  const one = scene([lead(1), new Error('away')]);
  t.teardown(async () => one.leader.release());
  await asked(one, 3);
  one.clockMs = 10 * LIFE_MS;
  t.equal(one.leader.mayAct(), true);
  one.leader.replaced();
  t.equal(one.leader.mayAct(), false);
  t.ok(one.told.includes('lost'));
});

t.test('Redis silent: the lead goes on after ticks that were lived through', async (t) => {
  const one = scene([lead(1), null]);
  t.teardown(async () => one.leader.release());
  await asked(one, 2);
  one.clockMs = 10 * LIFE_MS;
  t.equal(one.leader.mayAct(), false);
  await until(() => (one.leader.mayAct() ? undefined : 'it waits'));
});

t.test('a session that another one replaced changes nothing for who has the lease', async (t) => {
  const one = scene([lead(1)]);
  t.teardown(async () => one.leader.release());
  await asked(one, 2);
  one.leader.replaced();
  t.equal(one.leader.mayAct(), true);
});
