/** One request to a real server: what it gets, what is refused, and that nothing hangs. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { postWebhook, shownUrl } from '../../jobs/webhook.ts';

interface Got {
  readonly method: string;
  readonly url: string;
  readonly length: string;
  readonly host: string;
}

const got: Got[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => void response.end('ok');
const server = createServer((request, response) => {
  got.push({ method: request.method ?? '', url: request.url ?? '', length: request.headers['content-length'] ?? '', host: request.headers.host ?? '' });
  answer(request, response);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;
t.teardown(() => {
  server.closeAllConnections();
  server.close();
});

const OPEN = { timeoutMs: 1000, allow: ['127.0.0.0/8', '::1'] };
const VALUES = { event: 'warning_balance', username: 'a&b=c d', balance: '4.5' };

t.test('POST without a body, what is told behind the query that is there', async (t) => {
  t.strictSame(await postWebhook(`http://127.0.0.1:${port}/low?key=1#part`, VALUES, OPEN), { kind: 'delivered', answer: '200' });
  t.strictSame(got, [{ method: 'POST', url: '/low?key=1&event=warning_balance&username=a%26b%3Dc+d&balance=4.5', length: '0', host: `127.0.0.1:${port}` }]);
});

t.test('never into our own house, unless it is allowed: by address, by name, and as a number', async (t) => {
  const before = got.length;
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '0.0.0.0', '169.254.169.254']) {
    t.match(await postWebhook(`http://${host}:${port}/`, VALUES, { ...OPEN, allow: [] }), { kind: 'refused', permanent: true, reason: /is not an address of the world/ }, host);
  }
  t.equal(got.length, before, 'nothing came');
  t.match(await postWebhook(`http://localhost:${port}/`, VALUES, OPEN), { kind: 'delivered' });
  t.match(got.at(-1), { host: `localhost:${port}` });
});

t.test('what is no web address', async (t) => {
  for (const address of ['ftp://example.com/', 'file:///etc/passwd', 'javascript:alert(1)', 'nonsense', '']) t.match(await postWebhook(address, VALUES, OPEN), { kind: 'refused', permanent: true }, address);
});

t.test('a redirect is not followed, wherever it leads', async (t) => {
  const before = got.length;
  for (const status of [301, 302, 307, 308]) {
    answer = (_request, response) => void response.writeHead(status, { location: `http://127.0.0.1:${port}/secret?token=1` }).end();
    const outcome = await postWebhook(`http://127.0.0.1:${port}/`, VALUES, OPEN);
    t.match(outcome, { kind: 'refused', permanent: true, reason: /redirects.*not followed/ });
    t.notMatch(JSON.stringify(outcome), /token/);
  }
  t.equal(got.length, before + 4);
});

t.test('statuses: what may be tried again, and what not', async (t) => {
  for (const [status, kind, permanent] of [[204, 'delivered', undefined], [500, 'refused', false], [503, 'refused', false], [429, 'refused', false], [408, 'refused', false], [404, 'refused', true], [410, 'refused', true]] as const) {
    answer = (_request, response) => void response.writeHead(status).end();
    t.match(await postWebhook(`http://127.0.0.1:${port}/`, VALUES, OPEN), permanent === undefined ? { kind } : { kind, permanent }, String(status));
  }
});

const never = (): void => undefined;
const drip = (_request: IncomingMessage, response: ServerResponse): void => {
  const timer = setInterval(() => response.socket?.write('X'), 20);
  response.socket?.on('close', () => clearInterval(timer));
};
const end = (request: IncomingMessage): void => void request.socket.destroy();

t.test('a server that hangs, drips its headers, ends at once, or answers without end: none lasts', async (t) => {
  for (const way of [never, drip, end]) {
    answer = way;
    const started = performance.now();
    t.match(await postWebhook(`http://127.0.0.1:${port}/`, VALUES, { ...OPEN, timeoutMs: 300 }), { kind: 'refused', permanent: false });
    t.ok(performance.now() - started < 1500, `${Math.round(performance.now() - started)} ms`);
  }
  answer = (_request, response) => {
    response.writeHead(200);
    const pour = (): void => {
      if (!response.destroyed && response.write('x'.repeat(65_536))) setImmediate(pour);
    };
    pour();
  };
  t.match(await postWebhook(`http://127.0.0.1:${port}/`, VALUES, OPEN), { kind: 'delivered' }, 'its body is not read');
});

t.test('a log shows neither query nor password', async (t) => {
  t.equal(shownUrl('https://user:secret@example.com:8443/low?token=1#x'), 'https://example.com:8443/low');
  t.equal(shownUrl('nonsense'), 'an address that is none');
});
