/** Lists on real calls: whose list, by which entry of a pool, with which cause and SIP answer; and `route` told it before. */
import t from 'tap';
import type { Test } from 'tap';
import { routingSettings } from '../../engine/settings-of.ts';
import { BANNED_POOL_ID } from '../../routing/catalog.ts';
import { isInPool } from '../../routing/number-pool.ts';
import type { Step } from '../../routing/explain.ts';
import { route } from '../../routing/route.ts';
import { headerOf } from '../lab/sip-message.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const IPS = { plain: '127.0.1.1', listed: '127.0.1.2', colleague: '127.0.1.3', banning: '127.0.1.4', pooled: '127.0.1.5', valid: '127.0.1.6', carrier: '127.0.3.1' };

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.1' });
const office = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.2' });
const at = { host: far.ip, port: far.port, tariff: 'buy' };

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'buy other', purpose: 'provider', rates: [{ prefix: '371', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }, { prefix: '371', rate: '0.1' }] },
  ],
  pools: [
    { name: 'callers banned', numbers: ['37059%', 'Anonymous', '+4930666'] },
    { name: 'numbers banned', numbers: ['37099%', '37052000002'] },
    { name: 'callers known', numbers: ['37050%'] },
    { name: 'numbers known', numbers: ['3706%', '3705200000%'] },
    { name: 'of the user', numbers: ['37068%'] },
    { name: 'changing', numbers: ['1'] },
    { name: 'shown', numbers: ['37055000001', '37055000002', '37055%'] },
    { name: 'of the carrier', numbers: ['+37056000001'] },
  ],
  providers: [{ name: 'carrier', host: IPS.carrier, tariff: 'buy' }, { name: 'passed over', ...at, destinationList: { mode: 'blacklist', pool: 'of the user' } }, { name: 'usable', ...at }, { name: 'with a pool', ...at, tariff: 'buy other', callerIdPool: 'of the carrier' }],
  lcrs: [lcr('both', 'passed over', 'usable', 'with a pool')],
  users: [
    { username: 'admin', sourceList: { mode: 'blacklist', pool: 'callers banned' }, destinationList: { mode: 'blacklist', pool: 'numbers banned' } },
    { username: 'plain', tariff: 'sell', lcr: 'both', balance: '10' },
    { username: 'listed', tariff: 'sell', lcr: 'both', balance: '10', sourceList: { mode: 'whitelist', pool: 'callers known' }, destinationList: { mode: 'blacklist', pool: 'changing' } },
  ],
  devices: [
    byAddress('plain', 'plain', IPS.plain),
    byAddress('listed', 'listed', IPS.listed),
    byAddress('colleague', 'listed', IPS.colleague),
    byAddress('banning', 'plain', IPS.banning, { banAtCalls: 2 }),
    byAddress('pooled', 'plain', IPS.pooled, { callerIdPool: 'shown', callerIdName: 'Desk' }),
    byAddress('valid', 'plain', IPS.valid, { validCallerIds: { pool: 'callers known', replacement: 'shown' } }),
    byAddress('office', 'listed', office.ip, { port: office.port, trunk: true, extension: '102' }),
  ],
  dids: [
    { did: '37052000001', provider: 'carrier', status: 'active', user: 'listed', device: 'office' },
    { did: '37052000002', provider: 'carrier', status: 'active', user: 'listed', device: 'office' },
    { did: '37052000003', provider: 'carrier', status: 'active', user: 'listed', device: 'office', sourcePool: 'of the user' },
  ],
};

const stage = await openStage({ tenant });

interface Case {
  readonly what: string;
  readonly by?: keyof typeof IPS;
  readonly from?: string;
  readonly to: string;
  /** 0: the call is answered. */
  readonly cause: number;
  /** What `route` tells of the list that decided. */
  readonly told?: RegExp;
}

const BLACK: readonly Case[] = [
  { what: 'nobody is listed', to: '37060000001', cause: 0 },
  { what: 'a caller in the global blacklist', from: '37059000001', to: '37060000002', cause: 277, told: /^37059000001 is 37059% of pool callers banned/ },
  { what: 'the same with a plus', from: '+37059000001', to: '37060000003', cause: 277 },
  { what: 'a caller without a number, whom the pool names in other letters', from: 'anonymous', to: '37060000004', cause: 277, told: /^anonymous is Anonymous of pool/ },
  { what: 'a caller from outside in the global blacklist', by: 'carrier', from: '4930666', to: '37052000001', cause: 277, told: /^4930666 is \+4930666 of pool/ },
  { what: 'a number in the global blacklist', to: '37099000005', cause: 279, told: /^37099000005 is 37099% of pool numbers banned/ },
  { what: 'a DID in the global blacklist', by: 'carrier', from: '37050000001', to: '37052000002', cause: 279 },
  { what: 'an extension is in no list', by: 'colleague', to: '102', cause: 0 },
  { what: 'a caller who is not in the whitelist of whom he calls', by: 'carrier', from: '4930777', to: '37052000001', cause: 263, told: /^4930777 is not in pool callers known/ },
  { what: 'a caller who is', by: 'carrier', from: '37050000001', to: '37052000001', cause: 0 },
  { what: 'a colleague who is not', by: 'colleague', from: '4930777', to: '102', cause: 263 },
  { what: 'what he sends himself is no concern of his whitelist', by: 'listed', from: '4930777', to: '37060000006', cause: 0 },
  { what: 'a caller in the pool of the DID, before its owner\'s', by: 'carrier', from: '37068000001', to: '37052000003', cause: 283, told: /^37068000001 is 37068% of pool of the user/ },
];

const WHITE: readonly Case[] = [
  { what: 'both are known', to: '37060000011', cause: 0 },
  { what: 'a caller who is not in the global whitelist', from: '4930777', to: '37060000012', cause: 278, told: /^4930777 is not in pool callers known/ },
  { what: 'a caller from outside who is not', by: 'carrier', from: '4930777', to: '37052000001', cause: 278 },
  { what: 'a number that is not in the global whitelist', to: '37070000013', cause: 280, told: /^37070000013 is not in pool numbers known/ },
  { what: 'a DID that is', by: 'carrier', from: '37050000001', to: '37052000001', cause: 0 },
  { what: 'an extension that is not', by: 'colleague', to: '102', cause: 280 },
];

function told({ by = 'plain', from = '37050000001', to }: Case): { readonly cause: number; readonly steps: readonly Step[] } {
  const catalog = stage.store.catalog();
  if (catalog === null) throw new Error('There is no catalog.');
  const steps: Step[] = [];
  const endpoint = by === 'carrier' ? ([...catalog.providers.values()].find(({ name }) => name === 'carrier')?.endpoint ?? '') : by;
  const context = { catalog, settings: routingSettings(stage.settings), random: () => 0.5, quality: stage.store.quality(), dead: new Set<number>(), talk: stage.store.talk(), scores: null, explain: (step: Step) => steps.push(step) };
  const decision = route(context, { serverId: 1, port: 5060, ip: '', endpoint, dialled: to, callerNumber: from, atMs: Date.now() });
  return { cause: decision.kind === 'refused' ? decision.cause : 0, steps };
}

async function oneCall(t: Test, one: Case): Promise<void> {
  const { by = 'plain', from = '37050000001', to, cause } = one;
  const before = told(one);
  t.equal(before.cause, cause, 'as route told');
  if (one.told !== undefined) t.match(before.steps.findLast(({ check }) => check === 'list'), { outcome: 'refused', cause, detail: one.told });
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS[by], from, to, values: { holdMs: 100 } });
  t.same(finalStatuses(result), [cause === 0 ? 200 : 403], result.errors);
  const rows = await stage.rowsOf(result);
  if (cause === 0) t.match(rows.at(-1), { disposition: 'ANSWERED' });
  else t.match(rows, [{ attempt: 1, final: true, disposition: 'FAILED', hangup_cause: cause, billsec: 0, user_price: null, provider_id: null }]);
}

t.test('blacklists', async (t) => {
  t.jobs = 5;
  for (const one of BLACK) t.test(`${one.what}: ${one.cause || 'answered'}`, { buffered: true }, (t) => oneCall(t, one));
});

t.test('a provider is passed over for a number in its blacklist', async (t) => {
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.plain, from: '37050000001', to: '37068000001', values: { holdMs: 100 } });
  t.same(finalStatuses(result), [200]);
  const [row] = await stage.rowsOf(result);
  const { rows } = await stage.db.query<{ name: string }>('select name from providers where id = $1', [row?.['provider_id']]);
  t.same(rows, [{ name: 'usable' }]);
  t.match(told({ what: '', to: '37068000001', cause: 0 }).steps.filter(({ cause }) => cause === 281), [{ outcome: 'skipped' }]);
});

t.test('a number that comes into a pool, or goes, counts for the next call', async (t) => {
  const inForce = (number: string): boolean => [...(stage.store.catalog()?.pools.values() ?? [])].some((pool) => pool.name === 'changing' && isInPool(pool, number));
  const one = { what: '', by: 'listed', to: '37060000021' } as const;
  await oneCall(t, { ...one, cause: 0 });
  await stage.db.query(`insert into numbers (pool_id, number) select id, '37060000021' from number_pools where name = 'changing'`);
  await until(() => (inForce('37060000021') ? undefined : 'the number is not in force'));
  await oneCall(t, { ...one, cause: 255, told: /^37060000021 is 37060000021 of pool changing/ });
  await stage.db.query(`delete from numbers where number = '37060000021'`);
  await until(() => (inForce('37060000021') ? 'the number is still there' : undefined));
  await oneCall(t, { ...one, cause: 0 });
});

interface Shown {
  readonly what: string;
  readonly by: keyof typeof IPS;
  readonly from: string;
  readonly to: string;
  readonly caller: RegExp;
  /** Pool whose number is counted. */
  readonly pool: string | null;
}

const SHOWN: readonly Shown[] = [
  { what: 'a number out of the device\'s pool', by: 'pooled', from: '37050000041', to: '37060000041', caller: /^"Desk" <sip:3705500000[12]@/, pool: 'shown' },
  { what: 'a valid CallerID', by: 'valid', from: '37050000042', to: '37060000042', caller: /<sip:37050000042@/, pool: null },
  { what: 'another number for one that is not valid', by: 'valid', from: '4930777', to: '37060000043', caller: /<sip:3705500000[12]@/, pool: 'shown' },
  { what: 'a number out of the provider\'s pool', by: 'pooled', from: '37050000044', to: '37160000044', caller: /<sip:\+37056000001@/, pool: 'of the carrier' },
];

async function used(): Promise<Readonly<Record<string, number>>> {
  const { rows } = await stage.db.query<{ name: string; used: number }>('select p.name, sum(used)::int as used from numbers n join number_pools p on p.id = n.pool_id group by p.name');
  return Object.fromEntries(rows.map((row) => [row.name, row.used]));
}

t.test('CallerIDs out of pools reach the far end, and are counted', async (t) => {
  const before = await used();
  for (const one of SHOWN) {
    await t.test(one.what, async (t) => {
      const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS[one.by], from: one.from, to: one.to, values: { holdMs: 100 } });
      t.same(finalStatuses(result), [200], result.errors);
      const [row] = await stage.rowsOf(result);
      t.match(row, { src: one.from, disposition: 'ANSWERED' }, 'the CDR has the true number');
      const invite = far.invites().findLast((each) => headerOf(each, 'Call-ID') === row?.['terminator_call_id']);
      t.match(invite === undefined ? 'nothing' : headerOf(invite, 'From'), one.caller);
    });
  }
  const wanted = (pool: string): number => (before[pool] ?? 0) + SHOWN.filter((one) => one.pool === pool).length;
  await until(async () => ((await used())['shown'] === wanted('shown') && (await used())['of the carrier'] === wanted('of the carrier') ? undefined : `used: ${JSON.stringify(await used())}`));
  t.equal(Object.values(await used()).reduce((sum, times) => sum + times, 0), 3, 'and nothing else');
});

t.test('a CallerID with too many calls at once is banned, everywhere, until it is taken out of the pool', async (t) => {
  const isBanned = (number: string): boolean => {
    const pool = stage.store.catalog()?.pools.get(BANNED_POOL_ID);
    return pool !== undefined && isInPool(pool, number);
  };
  const many = { what: '', by: 'banning', from: '37050000031' } as const;
  const first = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS.banning, from: many.from, to: '37060000031' });
  await until(() => (finalStatuses(first)[0] === 200 ? undefined : 'the first call is not answered'));
  await oneCall(t, { ...many, from: '37050000032', to: '37060000032', cause: 0 });
  const second = await call({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.banning, from: many.from, to: '37060000033' });
  t.same(finalStatuses(second), [403]);
  t.match(await stage.rowsOf(second), [{ hangup_cause: 225, disposition: 'FAILED', billsec: 0 }]);
  await until(() => (isBanned(many.from) ? undefined : 'the CallerID is not banned'));
  const up = (await stage.store.listCalls()).find(({ fields }) => fields['to'] === '37060000031');
  t.ok(stage.engine.hangUp(up?.callId ?? ''), 'the first call goes on');
  t.equal((await first.done).exitCode, 0);
  await oneCall(t, { ...many, to: '37060000034', cause: 225, told: /^37050000031 is 37050000031 of pool Banned CallerIDs/ });
  await oneCall(t, { ...many, by: 'plain', to: '37060000035', cause: 225 });
  await oneCall(t, { ...many, by: 'carrier', to: '37052000001', cause: 225 });
  await stage.db.query('delete from numbers where number = $1', [many.from]);
  await until(() => (isBanned(many.from) ? 'the CallerID is still banned' : undefined));
  await oneCall(t, { ...many, to: '37060000036', cause: 0 });
});

t.test('whitelists', async (t) => {
  await stage.db.query(`update users set source_list_mode = 'whitelist', source_pool_id = (select id from number_pools where name = 'callers known'),
    destination_list_mode = 'whitelist', destination_pool_id = (select id from number_pools where name = 'numbers known') where id = 0`);
  await until(() => (stage.store.catalog()?.users.get(0)?.sourceList.mode === 'whitelist' ? undefined : 'the whitelists are not in force'));
  t.jobs = 5;
  for (const one of WHITE) t.test(`${one.what}: ${one.cause || 'answered'}`, { buffered: true }, (t) => oneCall(t, one));
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await office.stop();
  await closeServers();
});
