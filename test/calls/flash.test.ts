/** Flash calls by real SIP: recognised to ten milliseconds, billed at their price, counted, and never beyond the money. */
import t from 'tap';
import { call, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { messagesOf } from './trace.ts';

const RING_MS = 200;
/** What the clock must be exact to. */
const EXACT_MS = 10;
const FLASH = { enabled: true, price: '0.05', ringMs: RING_MS };
const IPS = { ada: '127.0.1.1', plain: '127.0.1.2', poor: '127.0.1.3' };
const ringing = await startPeer({ scenario: 'peer-ring', ip: '127.0.2.1' });
const early = await startPeer({ scenario: 'peer-early-media', values: { ringMs: 5000 }, ip: '127.0.2.2' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.001' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.002' }] },
  ],
  providers: [
    { name: 'ringing', host: ringing.ip, port: ringing.port, tariff: 'buy' },
    { name: 'early', host: early.ip, port: early.port, tariff: 'buy' },
  ],
  lcrs: [lcr('ringing', 'ringing'), lcr('early', 'early')],
  locations: [{ name: 'by number', rules: [{ name: 'early', cut: '3702', add: '3702', lcr: 'early' }] }],
  users: [
    { username: 'seller', type: 'reseller', tariff: 'sell', balance: '1' },
    { username: 'ada', owner: 'seller', tariff: 'sell', lcr: 'ringing', balance: '10', flashCalls: FLASH },
    { username: 'plain', tariff: 'sell', lcr: 'ringing', balance: '10', flashCalls: { ...FLASH, enabled: false } },
    { username: 'poor', tariff: 'sell', lcr: 'ringing', balance: '0.12', flashCalls: FLASH },
  ],
  devices: Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip, { location: 'by number' })),
};

const stage = await openStage({ tenant, settings: { calls: { flashAlarmPerHour: 3 } } });
t.teardown(async () => {
  await stage.close();
  await Promise.all([ringing.stop(), early.stop()]);
  await closeServers();
});

function cancelAfter(ms: number, to: string, more: { readonly from?: string; readonly ip?: string; readonly calls?: number } = {}): Promise<SippResult> {
  return call({ scenario: 'cancel', target: stage.asterisk, ip: IPS.ada, from: '37060000001', to, ...more, values: { cancelAfterMs: ms } });
}

/** From the ringing that the caller received to the CANCEL that he sent, as the wire saw it. */
function ringMsOnTheWire(result: SippResult): number {
  const messages = messagesOf(result);
  const rang = messages.find((message) => message.direction === 'received' && (message.status === 180 || message.status === 183));
  const cancel = messages.find((message) => message.direction === 'sent' && message.method === 'CANCEL');
  if (rang === undefined || cancel === undefined) throw new Error(`No ringing or no CANCEL: ${result.errors}`);
  return (cancel.atMicros - rang.atMicros) / 1000;
}

async function onlyRow(result: SippResult): Promise<Row> {
  const [row, ...more] = await stage.rowsOf(result);
  if (row === undefined || more.length > 0) throw new Error(`${more.length + 1} rows, not one`);
  return row;
}

/** Some far from the time on either side, and some that cancel hardly before it. */
const CANCELLED_AFTER_MS = [40, 120, 188, 189, 190, 190, 191, 192, 215, 230, 300];

for (const [name, to] of [['ringing', '37061000001'], ['early media', '37020000001']] as const) {
  t.test(`${name}: a cancel before the time makes a flash call, one after it does not, exact to ${EXACT_MS} ms`, async (t) => {
    const decided: { readonly ms: number; readonly flash: boolean }[] = [];
    for (const ms of CANCELLED_AFTER_MS) {
      const result = await cancelAfter(ms, to);
      t.equal(result.exitCode, 0, result.errors);
      const row = await onlyRow(result);
      const flash = row['flash_call'] === true;
      t.match(row, { disposition: 'NO ANSWER', hangup_cause: 241, billsec: 0, terminated_by: 'originator' });
      t.equal(row['user_price'], flash ? '0.0500000000' : '0.0000000000');
      t.equal(row['reseller_price'], '0.0000000000');
      decided.push({ ms: ringMsOnTheWire(result), flash });
    }
    // Asterisk rings before the caller hears of it and learns of the cancel after him, on a busy machine long after: that makes the
    // ringing longer, never shorter. So no call that rang for longer is a flash call, and one delay cannot hide that the others are.
    const shown = decided.map(({ ms, flash }) => `${ms.toFixed(1)} ${flash ? 'flash' : 'not'}`).join(', ');
    t.same(decided.filter(({ ms, flash }) => flash && ms > RING_MS + EXACT_MS), [], `none that rang for longer is: ${shown}`);
    t.ok(decided.some(({ ms, flash }) => !flash && ms > RING_MS), `and some rang for longer: ${shown}`);
    t.ok(decided.some(({ ms, flash }) => flash && ms < RING_MS / 2), `a short one is: ${shown}`);
    t.ok(decided.some(({ ms, flash }) => flash && ms > RING_MS - EXACT_MS), `and one just before the time: ${shown}`);
  });
}

t.test('many at once are told apart as well, and counted by their numbers within the hour', async (t) => {
  const results = await Promise.all([cancelAfter(60, '37065550001', { from: '37060000099', calls: 5 }), cancelAfter(400, '37065550002', { from: '37060000099', calls: 5 })]);
  for (const result of results) t.equal(result.exitCode, 0, result.errors);
  const [flash, long] = [await stage.rowsOf(results[0]), await stage.rowsOf(results[1])];
  t.same(flash.map((row) => row['flash_call']), Array.from({ length: 5 }, () => true));
  t.same(long.map((row) => row['flash_call']), Array.from({ length: 5 }, () => false));
  const sum = async (pattern: string): Promise<number> => {
    // The test may run over the end of an hour.
    const keys = await stage.redis.keys(pattern);
    const counts = await Promise.all(keys.map(async (key) => Number(await stage.redis.get(key))));
    return counts.reduce((all, one) => all + one, 0);
  };
  t.equal(await sum('tollgate:flash:src:37060000099:*'), 5);
  t.equal(await sum('tollgate:flash:dst:37065550001:*'), 5);
  t.equal(await sum('tollgate:flash:dst:37065550002:*'), 0);
  const told = stage.log.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => /Many flash calls/.test(String(line['msg'])) && line['src'] === '37060000099');
  t.ok(told.length >= 1 && told.length <= 2, 'told when the threshold was reached, not at each call');
  t.match(told[0], { level: 40, dst: '37065550001', fromSource: 3, toDestination: 3 });
});

t.test('a user without the option pays nothing', async (t) => {
  const result = await cancelAfter(50, '37061000001', { ip: IPS.plain });
  t.match(await onlyRow(result), { flash_call: false, user_price: '0.0000000000' });
});

t.test('many at once cannot overdraw: the price of each is held from the start', async (t) => {
  const result = await cancelAfter(100, '37061000009', { ip: IPS.poor, calls: 5 });
  const rows = await stage.rowsOf(result);
  const flash = rows.filter((row) => row['flash_call'] === true);
  t.equal(flash.length, 2, 'two are paid by 0.12');
  t.same(rows.filter((row) => row['flash_call'] !== true).map((row) => [row['disposition'], row['hangup_cause']]), Array.from({ length: 3 }, () => ['FAILED', 212]));
  await stage.quiet();
  t.equal(await stage.balance('poor'), '0.02');
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  await audit(t, stage);
  t.same(stage.complaints(), []);
});
