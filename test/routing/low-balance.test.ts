/** Who hears before his call that his balance is low. */
import { strictEqual } from 'node:assert';
import { test } from 'tap';
import { parseMoney } from '../../rating/money.ts';
import type { Decision } from '../../routing/plan.ts';
import { device, did, given, user } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';

const warned = user(5, { warningPrompt: { below: parseMoney('5'), file: 'custom/low' }, language: 'lt' });
const HEARS = { file: 'custom/low', language: 'lt' };

function announcementOf(decision: Decision): unknown {
  return decision.kind === 'plan' ? decision.announcement : decision.cause;
}

const CASES: readonly (readonly [what: string, balance: string | null, hears: object | undefined, more?: Given])[] = [
  ['below', '4.9999999999', HEARS],
  ['as much as he chose', '5', undefined],
  ['above', '80', undefined],
  ['below zero', '-3', HEARS],
  ['not known', null, undefined],
  ['a threshold below zero, and less than that', '-12', HEARS, { users: [{ ...warned, warningPrompt: { below: parseMoney('-10'), file: 'custom/low' } }] }],
  ['a threshold below zero, and more than that', '-3', undefined, { users: [{ ...warned, warningPrompt: { below: parseMoney('-10'), file: 'custom/low' } }] }],
  ['not wanted', '1', undefined, { users: [user(5)] }],
];

for (const [what, balance, hears, more] of CASES) {
  test(`a balance ${what}`, async (t) => {
    const routed = given({ users: [warned], ...more, balances: balance === null ? {} : { 5: balance } }).whenDeviceCalls('37060000000');
    t.strictSame(announcementOf(routed.decision), hears);
    const steps = routed.steps.filter(({ check }) => check === 'warning balance');
    strictEqual(steps.length, what === 'not wanted' ? 0 : 1, 'told once, to who asks');
    if (balance !== null && what !== 'not wanted') t.match(steps[0], { outcome: hears === undefined ? 'passed' : 'chosen', detail: `balance ${balance}, below` });
  });
}

test('a call to a colleague, not one to a DID', async (t) => {
  const parts: Given = { users: [warned], devices: [device(42, 5, { extension: '102' })], dids: [did(51, '4420')], balances: { 5: '1', 8: '1' } };
  t.strictSame(announcementOf(given(parts).whenDeviceCalls('102').decision), HEARS);
  t.equal(announcementOf(given(parts).whenDeviceCalls('4420').decision), undefined, 'it is paid from its arrival');
  t.equal(announcementOf(given({ ...parts, users: [{ ...warned, id: 8 }, user(5)] }).whenProviderCalls('4420').decision), undefined, 'nor is the owner told');
});
