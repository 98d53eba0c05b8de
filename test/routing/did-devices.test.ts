/** A DID with several devices: which of them ring, in turn or at once, and which places they take. */
import { test } from 'tap';
import type { Device, Did } from '../../routing/catalog.ts';
import { device, did, given, user } from './catalog-builder.ts';
import type { Given, Routed } from './catalog-builder.ts';

const DESK = device(48, 8, { endpoint: 'desk-8', ringTimeoutS: 20, callTimeoutS: 90, callLimit: 1 });
const MOBILE = device(49, 8, { endpoint: 'mobile', ringTimeoutS: 30 });
const PBX = device(50, 8, { endpoint: 'pbx', ringTimeoutS: 10, callTimeoutS: 60, callLimit: 4, trunk: true });

interface Asked extends Given {
  readonly ring?: Did['ring'];
  readonly blocked?: readonly number[];
  readonly ids?: readonly number[];
}

function called({ ring = 'in_turn', blocked = [], ids = [48, 49, 50], ...parts }: Asked = {}): Routed {
  const devices: readonly Device[] = [DESK, MOBILE, PBX].map((one) => ({ ...one, blocked: blocked.includes(one.id) }));
  return given({ devices, dids: [did(51, '4420', { deviceIds: ids, ring })], ...parts }).whenProviderCalls('4420');
}

const chosen = (routed: Routed): readonly string[] => routed.steps.filter(({ check, outcome }) => check === 'device' && outcome === 'chosen').map(({ detail }) => detail);
const keys = (claims: readonly { readonly key: string; readonly limit: number; readonly cause: number }[]): readonly string[] => claims.map(({ key, limit, cause }) => `${key} ${limit} ${cause}`);

test('in turn each device is a way of its own, in their order; each but the last goes on', async (t) => {
  const routed = called().goesBy('desk-8', 'mobile', 'pbx');
  t.strictSame(routed.plan.ways.map(({ kind, id, number, busyAsFailed, noAnswerAsFailed, ringTimeoutS, callTimeoutS, fork }) => [kind, id, number, busyAsFailed, noAnswerAsFailed, ringTimeoutS, callTimeoutS, fork]), [
    ['device', 48, null, true, true, 20, 90, undefined],
    ['device', 49, null, true, true, 30, 0, undefined],
    ['device', 50, '4420', false, false, 10, 60, undefined],
  ]);
  t.strictSame(chosen(routed), ['desk-8 of user 8, in turn, 1 of 3', 'mobile of user 8, in turn, 2 of 3', 'pbx (trunk) of user 8, in turn, 3 of 3']);
  t.match(routed.plan.parties, { dstUserId: 8, dstDeviceId: 48 });
  called({ ids: [50, 48, 49] }).goesBy('pbx', 'desk-8', 'mobile');
});

test('in turn each device has its place and its longest call with its own way', async (t) => {
  const { plan } = called();
  t.strictSame(plan.ways.map(({ claims }) => keys(claims)), [['calls:device:48 1 221'], ['calls:device:49 0 221'], ['calls:device:50 4 221']]);
  t.strictSame(keys(plan.counters), ['calls:did:51 0 219', 'calls:user:8:in 0 220', 'calls:user:8 0 220', 'calls:server:1 0 208']);
  t.equal(plan.maxTalkS, 7200, "no device's timeout ends a call with another");
});

test('at once they are one way, which forks', async (t) => {
  const routed = called({ ring: 'at_once' }).goesBy('desk-8 + mobile + pbx');
  t.match(routed.plan.ways, [{
    kind: 'device', id: 48, endpoint: 'desk-8', number: null, ringTimeoutS: 30, callTimeoutS: 60, claims: [], busyAsFailed: false, noAnswerAsFailed: false,
    fork: [{ deviceId: 48, endpoint: 'desk-8', number: null }, { deviceId: 49, endpoint: 'mobile', number: null }, { deviceId: 50, endpoint: 'pbx', number: '4420' }],
  }]);
  t.strictSame(chosen(routed), ['desk-8 of user 8, at once, 1 of 3', 'mobile of user 8, at once, 2 of 3', 'pbx (trunk) of user 8, at once, 3 of 3']);
  t.strictSame(keys(routed.plan.counters), ['calls:did:51 0 219', 'calls:user:8:in 0 220', 'calls:user:8 0 220', 'calls:server:1 0 208']);
  t.match(routed.plan.parties, { dstDeviceId: 48 });
  t.equal(called({ ring: 'at_once', ids: [48, 49] }).plan.ways[0]?.callTimeoutS, 90, '0 is none, not the shortest');
  t.equal(called({ ring: 'at_once', ids: [49, 999] }).plan.ways[0]?.callTimeoutS, 0);
});

for (const ring of ['in_turn', 'at_once'] as const) {
  test(`${ring}: blocked and lost devices are left out, and one that is left is as if it were alone`, async (t) => {
    const two = called({ ring, blocked: [48] });
    t.strictSame(chosen(two).map((detail) => detail.split(' ')[0]), ['mobile', 'pbx']);
    two.passesOver('desk-8 207');
    t.match(two.plan.parties, { dstDeviceId: 49 });
    const alone = called({ ring, blocked: [48, 49] });
    t.strictSame(alone.plan, called({ ids: [50] }).plan);
    t.strictSame(chosen(alone), ['pbx (trunk) of user 8']);
    t.match(alone.plan, { maxTalkS: 60, ways: [{ claims: [], busyAsFailed: false, noAnswerAsFailed: false, fork: undefined }] });
    t.strictSame(keys(alone.plan.counters)[1], 'calls:device:50 4 221', 'its place is among those of the call');
    t.strictSame(called({ ring, ids: [999, 50] }).plan, called({ ids: [50] }).plan);
    const refused = called({ ring, blocked: [48, 49, 50] }).refusedWith(207);
    t.match(refused.decision.parties, { dstUserId: 8, dstDeviceId: 48 });
    called({ ring, ids: [] }).refusedWith(207);
    called({ ring, users: [user(8, { blocked: true })] }).refusedWith(237);
  });
}
