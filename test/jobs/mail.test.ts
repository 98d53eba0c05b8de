/** One mail to a real mail server: what it gets, and what is known when something goes wrong. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import t from 'tap';
import { sendMail } from '../../jobs/mail.ts';
import type { MailSettings, Message } from '../../jobs/mail.ts';
import { MailServer } from '../lab/mail-server.ts';

const server = await MailServer.start();
t.teardown(() => server.stop());

const SETTINGS: MailSettings = { host: '127.0.0.1', port: server.port, secure: false, requireTls: false, username: '', password: '', from: 'billing@example.com', company: 'Tel & Co', timeoutMs: 2000 };
const MESSAGE: Message = { id: '<tollgate-warning-1@example.com>', to: 'ann@example.com', subject: 'Balance of ann', text: 'It is 4.50.\n.\nReally.\n', html: '' };

const asked = (answer: boolean) => {
  let times = 0;
  return { ask: async () => ((times += 1), answer), times: () => times };
};

t.test('what is sent is what comes', async (t) => {
  const leave = asked(true);
  const outcome = await sendMail(SETTINGS, { ...MESSAGE, html: '<p>4.50 ą</p>' }, leave.ask);
  t.match(outcome, { kind: 'delivered', answer: /^250/ });
  t.equal(leave.times(), 1);
  const [mail] = server.mails;
  t.match(mail, { from: 'billing@example.com', to: ['ann@example.com'], id: MESSAGE.id, subject: 'Balance of ann' });
  t.match(mail?.text, /^From: "Tel & Co" <billing@example.com>/m);
  t.match(mail?.text, /^Auto-Submitted: auto-generated/m);
  t.match(mail?.text, /^It is 4.50.\r\n.\r\nReally./m, 'a line with a dot alone ends nothing');
  t.match(mail?.text, /<p>4.50 =C4=85<\/p>/);
});

t.test('no header can be smuggled in', async (t) => {
  const before = server.mails.length;
  await sendMail({ ...SETTINGS, company: 'Tel\r\nBcc: eve@example.com' }, { ...MESSAGE, subject: 'low\r\nBcc: eve@example.com\r\n\r\nHello' }, async () => true);
  const mail = server.mails[before];
  t.strictSame(mail?.to, ['ann@example.com']);
  t.notMatch(mail?.text, /^Bcc:/im);
});

t.test('without leave nothing is sent, and the connection ends without a text', async (t) => {
  const before = [server.mails.length, server.texts];
  t.strictSame(await sendMail(SETTINGS, MESSAGE, asked(false).ask), { kind: 'taken' });
  t.match(await sendMail(SETTINGS, MESSAGE, async () => Promise.reject(new Error('Postgres is away'))), { kind: 'refused', permanent: false, reason: /Postgres is away/ });
  t.strictSame([server.mails.length, server.texts], before);
});

t.test('refusals: for now and for ever, before the text and after it', async (t) => {
  for (const [code, permanent] of [[451, false], [550, true]] as const) {
    server.rules = { recipient: () => ({ code, words: 'no such box' }) };
    const early = asked(true);
    t.match(await sendMail(SETTINGS, MESSAGE, early.ask), { kind: 'refused', permanent, reason: /no such box/ });
    t.equal(early.times(), 0, 'the text was not asked for');
    server.rules = { mail: () => ({ code, words: 'too much' }) };
    t.match(await sendMail(SETTINGS, MESSAGE, asked(true).ask), { kind: 'refused', permanent, reason: /too much/ });
  }
  server.rules = {};
});

t.test('a server that hangs: before the text it surely has nothing, after it nobody knows; and neither lasts', async (t) => {
  const started = performance.now();
  server.rules = { recipient: () => new Promise(() => undefined) };
  const early = asked(true);
  t.match(await sendMail({ ...SETTINGS, timeoutMs: 300 }, MESSAGE, early.ask), { kind: 'refused', permanent: false });
  t.equal(early.times(), 0);
  server.rules = { mail: () => new Promise(() => undefined) };
  t.match(await sendMail({ ...SETTINGS, timeoutMs: 300 }, MESSAGE, asked(true).ask), { kind: 'unknown' });
  server.rules = {};
  t.ok(performance.now() - started < 3000);
});

/** Does to each connection what is said. */
async function odd(serve: (socket: Socket) => void): Promise<{ readonly port: number; readonly server: Server }> {
  const made = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  });
  made.listen(0, '127.0.0.1');
  await once(made, 'listening');
  t.teardown(() => made.close());
  return { port: (made.address() as AddressInfo).port, server: made };
}

t.test('a server that never greets, one that drips, one that is none, and none at all', async (t) => {
  const silent = await odd(() => undefined);
  const dripping = await odd((socket) => {
    const drip = setInterval(() => socket.write('2'), 50);
    socket.on('close', () => clearInterval(drip));
  });
  const nonsense = await odd((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  const gone = await odd(() => undefined);
  await new Promise((resolve) => void gone.server.close(resolve));
  for (const port of [silent.port, dripping.port, nonsense.port, gone.port]) {
    const started = performance.now();
    t.match(await sendMail({ ...SETTINGS, port, timeoutMs: 400 }, MESSAGE, async () => true), { kind: 'refused', permanent: false });
    t.ok(performance.now() - started < 2000, `${Math.round(performance.now() - started)} ms`);
  }
});

t.test('a server that wants a password gets it; a wrong one is refused, and stands in no reason', async (t) => {
  const strict = await MailServer.start({ username: 'tollgate', password: 'hunter2' });
  const settings = { ...SETTINGS, port: strict.port, username: 'tollgate', password: 'hunter2' };
  t.match(await sendMail(settings, MESSAGE, async () => true), { kind: 'delivered' });
  const refused = await sendMail({ ...settings, password: 'hunter3' }, MESSAGE, async () => true);
  t.match(refused, { kind: 'refused', permanent: true });
  t.notMatch(JSON.stringify(refused), /hunter/);
  t.equal(strict.mails.length, 1);
  await strict.stop();
});

t.test('without TLS nothing is sent where it is required', async (t) => {
  const before = server.mails.length;
  t.match(await sendMail({ ...SETTINGS, requireTls: true }, MESSAGE, async () => true), { kind: 'refused' });
  t.equal(server.mails.length, before);
});
