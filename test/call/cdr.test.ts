/** Rows and durations: which clock is believed, and what each kind of end writes down. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { elapsedMs, refusedCdr } from '../../engine/call/cdr.ts';
import { failedOutcome, goesOn } from '../../engine/call/outcome.ts';
import type { Gone } from '../../engine/call/state.ts';
import { NOBODY } from '../../routing/plan.ts';
import { ARRIVED, call, provider } from './call-builder.ts';
import { after, answered, callerGone, fires, given, legGone, rang, ringing, started, talking, wallClockSetBy } from './dsl.ts';
import { holds } from '../routing/property.ts';

test('durations follow the stamps, unless a clock was set in between', async (t) => {
  const from = { wallMs: 1_000_000, monoMs: 500 };
  for (const [wallMs, monoMs, elapsed, why] of [
    [1_030_000, 30_500, 30_000, 'both agree'],
    [1_030_000, 30_900.4, 30_000, 'the way to us took 400 ms: the stamps count'],
    [1_030_000, 31_500, 30_000, 'a second apart is still believed'],
    [1_030_000, 31_500.5, 31_001, 'more is a clock that was set: the monotonic one counts'],
    [4_630_000, 30_500, 30_000, 'set forward by an hour'],
    [-2_570_000, 30_500.7, 30_001, 'set back by an hour'],
    [1_000_000, 500, 0, 'nothing went by'],
    [999_990, 510, 0, 'never below nothing'],
  ] as const) {
    t.equal(elapsedMs(from, { wallMs, monoMs }), elapsed, why);
  }
});

test('a duration is never negative, and never further from the monotonic clock than a second', async (t) => {
  const moment = fc.record({ wallMs: fc.integer({ min: 0, max: 2e12 }), monoMs: fc.double({ min: 0, max: 1e9, noNaN: true }) });
  holds(t, fc.property(moment, moment, (from, to) => {
    const elapsed = elapsedMs(from, to);
    return elapsed >= 0 && (elapsed === 0 || Math.abs(elapsed - (to.monoMs - from.monoMs)) <= 1000);
  }));
});

test('a wall clock set during the talk does not change the bill', async () => {
  for (const jumpMs of [-3_600_000, -1500, 1500, 86_400_000]) {
    given(call()).when(...talking, after(10_000), wallClockSetBy(jumpMs), after(20_000), callerGone()).cdrs({ billMs: 30_000, billsec: 30, answerMs: ARRIVED.wallMs + 5010, endMs: ARRIVED.wallMs + 35_010 }).debits('user 5 owes 0.3', 'provider 11 gets 0.15');
  }
});

test('a wall clock set before the answer does not change what is paid from the arrival', async () => {
  given(call()).when(...started, wallClockSetBy(7_200_000), after(3000), answered(1), after(5000), callerGone()).cdrs({ billMs: 5000, durationMs: 8006 });
});

test('a wall clock set during the talk does not move the cut', async () => {
  given(call({ maxTalkS: 30 })).when(...talking, after(10_000), wallClockSetBy(3_600_000), fires('cut')).cdrs({ billMs: 30_000, billsec: 30, terminatedBy: 'system' });
});

test('the delay after dialling is counted from the INVITE to the first ringing', async () => {
  given(call()).when(...ringing, after(500), rang(1), after(500), legGone(1, 17, 486)).cdrs({ pddMs: 2000 });
  given(call()).when(...started, legGone(1, 34, 503)).cdrs({ pddMs: null });
});

test('a call that routing refused has one row, and nobody was dialled', async (t) => {
  const { plan: _, settings: __, ...arrived } = call();
  const parties = { ...NOBODY, direction: 'outbound', src: '37050000000', dst: '860000000', localizedDst: '37060000000', userId: 5, deviceId: 41 } as const;
  const end = { wallMs: ARRIVED.wallMs + 2, monoMs: ARRIVED.monoMs + 2 };
  t.match(refusedCdr(arrived, { parties, cause: 203, catalogVersion: 9, end }), {
    uniqueId: '1-1795521600.7', attempt: 1, final: true, disposition: 'FAILED', hangupCause: 203, sipCode: null, terminatedBy: 'system', userId: 5, deviceId: 41, providerId: null,
    callDateMs: ARRIVED.wallMs, answerMs: null, endMs: ARRIVED.wallMs + 2, durationMs: 2, billMs: 0, billsec: 0, pddMs: null, catalogVersion: 9, prices: {},
    originatorIp: '192.0.2.7', originatorCodec: 'ulaw', originatorCallId: 'abc@caller', clid: '"Ann" <37050000000>',
  });
});

test('a quote in the caller\'s name does not break the shown caller', async () => {
  const one = call();
  given({ ...one, originator: { ...one.originator, name: 'A "nn' } }).when(...started, legGone(1, 34, 503)).cdrs({ clid: '"A nn" <37050000000>' });
  given({ ...one, originator: { ...one.originator, name: '' } }).when(...started, legGone(1, 34, 503)).cdrs({ clid: '37050000000' });
});

test('any end of a leg has one meaning, and only BUSY and NO ANSWER can stop the LCR', async (t) => {
  const end = fc.record({ cause: fc.integer({ min: 0, max: 127 }), techCause: fc.option(fc.integer({ min: 300, max: 699 })), rangMs: fc.option(fc.nat(60_000)) });
  const flags = fc.record({ busyAsFailed: fc.boolean(), noAnswerAsFailed: fc.boolean() });
  holds(t, fc.property(end, flags, ({ cause, techCause, rangMs }, asFailed) => {
    const moment = { wallMs: 0, monoMs: 0 };
    const attempt = { number: 1, way: 0, legId: 'x', started: moment, dialled: moment, rang: rangMs === null ? null : moment, ready: true, connecting: true, sipCallId: '', codec: '', fork: null, deviceId: null };
    const gone: Gone = { moment, cause, techCause, source: 'event' };
    const outcome = failedOutcome(attempt, gone);
    const next = goesOn(provider(1, asFailed), outcome);
    const expected = { FAILED: true, BUSY: asFailed.busyAsFailed, 'NO ANSWER': asFailed.noAnswerAsFailed, ANSWERED: false }[outcome.disposition];
    return next === expected && outcome.cause > 0 && outcome.sipCode === techCause && (rangMs !== null || outcome.disposition !== 'NO ANSWER') && outcome.disposition !== 'ANSWERED';
  }));
});
