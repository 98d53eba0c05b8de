/** Periodic check by OPTIONS on a real Asterisk: who does not answer is passed over without being dialled, and used again when it answers. */
import t from 'tap';
import { explainCall } from '../../cli/explain-call.ts';
import type { Explanation } from '../../cli/explain-call.ts';
import { routingSettings } from '../../engine/settings-of.ts';
import { openLiveView } from '../../store/redis/view.ts';
import { freePort } from '../lab/ports.ts';
import { call, startPeer } from '../lab/sipp.ts';
import type { Sipp, SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const ALICE = '127.0.1.1';
const BOB = '127.0.1.2';
const firstAt = { ip: '127.0.2.1', port: await freePort() };
/** Without answers to OPTIONS it would still take calls: none must come. */
const startFirst = async (answersOptions: boolean): Promise<Sipp> => startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ...firstAt, answersOptions });
let first = await startFirst(true);
const second = await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.2' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'first', host: firstAt.ip, port: firstAt.port, tariff: 'buy', periodicCheck: true, periodicCheckS: 1 },
    { name: 'second', host: second.ip, port: second.port, tariff: 'buy' },
  ],
  lcrs: [lcr('both', 'first', 'second'), lcr('only first', 'first')],
  users: [{ username: 'alice', tariff: 'sell', lcr: 'both', balance: '10' }, { username: 'bob', tariff: 'sell', lcr: 'only first', balance: '10' }],
  devices: [byAddress('alice', 'alice', ALICE), byAddress('bob', 'bob', BOB)],
};

const stage = await openStage({ tenant });
t.teardown(() => stage.close());
const view = await openLiveView(stage.settings.redisUrl, stage.settings.calls.priceDecimals);
const names = new Map((await stage.db.query<{ id: number; name: string }>('select id, name from providers')).rows.map(({ id, name }) => [id, name]));

const dial = async (ip: string): Promise<SippResult> => call({ scenario: 'any-answer', target: stage.asterisk, ip, from: '37050000001', to: '37060000001', values: { holdMs: 100 } });
const deadNow = (): unknown[] => (stage.engine.health().servers[0]?.deadProviders ?? []).map((id) => names.get(id));
const becomes = async (...dead: string[]): Promise<void> => until(() => (deadNow().join() === dead.join() ? undefined : `dead are: ${deadNow().join()}`), { timeoutMs: 20_000 });
const providersOf = (rows: readonly Row[]): unknown[] => rows.map((row) => names.get(Number(row['provider_id'])));

/** What `route` says of the same call. */
async function explained(endpoint: string): Promise<Explanation> {
  const catalog = stage.store.catalog();
  if (catalog === null) throw new Error('There is a catalog.');
  const parts = { catalog, settings: routingSettings(stage.settings), view, talk: stage.store.talk(), reservation: 'slice', frozenS: 0, qualityWindowMinutes: 60 } as const;
  return explainCall(parts, { serverId: 1, endpoint, port: null, ip: '', dialled: '37060000001', callerNumber: '37050000001', atMs: Date.now() });
}

t.test('one that answers is used', async (t) => {
  const result = await dial(ALICE);
  t.same(finalStatuses(result), [200], result.errors);
  t.same(providersOf(await stage.rowsOf(result)), ['first']);
  // It has answered Asterisk, so that its silence from now on is one.
  await until(async () => (/Avail/.test(await stage.asterisk.cli('pjsip show contacts')) ? undefined : 'Asterisk has not asked it yet'));
});

t.test('one that does not answer is passed over with 247, and not dialled', async (t) => {
  await first.stop();
  first = await startFirst(false);
  await becomes('first');
  const result = await dial(ALICE);
  t.same(finalStatuses(result), [200], result.errors);
  t.same(providersOf(await stage.rowsOf(result)), ['second']);
  const told = await explained('alice');
  t.same(told.ways.map(({ name }) => name), ['second']);
  t.match(told.steps.filter(({ outcome }) => outcome === 'skipped'), [{ check: 'provider', detail: /^first: .*periodic check/, cause: 247 }]);
  const alone = await dial(BOB);
  t.same(finalStatuses(alone), [403], 'no way is left');
  t.match(await stage.rowsOf(alone), [{ hangup_cause: 204, provider_id: null }]);
  t.equal((await explained('bob')).cause, 204);
  t.same(first.invites(), []);
  t.ok(stage.log.some((line) => line.includes('does not answer the periodic check')));
});

t.test('one that answers again is used again', async (t) => {
  await first.stop();
  first = await startFirst(true);
  await becomes();
  const result = await dial(ALICE);
  t.same(finalStatuses(result), [200], result.errors);
  t.same(providersOf(await stage.rowsOf(result)), ['first']);
  await until(async () => ((await view.dead(1)).size === 0 ? undefined : 'Redis still has it among the dead'));
  t.same((await explained('alice')).ways.map(({ name }) => name), ['first', 'second']);
});

t.test('one whose check is switched off is used, whatever it answers', async (t) => {
  await first.stop();
  first = await startFirst(false);
  await becomes('first');
  await stage.db.query(`update providers set periodic_check = false where name = 'first'`);
  await becomes();
  const result = await dial(ALICE);
  t.same(finalStatuses(result), [200], result.errors);
  t.same(providersOf(await stage.rowsOf(result)), ['first']);
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
