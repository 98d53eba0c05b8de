/** Who the far end is told is calling: the caller's own number, name and privacy, or what the device or the provider puts in their place. */
import t from 'tap';
import type { Test } from 'tap';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import type { CallerOptions, SippResult } from '../lab/sipp.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, waysByNumber } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const OPEN = '127.0.1.1';
const OWN = '127.0.1.2';
const NUMBER_ONLY = '127.0.1.3';

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.1' });
const refusing = await startPeer({ scenario: 'peer-refuse', values: { status: 503 }, ip: '127.0.2.2' });
const at = { host: far.ip, port: far.port, tariff: 'buy' };

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'plain', ...at },
    { name: 'with its own', ...at, callerIdNumber: '37052222222', callerIdName: 'Carrier' },
    { name: 'with its own, refusing', ...at, port: refusing.port, host: refusing.ip, callerIdNumber: '37052222222', callerIdName: 'Carrier' },
    { name: 'with a user of its own', ...at, fromUser: 'account77', fromDomain: 'sip.example.com' },
  ],
  ...waysByNumber({ 3706001: ['plain'], 3706002: ['with its own'], 3706003: ['with its own, refusing', 'plain'], 3706004: ['with a user of its own'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [
    byAddress('open', 'ada', OPEN, { location: 'by number' }),
    byAddress('own', 'ada', OWN, { location: 'by number', callerIdNumber: '37051111111', callerIdName: 'Ada Ltd' }),
    byAddress('number-only', 'ada', NUMBER_ONLY, { location: 'by number', callerIdNumber: '37051111112' }),
  ],
};

const stage = await openStage({ tenant });

interface Shown {
  readonly from: string | undefined;
  readonly pai: string | undefined;
  readonly privacy: string | undefined;
}

/** The host of a URI and the tag are of no interest. */
function party(header: string | undefined): string | undefined {
  return header?.replace(/@[^>]*>.*$/, '>');
}

async function dial(t: Test, to: string, more: Partial<CallerOptions> = {}): Promise<{ result: SippResult; shown: Shown }> {
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: OPEN, from: '37061111111', fromName: 'Ada', to, ...more });
  t.same(finalStatuses(result), [200], result.errors);
  const invite = far.invites().find((message) => requestUser(message) === to);
  if (invite === undefined) throw new Error('The far end got no INVITE.');
  return { result, shown: { from: party(headerOf(invite, 'From')), pai: party(headerOf(invite, 'P-Asserted-Identity')), privacy: headerOf(invite, 'Privacy') } };
}

t.test('calls', async (t) => {
  t.jobs = 4;

  t.test("the caller's own number and name pass", { buffered: true }, async (t) => {
    const { result, shown } = await dial(t, '37060010001');
    t.same(shown, { from: '"Ada" <sip:37061111111>', pai: '"Ada" <sip:37061111111>', privacy: undefined });
    t.match(await stage.rowsOf(result), [{ src: '37061111111', clid: '"Ada" <37061111111>' }]);
  });

  t.test('a caller without a name shows none', { buffered: true }, async (t) => {
    const { result, shown } = await dial(t, '37060010002', { from: '37061111112', fromName: '' });
    t.same(shown, { from: '<sip:37061111112>', pai: '<sip:37061111112>', privacy: undefined });
    t.match(await stage.rowsOf(result), [{ src: '37061111112', clid: '37061111112' }]);
  });

  t.test("the device's number and name stand in place of the caller's, in the CDR too", { buffered: true }, async (t) => {
    const { result, shown } = await dial(t, '37060010003', { ip: OWN });
    t.same(shown, { from: '"Ada Ltd" <sip:37051111111>', pai: '"Ada Ltd" <sip:37051111111>', privacy: undefined });
    t.match(await stage.rowsOf(result), [{ src: '37051111111', clid: '37051111111' }]);
  });

  t.test("a device's number alone takes the caller's name away with his number", { buffered: true }, async (t) => {
    const { shown } = await dial(t, '37060010004', { ip: NUMBER_ONLY });
    t.same(shown, { from: '<sip:37051111112>', pai: '<sip:37051111112>', privacy: undefined });
  });

  t.test("the provider's number and name stand in place of the caller's", { buffered: true }, async (t) => {
    const { result, shown } = await dial(t, '37060020001');
    t.same(shown, { from: '"Carrier" <sip:37052222222>', pai: '"Carrier" <sip:37052222222>', privacy: undefined });
    t.match(await stage.rowsOf(result), [{ src: '37061111111' }]);
  });

  t.test("the provider's stand in place of the device's too", { buffered: true }, async (t) => {
    const { shown } = await dial(t, '37060020002', { ip: OWN });
    t.same(shown.from, '"Carrier" <sip:37052222222>');
  });

  t.test("one provider's number does not stay for the next", { buffered: true }, async (t) => {
    const { shown } = await dial(t, '37060030001');
    t.same(shown, { from: '"Ada" <sip:37061111111>', pai: '"Ada" <sip:37061111111>', privacy: undefined });
    const first = refusing.invites().find((message) => requestUser(message) === '37060030001');
    t.equal(party(first === undefined ? '' : headerOf(first, 'From')), '"Carrier" <sip:37052222222>');
  });

  t.test('a provider that knows us by a user name gets it, and the caller in P-Asserted-Identity', { buffered: true }, async (t) => {
    const { shown } = await dial(t, '37060040001');
    t.same(shown, { from: '<sip:account77>', pai: '"Ada" <sip:37061111111>', privacy: undefined });
  });

  t.test('privacy passes: the provider is told who calls, and to keep it', { buffered: true }, async (t) => {
    const headers = ['P-Asserted-Identity: "Ada" <sip:37061111113@127.0.1.1>', 'Privacy: id'];
    const { result, shown } = await dial(t, '37060010005', { from: 'anonymous', fromName: 'Anonymous', headers });
    t.same(shown, { from: '"Anonymous" <sip:anonymous>', pai: '"Ada" <sip:37061111113>', privacy: 'id' });
    t.match(await stage.rowsOf(result), [{ src: '37061111113' }]);
  });

  t.test('privacy passes also where the number is replaced', { buffered: true }, async (t) => {
    const { shown } = await dial(t, '37060020003', { headers: ['P-Asserted-Identity: "Ada" <sip:37061111114@127.0.1.1>', 'Privacy: id'] });
    t.same(shown, { from: '"Anonymous" <sip:anonymous>', pai: '"Carrier" <sip:37052222222>', privacy: 'id' });
  });

  t.test('a caller without any number is anonymous, and stays so', { buffered: true }, async (t) => {
    const { result, shown } = await dial(t, '37060010006', { from: 'anonymous', fromName: 'Anonymous' });
    t.match(shown.from, /anonymous/i);
    t.match(await stage.rowsOf(result), [{ src: 'anonymous' }]);
  });
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await Promise.all([far.stop(), refusing.stop()]);
  await closeServers();
});
