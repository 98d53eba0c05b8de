/** Calls of devices to the world, by real SIP through a real Asterisk. */
import t from 'tap';
import { call, startPeer } from '../lab/sipp.ts';
import { closeServers } from '../store/servers.ts';
import { openStage } from './stage.ts';
import type { Stage } from './stage.ts';

const ALICE = '127.0.1.1';

const answering = await startPeer({ scenario: 'peer-answer', values: { ringMs: 100 }, ip: '127.0.2.1' });
const refusing = await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.2' });

function tenant(): object {
  const lcr = (name: string, ...providers: string[]): object => ({ name, order: 'priority', providers: providers.map((provider, index) => ({ provider, priority: index + 1 })) });
  return {
    tariffs: [
      { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
      { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1', connectionFee: '0.01' }] },
    ],
    providers: [
      { name: 'answering', host: answering.ip, port: answering.port, tariff: 'buy' },
      { name: 'refusing', host: refusing.ip, port: refusing.port, tariff: 'buy' },
    ],
    lcrs: [lcr('plain', 'answering'), lcr('failover', 'refusing', 'answering')],
    users: [
      { username: 'alice', tariff: 'sell', lcr: 'plain', balance: '10' },
      { username: 'fiona', tariff: 'sell', lcr: 'failover', balance: '10' },
    ],
    devices: [
      { endpoint: 'alice', user: 'alice', auth: 'ip', ip: ALICE },
      { endpoint: 'fiona', user: 'fiona', auth: 'password', password: 'secret-of-fiona' },
    ],
  };
}

for (const transport of ['websocket', 'ari-client'] as const) {
  t.test(`over ${transport}`, async (t) => {
    const stage: Stage = await openStage({ transport, tenant: tenant() });
    t.teardown(() => stage.close());

    t.test('an answered call is rated at both levels, and everything is given back', async (t) => {
      const result = await call({ scenario: 'call', target: stage.asterisk, ip: ALICE, from: '37060000001', to: '37061234567', values: { holdMs: 1200 } });
      t.equal(result.exitCode, 0, result.errors);
      const [cdr, ...more] = await stage.cdrs(`src = '37060000001'`);
      t.match(cdr, { disposition: 'ANSWERED', hangup_cause: 16, billsec: 2, user_price: '0.0133330000', provider_price: '0.0016670000', terminated_by: 'originator', final: true });
      t.equal(more.length, 0);
      t.equal(await stage.balance('alice'), '9.986667');
      t.same(await stage.store.counters(), {});
    });

    t.test('a provider that answers 503 is left for the next', async (t) => {
      const result = await call({ scenario: 'call', target: stage.asterisk, from: 'fiona', to: '37061234568', auth: { username: 'fiona', password: 'secret-of-fiona' }, values: { holdMs: 300 } });
      t.equal(result.exitCode, 0, result.errors);
      const rows = await stage.cdrs(`localized_dst = '37061234568'`);
      t.match(rows, [{ attempt: 1, disposition: 'FAILED', hangup_cause: 34, sip_code: 503, final: false, user_price: '0.0000000000' }, { attempt: 2, disposition: 'ANSWERED', final: true }]);
      t.same(await stage.store.counters(), {});
    });
  });
}

t.teardown(async () => {
  await answering.stop();
  await refusing.stop();
  await closeServers();
});
