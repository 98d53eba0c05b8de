/** Two daemons, and the one that is sending is killed in the middle: each mail is sent once. */
import t from 'tap';
import { askForSweep } from '../../jobs/warnings.ts';
import type { Tenant } from '../calls/tenant.ts';
import type { EngineProcess } from '../lab/engine.ts';
import { MailServer } from '../lab/mail-server.ts';
import type { Mail } from '../lab/mail-server.ts';
import { until } from '../lab/wait.ts';
import { closeServers, freshRedis } from '../store/servers.ts';
import { openFaultStage } from './stage.ts';

const USERS = 12;
const names = Array.from({ length: USERS }, (_, index) => `user${index}`);
const server = await MailServer.start();
const redisUrl = await freshRedis();

const tenant: Tenant = {
  tariffs: [], providers: [], lcrs: [], devices: [],
  users: names.map((username) => ({ username, email: `${username}@tel.example`, balance: '10', warning: { enabled: true, threshold: '5' } })),
};
const mail = { host: '127.0.0.1', port: server.port, from: 'billing@tel.example', timeoutMs: 5000, retryS: 1 };
const stage = await openFaultStage(tenant, { mail }, { daemons: 2, redisUrl });

async function states(): Promise<Record<string, number>> {
  const { rows } = await stage.db.query<{ state: string; n: number }>('select state, count(*)::int as n from warning_deliveries group by state');
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

async function drop(): Promise<void> {
  await stage.db.query(`select change_balance('user', id, 10 - balance, 'payment') from users where id > 0 and balance <> 10`);
  await askForSweep(redisUrl);
  await until(async () => {
    const { rows } = await stage.db.query<{ n: number }>('select count(*)::int as n from warning_states where warned');
    return rows[0]?.n === 0 ? undefined : 'they are not armed yet';
  }, { timeoutMs: 30_000 });
  await stage.db.query(`select change_balance('user', id, -6, 'payment') from users where id > 0`);
  await askForSweep(redisUrl);
}

/** All is sent, or given up. */
async function done(): Promise<void> {
  await until(async () => {
    const { queued = 0, handed = 0 } = await states();
    if (queued + handed === 0) return undefined;
    // Who looks after what a killed daemon left does so with each sweep, and every minute.
    if (queued === 0) await askForSweep(redisUrl);
    return `${queued} wait, ${handed} are being sent`;
  }, { timeoutMs: 90_000, everyMs: 500 });
}

async function kill(engines: readonly EngineProcess[]): Promise<void> {
  await Promise.all(engines.map((engine) => engine.kill()));
}

const [first, second] = stage.engines as [EngineProcess, EngineProcess];

t.test('killed while the server has not asked for the text yet: another sends it, once', async (t) => {
  const held: (() => void)[] = [];
  server.rules = { recipient: () => new Promise((resolve) => held.push(() => resolve(null))) };
  await drop();
  // Four at once by each daemon.
  await until(() => (held.length >= 8 ? undefined : `${held.length} mails are under way`), { timeoutMs: 20_000 });
  await first.kill();
  server.rules = {};
  for (const release of held) release();
  await done();
  t.strictSame(names.map((name) => server.to(`${name}@tel.example`).length), names.map(() => 1));
  t.strictSame(await states(), { sent: USERS });
  await first.start();
});

t.test('killed after the text was given and before the answer: it is not sent again, and that is told', async (t) => {
  const held = new Map<string, () => void>();
  server.rules = { mail: ({ to }: Mail) => new Promise((resolve) => held.set(to.join(), () => resolve(null))) };
  await drop();
  await until(() => (held.size >= 8 ? undefined : `${held.size} mails are under way`), { timeoutMs: 20_000 });
  await kill([first, second]);
  const inTheWindow = [...held.keys()];
  server.rules = {};
  for (const release of held.values()) release();
  await Promise.all([first.start(), second.start()]);
  await done();
  t.strictSame(names.map((name) => server.to(`${name}@tel.example`).length), names.map(() => 2), 'the server took all of them, each once');
  const { rows } = await stage.db.query<{ address: string }>(`select address from warning_deliveries where state = 'unknown' order by address`);
  t.strictSame(rows.map(({ address }) => address), [...inTheWindow].sort(), 'of those in the window nobody knows');
  t.match(await states(), { sent: 2 * USERS - inTheWindow.length, unknown: inTheWindow.length });
  const told = stage.engines.flatMap((engine) => engine.log()).filter(({ msg }) => /took a warning is not known/.test(String(msg)));
  t.equal(told.length, inTheWindow.length);
});

t.test('paused in the middle, and awake again when another has sent it: once', async (t) => {
  let paused = 0;
  const held: (() => void)[] = [];
  server.rules = { recipient: () => ((paused += 1) <= 8 ? new Promise((resolve) => held.push(() => resolve(null))) : null) };
  await drop();
  await until(() => (held.length >= 8 ? undefined : `${held.length} mails are under way`), { timeoutMs: 20_000 });
  first.pause();
  for (const release of held) release();
  await done();
  first.resume();
  await until(async () => ((await fetch(`${first.healthUrl}/health`)).ok ? undefined : 'it does not answer yet'));
  await askForSweep(redisUrl);
  await done();
  t.strictSame(names.map((name) => server.to(`${name}@tel.example`).length), names.map(() => 3));
});

t.test('health tells it', async () => {
  await until(async () => {
    await askForSweep(redisUrl);
    const all = await Promise.all(stage.engines.map(async ({ healthUrl }) => ((await (await fetch(`${healthUrl}/health`)).json()) as { warnings: { unknown: number; mail: boolean } }).warnings));
    // The one that looked last knows.
    return all.some(({ mail: on, unknown }) => on && unknown > 0) ? undefined : JSON.stringify(all);
  }, { timeoutMs: 30_000, everyMs: 500 });
});

t.teardown(async () => {
  await stage.close();
  await server.stop();
  await closeServers();
});
