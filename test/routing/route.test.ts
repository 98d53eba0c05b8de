/** An arrival becomes a decision: who may call, in which order refusals are named, and what a plan holds. */
import { test } from 'tap';
import { blacklist, did, device, given, location, provider, rule, tariff, user, whitelist } from './catalog-builder.ts';

test('an unknown endpoint cannot be identified', async () => {
  given({}).whenDeviceCalls('37060000000', { endpoint: 'stranger' }).refusedWith(200);
  given({ devices: [device(41, 5, { endpoint: 'desk', blocked: true })] }).whenDeviceCalls('37060000000').refusedWith(200);
  given({ devices: [device(41, 99, { endpoint: 'desk' })] }).whenDeviceCalls('37060000000').refusedWith(200);
});

test('an inactive provider is no longer known', async (t) => {
  const routed = given({ providers: [provider(11, '0.3', { active: false })], dids: [did(51, '4420')] }).whenProviderCalls('4420');
  t.equal(routed.decision.kind, 'plan', 'PJSIP has no account of it, so it cannot arrive here');
});

test('a call to a DID in its national form reaches the DID', async (t) => {
  const uk = { locations: [location(2, rule('0', '44'))], devices: [device(41, 5, { endpoint: 'desk', locationId: 2 })], dids: [did(51, '442012345')] };
  const routed = given(uk).whenDeviceCalls('02012345').goesBy('office');
  t.match(routed.plan.parties, { direction: 'inbound', dst: '02012345', localizedDst: '442012345', didId: 51, deviceId: 41, userId: 5, dstUserId: 8, dstDeviceId: 48 });
});

test('hostile text does not get through a wildcard', async () => {
  const wild = given({ dids: [did(51, '442*')], devices: [device(48, 8, { endpoint: 'office', trunk: true })] });
  for (const text of ['4420"; drop table', '442\r\nVia: x', '4420%s', '4420@evil', '4420&PJSIP/x', '4420😀', '442 0', `442${'0'.repeat(60)}`]) {
    wild.whenDeviceCalls(text).refusedWith(207);
    wild.whenProviderCalls(text).refusedWith(207);
  }
});

test('whoever may not call may not call a DID either', async () => {
  const office = { dids: [did(51, '4420')] };
  given({ ...office, users: [user(5, { blocked: true })] }).whenDeviceCalls('4420').refusedWith(201);
  given({ ...office, users: [user(5, { ownerId: 6 }), user(6, { type: 'reseller', blocked: true })] }).whenDeviceCalls('4420').refusedWith(202);
  given({ ...office, users: [user(5, { ownerId: 7 }), user(7, { type: 'partner', blocked: true })] }).whenDeviceCalls('4420').refusedWith(250);
  given({ ...office, devices: [device(41, 5, { endpoint: 'desk', serverIds: [2, 3] })] }).whenDeviceCalls('4420').refusedWith(337);
  given({ ...office, pools: { 1: ['44%'] }, users: [user(5, { destinationList: blacklist(1) })] }).whenDeviceCalls('4420').refusedWith(255);
  given({ ...office, pools: { 1: ['370%'] }, users: [user(5, { destinationList: whitelist(1) })] }).whenDeviceCalls('4420').refusedWith(256);
  given({ ...office, pools: { 1: ['37050000000'] }, users: [user(5, { sourceList: blacklist(1) })] }).whenDeviceCalls('4420').refusedWith(262);
});

test('a caller who sends a + is the same caller', async () => {
  const listed = { pools: { 1: ['4930%'] } };
  given({ ...listed, users: [user(5, { sourceList: blacklist(1) })] }).whenDeviceCalls('37060000000', { callerNumber: '+4930123' }).refusedWith(262);
  given({ ...listed, dids: [did(51, '4420', { sourcePoolId: 1 })] }).whenProviderCalls('4420', { callerNumber: '+4930123' }).refusedWith(283);
  given({ pools: { 1: ['+4930%'] }, dids: [did(51, '4420', { sourcePoolId: 1 })] }).whenProviderCalls('4420', { callerNumber: '4930123' }).refusedWith(283);
  given({ tariffs: [tariff(2, { 49: '0.02' }, { paysBack: true })], dids: [did(51, '4420', { providerTariffId: 2 })] }).whenProviderCalls('4420', { callerNumber: '+4930123' }).goesBy('office');
});

test('a DID whose blacklist is lost lets nobody in', async () => {
  given({ dids: [did(51, '4420', { sourcePoolId: 9 })] }).whenProviderCalls('4420').refusedWith(283);
});
