/** A call of a process that died, taken over: every rung of its ladder, and what may have happened meanwhile. */
import { test } from 'tap';
import { deepStrictEqual, strictEqual } from 'node:assert';
import type { Cdr } from '../../engine/call/admission.ts';
import { decide } from '../../engine/call/decide.ts';
import { resume } from '../../engine/call/resume.ts';
import type { Facts, LegFacts } from '../../engine/call/resume.ts';
import type { Call, Gone, Moment, Step } from '../../engine/call/state.ts';
import { serialize } from 'node:v8';
import { decodeCall, decodePast, encodeCall, encodePast } from '../../engine/memo.ts';
import { parseMoney } from '../../rating/money.ts';
import { ARRIVED, call, deviceWay, provider, rate } from './call-builder.ts';
import { inWords } from './dsl.ts';
import { cdr } from '../store/requests.ts';

/** `ms` after the arrival, on both clocks. */
const at = (ms: number): Moment => ({ wallMs: ARRIVED.wallMs + ms, monoMs: ARRIVED.monoMs + ms });
const gone = (ms: number, cause = 16): Gone => ({ moment: at(ms), cause, techCause: null, source: 'witness' });
const NOW = at(20_000);

const two = call({ ways: [provider(1), provider(2)] });
const legId = (one: Call, attempt: number | string): string => `${one.id}-${attempt}`;

function leg(parts: Partial<LegFacts> = {}): LegFacts {
  return { legId: legId(two, 1), deviceId: null, started: at(10), rang: null, answered: null, codec: 'alaw', sipCallId: 'x@far', state: 'up', gone: null, ...parts };
}

function facts(parts: Partial<Facts> = {}): Facts {
  return { granted: [parseMoney('0.6')], prompted: false, past: [], way: 0, callerGone: null, leg: leg(), others: [], ...parts };
}

function words(one: Call, step: Step): string[] {
  return step.actions.map((action) => (action.do === 'limit' ? `limit ${action.channelId === one.originator.channelId ? 'caller' : 'leg'} ${action.afterS}` : inWords(one, action))).filter((word) => word !== '');
}

function rows(step: Step): readonly Cdr[] {
  return step.actions.flatMap((action) => (action.do === 'finish' ? action.request.cdrs : []));
}

test('both sides talk: the caller is answered again, the cut and the extension are set from the answer', async () => {
  const step = resume(two, facts({ leg: leg({ answered: at(5000) }) }), NOW);
  strictEqual(step.state.phase, 'talking');
  // 60 s are paid from second 5; at second 20 there are 45 left, and 15 before the end more is asked for.
  deepStrictEqual(words(two, step), ['answerCaller', 'setTimer cut 45000', 'setTimer extend 30000', 'limit caller 105', 'limit leg 105']);
});

test('the paid time is nearly over: more is asked for at once', async () => {
  const step = resume(two, facts({ leg: leg({ answered: at(5000) }) }), at(64_900));
  deepStrictEqual(words(two, step), ['answerCaller', 'extend user 5 to 1.2', 'setTimer cut 1000', 'limit caller 61', 'limit leg 61']);
});

test('the paid time is over already: what was talked is asked for with the next slice, and the call is cut if it is not there', async () => {
  const step = resume(two, facts({ leg: leg({ answered: at(5000) }) }), at(90_000));
  // 85 s were talked, and 60 more.
  deepStrictEqual(words(two, step), ['answerCaller', 'extend user 5 to 1.45', 'setTimer cut 1000', 'limit caller 35', 'limit leg 35']);
  const { held, cut } = { held: decide(two, step.state, { type: 'extended', held: [parseMoney('1.45')], left: [0n] }, at(90_010)), cut: decide(two, step.state, { type: 'extended', held: [parseMoney('0.6')], left: [0n] }, at(90_010)) };
  deepStrictEqual(words(two, held), ['setTimer cut 59990', 'setTimer extend 44990', 'limit caller 120', 'limit leg 120']);
  deepStrictEqual(words(two, cut), ['setTimer cut 0']);
});

const ENDED: readonly { readonly what: string; readonly facts: Partial<Facts>; readonly orders: readonly string[]; readonly row: Partial<Cdr> }[] = [
  {
    what: 'the caller hung up meanwhile', facts: { leg: leg({ answered: at(5000) }), callerGone: gone(9000) },
    orders: ['hangUp leg 1 16', 'destroyBridge', 'finish'], row: { disposition: 'ANSWERED', billMs: 4000, terminatedBy: 'originator', endSource: 'witness' },
  },
  {
    what: 'the far end hung up meanwhile', facts: { leg: leg({ answered: at(5000), state: 'gone', gone: gone(9500) }) },
    orders: ['hangUp caller 16', 'destroyBridge', 'finish'], row: { disposition: 'ANSWERED', billMs: 4500, terminatedBy: 'terminator', endSource: 'witness' },
  },
  {
    what: 'both are gone: who went first ended it', facts: { leg: leg({ answered: at(5000), state: 'gone', gone: gone(9500) }), callerGone: gone(9600) },
    orders: ['hangUp caller 16', 'destroyBridge', 'finish'], row: { billMs: 4500, terminatedBy: 'terminator' },
  },
  {
    what: 'beyond what was paid', facts: { leg: leg({ answered: at(5000) }), callerGone: gone(70_000) },
    orders: ['hangUp leg 1 16', 'destroyBridge', 'finish'], row: { billMs: 60_000, terminatedBy: 'system' },
  },
  {
    what: 'the caller cancelled while it rang', facts: { leg: leg({ rang: at(2000) }), callerGone: gone(4000, 127) },
    orders: ['hangUp leg 1 16', 'destroyBridge', 'finish'], row: { disposition: 'NO ANSWER', hangupCause: 241, billMs: 0 },
  },
  {
    what: 'no way had room', facts: { way: -1, past: [cdr('x', { hangupCause: 34, disposition: 'FAILED' })], leg: leg({ legId: legId(two, 2), state: 'none' }) },
    orders: ['hangUp caller 34', 'destroyBridge', 'finish'], row: { hangupCause: 34, final: true },
  },
];

for (const { what, facts: parts, orders, row } of ENDED) {
  test(`it is over: ${what}`, async () => {
    const step = resume(two, facts(parts), NOW);
    strictEqual(step.state.phase, 'over');
    deepStrictEqual(words(two, step), orders);
    const last = rows(step).at(-1);
    deepStrictEqual(Object.fromEntries(Object.keys(row).map((field) => [field, last?.[field as keyof Cdr]])), row);
  });
}

test('it rings: its ringing time begins anew', async () => {
  const step = resume(two, facts({ leg: leg({ rang: at(2000) }) }), NOW);
  strictEqual(step.state.phase, 'dialling');
  deepStrictEqual(words(two, step), ['setTimer ring 62000']);
});

test('the leg failed meanwhile: the next way is asked for', async () => {
  const step = resume(two, facts({ leg: leg({ state: 'gone', gone: gone(3000, 34) }) }), NOW);
  deepStrictEqual(words(two, step), ['nextWay of 1']);
});

test('the caller was hearing a prompt: it is stopped before his way is dialled', async () => {
  const warned = call({ announcement: { file: 'low', language: '' } });
  deepStrictEqual(words(warned, resume(warned, facts({ leg: leg({ state: 'none' }) }), NOW)), ['stopAnnouncement', 'createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000']);
});

test('the leg was never made, or has not rung: the same way is dialled again', async () => {
  deepStrictEqual(words(two, resume(two, facts({ leg: leg({ state: 'none' }) }), NOW)), ['createBridge', 'createLeg leg 1 on way 0', 'setTimer legStart 5000']);
  const givenUp = resume(two, facts(), NOW);
  deepStrictEqual(words(two, givenUp).filter((word) => !word.startsWith('clearTimer')), ['hangUp leg 1 16', 'createBridge', 'nextWay of 2'], 'its row is told, for whoever comes next');
  deepStrictEqual(words(two, decide(two, givenUp.state, { type: 'wayChosen', way: 0 }, NOW)), ['createLeg leg 2 on way 0', 'setTimer legStart 5000']);
  const third = resume(two, facts({ way: 1, past: [cdr('x')], leg: leg({ legId: legId(two, 2), state: 'none' }) }), NOW);
  deepStrictEqual(words(two, third), ['createBridge', 'createLeg leg 2 on way 1', 'setTimer legStart 5000']);
});

test('answered while nobody led, by somebody whose caller has rung away the money of the called one: refused and free, as at any answer', async () => {
  const did = call({ rates: { did: rate('0.6') }, ways: [deviceWay()] });
  // 0.05 pay for five seconds, and six had gone by when the leg answered.
  const step = resume(did, facts({ granted: [parseMoney('0.05')], leg: leg({ legId: legId(did, 1), answered: at(6000), state: 'gone', gone: gone(9000) }), callerGone: gone(9000) }), NOW);
  const [row] = rows(step);
  deepStrictEqual([row?.disposition, row?.hangupCause, row?.prices.did?.price], ['FAILED', 213, 0n]);
});

test('of several devices the one that answered is led on, the others are ended', async () => {
  const fork = call({ rates: { did: rate('0.6') }, ways: [deviceWay({ fork: [{ deviceId: 31, endpoint: 'desk', number: null }, { deviceId: 32, endpoint: 'mobile', number: null }] })] });
  const step = resume(fork, facts({ leg: leg({ legId: legId(fork, '1-2'), deviceId: 32, answered: at(5000) }), others: [legId(fork, '1-1')] }), NOW);
  strictEqual(words(fork, step)[0], 'hangUp leg 1-1 16');
  strictEqual(step.state.phase === 'talking' ? step.state.attempt.deviceId : 0, 32);
});

test('a memo gives back the call as it was, and rates that are one stay one', async () => {
  const again = decodeCall(encodeCall(two));
  deepStrictEqual(again, two);
  strictEqual(again?.plan.payers[0]?.rates[0], again?.plan.levels[0]?.rate);
  deepStrictEqual(decodePast({ memo: encodeCall(two), past: encodePast([cdr('x')]) }), [cdr('x')]);
  deepStrictEqual(decodePast({ memo: encodeCall(two, [cdr('y')]), past: null }), [cdr('y')], 'written down anew');
  deepStrictEqual(decodePast({ memo: encodeCall(two, [cdr('y')]), past: encodePast([cdr('x')]) }), [cdr('x')], 'and has failed over since');
  deepStrictEqual(decodePast({ memo: encodeCall(two), past: null }), []);
  for (const other of [serialize([1, two]), Buffer.from('not a memo'), Buffer.alloc(0), encodeCall(two).subarray(0, 40)]) deepStrictEqual(decodeCall(other), null);
});
