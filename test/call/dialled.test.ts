/** What Dial() says of a call becomes the rows and debts of any other call. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { unfinished } from '../../engine/agi/unfinished.ts';
import type { Witnessed } from '../../engine/asterisk/witness.ts';
import { NOT_WITNESSED } from '../../engine/asterisk/witness.ts';
import type { Cdr, FinishRequest } from '../../engine/call/admission.ts';
import { afterDial, dialledOf, ended, limitMs, shifted } from '../../engine/call/dialled.ts';
import type { DialledCall, Told } from '../../engine/call/dialled.ts';
import { payersOf } from '../../engine/call/money.ts';
import type { Gone, Moment } from '../../engine/call/state.ts';
import { parseMoney } from '../../rating/money.ts';
import { holds } from '../routing/property.ts';
import { ARRIVED, call, deviceWay, provider, rate } from './call-builder.ts';
import type { CallParts } from './call-builder.ts';

const NOTHING_TOLD: Told = { status: '', talkMs: null, dialToEndMs: null, dialToRingMs: null, cause: 0, sipCode: null, way: null, deviceId: null, by: 'system' };

function dialled(parts: CallParts = {}, held = '18', own: Partial<DialledCall> = {}): DialledCall {
  const made = call({ ways: [provider(1), provider(2)], ...parts, settings: { reservation: 'frozen', ...parts.settings } });
  return { call: made, granted: payersOf(made).map(() => parseMoney(held)), way: 0, past: [], started: shifted(ARRIVED, 20), answered: null, live: {}, ...own };
}

function end(one: DialledCall, told: Partial<Told>, afterMs: number): FinishRequest {
  const now = shifted(ARRIVED, afterMs);
  const gone: Gone = { moment: now, cause: 16, techCause: null, source: 'event' };
  return ended(one, afterDial(one, dialledOf(one, { ...NOTHING_TOLD, ...told }, now), gone), now);
}

function last(request: FinishRequest): Cdr {
  return request.cdrs.at(-1) as Cdr;
}

test('an answered call is billed by its talk', async (t) => {
  const request = end(dialled(), { status: 'ANSWER', talkMs: 61_001, dialToEndMs: 63_500, dialToRingMs: 300, cause: 16, by: 'terminator' }, 63_600);
  t.match(last(request), { attempt: 1, final: true, disposition: 'ANSWERED', hangupCause: 16, sipCode: 200, billMs: 61_001, billsec: 62, durationMs: 63_500, pddMs: 300, terminatedBy: 'terminator', providerId: 11, prices: { user: { price: parseMoney('0.62') }, provider: { price: parseMoney('0.31') } } });
  t.same(request.debits.map(({ account, amount }) => [account, amount]), [['user', parseMoney('0.62')], ['provider', -parseMoney('0.31')]]);
});

test('nothing is billed beyond what is held, whatever the dialplan lets talk', async (t) => {
  const cut = last(end(dialled({}, '0.1'), { status: 'ANSWER', talkMs: 65_000, dialToEndMs: 66_000, by: 'originator' }, 66_000));
  t.match(cut, { billsec: 10, terminatedBy: 'system', prices: { user: { price: parseMoney('0.1') } } });
  holds(t, fc.property(fc.integer({ min: 0, max: 10_000_000 }), fc.integer({ min: 100, max: 400_000 }), (talkMs, held) => {
    const request = end(dialled({}, (held / 10_000).toFixed(4)), { status: 'ANSWER', talkMs, dialToEndMs: talkMs + 1000, by: 'originator' }, talkMs + 1500);
    return request.debits.every(({ account, amount }) => account !== 'user' || amount <= parseMoney((held / 10_000).toFixed(4)));
  }));
});

test('the limit that Dial() is given is what the hold pays, and of a DID what is left of it after the longest ringing', async (t) => {
  t.equal(limitMs(dialled({}, '0.1'), ARRIVED), 10_000);
  t.equal(limitMs(dialled({ settings: { frozenS: 300 } }), ARRIVED), 300_000);
  t.equal(limitMs(dialled({ ways: [provider(1, { callTimeoutS: 5 })] }), ARRIVED), 5000);
  const inbound = dialled({ rates: { did: rate('0.6') }, ways: [deviceWay({ ringTimeoutS: 30 })] }, '0.4');
  t.equal(limitMs(inbound, ARRIVED), 10_000);
});

test('failures are what they are by ARI', async (t) => {
  const table: [Partial<Told>, Partial<Cdr>][] = [
    [{ status: 'BUSY', cause: 17, sipCode: 486, dialToRingMs: 5 }, { disposition: 'BUSY', hangupCause: 17, sipCode: 486 }],
    [{ status: 'NOANSWER', cause: 16, dialToRingMs: 5 }, { disposition: 'NO ANSWER', hangupCause: 19, pddMs: 5 }],
    [{ status: 'NOANSWER', cause: 0 }, { disposition: 'FAILED', hangupCause: 18, pddMs: null }],
    [{ status: 'CONGESTION', cause: 34, sipCode: 503 }, { disposition: 'FAILED', hangupCause: 34, sipCode: 503 }],
    [{ status: 'CHANUNAVAIL', cause: 1, sipCode: 404 }, { disposition: 'FAILED', hangupCause: 1, sipCode: 404 }],
    [{ status: 'CHANUNAVAIL' }, { disposition: 'FAILED', hangupCause: 27 }],
    [{ status: 'INVALIDARGS' }, { disposition: 'FAILED', hangupCause: 27 }],
    [{ status: 'WHATEVER', cause: 99_999_999 }, { disposition: 'FAILED' }],
    [{ status: 'CANCEL', cause: 127, dialToRingMs: 5 }, { disposition: 'NO ANSWER', hangupCause: 241, sipCode: 487, terminatedBy: 'originator' }],
    [{ status: 'CANCEL', cause: 127 }, { disposition: 'FAILED', hangupCause: 241, terminatedBy: 'originator' }],
    [{ status: '' }, { disposition: 'FAILED', hangupCause: 241, providerId: null, terminatedBy: 'originator' }],
  ];
  for (const [told, cdr] of table) {
    const request = end(dialled(), told, 5000);
    t.match(request.cdrs, [{ ...cdr, attempt: 1, final: true, billsec: 0 }], JSON.stringify(told));
    t.same(request.debits, []);
  }
});

test('a failed way leads to the next, by the rules of its provider', async (t) => {
  const step = (told: Partial<Told>, one = dialled()): string => {
    const now = shifted(ARRIVED, 500);
    return afterDial(one, dialledOf(one, { ...NOTHING_TOLD, ...told }, now), { moment: now, cause: 16, techCause: null, source: 'event' }).state.phase;
  };
  t.equal(step({ status: 'CONGESTION', cause: 34, sipCode: 503 }), 'choosing');
  t.equal(step({ status: 'BUSY', cause: 17, sipCode: 486 }), 'over');
  t.equal(step({ status: 'BUSY', cause: 17, sipCode: 486 }, dialled({ ways: [provider(1, { busyAsFailed: true }), provider(2)] })), 'choosing');
  t.equal(step({ status: 'CONGESTION', cause: 34, sipCode: 503 }, dialled({ ways: [provider(1, { stopCodes: [503] }), provider(2)] })), 'over');
  t.equal(step({ status: 'CONGESTION', cause: 34, sipCode: 503 }, dialled({}, '18', { way: 1 })), 'over');
  t.equal(step({ status: 'ANSWER', talkMs: 100, by: 'system' }), 'over');
});

test('a way that the dialplan chose by itself is billed by its rate; one that is none is not believed', async (t) => {
  t.match(last(end(dialled(), { status: 'ANSWER', talkMs: 1000, way: 1, by: 'originator' }, 2000)), { providerId: 12 });
  t.match(last(end(dialled(), { status: 'ANSWER', talkMs: 1000, way: 7, by: 'originator' }, 2000)), { providerId: 11 });
});

test('a flash call is recognised by Dial()s own times', async (t) => {
  const flash = { ringMs: 300, price: parseMoney('0.05') };
  t.match(last(end(dialled({ flash }), { status: 'CANCEL', dialToRingMs: 100 }, 20 + 100 + 299)), { flashCall: true, prices: { user: { price: parseMoney('0.05') } } });
  t.match(last(end(dialled({ flash }), { status: 'CANCEL', dialToRingMs: 100 }, 20 + 100 + 300)), { flashCall: false });
});

function witnessed(all: Readonly<Record<string, Partial<Witnessed>>>): ReadonlyMap<string, Witnessed> {
  return new Map(Object.entries(all).map(([id, one]) => [id, { ...NOT_WITNESSED, linkedId: '1795521600.7', ...one }]));
}

const CALLER = '1795521600.7';
const at = (ms: number): number => ARRIVED.wallMs + ms;
const clock = { moment: (wallMs: number): Moment => shifted(ARRIVED, wallMs - ARRIVED.wallMs) };

function closed(one: DialledCall, log: Parameters<typeof witnessed>[0], gone: Partial<Gone> = {}): Cdr {
  const callerGone: Gone = { moment: clock.moment(at(9100)), cause: 16, techCause: null, source: 'witness', ...gone };
  return last(ended(one, afterDial(one, unfinished(one, witnessed(log), callerGone, clock), callerGone), callerGone.moment));
}

test('without a finish the event log tells the same', async (t) => {
  const leg = { name: 'PJSIP/provider-11-00000002', startedMs: at(50), answeredMs: at(1000), endedMs: at(9000), cause: 16 };
  const caller = { name: 'PJSIP/ada-00000001', endedMs: at(9100) };
  t.match(closed(dialled(), { [CALLER]: { ...caller, endedBy: 'PJSIP/ada-00000001' }, b: leg }), { disposition: 'ANSWERED', billMs: 8000, terminatedBy: 'originator', endSource: 'witness', providerId: 11 });
  t.match(closed(dialled(), { [CALLER]: { ...caller, endedBy: 'PJSIP/provider-11-00000002' }, b: leg }), { billMs: 8000, terminatedBy: 'terminator' });
  t.match(closed(dialled(), { [CALLER]: caller, b: { ...leg, name: 'PJSIP/provider-12-00000002' } }), { billMs: 8000, providerId: 12 }, 'a way that it chose by itself');
  t.match(closed(dialled(), { [CALLER]: { ...caller, dialStatus: 'CONGESTION' }, b: { ...leg, answeredMs: null, cause: 34 } }), { disposition: 'FAILED', hangupCause: 34, terminatedBy: 'terminator', billsec: 0 });
  t.match(closed(dialled(), { [CALLER]: { ...caller, dialStatus: 'CANCEL' }, b: { ...leg, answeredMs: null } }), { hangupCause: 241, terminatedBy: 'originator', billsec: 0 });
  t.match(closed(dialled({}, '0.05'), { [CALLER]: caller, b: leg }), { billsec: 5, terminatedBy: 'system' }, 'not beyond what is held');
  t.match(closed(dialled(), { [CALLER]: caller }), { disposition: 'FAILED', hangupCause: 241, billsec: 0 }, 'nothing was dialled');
  t.match(closed(dialled(), {}, { source: 'estimate' }), { billsec: 0, endSource: 'estimate' }, 'no log, and never seen up');
  t.match(closed(dialled({}, '18', { answered: clock.moment(at(4000)) }), {}, { source: 'estimate' }), { billMs: 5100, endSource: 'estimate' }, 'no log, but seen up');
  t.match(closed(dialled(), { [CALLER]: {}, b: { ...leg, endedMs: null } }, { source: 'estimate', cause: 41 }), { billMs: 8100, hangupCause: 41, terminatedBy: 'system' }, 'Asterisk died');
});
