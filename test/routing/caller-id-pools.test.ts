/** CallerIDs out of pools: whose number stands before whose, who gets another one, and what is drawn. */
import * as fc from 'fast-check';
import { test } from 'tap';
import type { Way } from '../../routing/plan.ts';
import { device, given, ownRule, provider } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';
import { holds, seededRandom } from './property.ts';

const DST = '37060000000';
const SRC = '37050000000';
const pools = { 1: ['37051000001'], 2: ['+37052000001', '37053%'], 3: ['370500%'], 4: ['9%'] };

function shown(parts: Given, from = SRC): Pick<Way, 'callerIdNumber' | 'callerIdName' | 'drawn'>[] {
  return given({ pools, ...parts }).whenDeviceCalls(DST, { callerNumber: from }).plan.ways.map(({ callerIdNumber, callerIdName, drawn }) => ({ callerIdNumber, callerIdName, drawn }));
}

const desk = (parts: object): Given => ({ devices: [device(41, 5, { endpoint: 'desk', ...parts })] });
const one = { callerIdNumber: '37051000001', callerIdName: '', drawn: { poolId: 1, number: '37051000001' } };
const two = { callerIdNumber: '+37052000001', callerIdName: '', drawn: { poolId: 2, number: '+37052000001' } };
const asSent = { callerIdNumber: '', callerIdName: '', drawn: undefined };

test('without a pool the caller is shown as he sends himself', async (t) => {
  t.same(shown({}), [asSent]);
});

test('a pool of the device stands before its number, and takes its name along', async (t) => {
  t.same(shown(desk({ callerIdPoolId: 1 })), [one]);
  t.same(shown(desk({ callerIdPoolId: 1, callerIdNumber: '1', callerIdName: 'Desk' })), [{ ...one, callerIdName: 'Desk' }]);
});

test('a pool of the provider stands before all, and for its own way only', async (t) => {
  const providers = [provider(11, '0.3', { callerIdPoolId: 2, callerIdNumber: '2' }), provider(12, '0.4')];
  t.same(shown({ providers }), [two, asSent]);
  t.same(shown({ ...desk({ callerIdPoolId: 1 }), providers }), [two, one]);
});

test('a number that is drawn for a device goes through the provider\'s rules, and is counted as it stands in the pool', async (t) => {
  const providers = [provider(11, '0.3', { rules: [ownRule('370', '8', { applies: 'source' })] })];
  t.same(shown({ ...desk({ callerIdPoolId: 1 }), providers }), [{ ...one, callerIdNumber: '851000001' }]);
  t.same(shown({ providers: [provider(11, '0.3', { callerIdPoolId: 1, rules: [ownRule('370', '8', { applies: 'source' })] })] }), [one], 'that of a provider is in its form already');
});

test('a CallerID that is not valid is replaced, and a valid one is not', async (t) => {
  t.same(shown(desk({ validCallerIds: { poolId: 3, replacementPoolId: 1 } })), [asSent]);
  t.same(shown(desk({ validCallerIds: { poolId: 4, replacementPoolId: 1 } })), [one]);
  t.same(shown(desk({ validCallerIds: { poolId: 3, replacementPoolId: 1 } }), ''), [one], 'nor is a caller without a number');
  t.same(shown(desk({ validCallerIds: { poolId: 3, replacementPoolId: 1 }, callerIdNumber: '1' })), [one], 'the number of the device is asked as well');
});

test('lists, prices and CDRs know the caller by his true number', async (t) => {
  t.equal(given({ pools, ...desk({ callerIdPoolId: 1 }) }).whenDeviceCalls(DST).plan.parties.src, SRC);
});

test('a colleague is shown the true number', async (t) => {
  const { plan } = given({ pools, devices: [device(41, 5, { endpoint: 'desk', callerIdPoolId: 1 }), device(42, 5, { extension: '102' })] }).whenDeviceCalls('102');
  t.match(plan.ways, [{ callerIdNumber: '', drawn: undefined }]);
});

const told = (parts: Given): unknown => given({ pools, ...parts }).whenDeviceCalls(DST).steps.filter(({ check }) => check === 'CallerID');

test('a pool without a number to draw changes nothing, and that is told', async (t) => {
  t.same(shown(desk({ callerIdPoolId: 4 })), [asSent]);
  t.match(told(desk({ callerIdPoolId: 4 })), [{ outcome: 'skipped', detail: 'pool pool has no number to draw' }]);
  t.match(told(desk({ callerIdPoolId: 9 })), [{ outcome: 'skipped', detail: 'pool 9 has no number to draw' }]);
  t.match(told(desk({ validCallerIds: { poolId: 4, replacementPoolId: 1 } })), [{ outcome: 'chosen', detail: `${SRC} is not in pool pool: 37051000001 out of pool pool` }]);
  t.match(told({ providers: [provider(11, '0.3', { callerIdPoolId: 2 })] }), [{ outcome: 'chosen', detail: 'P11: +37052000001 out of pool pool' }]);
});

test('whatever is drawn stands in the pool, and every number comes up', async (t) => {
  const numbers = ['1', '2', '+3', '4'];
  holds(t, fc.property(fc.nat(), (seed) => {
    const random = seededRandom(seed);
    const drawn = Array.from({ length: 60 }, () => given({ pools: { 1: [...numbers, '5%'] }, ...desk({ callerIdPoolId: 1 }), random }).whenDeviceCalls(DST).plan.ways[0]?.callerIdNumber ?? '');
    return drawn.every((number) => numbers.includes(number)) && new Set(drawn).size === numbers.length;
  }), 20);
});
