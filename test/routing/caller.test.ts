/** Who is calling: by endpoint, by address with port and tech prefix, by ANI behind a trunk; and calls to extensions. */
import * as fc from 'fast-check';
import { test } from 'tap';
import { device, given, user } from './catalog-builder.ts';
import type { Given } from './catalog-builder.ts';
import { holds } from './property.ts';

const NUMBER = '37060000000';

/** One address: two customers by tech prefix, one by port. */
const SHARED: Given = {
  users: [user(5, { username: 'red' }), user(6, { username: 'blue' }), user(7, { username: 'port' })],
  devices: [
    device(41, 5, { endpoint: 'desk', auth: 'ip', techPrefix: '77#' }),
    device(42, 6, { endpoint: 'blue', auth: 'ip', techPrefix: '7' }),
    device(43, 7, { endpoint: 'by-port', auth: 'ip', port: 5090 }),
    device(44, 5, { endpoint: 'elsewhere', auth: 'ip' }),
  ],
  addresses: { 41: '192.0.2.1/32', 42: '192.0.2.1/32', 43: '192.0.2.1/32', 44: '192.0.2.9/32' },
};

const CASES: readonly (readonly [string, { readonly dialled: string; readonly port?: number | null; readonly endpoint?: string }, { readonly userId: number; readonly deviceId: number } | number])[] = [
  ['the longest tech prefix', { dialled: `77#${NUMBER}` }, { userId: 5, deviceId: 41 }],
  ['a shorter tech prefix', { dialled: `7${NUMBER}` }, { userId: 6, deviceId: 42 }],
  ['the port before the prefixes', { dialled: NUMBER, port: 5090 }, { userId: 7, deviceId: 43 }],
  ['a port that is not told', { dialled: `7${NUMBER}`, port: null }, { userId: 6, deviceId: 42 }],
  ['whichever endpoint Asterisk took for the caller', { dialled: `7${NUMBER}`, endpoint: 'by-port' }, { userId: 6, deviceId: 42 }],
  ['no prefix of theirs', { dialled: NUMBER }, 332],
  ['nothing but the prefix', { dialled: '77#' }, 336],
  ['a lone device', { dialled: NUMBER, endpoint: 'elsewhere', port: 40_000 }, { userId: 5, deviceId: 44 }],
];

for (const [what, { endpoint = 'desk', ...arrival }, expected] of CASES) {
  test(`devices behind one address: ${what}`, async (t) => {
    const routed = given(SHARED).whenDeviceCalls(arrival.dialled, { endpoint, ...arrival });
    if (typeof expected === 'number') {
      routed.refusedWith(expected);
      return;
    }
    t.match(routed.plan.parties, { ...expected, localizedDst: NUMBER });
  });
}

test('ports alone tell devices apart, and a third port is nobody\'s', async (t) => {
  const parts: Given = { users: [user(6)], devices: [device(41, 5, { endpoint: 'desk', auth: 'ip', port: 5061 }), device(42, 6, { endpoint: 'b', auth: 'ip', port: 5062 })], addresses: { 41: 'x', 42: 'x' } };
  t.match(given(parts).whenDeviceCalls(NUMBER, { port: 5062 }).plan.parties, { deviceId: 42 });
  given(parts).whenDeviceCalls(NUMBER, { port: 5063 }).refusedWith(333);
  given(parts).whenDeviceCalls(NUMBER, { port: null }).refusedWith(333);
});

test('a blocked neighbour takes no call of another', async () => {
  given({ ...SHARED, devices: [...(SHARED.devices ?? []), device(42, 6, { endpoint: 'blue', auth: 'ip', techPrefix: '7', blocked: true })] }).whenDeviceCalls(`7${NUMBER}`).refusedWith(200);
});

test('a lone device with a tech prefix must send it', async (t) => {
  const parts: Given = { devices: [device(41, 5, { endpoint: 'desk', auth: 'ip', techPrefix: '99' })] };
  t.match(given(parts).whenDeviceCalls(`99${NUMBER}`).plan.parties, { deviceId: 41, localizedDst: NUMBER });
  given(parts).whenDeviceCalls(NUMBER).refusedWith(332);
});

test('behind a trunk with ANI a call belongs to the device whose CLI the caller sends, else to the trunk', async (t) => {
  const parts: Given = {
    users: [user(6, { username: 'behind' })],
    devices: [device(41, 5, { endpoint: 'desk', trunk: true, ani: true }), device(42, 6, { endpoint: 'behind', clis: ['37050000000', '101'] }), device(43, 6, { endpoint: 'gone', clis: ['102'], blocked: true })],
  };
  t.match(given(parts).whenDeviceCalls(NUMBER, { callerNumber: '37050000000' }).plan.parties, { userId: 6, deviceId: 42 });
  t.match(given(parts).whenDeviceCalls(NUMBER, { callerNumber: '101' }).plan.parties, { userId: 6, deviceId: 42 });
  t.match(given(parts).whenDeviceCalls(NUMBER, { callerNumber: '37059999999' }).plan.parties, { userId: 5, deviceId: 41 });
  given(parts).whenDeviceCalls(NUMBER, { callerNumber: '102' }).refusedWith(200);
  const plain: Given = { ...parts, devices: [...(parts.devices ?? []), device(41, 5, { endpoint: 'desk', trunk: true })] };
  t.match(given(plain).whenDeviceCalls(NUMBER, { callerNumber: '101' }).plan.parties, { userId: 5, deviceId: 41 }, 'without the option nobody is taken for another by his number');
});

test('an extension of the same user rings his device, costs nothing and takes its places', async (t) => {
  const parts: Given = { devices: [device(42, 5, { endpoint: 'kitchen', extension: '102' })] };
  const { plan } = given(parts).whenDeviceCalls('102');
  t.match(plan, { levels: [], payers: [], parties: { direction: 'local', userId: 5, dstUserId: 5, deviceId: 41, dstDeviceId: 42 }, ways: [{ kind: 'device', endpoint: 'kitchen' }] });
  t.ok(plan.counters.some(({ key }) => key === 'calls:device:42'));
});

test('an extension of somebody else, one\'s own and a longer number are ordinary numbers', async () => {
  given({ devices: [device(48, 8, { endpoint: 'office', extension: '102' })] }).whenDeviceCalls('102').refusedWith(203);
  given({ devices: [device(41, 5, { endpoint: 'desk', extension: '102' })] }).whenDeviceCalls('102').refusedWith(203);
  given({ devices: [device(42, 5, { endpoint: 'kitchen', extension: '102' })] }).whenDeviceCalls('1025').refusedWith(203);
});

const neighbours = fc.uniqueArray(fc.tuple(fc.constantFrom('', '1', '12', '2', '123'), fc.constantFrom(null, 5061, 5062)), { selector: ([prefix, port]) => `${prefix}/${port}`, minLength: 2, maxLength: 6 });

test('whoever stands behind one address, the one found has the prefix and no other port', async (t) => {
  holds(t, fc.property(neighbours, fc.constantFrom('123', '12', '2', '9', '1'), fc.constantFrom(null, 5061, 5063), (group, start, port) => {
    const devices = group.map(([techPrefix, own], index) => device(100 + index, 5, { endpoint: `d${index}`, auth: 'ip', techPrefix, port: own }));
    const addresses = Object.fromEntries(devices.map(({ id }) => [id, 'x']));
    const { decision } = given({ devices, addresses }).whenDeviceCalls(`${start}${NUMBER}`, { endpoint: 'd0', port });
    const found = devices.find(({ id }) => id === decision.parties.deviceId);
    const fit = devices.filter((one) => `${start}${NUMBER}`.startsWith(one.techPrefix) && (one.port === null || one.port === port));
    if (decision.kind === 'refused' && (decision.cause === 332 || decision.cause === 333)) return fit.length === 0;
    if (found === undefined || !fit.includes(found)) return false;
    const rivals = fit.filter((one) => (one.port === null) === (found.port === null));
    return rivals.every((one) => one.techPrefix.length <= found.techPrefix.length) && (found.port !== null || fit.every((one) => one.port === null));
  }), 300);
});
