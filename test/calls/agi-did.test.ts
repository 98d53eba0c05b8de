/** Calls to DIDs that Dial() leads: several devices at once or in turn, paid by the owner from the arrival. */
import t from 'tap';
import { freePort } from '../lab/ports.ts';
import { call, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { dialOptions } from './agi-stage.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';

const CARRIER = '127.0.3.1';
const far = {
  ringing: await startPeer({ scenario: 'peer-ring', ip: '127.0.2.1' }),
  answering: await startPeer({ scenario: 'peer-answer', values: { ringMs: 300 }, ip: '127.0.2.2' }),
  busy: await startPeer({ scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' }, ip: '127.0.2.3' }),
};
const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
    // 1 unit a second.
    { name: 'did owner', purpose: 'did', rates: [{ prefix: '49', rate: '60' }] },
  ],
  providers: [{ name: 'carrier', host: CARRIER, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [{ username: 'owner', tariff: 'sell', lcr: 'main', balance: '100' }, { username: 'short', tariff: 'sell', lcr: 'main', balance: '12' }],
  devices: [
    ...(['ringing', 'answering', 'busy'] as const).map((name) => byAddress(name, 'owner', far[name].ip, { port: far[name].port, ringTimeoutS: 10 })),
    byAddress('of-short', 'short', '127.0.2.4', { port: far.answering.port, ringTimeoutS: 10 }),
  ],
  dids: [
    { did: '37052000001', devices: ['ringing', 'answering'], ring: 'at_once', user: 'owner' },
    { did: '37052000002', devices: ['busy', 'answering'], user: 'owner' },
    { did: '37052000003', devices: ['of-short'], user: 'short' },
  ].map((one) => ({ ...one, provider: 'carrier', ownerTariff: 'did owner' })),
};
const shortOnes = await startPeer({ scenario: 'peer-answer', values: { ringMs: 100 }, ip: '127.0.2.4', port: far.answering.port });

const port = await freePort();
const stage = await openStage({ tenant, asterisk: dialOptions(port, 1, [{ endpoint: 'provider-1', ip: CARRIER }]), settings: { agi: { port }, reconcileEveryS: 1 } });
await until(() => (stage.engine.health().agi ? undefined : 'FastAGI does not listen'));
t.teardown(async () => {
  await stage.close();
  await Promise.all([...Object.values(far), shortOnes].map((peer) => peer.stop()));
  await closeServers();
});

async function deviceId(endpoint: string): Promise<unknown> {
  return (await stage.db.query<Row>('select id from devices where endpoint = $1', [endpoint])).rows[0]?.['id'];
}

t.test('devices that ring at once: the one that answers has the call', async (t) => {
  const result = await call({ scenario: 'call', target: stage.asterisk, ip: CARRIER, from: '4930000001', to: '37052000001', values: { holdMs: 1200 } });
  t.equal(result.exitCode, 0, result.errors);
  const rows = await stage.rowsOf(result);
  t.match(rows, [{ direction: 'inbound', disposition: 'ANSWERED', dst_device_id: await deviceId('answering'), billsec: 2 }]);
  t.ok(Number(rows[0]?.['did_billsec']) >= 2, 'the owner pays from the arrival');
});

t.test('one after the other', async (t) => {
  const result = await call({ scenario: 'call', target: stage.asterisk, ip: CARRIER, from: '4930000001', to: '37052000002', values: { holdMs: 300 } });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'BUSY', dst_device_id: await deviceId('busy') }, { disposition: 'ANSWERED', dst_device_id: await deviceId('answering') }]);
});

t.test('an owner who pays from the arrival is cut where his money ends, less the longest ringing', async (t) => {
  const result = await call({ scenario: 'call-until-bye', target: stage.asterisk, ip: CARRIER, from: '4930000001', to: '37052000003' });
  t.equal(result.exitCode, 0, result.errors);
  const rows = await stage.rowsOf(result);
  t.match(rows, [{ disposition: 'ANSWERED' }]);
  const talkedMs = Number(rows[0]?.['bill_ms']);
  t.ok(talkedMs >= 1900 && talkedMs < 4000, `12 seconds of money, of which ringing may take 10: talked for ${talkedMs} ms`);
  t.ok(Number(rows[0]?.['did_billsec']) <= 12);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});
