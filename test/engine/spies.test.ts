/** Orders that are refused before Asterisk has any part in them. */
import { test } from 'tap';
import { Spies } from '../../engine/spies.ts';
import type { SpiesParts } from '../../engine/spies.ts';
import type { AmiLink } from '../../engine/asterisk/ami.ts';
import { NOBODY } from '../../routing/plan.ts';
import type { SpyRecord } from '../../store/spy-record.ts';
import { catalogOf, device, user } from '../routing/catalog-builder.ts';
import { memoryLog } from '../store/servers.ts';

const away: AmiLink = { connected: false, problem: 'connection refused', action: async () => Promise.reject(new Error('away')), close: async () => undefined };
const order = { callId: '1-1.1', device: 'd1', as: '', side: null, contact: '', by: 'test' };

function spies(parts: Partial<SpiesParts>): { readonly spies: Spies; readonly saved: SpyRecord[] } {
  const saved: SpyRecord[] = [];
  const catalog = catalogOf({ users: [user(0, { username: 'admin', type: 'admin' })], devices: [device(1, 5, { endpoint: 'd1' })] });
  const made = new Spies({
    serverId: 1, ami: away, settings: { enabled: true, ringTimeoutS: 30, mostAtOnce: 1 }, catalog: () => catalog, reachable: async () => true, mayAct: () => true, now: () => 1, newId: () => 'id', log: memoryLog().log,
    spied: () => ({ parties: { ...NOBODY, direction: 'outbound', src: '1', dst: '2', localizedDst: '2', userId: 5 }, callerChannel: '1.1', calleeChannel: '1-1.1-1' }),
    store: { save: (record) => saved.push(record), standing: async () => [] }, ...parts,
  });
  return { spies: made, saved };
}

const CASES: readonly (readonly [string, Partial<SpiesParts>, RegExp])[] = [
  ['the global switch', { settings: { enabled: false, ringTimeoutS: 30, mostAtOnce: 1 } }, /switched off: spying\.enabled/],
  ['no AMI', { ami: null }, /Asterisk 1 has no AMI: set its ami\.url/],
  ['AMI is away', {}, /not connected: connection refused/],
  ['no catalog', { catalog: () => null }, /has not read its catalog/],
  ['a call that rings', { spied: () => ({ parties: { ...NOBODY, direction: 'outbound', src: '1', dst: '2', localizedDst: '2', userId: 5 }, callerChannel: '1.1', calleeChannel: null }) }, /is not answered yet/],
  ['a device that is elsewhere', { ami: { ...away, connected: true }, reachable: async () => false }, /not registered at Asterisk 1/],
  ['too many', { ami: { ...away, connected: true }, settings: { enabled: true, ringTimeoutS: 30, mostAtOnce: 0 } }, /spying\.mostAtOnce/],
];

for (const [name, parts, reason] of CASES) {
  test(`refused: ${name}`, async (t) => {
    const one = spies(parts);
    t.match(await one.spies.order(order), { done: false, reason });
    t.same(one.saved, [], 'nothing was begun, so nothing is on record');
    one.spies.close();
  });
}
