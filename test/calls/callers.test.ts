/** Who is calling, by real SIP: devices behind one address by tech prefix and port, callers behind a trunk, extensions. */
import t from 'tap';
import { requestUser } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import type { CallerOptions, SippResult } from '../lab/sipp.ts';
import { freePort } from '../lab/ports.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';

const SHARED = '127.0.1.1';
const TRUNK = '127.0.1.2';
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });
const kitchen = await startPeer({ scenario: 'peer-answer', values: { ringMs: 50 }, ip: '127.0.1.3' });
const OWN_PORT = await freePort();

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: ['red', 'blue', 'green', 'office'].map((username) => ({ username, tariff: 'sell', lcr: 'main', balance: '10' })),
  devices: [
    byAddress('red', 'red', SHARED, { techPrefix: '77#' }),
    byAddress('blue', 'blue', SHARED, { techPrefix: '7' }),
    byAddress('green', 'green', SHARED, { port: OWN_PORT }),
    byAddress('pbx', 'office', TRUNK, { trunk: true, ani: true }),
    { endpoint: 'boss', user: 'red', auth: 'password', password: 'boss-password', clis: ['37050000007', '101'] },
    byAddress('kitchen', 'office', kitchen.ip, { port: kitchen.port, extension: '102' }),
  ],
};

const stage = await openStage({ tenant });
t.teardown(async () => {
  await stage.close();
  await Promise.all([far.stop(), kitchen.stop()]);
  await closeServers();
});

function dial(to: string, more: Partial<CallerOptions> = {}): Promise<SippResult> {
  return call({ scenario: 'any-answer', target: stage.asterisk, ip: SHARED, from: '37050000001', to, ...more, values: { holdMs: 200, ...more.values } });
}

async function whose(result: SippResult): Promise<{ user: unknown; device: unknown; cause: unknown; direction: unknown; dst: unknown }> {
  const [row, ...more] = await stage.rowsOf(result);
  t.equal(more.length, 0, 'one row');
  const { rows } = await stage.db.query<{ user: string; device: string }>('select (select username from users where id = $1) as user, (select endpoint from devices where id = $2) as device', [row?.['user_id'], row?.['device_id']]);
  return { ...(rows[0] ?? { user: null, device: null }), cause: row?.['hangup_cause'], direction: row?.['direction'], dst: row?.['localized_dst'] };
}

const NUMBER = '37060000001';

t.test('devices behind one address are told apart by tech prefix, and the far end does not hear it', async (t) => {
  t.match(await whose(await dial(`77#${NUMBER}`)), { user: 'red', device: 'red', cause: 16, dst: NUMBER });
  t.match(await whose(await dial(`7${NUMBER}`)), { user: 'blue', device: 'blue', cause: 16, dst: NUMBER });
  t.same(far.invites().map((invite) => requestUser(invite)), [NUMBER, NUMBER]);
  t.match(await whose(await dial(NUMBER)), { cause: 332 });
});

t.test('and by their port', async (t) => {
  t.match(await whose(await dial(NUMBER, { port: OWN_PORT })), { user: 'green', device: 'green', cause: 16 });
});

t.test('behind a trunk with ANI a caller is known by his number, else he is the trunk', async (t) => {
  t.match(await whose(await dial(NUMBER, { ip: TRUNK, from: '37050000007' })), { user: 'red', device: 'boss', cause: 16 });
  t.match(await whose(await dial(NUMBER, { ip: TRUNK, from: '37050000008' })), { user: 'office', device: 'pbx', cause: 16 });
});

t.test('an extension of the same user rings, and costs nothing', async (t) => {
  const before = await stage.balance('office');
  t.match(await whose(await dial('102', { ip: TRUNK })), { user: 'office', device: 'pbx', cause: 16, direction: 'local' });
  t.equal(kitchen.invites().length, 1);
  t.equal(await stage.balance('office'), before);
  t.match(await whose(await dial('7102')), { cause: 203 }, 'of another user it is a number like any other');
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  await audit(t, stage);
  t.same(stage.complaints(), []);
});
