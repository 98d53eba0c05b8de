/**
 * Dynamic blacklist on real calls: short ones from one CallerID raise its score until the next goes by the blacklist's LCR,
 * as `route` says; others go on as before.
 */
import t from 'tap';
import type { Test } from 'tap';
import { explainCall } from '../../cli/explain-call.ts';
import type { Explanation } from '../../cli/explain-call.ts';
import { routingSettings } from '../../engine/settings-of.ts';
import { pointsAt } from '../../routing/score.ts';
import { openLiveView } from '../../store/redis/view.ts';
import { call, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const ALICE = '127.0.1.1';
const BOB = '127.0.1.2';
const SPAMMER = '37050000001';
const HONEST = '37050000002';
const good = await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.1' });
const worse = await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.2' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'good', host: good.ip, port: good.port, tariff: 'buy' }, { name: 'worse', host: worse.ip, port: worse.port, tariff: 'buy' }],
  lcrs: [lcr('usual', 'good'), lcr('blacklist', 'worse')],
  users: [
    { username: 'admin', blacklistLcrs: [{ threshold: 30, lcr: 'blacklist' }] },
    { username: 'alice', tariff: 'sell', lcr: 'usual', balance: '10' },
    { username: 'bob', tariff: 'sell', lcr: 'usual', balance: '10', dynamicBlacklist: 'off' },
  ],
  devices: [byAddress('alice', 'alice', ALICE), byAddress('bob', 'bob', BOB)],
};

const stage = await openStage({ tenant, settings: { blacklist: { enabled: true, shortCallS: 5, shortCallPoints: 10, destinationWeight: 0, ipWeight: 0, zeroCallPoints: 10 } } });
t.teardown(() => stage.close());
const view = await openLiveView(stage.settings.redisUrl, stage.settings.calls.priceDecimals);
const names = new Map((await stage.db.query<{ id: number; name: string }>('select id, name from providers')).rows.map(({ id, name }) => [id, name]));

const HALF_LIFE_MS = 24 * 3_600_000;
let dialled = 0;

/** Calls a number of its own each time; the provider it went by. */
async function dial(t: Test, from: string, ip = ALICE): Promise<string> {
  dialled += 1;
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip, from, to: `370600000${10 + dialled}`, values: { holdMs: 50 } });
  t.same(finalStatuses(result), [200], result.errors);
  const [row] = await stage.rowsOf(result);
  return names.get(Number(row?.['provider_id'])) ?? 'none';
}

function scoreOf(number: string): number {
  const level = stage.store.scores()?.get(`source:${number}`);
  return level === undefined ? 0 : pointsAt(level, Date.now(), HALF_LIFE_MS);
}

async function scored(number: string, points: number): Promise<void> {
  await until(() => (scoreOf(number) === points ? undefined : `the score is ${scoreOf(number)}, not ${points}`));
}

/** What `route` says of such a call. */
async function explained(from: string, endpoint = 'alice'): Promise<Explanation> {
  const catalog = stage.store.catalog();
  if (catalog === null) throw new Error('There is a catalog.');
  const parts = { catalog, settings: routingSettings(stage.settings), view, talk: stage.store.talk(), reservation: 'slice', frozenS: 0, qualityWindowMinutes: 60, blacklist: stage.settings.blacklist } as const;
  return explainCall(parts, { serverId: 1, endpoint, port: null, ip: ALICE, dialled: '37060000001', callerNumber: from, atMs: Date.now() });
}

const told = ({ steps }: Explanation): string[] => steps.filter(({ check }) => check === 'dynamic blacklist').map(({ detail }) => detail);

t.test('short calls raise the score of their CallerID, and below the threshold go as usual', async (t) => {
  for (const points of [10, 20]) {
    t.equal(await dial(t, SPAMMER), 'good');
    await scored(SPAMMER, points);
  }
  const told20 = await explained(SPAMMER);
  t.same(told(told20), ['source 20 + destination 0 (default) + IP 0 (default) = 20, below 30 of all users']);
  t.same(told20.ways.map(({ name }) => name), ['good']);
});

t.test('a call that is refused counts too, and with it the threshold is reached: the next goes by the LCR of the blacklist, as route says', async (t) => {
  const refused = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ALICE, from: SPAMMER, to: '44200000001', values: { holdMs: 50 } });
  t.match(await stage.rowsOf(refused), [{ hangup_cause: 203, provider_id: null }]);
  await scored(SPAMMER, 30);
  const said = await explained(SPAMMER);
  t.same(told(said), ['source 30 + destination 0 (default) + IP 0 (default) = 30, reaches 30 of all users: blacklist']);
  t.same(said.ways.map(({ name }) => name), ['worse']);
  t.equal(await dial(t, SPAMMER), 'worse');
  await scored(SPAMMER, 40);
});

t.test('other callers, and users whose blacklist is off, go as usual', async (t) => {
  t.equal(await dial(t, HONEST), 'good');
  t.same(told(await explained(SPAMMER, 'bob')), []);
  t.equal(await dial(t, SPAMMER, BOB), 'good');
  await scored(SPAMMER, 50);
});

t.test('a score that the operator sets is in force at once, in place of the other', async (t) => {
  await stage.db.query(`insert into blacklist_scores (item, score) values ('source:${SPAMMER}', 0), ('ip:${ALICE}', 30)`);
  await until(() => (stage.store.catalog()?.scores.size === 2 ? undefined : 'what was set is not in force'));
  t.same(told(await explained(SPAMMER)), ['source 0 (set) + destination 0 (default) + IP 30 (set) = 30, reaches 30 of all users: blacklist']);
  t.equal(await dial(t, HONEST), 'worse', 'the address of its signalling is known from the call');
  await stage.db.query(`delete from blacklist_scores where item = 'ip:${ALICE}'`);
  await until(() => (stage.store.catalog()?.scores.size === 1 ? undefined : 'what was deleted is in force'));
  t.equal(await dial(t, SPAMMER), 'good');
});

t.test('afterwards', async (t) => {
  t.same(await stage.leftovers(), NOTHING, 'nothing is held any more');
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await view.close();
  await Promise.all([good.stop(), worse.stop()]);
  await closeServers();
});
