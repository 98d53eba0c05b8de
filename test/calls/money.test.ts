/** Money that ends while people talk, and money that several calls share. */
import t from 'tap';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { amount, audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const IPS = { short: '127.0.1.1', slices: '127.0.1.2', many: '127.0.1.3', poor: '127.0.1.4', dust: '127.0.1.5', child: '127.0.1.6', free: '127.0.1.7', credit: '127.0.1.8' };
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    // 1 unit a second.
    { name: 'second', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
    { name: 'free', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [{ ...lcr('main', 'carrier'), allowLossCalls: true }],
  users: [
    { username: 'short', tariff: 'second', lcr: 'main', balance: '2' },
    { username: 'slices', tariff: 'second', lcr: 'main', balance: '5.5' },
    { username: 'many', tariff: 'second', lcr: 'main', balance: '7' },
    { username: 'poor', tariff: 'second', lcr: 'main', balance: '0' },
    { username: 'dust', tariff: 'second', lcr: 'main', balance: '0.9' },
    { username: 'reseller', type: 'reseller', tariff: 'second', balance: '0' },
    { username: 'child', owner: 'reseller', tariff: 'second', lcr: 'main', balance: '100' },
    { username: 'free', tariff: 'free', lcr: 'main', balance: '0' },
    { username: 'credit', tariff: 'second', lcr: 'main', postpaid: true, credit: '2', balance: '0' },
  ],
  devices: Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip)),
};

// Slices of three seconds, so that calls are extended while the test looks on.
const stage = await openStage({ tenant, settings: { reservation: { mode: 'slice', sliceS: 3, extendBeforeS: 1 } } });
t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});

interface Talk {
  readonly from: keyof typeof IPS;
  readonly scenario: string;
  readonly values?: Record<string, number>;
}

function talk({ from, scenario, values = {} }: Talk): ReturnType<typeof call> {
  return call({ scenario, target: stage.asterisk, ip: IPS[from], from: '37060000001', to: '37061000000', values });
}

t.test('a call is cut at the exact second at which the money ends, and billed to it', async (t) => {
  const result = await talk({ from: 'short', scenario: 'call-until-bye' });
  t.equal(result.exitCode, 0, result.errors);
  const [row] = await stage.rowsOf(result);
  t.match(row, { disposition: 'ANSWERED', billsec: 2, bill_ms: 2000, user_price: '2.0000000000', terminated_by: 'system' });
  await until(async () => ((await stage.balance('short')) === '0' ? undefined : `the balance is ${await stage.balance('short')}`));
  t.same(finalStatuses(await talk({ from: 'short', scenario: 'any-answer' })), [503], 'the next one is refused');
  t.match((await stage.cdrs()).at(-1), { hangup_cause: 211 });
});

t.test('slices are extended until the money ends; half a second buys nothing', async (t) => {
  const result = await talk({ from: 'slices', scenario: 'call-until-bye' });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ billsec: 5, bill_ms: 5000, user_price: '5.0000000000', terminated_by: 'system' }]);
  await until(async () => ((await stage.balance('slices')) === '0.5' ? undefined : 'not settled'));
});

t.test('calls at once share one balance and never overdraw it', async (t) => {
  const caller = await startCaller({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.many, from: '37060000001', to: '37061000000', calls: 5, ratePerSecond: 5, values: { holdMs: 6000 } });
  const result = await caller.done;
  const rows = await stage.rowsOf(result);
  const spent = rows.reduce((sum, row) => sum + amount((row['user_price'] as string | null) ?? '0'), 0n);
  t.ok(spent <= amount('7'), 'not more was spent than there was');
  t.equal(rows.length, 5);
  t.ok(rows.some((row) => row['hangup_cause'] === 212), 'a call that finds all of it held is refused with 212');
  t.ok(amount(await stage.balance('many')) >= 0n);
});

t.test('refusals by money', async (t) => {
  for (const [from, cause] of [['poor', 211], ['dust', 210], ['child', 215]] as const) {
    const result = await talk({ from, scenario: 'any-answer' });
    t.same(finalStatuses(result), [503], from);
    t.match(await stage.rowsOf(result), [{ hangup_cause: cause, disposition: 'FAILED' }], `${from}: ${cause}`);
  }
});

t.test('a free destination needs no balance', async (t) => {
  const result = await talk({ from: 'free', scenario: 'call', values: { holdMs: 200 } });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', user_price: '0.0000000000' }]);
});

t.test('a postpaid call is cut at the credit limit', async (t) => {
  const result = await talk({ from: 'credit', scenario: 'call-until-bye' });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ billsec: 2, user_price: '2.0000000000', terminated_by: 'system' }]);
  await until(async () => ((await stage.balance('credit')) === '-2' ? undefined : 'not settled'));
});

t.test('nothing is held any more, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});
