/** LCR by quality on real calls: a cheap provider that fails loses its place to a dearer one that answers. */
import t from 'tap';
import { call, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const ALICE = '127.0.1.1';
const failing = await startPeer({ scenario: 'peer-refuse', values: { status: 503, reason: 'Service Unavailable' }, ip: '127.0.2.1' });
const good = await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.2' });

const tenant: Tenant = {
  tariffs: [
    { name: 'cheap', purpose: 'provider', rates: [{ prefix: '370', rate: '0.01' }] },
    { name: 'dear', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'failing', host: failing.ip, port: failing.port, tariff: 'cheap' }, { name: 'good', host: good.ip, port: good.port, tariff: 'dear' }],
  lcrs: [{ name: 'best', order: 'quality', providers: ['failing', 'good'] }],
  users: [{ username: 'alice', tariff: 'sell', lcr: 'best', balance: '10' }],
  devices: [byAddress('alice', 'alice', ALICE)],
};

const stage = await openStage({ tenant, settings: { quality: { leastAttempts: 3 } } });
t.teardown(() => stage.close());

const dial = async (to: string): Promise<SippResult> => call({ scenario: 'any-answer', target: stage.asterisk, ip: ALICE, from: '37050000001', to, values: { holdMs: 100 } });

async function providersOf(rows: readonly Row[]): Promise<unknown[]> {
  const { rows: providers } = await stage.db.query<{ id: number; name: string }>('select id, name from providers');
  return rows.map((row) => providers.find(({ id }) => id === row['provider_id'])?.name);
}

t.test('the cheapest is tried first until it is known, then the one that answers', async (t) => {
  for (const to of ['37060000001', '37060000002', '37060000003']) {
    const result = await dial(to);
    t.same(finalStatuses(result), [200], result.errors);
    t.same(await providersOf(await stage.rowsOf(result)), ['failing', 'good']);
  }
  await until(() => ([...stage.store.quality().values()].filter(({ attempts }) => attempts === 3).length === 2 ? undefined : 'the figures are not read yet'), { timeoutMs: 10_000 });
  const [bad, fine] = [...stage.store.quality().values()].sort((a, b) => a.answered - b.answered);
  t.match(bad, { attempts: 3, answered: 0, talkMs: 0 });
  t.match(fine, { attempts: 3, answered: 3, rang: 3 });
  const result = await dial('37060000004');
  t.same(finalStatuses(result), [200], result.errors);
  t.same(await providersOf(await stage.rowsOf(result)), ['good']);
});

t.test('afterwards', async (t) => {
  t.same(await stage.leftovers(), NOTHING, 'nothing is held any more');
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await Promise.all([failing.stop(), good.stop()]);
  await closeServers();
});
