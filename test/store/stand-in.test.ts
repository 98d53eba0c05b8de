/** While Redis is away: places and money by what the daemon knows itself. */
import * as fc from 'fast-check';
import t from 'tap';
import { parseMoney } from '../../rating/money.ts';
import { StandIn } from '../../store/stand-in.ts';
import type { Standing } from '../../store/stand-in.ts';
import type { Spendable } from '../../store/redis/calls.ts';
import { SEED } from '../seed.ts';
import { balance } from './calls.ts';
import { admission, counter, NOW, payer } from './requests.ts';

const money = parseMoney;

interface Scene {
  readonly standIn: StandIn;
  readonly clock: { ms: number };
}

function scene(parts: { balances?: readonly Spendable[]; policy?: 'refuse' | 'allow'; bound?: string; standing?: readonly Standing[] } = {}): Scene {
  const clock = { ms: 0 };
  const balances = new Map((parts.balances ?? [balance(5, '10')]).map((one) => [one.userId, one]));
  const standIn = new StandIn({ policy: parts.policy ?? 'allow', bound: money(parts.bound ?? '100'), balanceOf: (userId) => balances.get(userId), floor: (amount) => amount - (amount % 10_000n), now: () => clock.ms });
  standIn.begin(1, () => parts.standing ?? []);
  return { standIn, clock };
}

const standing = (callId: string, hold: string, key = 'calls:user:5:out'): Standing => ({ callId, counters: [counter(key, 2)], wayCounters: [counter('calls:provider:3', 1, 223)], holds: [{ userId: 5, amount: money(hold) }] });
const debit = (amount: string) => ({ account: 'user', accountId: 5, amount: money(amount), cause: 'call' }) as const;

t.test('it serves the Asterisks whose calls it was told of, and no others', async (t) => {
  const { standIn } = scene();
  t.equal(standIn.serves('1-a'), true);
  t.equal(standIn.serves('2-a'), false);
  standIn.end(1);
  t.equal(standIn.serves('1-a'), false);
  t.equal(standIn.active, false);
});

t.test('a running call is given more, as far as the balance, the other calls and what is owed leave it', async (t) => {
  const { standIn } = scene({ standing: [standing('1-a', '2'), standing('1-b', '3')] });
  const want = (callId: string, amount: string) => standIn.extend({ callId, nowMs: NOW, payers: [{ userId: 5, want: money(amount) }] });
  t.strictSame(want('1-a', '4'), { held: [money('4')], left: [money('3')] });
  t.strictSame(want('1-a', '4'), { held: [money('4')], left: [money('3')] }, 'a repetition changes nothing');
  standIn.finished({ callId: '1-b', nowMs: NOW, debits: [debit('1')], cdrs: [] });
  standIn.finished({ callId: '1-b', nowMs: NOW, debits: [debit('1')], cdrs: [] });
  t.strictSame(want('1-a', '20'), { held: [money('9')], left: [0n] }, '10 less the 1 that is owed');
  t.strictSame(standIn.extend({ callId: '1-stranger', nowMs: NOW, payers: [{ userId: 5, want: 1n }] }), { held: [], left: [] });
});

t.test('the bound is what one user is given in all; what was given and not used is there again', async (t) => {
  const { standIn } = scene({ bound: '3', standing: [standing('1-a', '2')] });
  t.match(standIn.extend({ callId: '1-a', nowMs: NOW, payers: [{ userId: 5, want: money('4') }] }), { held: [money('4')], left: [money('1')] });
  t.match(standIn.admit(admission('1-b', { payers: [payer(5, '2')] })), { granted: [money('1')], left: [0n] });
  t.strictSame(standIn.admit(admission('1-c', { payers: [payer(5, '2')] })), { kind: 'refused', cause: 41 }, 'it is not his money that is short');
  standIn.finished({ callId: '1-b', nowMs: NOW, debits: [debit('0.25')], cdrs: [] });
  t.match(standIn.admit(admission('1-d', { payers: [payer(5, '2')] })), { granted: [money('0.75')] });
});

t.test('refusals are told apart as Redis tells them', async (t) => {
  const day = { limit: money('5'), spent: money('5'), untilMs: NOW + 1000 };
  const { standIn } = scene({ balances: [balance(5, '10'), balance(6, '0'), balance(7, '0.005'), balance(8, '10', { day })], standing: [standing('1-a', '10')] });
  for (const [userId, cause] of [[5, 212], [6, 211], [7, 210], [8, 290], [9, 211]] as const) t.strictSame(standIn.admit(admission(`1-${userId}`, { payers: [payer(userId, '1')] })), { kind: 'refused', cause });
  t.match(standIn.admit(admission('1-tomorrow', { nowMs: NOW + 1000, payers: [payer(8, '1')] })), { granted: [money('1')], left: [money('4')] });
});

t.test('places: limits hold, the first way with room is taken, the next one after it, and all is given back', async (t) => {
  const { standIn } = scene({ standing: [standing('1-a', '0')] });
  const ways = [[counter('calls:provider:3', 1)], [counter('calls:provider:4', 1), counter('cps:provider:4', 1)], [counter('calls:provider:5')]];
  const ask = (callId: string, nowMs = NOW) => standIn.admit(admission(callId, { nowMs, counters: [counter('calls:user:5:out', 2)], ways }));
  t.match(ask('1-b'), { kind: 'admitted', way: 1 });
  t.strictSame(ask('1-c'), { kind: 'refused', cause: 220 });
  standIn.finished({ callId: '1-b', nowMs: NOW, debits: [], cdrs: [] });
  t.match(ask('1-d'), { way: 2 }, 'provider 4 had its one call of this second');
  standIn.finished({ callId: '1-d', nowMs: NOW, debits: [], cdrs: [] });
  t.match(ask('1-e', NOW + 1000), { way: 1 });
  t.equal(standIn.nextWay({ callId: '1-a', nowMs: NOW + 1000, ways: ways.slice(1), from: 1, live: {} }), 1, 'provider 4 is full');
  standIn.finished({ callId: '1-e', nowMs: NOW, debits: [], cdrs: [] });
  t.match(ask('1-f', NOW + 2000), { way: 0 }, 'the place at provider 3 was given back');
  t.strictSame(standIn.admit(admission('1-g', { ways: [[counter('calls:provider:3', 1)]] })), { kind: 'refused', cause: 204 });
});

t.test('calls that ended just before are owed for, and forgotten later; nothing is forgotten while it stands in', async (t) => {
  const calls = [standing('1-x', '0')];
  const { standIn, clock } = scene({ standing: calls });
  const left = () => standIn.extend({ callId: '1-x', nowMs: NOW, payers: [{ userId: 5, want: 0n }] }).left[0];
  standIn.finished({ callId: '1-a', nowMs: NOW, debits: [debit('4')], cdrs: [] });
  clock.ms = 60_000;
  standIn.finished({ callId: '1-b', nowMs: NOW, debits: [debit('1')], cdrs: [] });
  t.equal(left(), money('5'), 'nobody settled it meanwhile');
  standIn.end(1);
  clock.ms = 75_000;
  standIn.finished({ callId: '1-c', nowMs: NOW, debits: [debit('2')], cdrs: [] });
  standIn.begin(1, () => calls);
  t.equal(left(), money('8'), 'only what ended lately');
});

t.test('who is refused by policy', async (t) => {
  t.strictSame(scene({ policy: 'refuse' }).standIn.admit(admission('1-a')), { kind: 'refused', cause: 41 });
});

const deed = fc.record({ call: fc.nat(5), user: fc.constantFrom(5, 6), do: fc.constantFrom('admit', 'extend', 'finish'), want: fc.bigInt(0n, 12n), owes: fc.bigInt(0n, 12n) });

t.test(`nobody is given more than he has, nor than the bound (seed ${SEED})`, async (t) => {
  fc.assert(fc.property(fc.array(deed, { maxLength: 40 }), fc.bigInt(0n, 30n), fc.bigInt(0n, 30n), (deeds, funds, bound) => {
    const unit = money('1');
    const { standIn } = scene({ balances: [balance(5, String(funds)), balance(6, '7')], bound: String(bound) });
    const held = new Map<string, { readonly user: number; amount: bigint }>();
    const used = new Map<number, bigint>();
    for (const one of deeds) {
      const callId = `1-${one.call}`;
      const call = held.get(callId);
      if (one.do === 'admit' && call === undefined) {
        const answer = standIn.admit(admission(callId, { payers: [payer(one.user, String(one.want), '0')] }));
        if (answer.kind === 'admitted') held.set(callId, { user: one.user, amount: answer.granted[0] ?? 0n });
      } else if (one.do === 'extend' && call !== undefined) {
        const [amount] = standIn.extend({ callId, nowMs: NOW, payers: [{ userId: call.user, want: one.want * unit }] }).held;
        if (amount === undefined || amount < call.amount) throw new Error(`a hold fell from ${call.amount} to ${amount}`);
        call.amount = amount;
      } else if (one.do === 'finish' && call !== undefined) {
        const owes = one.owes * unit < call.amount ? one.owes * unit : call.amount;
        standIn.finished({ callId, nowMs: NOW, debits: [{ account: 'user', accountId: call.user, amount: owes, cause: 'call' }], cdrs: [] });
        used.set(call.user, (used.get(call.user) ?? 0n) + owes);
        held.delete(callId);
      }
      for (const [user, amount] of [[5, funds], [6, 7n]] as const) {
        const given = (used.get(user) ?? 0n) + [...held.values()].reduce((sum, other) => (other.user === user ? sum + other.amount : sum), 0n);
        if (given > amount * unit || given > bound * unit) throw new Error(`user ${user} was given ${given}`);
      }
    }
  }), { seed: SEED, numRuns: 500 });
  t.pass('500 runs');
});
