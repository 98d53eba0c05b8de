/** The package against servers that are no Asterisk, or not quite: none of them may end the process or hang a link. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type Test } from 'tap';
import { loadClient } from '../../engine/asterisk/ari-package.ts';
import { LINK_DEFAULTS, type LinkLog } from '../../engine/asterisk/contract.ts';
import type { SessionOptions } from '../../engine/asterisk/session.ts';
import { until } from '../lab/wait.ts';
import { ObservedLink } from './observed-link.ts';

const silent: LinkLog = { info: () => {}, warn: () => {} };

async function serve(t: Test, answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function options(url: string): SessionOptions {
  return {
    ...LINK_DEFAULTS, url, username: 'u', password: 'p', app: 'a', transport: 'ari-client', requestTimeoutMs: 100, reconnectMinMs: 10, reconnectMaxMs: 50,
    onEvent: () => {}, onConnected: () => {}, onDisconnected: () => {}, log: silent,
  };
}

const ANSWERS: Record<string, (request: IncomingMessage, response: ServerResponse) => void> = {
  'refuses with 401': (_, response) => response.writeHead(401).end('{"message":"no"}'),
  'refuses with 503': (_, response) => response.writeHead(503).end(),
  'answers with text that is no JSON': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
  'answers with JSON of another kind': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('[null, {"apis": 7}]'),
  'answers with nothing': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(),
  'cuts the connection': (_, response) => response.destroy(),
  'cuts the connection in the middle of an answer': (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"swagger', () => response.destroy());
  },
  'never answers': () => {},
};

for (const [what, answer] of Object.entries(ANSWERS)) {
  await test(`a server that ${what} is told, in time, and survived`, async (t) => {
    const url = await serve(t, answer);
    await t.rejects(loadClient(options(url)));
  });
}

await test('a server whose description turns bad after the version is tried again and again', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url?.startsWith('/ari/asterisk/info') === true) response.end('{"system":{"version":"18.1.0"}}');
    else response.writeHead(500).end('{"message":"Internal"}');
  });
  const observed = new ObservedLink({ url, username: 'u', password: 'hidden', transport: 'auto', requestTimeoutMs: 100 });
  t.teardown(() => observed.link.close());
  await until(() => (observed.log.filter((line) => line.message.includes('next try')).length >= 3 ? undefined : 'too few tries'));
  t.equal(observed.link.transport, 'ari-client');
  t.equal(observed.link.version, '18.1.0');
  t.notMatch(JSON.stringify(observed.log), /hidden/);
});

await test('two servers each get their own password', async (t) => {
  const heard: string[][] = [[], []];
  const urls = await Promise.all(heard.map((headers) => serve(t, (request, response) => {
    // The first request only asks whether the host is there.
    if (request.headers.authorization !== undefined) headers.push(request.headers.authorization);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(description(request)));
  })));
  const clients = await Promise.all(urls.map((url, n) => loadClient({ ...options(url), password: `secret${n}` })));
  for (const client of [...clients, ...clients.toReversed()]) {
    await new Promise((resolve, reject) => client._swagger.apis['asterisk']?.operations['ping']?.do({}, resolve, reject));
  }
  heard.forEach((headers, n) => t.same(headers, Array.from({ length: 4 }, () => `Basic ${btoa(`u:secret${n}`)}`)));
});

/** An API of one operation, in the form of Asterisk's. */
function description(request: IncomingMessage): object {
  const basePath = `http://${request.headers.host}/ari`;
  if (request.url === '/ari/api-docs/resources.json') return { swaggerVersion: '1.1', basePath, apis: [{ path: '/api-docs/asterisk.{format}' }] };
  const ping = { httpMethod: 'GET', nickname: 'ping', responseClass: 'void', parameters: [] };
  return { swaggerVersion: '1.1', basePath, resourcePath: '/api-docs/asterisk.{format}', apis: [{ path: '/asterisk/ping', operations: [ping] }], models: {} };
}
