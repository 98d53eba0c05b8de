/** The number, moment and terms by which a call is priced again are those by which routing priced it. */
import t from 'tap';
import { attemptCdr } from '../../engine/call/cdr.ts';
import { parseMoney } from '../../rating/money.ts';
import { reprice } from '../../store/rerate/reprice.ts';
import type { PriceLevel } from '../../engine/call/admission.ts';
import { ARRIVED, call } from '../call/call-builder.ts';
import { catalogOf, device, did, given, location, NOW_MS, provider, rule, tariff, user } from '../routing/catalog-builder.ts';
import type { Given } from '../routing/catalog-builder.ts';

const at = (ms: number) => ({ wallMs: ARRIVED.wallMs + ms, monoMs: ARRIVED.monoMs + ms });

/** Each price of the call by the tariffs of the catalog, which are what they were: none may differ, or lack a rate. */
function again(parts: Given, plan: ReturnType<ReturnType<typeof given>['whenDeviceCalls']>['plan']): Partial<Record<PriceLevel, unknown>> {
  const attempt = { number: 1, way: 0, legId: 'x', started: at(0), dialled: at(0), rang: null, ready: true, connecting: true, sipCallId: '', codec: '', fork: null, deviceId: null };
  const { cdr, prices } = attemptCdr({ ...call(), plan }, attempt, {
    outcome: { disposition: 'ANSWERED', cause: 16, sipCode: 200 }, end: at(95_500), source: 'event', terminatedBy: 'originator', answered: at(5200), paidS: 7200,
  });
  const rated = { arrivedMs: cdr.callDateMs, answeredMs: cdr.answerMs ?? 0, endedMs: cdr.endMs, billMs: cdr.billMs, billsec: cdr.billsec, src: cdr.src, localizedDst: cdr.localizedDst };
  const found: Partial<Record<PriceLevel, unknown>> = {};
  for (const [level, price] of Object.entries(prices) as [PriceLevel, NonNullable<(typeof prices)[PriceLevel]>][]) {
    found[level] = price.price === 0n ? 'free' : reprice(rated, { level, price: price.price, tariffId: price.tariffId, captured: price.captured }, { tariffs: catalogOf(parts).tariffs, rounding: 'up' });
  }
  return found;
}

t.test('an outbound call: localized, by the rule\'s own tariff, with the grace times of device and provider', async (t) => {
  t.equal(NOW_MS, ARRIVED.wallMs);
  const parts: Given = {
    users: [user(5, { ownerId: 6, allowLossCalls: true }), user(6, { type: 'reseller', ownerId: 7, tariffId: 2, allowLossCalls: true }), user(7, { type: 'partner', tariffId: 3 })],
    devices: [device(41, 5, { endpoint: 'desk', locationId: 2, graceS: 3 })],
    tariffs: [tariff(2, { 3706: '0.5' }), tariff(3, { 37061: '0.4' }), tariff(9, { 370612: '0.7' })],
    locations: [location(2, rule('8', '370', { tariffId: 9 }))],
    providers: [provider(11, { 3706123: '0.1' }, { graceS: 4 })],
  };
  t.strictSame(again(parts, given(parts).whenDeviceCalls('861234567').plan), { user: 'same', reseller: 'same', partner: 'same', provider: 'same' });
});

t.test('a DID call: by the caller\'s number, a + before it or not', async (t) => {
  const tariffs = [tariff(21, { 4930: '-0.01' }, { paysBack: true }), tariff(22, { 3705: '0.02' }, { paysBack: true }), tariff(23, { 49301: '0.3' }, { paysBack: true }), tariff(24, { 3705: '0.3' }, { paysBack: true })];
  const outside: Given = { tariffs, dids: [did(1, '37088888888', { providerTariffId: 21, ownerTariffId: 23, graceS: 2 })] };
  for (const callerNumber of ['+4930123', '4930123']) {
    t.strictSame(again(outside, given(outside).whenProviderCalls('+37088888888', { callerNumber }).plan), { didProvider: 'same', did: 'same' });
  }
  const own: Given = { tariffs, dids: [did(1, '37088888888', { providerTariffId: 24, incomingTariffId: 22, ownerTariffId: 24 })], users: [user(5, { credit: parseMoney('5') })] };
  t.strictSame(again(own, given(own).whenDeviceCalls('37088888888').plan), { didProvider: 'same', didIncoming: 'same', did: 'same' });
});
