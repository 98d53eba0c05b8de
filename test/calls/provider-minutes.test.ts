/** Minutes of a provider (285) on real calls: what they talk is counted, and when it is enough the next way is taken. */
import t from 'tap';
import { explainCall } from '../../cli/explain-call.ts';
import type { Explanation } from '../../cli/explain-call.ts';
import { routingSettings } from '../../engine/settings-of.ts';
import { readTalkOnce } from '../../store/provider-talk.ts';
import { openLiveView } from '../../store/redis/view.ts';
import { call, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const ALICE = '127.0.1.1';
const first = await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.1' });
const second = await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.2' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'first', host: first.ip, port: first.port, tariff: 'buy', monthlyMinutes: 1, timeZone: 'Europe/Vilnius' },
    { name: 'second', host: second.ip, port: second.port, tariff: 'buy', dailyMinutes: 100 },
  ],
  lcrs: [lcr('both', 'first', 'second')],
  users: [{ username: 'alice', tariff: 'sell', lcr: 'both', balance: '10' }],
  devices: [byAddress('alice', 'alice', ALICE)],
};

const stage = await openStage({ tenant });
t.teardown(() => stage.close());
const view = await openLiveView(stage.settings.redisUrl, stage.settings.calls.priceDecimals);
const ids = new Map((await stage.db.query<{ id: number; name: string }>('select id, name from providers')).rows.map(({ id, name }) => [name, id]));
const firstId = ids.get('first') ?? 0;

const dial = async (holdMs: number): Promise<SippResult> => call({ scenario: 'any-answer', target: stage.asterisk, ip: ALICE, from: '37050000001', to: '37060000001', values: { holdMs } });

/** What `route` says of the same call. */
async function explained(): Promise<Explanation> {
  const catalog = stage.store.catalog();
  if (catalog === null) throw new Error('There is a catalog.');
  const talk = await readTalkOnce(stage.settings.postgresUrl);
  const parts = { catalog, settings: routingSettings(stage.settings), view, talk, reservation: 'slice', frozenS: 0, qualityWindowMinutes: 60 } as const;
  return explainCall(parts, { serverId: 1, endpoint: 'alice', port: null, ip: '', dialled: '37060000001', callerNumber: '37050000001', atMs: Date.now() });
}

t.test('the call that reaches the limit is the last one', async (t) => {
  await stage.db.query(`insert into provider_talk select $1, (now() at time zone 'Europe/Vilnius')::date, 58`, [firstId]);
  await until(() => (stage.store.talk().get(firstId)?.monthS === 58 ? undefined : 'the minutes are not read yet'));
  t.match((await explained()).steps.filter(({ outcome }) => outcome === 'chosen').map(({ detail }) => detail), [/^first: .*0\.9 of 1 minutes this month$/, /^second: .*0\.0 of 100 minutes today$/]);
  const result = await dial(1200);
  t.same(finalStatuses(result), [200], result.errors);
  t.match(await stage.rowsOf(result), [{ provider_id: firstId, billsec: 2 }]);
  await until(() => (stage.store.talk().get(firstId)?.monthS === 60 ? undefined : 'the call is not counted yet'));
});

t.test('the next one goes by the next way, as route says', async (t) => {
  const told = await explained();
  t.same(told.ways.map(({ name }) => name), ['second']);
  t.match(told.steps.filter(({ outcome }) => outcome === 'skipped'), [{ detail: 'first: used up: 1.0 of 1 minutes this month', cause: 285 }]);
  const result = await dial(100);
  t.same(finalStatuses(result), [200], result.errors);
  t.match(await stage.rowsOf(result), [{ provider_id: ids.get('second'), attempt: 1 }]);
  t.equal(first.invites().length, 1);
});

t.test('a higher limit brings it back at once', async (t) => {
  await stage.db.query('update providers set monthly_minutes = 2 where id = $1', [firstId]);
  await until(() => (stage.store.catalog()?.providers.get(firstId)?.monthlyMinutes === 2 ? undefined : 'the new limit is not in force'));
  const result = await dial(100);
  t.match(await stage.rowsOf(result), [{ provider_id: firstId }]);
});

t.test('afterwards', async (t) => {
  t.same(await stage.leftovers(), NOTHING, 'nothing is held any more');
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await view.close();
  await Promise.all([first.stop(), second.stop()]);
  await closeServers();
});
