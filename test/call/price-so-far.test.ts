/** What a call that is up costs so far is what it would be charged if it ended now. */
import { strictEqual } from 'node:assert';
import { test } from 'tap';
import { priceSoFar } from '../../engine/call/price-so-far.ts';
import { moneyText } from '../../rating/money.ts';
import { ARRIVED, call, deviceWay, rate } from './call-builder.ts';
import type { CallParts } from './call-builder.ts';

/** Arrived 10 s before the answer. */
const ANSWERED = ARRIVED.wallMs + 10_000;

function afterTalking(parts: CallParts, talkMs: number | null): string {
  return moneyText(priceSoFar(call(parts), { way: 0, answeredMs: talkMs === null ? null : ANSWERED, nowMs: ANSWERED + (talkMs ?? 0) }));
}

test('seconds that have begun count, by the user\'s steps', async () => {
  strictEqual(afterTalking({}, 0), '0');
  strictEqual(afterTalking({}, 1), '0.01');
  strictEqual(afterTalking({}, 59_001), '0.6');
  strictEqual(afterTalking({ rates: { user: rate('0.6', { incrementS: 60, connectionFee: '0.2' }) } }, 61_000), '1.4');
});

test('it costs nothing before the answer, and nothing while clocks disagree', async () => {
  strictEqual(afterTalking({}, null), '0');
  strictEqual(afterTalking({}, -5000), '0');
});

test('a DID\'s owner pays from the arrival; a user who calls a DID pays only his own', async () => {
  strictEqual(afterTalking({ rates: { did: rate('0.6') }, ways: [deviceWay()] }, 20_000), '0.3');
  strictEqual(afterTalking({ rates: { user: rate('0.6'), reseller: rate('6'), partner: rate('6') } }, 20_000), '0.2');
  strictEqual(afterTalking({ rates: { didIncoming: rate('0.06'), user: rate('0.6'), did: rate('6') }, ways: [deviceWay()] }, 20_000), '0.23');
});
