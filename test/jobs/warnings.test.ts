/** Warnings from the balance to the mail that came, over real Postgres, Redis, mail server and web server. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { askForSweep, Warnings } from '../../jobs/warnings.ts';
import type { WarningOptions } from '../../jobs/warnings.ts';
import { importTenant } from '../../store/import/import.ts';
import { ImportError } from '../../store/import/problem.ts';
import { PROGRAM } from '../cli/program.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { MailServer } from '../lab/mail-server.ts';
import { until } from '../lab/wait.ts';
import { closeServers, connect, connectToRedis, freshDatabase, freshRedis, memoryLog } from '../store/servers.ts';

const [postgresUrl, redisUrl, server] = [await freshDatabase(), await freshRedis(), await MailServer.start()];
const db = await connect(postgresUrl);
const redis = connectToRedis(redisUrl);
const { log, lines } = memoryLog();

const requests: string[] = [];
let status = 200;
const web = createServer((request, response) => {
  requests.push(request.url ?? '');
  response.writeHead(status).end();
});
web.listen(0, '127.0.0.1');
await once(web, 'listening');
const webUrl = `http://127.0.0.1:${(web.address() as AddressInfo).port}/low`;

const OPTIONS: WarningOptions = {
  postgresUrl, redisUrl, sweepMinutes: 60, log,
  mail: { host: '127.0.0.1', port: server.port, secure: false, requireTls: false, username: '', password: '', from: 'billing@tel.example', company: 'Tel', timeoutMs: 5000, attempts: 3, retryS: 1 },
  webhook: { timeoutMs: 2000, allow: ['127.0.0.1'], attempts: 3, retryS: 1 },
};

const folder = newFolder('warnings');
async function importText(tenant: object): Promise<unknown> {
  const file = join(folder, 'tenant.yaml');
  writeFileSync(file, JSON.stringify(tenant));
  return importTenant(file, { postgresUrl, separators: { separator: ',', decimal: '.' } });
}

await importText({
  users: [
    { username: 'admin', email: 'admin@tel.example' },
    { username: 'ann', type: 'accountant', email: 'ann@tel.example' },
    { username: 'rita', type: 'reseller', email: 'rita@tel.example', balance: '100' },
    { username: 'alice', accountant: 'ann', firstName: 'Alice', lastName: '<b>O\'Hara</b>', email: 'old@tel.example', balance: '10', timeZone: 'Europe/Vilnius', warning: { enabled: true, threshold: '5', email: 'alice@tel.example; alice2@tel.example', webhook: `${webUrl}?key=7` } },
    { username: 'bob', owner: 'rita', email: 'bob@tel.example', balance: '1', warning: { enabled: true, threshold: '5' } },
    { username: 'dora', email: 'dora@tel.example', balance: '1', warning: { enabled: true, threshold: '5', mode: 'daily', hour: new Date().getUTCHours() } },
    { username: 'off', email: 'off@tel.example', balance: '1', warning: { enabled: false, threshold: '5' } },
  ],
});

let warnings = new Warnings(OPTIONS);
t.teardown(async () => {
  await warnings.close();
  await server.stop();
  web.close();
  await closeServers();
});

async function change(username: string, amount: number): Promise<void> {
  await db.query(`select change_balance('user', (select id from users where username = $1), $2, 'payment')`, [username, amount]);
}

/** The sweep is over, and what it found is delivered or given up. */
async function swept(): Promise<void> {
  const before = (await db.query<{ at: Date | null }>('select (select at from warning_sweeps) as at')).rows[0]?.at ?? null;
  await askForSweep(redisUrl);
  await until(async () => {
    const { rows } = await db.query<{ at: Date | null; open: number }>(`select (select at from warning_sweeps) as at, (select count(*)::int from warning_deliveries where state in ('queued', 'handed')) as open`);
    if (rows[0]?.at?.getTime() === before?.getTime()) return 'nobody has looked yet';
    return rows[0]?.open === 0 ? undefined : `${rows[0]?.open} are not delivered`;
  }, { timeoutMs: 30_000 });
}

const boxes = (): string[] => server.mails.map(({ to }) => to.join()).sort();

t.test('below: user, admin and accountant, or user and reseller; each address its mail; one at his hour', async (t) => {
  await db.query(`insert into warning_sweeps (at) values (date_trunc('hour', now()) - interval '1 minute')`);
  await change('alice', -6);
  await swept();
  t.strictSame(boxes(), ['admin@tel.example', 'admin@tel.example', 'alice2@tel.example', 'alice@tel.example', 'ann@tel.example', 'bob@tel.example', 'dora@tel.example', 'rita@tel.example']);
  const [mail] = server.to('alice@tel.example');
  t.match(mail, { from: 'billing@tel.example', subject: 'Your balance is low', text: /Dear Alice <b>O'Hara<\/b>,[^]*alice is 4.00 USD, below 5.00 USD/ });
  t.match(server.to('ann@tel.example')[0], { subject: 'Balance of alice is low', text: /alice \(Alice/ });
  t.match(server.to('rita@tel.example')[0], { subject: 'Balance of bob is low' });
});

t.test('the webhook, behind the query that its URL has', async (t) => {
  t.equal(requests.length, 1);
  const query = new URL(requests[0] ?? '', webUrl).searchParams;
  t.match(Object.fromEntries(query), { key: '7', event: 'warning_balance', username: 'alice', balance: '4.0000000000', warning_balance: '5.0000000000', currency: 'USD' });
});

t.test('once: not again while he is below; again when he was above, if only between two looks', async (t) => {
  await swept();
  const before = server.to('alice@tel.example').length;
  t.equal(before, 1);
  await change('alice', 10);
  await swept();
  t.equal(server.to('alice@tel.example').length, 1);
  await change('alice', -10);
  await swept();
  t.equal(server.to('alice@tel.example').length, 2, 'seen above');
  await change('alice', 1);
  await change('alice', -1);
  await swept();
  t.equal(server.to('alice@tel.example').length, 3, 'at the threshold between two looks');
  await swept();
  t.equal(server.to('alice@tel.example').length, 3);
  t.equal(new Set(server.mails.map(({ id }) => id)).size, server.mails.length, 'each mail has its own id');
  t.equal(server.to('dora@tel.example').length, 1);
  t.equal(server.to('off@tel.example').length, 0);
});

t.test('several daemons, several sweeps at once, an emptied queue: each mail once', async (t) => {
  const others = [new Warnings(OPTIONS), new Warnings(OPTIONS)];
  await change('alice', 20);
  await swept();
  await change('alice', -20);
  await Promise.all(Array.from({ length: 12 }, async () => askForSweep(redisUrl)));
  await swept();
  t.equal(server.to('alice@tel.example').length, 4);
  await change('alice', 20);
  await swept();
  await change('alice', -20);
  await redis.flushdb();
  await swept();
  await swept();
  t.equal(server.to('alice@tel.example').length, 5);
  await Promise.all(others.map((other) => other.close()));
});

t.test('a server that refuses for now is tried again; one that refuses for ever is not; both are seen', async (t) => {
  let refusals = 0;
  server.rules = {
    recipient: (to) => (to === 'ann@tel.example' ? { code: 550, words: 'no such box' } : null),
    mail: ({ to }) => (to.includes('alice@tel.example') && (refusals += 1) < 3 ? { code: 451, words: 'later' } : null),
  };
  const before = [server.to('alice@tel.example').length, server.to('ann@tel.example').length];
  await change('alice', 20);
  await swept();
  await change('alice', -20);
  await swept();
  server.rules = {};
  t.equal(refusals, 3);
  t.strictSame([server.to('alice@tel.example').length, server.to('ann@tel.example').length], [(before[0] ?? 0) + 1, before[1]]);
  const { rows } = await db.query(`select address, state, attempts, answer from warning_deliveries where state = 'failed' or address = 'alice@tel.example' order by id desc limit 2`);
  t.match(rows, [{ address: 'ann@tel.example', state: 'failed', attempts: 1, answer: /no such box/ }, { address: 'alice@tel.example', state: 'sent', attempts: 3, answer: /^250/ }]);
  t.equal(lines.filter(({ level, sentence }) => level === 'error' && /could not be delivered/.test(sentence)).length, 1);
});

t.test('tries are bounded, and a webhook does not wait for the mail', async (t) => {
  server.rules = { recipient: () => ({ code: 451, words: 'not today' }) };
  status = 500;
  const before = requests.length;
  await change('alice', 20);
  await swept();
  await change('alice', -20);
  await swept();
  server.rules = {};
  t.equal(requests.length - before, 3);
  const ids = requests.slice(before).map((url) => new URL(url, webUrl).searchParams.get('id'));
  t.equal(new Set(ids).size, 1, 'the same id at every try');
  const { rows } = await db.query(`select distinct state, attempts from warning_deliveries where warning_id = (select max(id) from warnings)`);
  t.strictSame(rows, [{ state: 'failed', attempts: 3 }]);
  status = 200;
});

t.test('a webhook into our own house is refused, and told', async (t) => {
  await warnings.close();
  warnings = new Warnings({ ...OPTIONS, webhook: { ...OPTIONS.webhook, allow: [] } });
  const before = requests.length;
  await change('alice', 20);
  await swept();
  await change('alice', -20);
  await swept();
  t.equal(requests.length, before);
  const { rows } = await db.query(`select attempts, answer from warning_deliveries where channel = 'webhook' order by id desc limit 1`);
  t.match(rows, [{ attempts: 1, answer: /is not an address of the world \(loopback\)/ }]);
});

t.test('without a mail server webhooks alone are served', async (t) => {
  await warnings.close();
  warnings = new Warnings({ ...OPTIONS, mail: { ...OPTIONS.mail, host: '' } });
  const before = [server.mails.length, requests.length];
  await change('alice', 20);
  await swept();
  await change('alice', -20);
  await swept();
  t.strictSame([server.mails.length, requests.length - (before[1] ?? 0)], [before[0], 1]);
});

t.test('a template of the operator\'s, escaped in HTML; a name that is none is refused', async (t) => {
  await warnings.close();
  warnings = new Warnings(OPTIONS);
  await importText({ emailTemplates: [{ name: 'warning_balance_email', subject: '<%= company %>: <%= balance %>', text: 'Low:\n<%= balance %>', html: '<p><%= last_name %></p>' }] });
  const wrong = async (template: object): Promise<unknown> => importText({ emailTemplates: [template] }).catch((error: unknown) => (error instanceof ImportError ? error.problems.map(({ reason }) => reason).join() : error));
  t.match(await wrong({ name: 'warning_balance_email', text: '<%= blance %>' }), /no variable "blance".*`balance`/);
  t.match(await wrong({ name: 'warning_balance_email', text: '<%= process.exit() %>' }), /no variable "process.exit\(\)"/);
  t.match(await wrong({ name: 'warning_balance_email', subject: 'a\nBcc: x' }), /one line/);
  t.match(await wrong({ name: 'invoice', text: 'x' }), /is not one of warning_balance_email/);
  await change('alice', 20);
  await swept();
  await change('alice', -20);
  await swept();
  t.match(server.to('alice@tel.example').at(-1), { subject: 'Tel: 4.00', text: /<p>&lt;b&gt;O&#39;Hara&lt;\/b&gt;<\/p>/ });
});

t.test('the command shows who is below and what was told, failures first', async (t) => {
  const config = join(folder, 'tollgate.yaml');
  writeFileSync(config, JSON.stringify({ postgresUrl, redisUrl, asterisk: [{ id: 1, password: 'x' }], mail: { host: '127.0.0.1' } }));
  const run = (...args: readonly string[]): Promise<string> =>
    new Promise((resolve) => void execFile(process.execPath, [...PROGRAM, '--config', config, 'warnings', ...args], { cwd: fileURLToPath(new URL('../..', import.meta.url)), timeout: 60_000 }, (error, out, err) => resolve(error === null ? out : err)));
  const shown = JSON.parse(await run('--json')) as { low: unknown[]; told: { state: string; address: string }[] };
  t.match(shown.low, [{ username: 'bob', balance: '1', threshold: '5', warned: true }, { username: 'dora', mode: 'daily' }, { username: 'alice', balance: '4', warned: true }]);
  t.equal(shown.told[0]?.state, 'failed');
  t.notMatch(JSON.stringify(shown.told), /key=7/, 'a query may hold a secret');
  t.match(await run(), /FAILED/);
  t.match(await run('--sweep'), /looks at all balances now/);
  t.match(await run('--most', '0'), /must be a whole number/);
});

t.test('its health tells what waits and what failed', async (t) => {
  await warnings.close();
  warnings = new Warnings(OPTIONS);
  await until(() => (warnings.health().failed > 0 ? undefined : 'it has not looked yet'));
  t.match(warnings.health(), { mail: true, queued: 0, unknown: 0, reason: '' });
});
