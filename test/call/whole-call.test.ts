/** Whole calls in a world that does what it likes: whatever happens, legs, money and rows come out right. */
import * as fc from 'fast-check';
import { test } from 'tap';
import type { Call } from '../../engine/call/state.ts';
import { holds } from '../routing/property.ts';
import { call, deviceWay, provider } from './call-builder.ts';
import { naiveElapsedMs, naivePaidS, naivePrice, rateOf, wholeSeconds } from './ledger.ts';
import type { Terms } from './ledger.ts';
import { Tape, World } from './world.ts';

const terms: fc.Arbitrary<Terms> = fc.record({
  perMinute: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 50_000 })),
  fee: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 5000 })),
  incrementS: fc.constantFrom(1, 1, 6, 30, 60),
  minTimeS: fc.constantFrom(0, 0, 10, 60),
  graceS: fc.constantFrom(0, 0, 3),
});

interface Scene {
  readonly call: Call;
  readonly levels: Readonly<Record<string, Terms>>;
  readonly ways: readonly Terms[];
  readonly inbound: boolean;
  /** So many devices ring at once; 0: one rings. */
  readonly fork: number;
}

const FORK = [31, 32, 33].map((deviceId) => ({ deviceId, endpoint: `device-${deviceId}`, number: null }));

const settings = fc.record({ reservation: fc.constantFrom('slice', 'slice', 'frozen'), sliceS: fc.integer({ min: 2, max: 90 }), extendBeforeS: fc.constantFrom(1, 1, 15), frozenS: fc.integer({ min: 10, max: 300 }), promptS: fc.constantFrom(0, 20, 60) });
const limits = fc.record({ maxTalkS: fc.integer({ min: 1, max: 400 }), callTimeoutS: fc.constantFrom(0, 0, 45), ringTimeoutS: fc.constantFrom(5, 60), silenceMs: fc.constantFrom(0, 3000), busyAsFailed: fc.boolean(), noAnswerAsFailed: fc.boolean() });

function outbound(levels: readonly Terms[], ways: readonly Terms[]): Omit<Scene, 'call'> {
  const names = ['user', 'reseller', 'partner'];
  return { inbound: false, fork: 0, ways, levels: Object.fromEntries(levels.map((one, index) => [names[index], one])) };
}

function sceneOf(parts: Omit<Scene, 'call'>, own: { readonly maxTalkS: number; readonly callTimeoutS: number; readonly ringTimeoutS: number; readonly silenceMs: number; readonly busyAsFailed: boolean; readonly noAnswerAsFailed: boolean }, set: Partial<Call['settings']>): Scene {
  const { maxTalkS, ...way } = own;
  const rates = Object.fromEntries(Object.entries(parts.levels).map(([name, one]) => [name, rateOf(one)]));
  const ways = parts.inbound ? [deviceWay({ ...way, fork: parts.fork === 0 ? undefined : FORK.slice(0, parts.fork) })] : parts.ways.map((one, index) => provider(index + 1, { ...way, rate: rateOf(one) }));
  const announcement = !parts.inbound && own.busyAsFailed ? { announcement: { file: 'low', language: '' } } : {};
  return { ...parts, call: call({ rates, ways, maxTalkS, settings: set, ...announcement }) };
}

const scene: fc.Arbitrary<Scene> = fc
  .tuple(
    fc.oneof(
      fc.tuple(fc.array(terms, { minLength: 1, maxLength: 3 }), fc.array(terms, { minLength: 1, maxLength: 3 })).map(([levels, ways]) => outbound(levels, ways)),
      fc.tuple(fc.record({ did: terms, didIncoming: terms }), fc.constantFrom(0, 2, 3)).map(([levels, fork]) => ({ inbound: true, fork, levels, ways: [] })),
    ),
    limits,
    settings,
  )
  .map(([parts, own, set]) => sceneOf(parts, own, set));

const tape = fc.array(fc.nat(100_000), { minLength: 20, maxLength: 400, size: 'max' });
const funds = fc.oneof(fc.bigInt(0n, 2_000_000_000n), fc.bigInt(0n, 60_000_000_000n), fc.constant(10n ** 15n)).map((amount) => amount - (amount % 10_000n));

interface Level {
  readonly accountId: number;
  readonly terms: Terms;
}

/** Levels in the order of the call's payers. */
function levelsOf({ call: one, levels }: Scene): readonly Level[] {
  return Object.values(levels).map((level, index) => ({ accountId: one.plan.payers[index]?.userId ?? 0, terms: level }));
}

/** The longest talk that what is held pays, found second by second. */
function paidBy(one: Scene, world: World, held: readonly bigint[]): number {
  const { answered, claims } = world.account;
  if (answered === null) return 0;
  const { settings: own, plan } = one.call;
  const wayTimeoutS = plan.ways[answered.way]?.callTimeoutS ?? 0;
  const mostS = Math.min(plan.maxTalkS, wayTimeoutS > 0 ? wayTimeoutS : Infinity, own.reservation === 'frozen' ? own.frozenS : Infinity);
  const beforeS = one.inbound ? wholeSeconds(naiveElapsedMs(one.call.arrived, answered.at)) : 0;
  const paying = claims.map(({ userId }, index) => ({ terms: levelsOf(one).find(({ accountId }) => accountId === userId)!.terms, held: held[index] ?? 0n, beforeS }));
  return naivePaidS(paying, mostS);
}

interface Owed {
  readonly account: string;
  readonly accountId: number;
  readonly amount: bigint;
}

function inWords(debits: readonly Owed[]): string {
  return debits.filter(({ amount }) => amount !== 0n).map(({ account, accountId, amount }) => `${account} ${accountId}: ${amount}`).sort().join(', ');
}

/** What everybody owes for a talk, by the naive ledger. */
function owedBy(one: Scene, world: World, talkMs: number): readonly Owed[] {
  const { answered } = world.account;
  if (answered === null) return [];
  const beforeMs = one.inbound ? naiveElapsedMs(one.call.arrived, answered.at) : 0;
  const users = levelsOf(one).map((level) => ({ account: 'user', accountId: level.accountId, amount: naivePrice(level.terms, wholeSeconds(beforeMs + talkMs)) }));
  const way = one.ways[answered.way];
  return way === undefined ? users : [...users, { account: 'provider', accountId: one.call.plan.ways[answered.way]?.id ?? 0, amount: -naivePrice(way, wholeSeconds(talkMs)) }];
}

function moneyProblems(one: Scene, world: World, paidS: number): string[] {
  const { answered, end, cut, ends, held, claims } = world.account;
  const [finish] = ends;
  if (finish?.do !== 'finish') return [];
  const { cdrs, debits } = finish.request;
  const last = cdrs.at(-1);
  const talkMs = answered === null || end === null ? 0 : cut ? paidS * 1000 : Math.min(naiveElapsedMs(answered.at, end), paidS * 1000);
  const problems: string[] = [];
  // Timers are set by a duration that trusts a wall clock which is less than a second off.
  if (cut && answered !== null && end !== null && end.monoMs - answered.at.monoMs < paidS * 1000 - 1000) problems.push(`cut ${end.monoMs - answered.at.monoMs} ms after the answer, paid ${paidS} s`);
  const owed = inWords(owedBy(one, world, talkMs));
  if (inWords(debits) !== owed) problems.push(`debits are ${inWords(debits)}, not ${owed}`);
  if (last?.billMs !== talkMs) problems.push(`billed ${last?.billMs} ms, not ${talkMs} (paid ${paidS} s)`);
  claims.forEach(({ userId }, index) => {
    const debit = debits.filter(({ account, accountId }) => account === 'user' && accountId === userId).reduce((sum, { amount }) => sum + amount, 0n);
    if (debit > (held[index] ?? 0n)) problems.push(`user ${userId} owes ${debit}, of which only ${held[index]} was held`);
  });
  if (cdrs.some(({ attempt, final }, index) => attempt !== index + 1 || final !== (index === cdrs.length - 1))) problems.push('the rows are not numbered');
  if ((last?.disposition === 'ANSWERED') !== (answered !== null)) problems.push(`${last?.disposition}, answered: ${answered !== null}`);
  return problems;
}

/** Leads a call along the tape to its end, and audits it; '' when everything is in order. */
function audit(one: Scene, numbers: readonly number[], balance: bigint): string {
  const world = new World(one.call, new Tape(numbers), balance);
  let paidS = 0;
  world.onHeld = (held): void => {
    paidS = Math.max(paidS, paidBy(one, world, held));
  };
  for (let step = 0; step < numbers.length / 3; step += 1) world.step();
  world.drain(numbers.length % 2 === 0);

  const { violations, ends, admitted } = world.account;
  const problems = [...violations, ...moneyProblems(one, world, paidS)];
  for (const [legId, state] of world.legs) if (state !== 'gone' && state !== 'never') problems.push(`${legId} stays ${state}`);
  if (world.callerUp) problems.push('the caller stays up');
  if (ends.length !== 1 || (ends[0]?.do === 'finish') !== admitted) problems.push(`admitted: ${admitted}, ended by ${ends.map((end) => end.do).join(', ')}`);
  return problems.join('; ');
}

test('whatever happens, a call ends once, leaves no leg, and owes to the digit what a naive ledger says', async (t) => {
  holds(t, fc.property(scene, tape, funds, (one, numbers, balance) => {
    const problems = audit(one, numbers, balance);
    if (problems !== '') throw new Error(problems);
  }), 300);
});
