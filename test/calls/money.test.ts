/** Money that ends while people talk, and money that several calls share. */
import t from 'tap';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses, received } from './trace.ts';

const IPS = {
  short: '127.0.1.1', slices: '127.0.1.2', many: '127.0.1.3', poor: '127.0.1.4', dust: '127.0.1.5', child: '127.0.1.6', free: '127.0.1.7', credit: '127.0.1.8',
  'short-child': '127.0.1.9', stepped: '127.0.1.10', topped: '127.0.1.11', unlimited: '127.0.1.12', daily: '127.0.1.13',
};
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });
const phone = await startPeer({ scenario: 'peer-answer', values: { ringMs: 600 }, ip: '127.0.2.2' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    // 1 unit a second.
    { name: 'second', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
    { name: 'steps', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '30', connectionFee: '0.5', incrementS: 2, minTimeS: 1 }] },
    { name: 'did second', purpose: 'did', rates: [{ prefix: '', rate: '60' }] },
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
    { username: 'short reseller', type: 'reseller', tariff: 'second', balance: '2.7' },
    { username: 'short-child', owner: 'short reseller', tariff: 'second', lcr: 'main', balance: '100' },
    { username: 'free', tariff: 'free', lcr: 'main', balance: '0' },
    { username: 'credit', tariff: 'second', lcr: 'main', postpaid: true, credit: '2', balance: '0' },
    { username: 'unlimited', tariff: 'second', lcr: 'main', postpaid: true, credit: 'unlimited', balance: '-3' },
    { username: 'daily', tariff: 'second', lcr: 'main', postpaid: true, credit: 'unlimited', balance: '0', dailyLimit: '8', timeZone: 'Asia/Kolkata' },
    { username: 'stepped', tariff: 'steps', lcr: 'main', balance: '3.4' },
    { username: 'owner', tariff: 'second', lcr: 'main', balance: '3.2' },
    { username: 'topped', tariff: 'second', lcr: 'main', balance: '2' },
  ],
  devices: [...Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip)), byAddress('phone', 'owner', phone.ip, { port: phone.port })],
  dids: [Object.assign({ did: '4401', ownerTariff: 'did second' }, { status: 'active', provider: 'carrier', user: 'owner', device: 'phone' })],
};

// Slices of three seconds, so that calls are extended while the test looks on.
const stage = await openStage({ tenant, settings: { reservation: { mode: 'slice', sliceS: 3, extendBeforeS: 1 } } });
t.teardown(async () => {
  await stage.close();
  await Promise.all([far.stop(), phone.stop()]);
  await closeServers();
});

interface Talk {
  readonly from: keyof typeof IPS;
  readonly scenario: string;
  readonly values?: Record<string, number>;
  readonly to?: string;
}

function talk({ from, scenario, values = {}, to = '37061000000' }: Talk): ReturnType<typeof call> {
  return call({ scenario, target: stage.asterisk, ip: IPS[from], from: '37060000001', to, values });
}

async function settles(username: string, balance: string): Promise<void> {
  await until(async () => ((await stage.balance(username)) === balance ? undefined : `the balance of ${username} is ${await stage.balance(username)}, not ${balance}`));
}

/** How long the caller was connected, as he saw it: from the 200 to the BYE. */
function connectedMs(result: SippResult): number {
  const answered = result.messages.find((message) => message.status === 200);
  const ended = received(result, 'BYE')[0];
  return answered === undefined || ended === undefined ? Number.NaN : (ended.atMicros - answered.atMicros) / 1000;
}

t.test('money that ends', async (t) => {
  t.jobs = 4;

  t.test('a call is cut at the exact second at which the money ends, and billed to it', { buffered: true }, async (t) => {
    const result = await talk({ from: 'short', scenario: 'call-until-bye', to: '37061000001' });
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 2, bill_ms: 2000, user_price: '2.0000000000', terminated_by: 'system', hangup_cause: 16 }]);
    t.ok(connectedMs(result) > 1800 && connectedMs(result) < 3000, `connected for ${connectedMs(result)} ms`);
    const invite = far.invites().find((message) => requestUser(message) === '37061000001');
    const callId = invite === undefined ? '' : headerOf(invite, 'Call-ID');
    await until(() => (received(far, 'BYE').some((bye) => headerOf(bye, 'Call-ID') === callId) ? undefined : 'the far end got no BYE'));
    await settles('short', '0');
    const next = await talk({ from: 'short', scenario: 'any-answer' });
    t.same(finalStatuses(next), [503], 'the next one is refused');
    t.match(await stage.rowsOf(next), [{ hangup_cause: 211 }]);
  });

  t.test('slices are extended until the money ends; half a second buys nothing', { buffered: true }, async (t) => {
    const result = await talk({ from: 'slices', scenario: 'call-until-bye' });
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ billsec: 5, bill_ms: 5000, user_price: '5.0000000000', terminated_by: 'system' }]);
    await settles('slices', '0.5');
  });

  t.test("a call is cut where the reseller's money ends, and both are billed to it", { buffered: true }, async (t) => {
    const result = await talk({ from: 'short-child', scenario: 'call-until-bye' });
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ billsec: 2, bill_ms: 2000, user_price: '2.0000000000', reseller_price: '2.0000000000', terminated_by: 'system' }]);
    await settles('short reseller', '0.7');
    await settles('short-child', '98');
  });

  t.test('fee, minimal time and increments: the last increment that is paid is the last second', { buffered: true }, async (t) => {
    // 0.5 for the fee, 1 for every 2 seconds begun: 3.4 pay 2 of them.
    const result = await talk({ from: 'stepped', scenario: 'call-until-bye' });
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ billsec: 4, bill_ms: 4000, user_billsec: 4, user_price: '2.5000000000', terminated_by: 'system' }]);
    await settles('stepped', '0.9');
  });

  t.test("a DID's owner pays the ringing too: the talk is cut where his money ends", { buffered: true }, async (t) => {
    const result = await call({ scenario: 'call-until-bye', target: stage.asterisk, ip: far.ip, from: '4930123456', to: '4401' });
    t.equal(result.exitCode, 0, result.errors);
    const [row = {}] = await stage.rowsOf(result);
    const rangS = Math.ceil((Number(row['answer_time']) - Number(row['calldate'])) / 1000);
    t.match(row, { bill_ms: (3 - rangS) * 1000, did_billsec: 3, did_price: '3.0000000000', terminated_by: 'system' });
    await settles('owner', '0.2');
  });

  t.test('a postpaid call is cut at the credit limit', { buffered: true }, async (t) => {
    const result = await talk({ from: 'credit', scenario: 'call-until-bye' });
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ billsec: 2, user_price: '2.0000000000', terminated_by: 'system' }]);
    await settles('credit', '-2');
  });

  t.test('money paid in during a call counts at once: it goes on', { buffered: true }, async (t) => {
    const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS.topped, from: '37060000001', to: '37061000000' });
    await until(() => (finalStatuses(caller)[0] === 200 ? undefined : 'not answered yet'));
    await stage.db.query(`select change_balance('user', id, 3, 'payment', 'voucher 1') from users where username = 'topped'`);
    const result = await caller.done;
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ billsec: 5, bill_ms: 5000, user_price: '5.0000000000', terminated_by: 'system' }]);
    await settles('topped', '0');
  });

  t.test('a free destination needs no balance', { buffered: true }, async (t) => {
    const result = await talk({ from: 'free', scenario: 'call', values: { holdMs: 200 } });
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', user_price: '0.0000000000' }]);
  });

  t.test('unlimited credit is never too low', { buffered: true }, async (t) => {
    const result = await talk({ from: 'unlimited', scenario: 'call', values: { holdMs: 1300 } });
    t.equal(result.exitCode, 0, result.errors);
    t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 2, user_price: '2.0000000000' }]);
    await settles('unlimited', '-5');
  });

  t.test('refusals by money', { buffered: true }, async (t) => {
    for (const [from, cause] of [['poor', 211], ['dust', 210], ['child', 215]] as const) {
      const result = await talk({ from, scenario: 'any-answer' });
      t.same(finalStatuses(result), [503], from);
      t.match(await stage.rowsOf(result), [{ hangup_cause: cause, disposition: 'FAILED' }], `${from}: ${cause}`);
    }
  });
});

t.test('calls at once share one balance to the last unit and never overdraw it', async (t) => {
  // 7 units hold two slices of 3 and one second of a third call; of 5 calls 2 find nothing. Where the first extends its slice
  // before the others are there, one more finds nothing.
  const caller = await startCaller({ scenario: 'any-answer', target: stage.asterisk, ip: IPS.many, from: '37060000001', to: '37061000000', calls: 5, ratePerSecond: 50, values: { holdMs: 6000 } });
  const payer = `tollgate:payer:${await stage.userId('many')}`;
  await until(async () => ((await stage.redis.hget(payer, 'reserved')) === '7000000' ? undefined : `${await stage.redis.hget(payer, 'reserved')} millionths are on hold, not 7 units`));
  const rows = await stage.rowsOf(await caller.done);
  const outcomes = rows.map((row) => `${String(row['disposition'])} ${String(row['hangup_cause'])}`).sort();
  const answered = outcomes.filter((outcome) => outcome === 'ANSWERED 16').length;
  t.ok(answered === 3 || answered === 2, outcomes.join());
  t.same(outcomes.slice(answered), Array.from({ length: 5 - answered }, () => 'FAILED 212'));
  t.equal(rows.reduce((seconds, row) => seconds + Number(row['billsec']), 0), 7, 'together 7 units');
  await settles('many', '0');
});

t.test('the daily limit cuts all calls of the user, refuses further ones, and ends with the day', async (t) => {
  const cut = await call({ scenario: 'call-until-bye', target: stage.asterisk, ip: IPS.daily, from: '37060000001', to: '37061000000', calls: 2, ratePerSecond: 50 });
  t.equal(cut.exitCode, 0, cut.errors);
  const rows = await stage.rowsOf(cut);
  // Who gets the last two units is whoever asks first.
  t.match(rows, Array.from({ length: 2 }, () => ({ disposition: 'ANSWERED', terminated_by: 'system' })));
  t.equal(rows.reduce((seconds, row) => seconds + Number(row['billsec']), 0), 8, 'together 8 units');
  await settles('daily', '-8');
  const refused = await talk({ from: 'daily', scenario: 'any-answer' });
  t.same(finalStatuses(refused), [403]);
  t.match(await stage.rowsOf(refused), [{ hangup_cause: 290, disposition: 'FAILED' }]);
  // The day ends.
  const payer = `tollgate:payer:${await stage.userId('daily')}`;
  await stage.db.query(`update users set spent_until = now() where username = 'daily'`);
  const day = async (): Promise<number> => Number((await stage.redis.hget(payer, 'day'))?.split(' ')[2]);
  await until(async () => ((await day()) <= Date.now() ? undefined : 'Redis does not know'));
  const result = await talk({ from: 'daily', scenario: 'call', values: { holdMs: 700 } });
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 1 }]);
});

t.test('nothing is held any more, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});
