/** FastAGI from whoever can reach its port, and from callers who write into Asterisk's lines. */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import t from 'tap';
import type { Test } from 'tap';
import { freePort } from '../lab/ports.ts';
import { call, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { dialOptions } from './agi-stage.ts';
import { rawCall } from './raw-caller.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';

const ALICE = '127.0.1.1';
const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 20 }, ip: '127.0.2.1' });
const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'far', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('far', 'far')],
  users: [{ username: 'alice', tariff: 'sell', lcr: 'far', balance: '10' }],
  devices: [byAddress('alice', 'alice', ALICE, { codecs: ['ulaw'] })],
};

const port = await freePort();
const TIMEOUT_MS = 700;
const stage = await openStage({ tenant, asterisk: dialOptions(port, 1, [{ endpoint: 'alice', ip: ALICE }]), settings: { agi: { port, timeoutMs: TIMEOUT_MS, mostConnections: 20 }, reconcileEveryS: 1 } });
await until(() => (stage.engine.health().agi ? undefined : 'FastAGI does not listen'));

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});

interface Said {
  readonly text: string;
  readonly afterMs: number;
}

/** By whomever, and however. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('close', () => resolve());
  });
}

/** What it is told until it is closed. */
async function talk(write: (socket: Socket) => void): Promise<Said> {
  const began = performance.now();
  const socket = createConnection(port, '127.0.0.1');
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  socket.on('error', () => undefined);
  write(socket);
  await closed(socket);
  return { text, afterMs: performance.now() - began };
}

function block(more: Readonly<Record<string, string>> = {}): string {
  const words = { agi_network: 'yes', agi_network_script: 'authorize?server=1', agi_channel: 'PJSIP/alice-0000ffff', agi_uniqueid: '1.99', agi_callerid: '37060000001', agi_calleridname: 'unknown', agi_extension: '37060000009', ...more };
  return `${Object.entries(words).map(([word, value]) => `${word}: ${value}`).join('\n')}\n\n`;
}

function refusals(): string[] {
  return stage.log.map((line) => JSON.parse(line) as { msg: string; reason?: string }).filter(({ msg }) => msg === 'A FastAGI connection is refused').map(({ reason = '' }) => reason);
}

/** Closed, and the log says why. */
async function isRefused(t: Test, what: string, reason: RegExp, write: (socket: Socket) => void): Promise<Said> {
  const before = refusals().length;
  const said = await talk(write);
  await until(() => (refusals().length > before ? undefined : `nothing is logged of ${what}`));
  t.match(refusals().at(-1), reason, what);
  return said;
}

t.test('what is no AGI is closed with a reason in the log', async (t) => {
  await isRefused(t, 'CR', /control character/, (socket) => socket.write(block({ agi_extension: '370\r' })));
  await isRefused(t, 'NUL', /control character/, (socket) => socket.write(block({ agi_extension: '370\0' })));
  await isRefused(t, 'a line of 1 MB', /more than 4096 bytes/, (socket) => socket.write(Buffer.alloc(1 << 20, 'x')));
  await isRefused(t, 'lines without end', /more than 400 lines/, (socket) => socket.write('agi_x: y\n'.repeat(5000)));
  await isRefused(t, 'another protocol', /no word of AGI/, (socket) => socket.write('GET / HTTP/1.1\r\n\r\n'.replaceAll('\r', '')));
  await isRefused(t, 'another Asterisk', /no Asterisk 9 in the settings/, (socket) => socket.write(block({ agi_network_script: 'authorize?server=9' })));
  await isRefused(t, 'another address', /none of/, (socket) => socket.write(block({ agi_network_script: '../etc/passwd' })));
  await isRefused(t, 'gone in the middle', /closed/, (socket) => socket.end('agi_network: yes\nagi_chan'));
  t.same(stage.complaints(), []);
});

t.test('silence and words that come one by one end in time', async (t) => {
  const silent = await isRefused(t, 'silence', /nothing came/, () => undefined);
  t.ok(silent.afterMs < TIMEOUT_MS + 2000, `closed after ${silent.afterMs} ms`);
  const slow = await isRefused(t, 'a word now and then', /nothing came/, (socket) => {
    const timer = setInterval(() => socket.write('agi_x: y\n'), 50);
    socket.on('close', () => clearInterval(timer));
  });
  t.ok(slow.afterMs < TIMEOUT_MS + 2000, `closed after ${slow.afterMs} ms`);
  await isRefused(t, 'no answer to a question', /nothing came/, (socket) => socket.write(block()));
});

t.test('answers that were written before the question are not believed', async (t) => {
  const said = await isRefused(t, 'a forged answer', /an answer to something else/, (socket) => socket.write(`${block()}200 result=1 (10.0.0.1:5060|(ulaw)|id)\n`));
  t.match(said.text, /^GET FULL VARIABLE/);
  t.notMatch(said.text, /TOLLGATE_/);
});

t.test('a call that was authorised for a channel that is none is closed, and costs nothing', async (t) => {
  let [asked, authorised] = [0, false];
  await talk((socket) => {
    socket.write(block({ agi_uniqueid: '1.98' }));
    socket.on('data', (bytes) => {
      for (const line of bytes.toString().split('\n').slice(0, -1)) {
        asked += 1;
        const mark = /^GET FULL VARIABLE "([0-9a-f]+)\|/.exec(line)?.[1];
        authorised ||= line.endsWith('TOLLGATE_ALLOWED=1"');
        socket.write(mark === undefined ? '200 result=1\n' : `HANGUP\n200 result=1 (${mark}|${ALICE}:5060|(ulaw)|id-of-it)\n`);
      }
    });
  });
  t.ok(authorised, `allowed after ${asked} commands`);
  let rows: readonly Record<string, unknown>[] = [];
  await until(async () => {
    rows = (await stage.db.query<Record<string, unknown>>("select * from calls where uniqueid = '1-1.98'")).rows;
    return rows.length === 1 ? undefined : 'it has no row yet';
  });
  t.match(rows, [{ disposition: 'FAILED', hangup_cause: 241, billsec: 0, final: true }]);
});

t.test('connections beyond the limit are closed, and the door stays open', async (t) => {
  const sockets = Array.from({ length: 40 }, () => createConnection(port, '127.0.0.1').on('error', () => undefined));
  await Promise.all(sockets.map(closed));
  t.ok(stage.log.some((line) => line.includes('agi.mostConnections')));
  const result = await call({ scenario: 'call', target: stage.asterisk, ip: ALICE, from: '37060000001', to: '37060000002', values: { holdMs: 100 } });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 1 }]);
});

t.test('numbers and names with lines in them: each call gets an answer, and is nobody else', async (t) => {
  const hostile = { target: { host: '127.0.0.1', sipPort: stage.asterisk.sipPort }, ip: ALICE };
  const at = `127.0.0.1:${stage.asterisk.sipPort}`;
  const numbers = ['1%0aagi_callerid:%2037069999999', '1%0d%0a%0d%0a200%20result=1', '37060%0a%0a', '37060%5c%22', '1,2,3', '37060%00'];
  const statuses = [];
  for (const [index, number] of numbers.entries()) statuses.push(await rawCall({ ...hostile, uri: `sip:${number}@${at}`, from: '<sip:37060000001@caller>', callId: `number-${index}` }));
  const names = ['"x\\"y" <sip:37060000001@caller>', '"a|b)c" <sip:1%0aagi_extension:%20900@caller>', '<sip:%ff%fe@caller>'];
  for (const [index, from] of names.entries()) statuses.push(await rawCall({ ...hostile, uri: `sip:37060000003@${at}`, from, callId: `name|) -${index}` }));
  t.ok(statuses.every((status) => status >= 200), statuses.join(' '));
  const { rows } = await stage.db.query<{ src: string }>("select src from calls where src like '%9999%'");
  t.same(rows, []);
});

t.test('nothing is left', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
});
