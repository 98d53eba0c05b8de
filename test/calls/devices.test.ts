/** Devices and providers that change in Postgres while calls come in: in force within seconds, no file edited, nothing reloaded. */
import t from 'tap';
import type { Test } from 'tap';
import { freePort } from '../lab/ports.ts';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import type { SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Tenant } from './tenant.ts';
import { byAddress, lcr } from './tenant.ts';
import { finalStatuses } from './trace.ts';

/** What the product promises from commit to call. */
const IN_FORCE_MS = 5000;
const ADA = '127.0.1.1';

const carrier = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.1' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'carrier', host: carrier.ip, port: carrier.port, tariff: 'buy' }],
  lcrs: [lcr('plain', 'carrier')],
  users: [{ username: 'ada', tariff: 'sell', lcr: 'plain', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA)],
};

const stage = await openStage({ tenant });

function dial(ip: string, to: string, more: { password?: string; as?: string } = {}): Promise<SippResult> {
  const { as = 'ada', password } = more;
  const auth = password === undefined ? {} : { auth: { username: as, password } };
  return call({ scenario: 'any-answer', target: stage.asterisk, ip, from: as, to, ...auth });
}

async function register(username: string, password: string, status: number): Promise<boolean> {
  const result = await call({ scenario: 'register', target: stage.asterisk, ip: '127.0.1.9', values: { username, password, contactPort: await freePort(), status } });
  return result.exitCode === 0;
}

/** Tries until it is so; the time it took is part of the promise. */
async function comesInForce(t: Test, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const since = performance.now();
  await until(async () => ((await isSo()) ? undefined : `${what}: not yet`), { timeoutMs: 2 * IN_FORCE_MS, everyMs: 50 });
  const tookMs = Math.round(performance.now() - since);
  t.ok(tookMs <= IN_FORCE_MS, `${what}: after ${tookMs} ms`);
}

async function answered(result: Promise<SippResult>): Promise<boolean> {
  return finalStatuses(await result)[0] === 200;
}

t.test('a device that is inserted registers and calls', async (t) => {
  await stage.db.query(`insert into devices (user_id, endpoint, auth, secret) select id, 'new-phone', 'password', 'first-secret' from users where username = 'ada'`);
  await comesInForce(t, 'registration', () => register('new-phone', 'first-secret', 200));
  const result = await dial('127.0.1.9', '37060000001', { as: 'new-phone', password: 'first-secret' });
  t.same(finalStatuses(result), [200]);
  t.match((await stage.rowsOf(result))[0], { disposition: 'ANSWERED', src: 'new-phone', originator_ip: '127.0.1.9' });
});

t.test('a device known by its address that is inserted calls', async (t) => {
  await stage.db.query(`insert into devices (user_id, endpoint, auth, ip) select id, 'new-gateway', 'ip', '127.0.1.2' from users where username = 'ada'`);
  await comesInForce(t, 'call', () => answered(dial('127.0.1.2', '37060000002')));
});

t.test('a changed password holds, the old one does not', async (t) => {
  await stage.db.query(`update devices set secret = 'second-secret' where endpoint = 'new-phone'`);
  await comesInForce(t, 'new password', () => register('new-phone', 'second-secret', 200));
  t.ok(await register('new-phone', 'first-secret', 401), 'the old one is refused');
  const result = await dial('127.0.1.9', '37060000003', { as: 'new-phone', password: 'second-secret' });
  t.same(finalStatuses(result), [200]);
});

t.test('a blocked device stops, and is back when it is let in again', async (t) => {
  await stage.db.query(`update devices set blocked = true where endpoint in ('new-phone', 'new-gateway')`);
  const refusedAs = async (result: Promise<SippResult>): Promise<unknown> => {
    const done = await result;
    return finalStatuses(done)[0] === 403 ? (await stage.rowsOf(done))[0]?.['hangup_cause'] : finalStatuses(done)[0];
  };
  await comesInForce(t, 'refusal of the address', async () => (await refusedAs(dial('127.0.1.2', '37060000004'))) === 200);
  await comesInForce(t, 'refusal of the name', async () => (await refusedAs(dial('127.0.1.9', '37060000004', { as: 'new-phone' }))) === 200);
  t.notOk(await register('new-phone', 'second-secret', 200), 'it does not register');
  await stage.db.query(`update devices set blocked = false where endpoint in ('new-phone', 'new-gateway')`);
  await comesInForce(t, 'registration', () => register('new-phone', 'second-secret', 200));
  await comesInForce(t, 'call', () => answered(dial('127.0.1.2', '37060000004')));
});

t.test('a device that is changed still passes the numbers of its callers', async (t) => {
  await stage.db.query(`update devices set codecs = '{ulaw,alaw}', dtmf_mode = 'info' where endpoint = 'ada'`);
  await until(async () => (/^ *dtmf_mode *: info/m.test(await stage.asterisk.cli('pjsip show endpoint ada')) ? undefined : 'the change is not in force'), { timeoutMs: IN_FORCE_MS });
  const result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069111111', to: '37060000005' });
  t.same(finalStatuses(result), [200]);
  t.match((await stage.rowsOf(result))[0], { src: '37069111111' });
  const invite = carrier.invites().find((message) => requestUser(message) === '37060000005');
  t.match(invite === undefined ? '' : headerOf(invite, 'From'), /sip:37069111111@/);
});

t.test('a blocked user is refused with 201 although his devices are there', async (t) => {
  await stage.db.query(`update users set blocked = true where username = 'ada'`);
  let row: unknown;
  await comesInForce(t, 'refusal', async () => {
    const result = await dial(ADA, '37060000006');
    row = (await stage.rowsOf(result))[0];
    return finalStatuses(result)[0] === 403;
  });
  t.match(row, { hangup_cause: 201, disposition: 'FAILED' });
  await stage.db.query(`update users set blocked = false where username = 'ada'`);
  await comesInForce(t, 'call', () => answered(dial(ADA, '37060000006')));
});

t.test('a provider that is inserted carries calls, one that is switched off does not', async (t) => {
  const second = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.2' });
  t.teardown(() => second.stop());
  await stage.db.query('insert into providers (name, host, port, tariff_id) select $1, $2, $3, id from tariffs where name = $4', ['second', second.ip, second.port, 'buy']);
  await stage.db.query(`insert into lcr_providers (lcr_id, provider_id, priority) select l.id, p.id, -1 from lcrs l, providers p where p.name = 'second'`);
  await comesInForce(t, 'call through it', async () => (await answered(dial(ADA, '37060000007'))) && second.invites().length > 0);
  await stage.db.query(`update providers set active = false where name = 'second'`);
  await comesInForce(t, 'call past it', async () => {
    const before = second.invites().length;
    return (await answered(dial(ADA, '37060000008'))) && second.invites().length === before;
  });
});

t.test('a device that is deleted is nobody any more', async (t) => {
  await stage.quiet();
  await stage.db.query(`delete from devices where endpoint = 'new-gateway'`);
  await comesInForce(t, 'refusal', async () => finalStatuses(await dial('127.0.1.2', '37060000009'))[0] === 403);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage, { added: [{ name: 'second', tariff: 'buy' }] });
});

t.teardown(async () => {
  await stage.close();
  await carrier.stop();
  await closeServers();
});
