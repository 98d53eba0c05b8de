/** Black and white lists: whose they are, which number they look at, which cause they raise, and what `route` tells of them. */
import { test } from 'tap';
import type { NumberList, User } from '../../routing/catalog.ts';
import { globalRefusal, listRefusal } from '../../routing/lists.ts';
import { buildNumberPool } from '../../routing/number-pool.ts';
import { blacklist, device, did, given, provider, user, whitelist } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';

const SRC = '37050000000';
const DST = '37060000000';
const pools = { 1: ['370500%'], 2: ['3706%', '4420'], 3: ['9%'] };

function listRefuses(list: NumberList, number: string): number {
  const catalog = { pools: new Map([[1, buildNumberPool(['370%'])]]), users: new Map<number, User>() };
  return listRefusal({ catalog, explain: null }, list, number, { blacklisted: 255, notWhitelisted: 256 });
}

test('a list refuses what is in a blacklist, or what is not in a whitelist', async (t) => {
  t.equal(listRefuses({ mode: 'no', poolId: null }, '370'), 0);
  t.equal(listRefuses(blacklist(1), '370600'), 255);
  t.equal(listRefuses(blacklist(1), '44'), 0);
  t.equal(listRefuses(whitelist(1), '370600'), 0);
  t.equal(listRefuses(whitelist(1), '44'), 256);
});

test('a list whose pool is lost opens no door', async (t) => {
  t.equal(listRefuses(blacklist(9), '370'), 255);
  t.equal(listRefuses(whitelist(9), '370'), 256);
  t.equal(listRefuses({ mode: 'whitelist', poolId: null }, '370'), 256);
});

const admin = (parts: Partial<User>): User => user(0, { username: 'admin', type: 'admin', ...parts });
const office = { dids: [did(51, '4420')] };

/** Who has the list, and the cause by the kind of call: to the world, from outside to a DID, to an extension. */
const OWNERS: readonly (readonly [string, Given, { readonly world: number; readonly did: number; readonly extension: number }])[] = [
  ['all: source blacklist', { users: [admin({ sourceList: blacklist(1) })] }, { world: 277, did: 277, extension: 277 }],
  ['all: source whitelist, caller not in it', { users: [admin({ sourceList: whitelist(3) })] }, { world: 278, did: 278, extension: 278 }],
  ['all: source whitelist, caller in it', { users: [admin({ sourceList: whitelist(1) })] }, { world: 0, did: 0, extension: 0 }],
  ['all: destination blacklist', { users: [admin({ destinationList: blacklist(2) })] }, { world: 279, did: 279, extension: 0 }],
  ['all: destination whitelist, number not in it', { users: [admin({ destinationList: whitelist(3) })] }, { world: 280, did: 280, extension: 280 }],
  ['all: destination whitelist, number in it', { users: [admin({ destinationList: whitelist(2) })] }, { world: 0, did: 0, extension: 280 }],
  ['the caller: source blacklist', { users: [user(5, { sourceList: blacklist(1) })] }, { world: 262, did: 0, extension: 262 }],
  ['the caller: source whitelist', { users: [user(5, { sourceList: whitelist(3) })] }, { world: 0, did: 0, extension: 263 }],
  ['the caller: destination blacklist', { users: [user(5, { destinationList: blacklist(2) })] }, { world: 255, did: 0, extension: 0 }],
  ['the caller: destination whitelist', { users: [user(5, { destinationList: whitelist(3) })] }, { world: 256, did: 0, extension: 256 }],
  ['the DID\'s owner: source blacklist', { users: [user(8, { sourceList: blacklist(1) })] }, { world: 0, did: 262, extension: 0 }],
  ['the DID\'s owner: source whitelist', { users: [user(8, { sourceList: whitelist(3) })] }, { world: 0, did: 263, extension: 0 }],
  ['the DID\'s owner: destination whitelist', { users: [user(8, { destinationList: whitelist(3) })] }, { world: 0, did: 0, extension: 0 }],
  ['the DID', { dids: [did(51, '4420', { sourcePoolId: 1 })] }, { world: 0, did: 283, extension: 0 }],
];

for (const [what, parts, causes] of OWNERS) {
  test(`list of ${what}`, async (t) => {
    // Device 42 is a colleague of the caller.
    const all = { ...office, pools, devices: [device(42, 5, { extension: '102' })], ...parts };
    const calls = {
      world: given(all).whenDeviceCalls(DST),
      did: given(all).whenProviderCalls('4420', { callerNumber: SRC }),
      extension: given(all).whenDeviceCalls('102'),
    };
    for (const kind of ['world', 'did', 'extension'] as const) {
      if (causes[kind] === 0) t.equal(calls[kind].plan.ways.length, 1, kind);
      else calls[kind].refusedWith(causes[kind]);
    }
  });
}

const providers = (list: NumberList): Given => ({ pools, providers: [provider(11, '0.3', { destinationList: list }), provider(12, '0.4')] });

test('a banned caller is refused before any list, however he calls', async () => {
  const banned: Given = { ...office, pools: { ...pools, 0: [SRC] }, users: [admin({ sourceList: whitelist(3) })], devices: [device(42, 5, { extension: '102' })] };
  given(banned).whenDeviceCalls(DST).refusedWith(225);
  given(banned).whenDeviceCalls('102').refusedWith(225);
  given(banned).whenDeviceCalls('4420').refusedWith(225);
  given(banned).whenProviderCalls('4420', { callerNumber: SRC }).refusedWith(225);
  given({ ...banned, users: [] }).whenDeviceCalls(DST, { callerNumber: '37050000001' }).goesBy('P11');
});

test('calls from one CallerID are counted at a device that bans', async (t) => {
  const banning: Given = { ...office, devices: [device(41, 5, { endpoint: 'desk', banAtCalls: 3 }), device(42, 5, { extension: '102' })] };
  for (const dialled of [DST, '4420', '102']) {
    const claims = given(banning).whenDeviceCalls(dialled).plan.counters.filter(({ cause }) => cause === 225);
    t.same(claims, [{ key: `calls:cli:41:${SRC}`, limit: 2, cause: 225 }], dialled);
  }
  t.same(given(banning).whenDeviceCalls(DST, { callerNumber: 'anonymous' }).plan.counters.filter(({ cause }) => cause === 225), [], 'a caller without a number is not one caller');
  t.same(given(office).whenDeviceCalls(DST).plan.counters.filter(({ cause }) => cause === 225), []);
  t.same(given(banning).whenProviderCalls('4420').plan.counters.filter(({ cause }) => cause === 225), []);
});

test('lists of a provider pass it over', async () => {
  given(providers(blacklist(2))).whenDeviceCalls(DST).passesOver('P11 281').goesBy('P12');
  given(providers(whitelist(3))).whenDeviceCalls(DST).passesOver('P11 282').goesBy('P12');
  given(providers(whitelist(2))).whenDeviceCalls(DST).passesOver().goesBy('P11', 'P12');
});

test('global lists come after the server and before blocks; the source before the destination', async () => {
  const all: Given = { pools, users: [admin({ sourceList: blacklist(1), destinationList: blacklist(2) }), user(5, { blocked: true })], devices: [device(41, 5, { endpoint: 'desk', serverIds: [2] })] };
  given(all).whenDeviceCalls(DST).refusedWith(337);
  given({ ...all, devices: [] }).whenDeviceCalls(DST).refusedWith(277);
  given({ ...all, devices: [] }).whenDeviceCalls(DST, { callerNumber: '1' }).refusedWith(279);
  given({ ...all, devices: [], pools: { 1: [], 2: [] } }).whenDeviceCalls(DST).refusedWith(201);
  given({ ...office, pools, users: [admin({ destinationList: blacklist(2) })], dids: [did(51, '4420', { status: 'free', userId: null, deviceIds: [] })] }).whenProviderCalls('4420').refusedWith(279);
});

test('a device that dials a DID is asked by the global lists once, as a caller', async (t) => {
  const routed = given({ ...office, pools, users: [admin({ sourceList: whitelist(1) })] }).whenDeviceCalls('4420');
  t.equal(routed.plan.parties.didId, 51);
  t.equal(routed.steps.filter(({ check }) => check === 'list').length, 1);
});

test('a switch whose admin is unknown has no global lists', async (t) => {
  t.equal(globalRefusal({ catalog: { pools: new Map(), users: new Map() }, explain: null }, SRC, DST), 0);
});

test('the entry that decided is told, with its pool', async (t) => {
  const refused = given({ pools, users: [user(5, { destinationList: blacklist(2) })] }).whenDeviceCalls(DST).refusedWith(255);
  t.match(refused.steps.filter(({ check }) => check === 'list'), [{ outcome: 'refused', cause: 255, detail: `${DST} is 3706% of pool pool: The destination is in the user's blacklist` }]);
  const passed = given({ pools, users: [user(5, { destinationList: blacklist(3) })] }).whenDeviceCalls(DST);
  t.match(passed.steps.filter(({ check }) => check === 'list'), [{ outcome: 'passed', detail: `${DST} is not in pool pool` }]);
});
