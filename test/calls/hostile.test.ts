/** Numbers and names made to break something: a clean refusal with a CDR, and nothing else happens. */
import t from 'tap';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const ALICE = '127.0.1.1';
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [{ username: 'alice', tariff: 'sell', lcr: 'main', balance: '10' }],
  devices: [byAddress('alice', 'alice', ALICE)],
};

const stage = await openStage({ tenant });
t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});

/** As they stand in the request URI, and the cause of the CDR; null: Asterisk itself refuses before any channel is made. */
const NUMBERS: readonly (readonly [string, number | null])[] = [
  ['370abc600001', 207],
  ['alice', 207],
  ['370%22600001', 207],
  ["370'or'1'='1", 207],
  ['370%0d%0aX-Injected:%20yes', 207],
  ['370600001;rm%20-rf', null],
  ['370600001%3b%20drop%20table%20calls', 207],
  ['370%25600001', 207],
  ['370%F0%9F%93%9E600001', 207],
  ['370600001&PJSIP', 207],
  [`370${'6'.repeat(76)}`, 207],
  ['+', null],
];

t.test('a hostile number is refused and recorded', async (t) => {
  for (const [to, cause] of NUMBERS) {
    const before = (await stage.cdrs()).length;
    const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ALICE, from: '37060000001', to });
    const [status] = finalStatuses(result);
    t.ok(status !== undefined && status >= 400 && status < 700, `${to}: ${status}`);
    const rows = (await stage.cdrs()).slice(before);
    t.ok(rows.length <= 1, `${to}: one row at most`);
    if (cause !== null) t.match(rows, [{ disposition: 'FAILED', hangup_cause: cause, user_price: null }], `${to}: recorded with ${cause}`);
  }
  t.equal(far.invites().length, 0, 'nothing reached the far end');
});

t.test('a number longer than Asterisk carries is refused', async (t) => {
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ALICE, from: '37060000001', to: '6'.repeat(200) });
  t.same(finalStatuses(result), [403]);
  t.match(await stage.rowsOf(result), [{ hangup_cause: 207 }]);
  t.equal(far.invites().length, 0);
});

t.test('no number at all is refused with 336', async (t) => {
  const result = await call({ scenario: 'empty-number', target: stage.asterisk, ip: ALICE, from: '37060000001', to: 'nobody' });
  t.same(finalStatuses(result), [403]);
  t.match(await stage.rowsOf(result), [{ hangup_cause: 336 }]);
});

t.test("a hostile caller's name and number harm nobody, and the call goes on", async (t) => {
  const result = await call({ scenario: 'call', target: stage.asterisk, ip: ALICE, from: "3706'%3b%0d%0aX-Evil:1", fromName: "Bob'); drop table calls; --", to: '37060000777', values: { holdMs: 200 } });
  t.equal(result.exitCode, 0, result.errors);
  const [row] = await stage.rowsOf(result);
  t.match(row, { disposition: 'ANSWERED', dst: '37060000777' });
  t.match(String(row?.['src']), /^[0-9A-Za-z+*#._-]+$/, 'the number in the CDR is plain');
  const invite = far.invites().find((one) => requestUser(one) === '37060000777');
  t.equal(invite === undefined ? undefined : headerOf(invite, 'X-Evil'), undefined, 'no header was smuggled in');
});

t.test('the next caller is served as ever, and nothing is left', async (t) => {
  const result = await call({ scenario: 'call', target: stage.asterisk, ip: ALICE, from: '37060000001', to: '37060000778', values: { holdMs: 200 } });
  t.equal(result.exitCode, 0, result.errors);
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  t.same(stage.log.join('').split('').filter((character) => character < ' ' && character !== '\n'), [], 'no raw control character in the log');
  t.doesNotThrow(() => stage.asterisk.celRecords(), "Asterisk's own witness can be read");
  await audit(t, stage);
});
