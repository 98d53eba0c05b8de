import * as fc from 'fast-check';
import { test } from 'tap';
import { parseBody, refusalText } from '../../../engine/asterisk/answer.ts';
import type { Operation } from '../../../engine/asterisk/ari-package.ts';
import { Operations } from '../../../engine/asterisk/ari-operations.ts';
import { backOffMs } from '../../../engine/asterisk/back-off.ts';
import type { AriError, AriRequest } from '../../../engine/asterisk/contract.ts';
import { limitedWarn } from '../../../engine/asterisk/log-limit.ts';
import { PendingRequests } from '../../../engine/asterisk/pending-requests.ts';
import { hasRestOverWebSocket, releaseOf } from '../../../engine/asterisk/version.ts';
import '../../seed.ts';

const PING: AriRequest = { method: 'GET', path: '/asterisk/ping' };

test('which Asterisk answers requests on the WebSocket', async (t) => {
  for (const version of ['20.14.0', '20.15.1', '21.9.0', '22.4.1', '22.10.1+dfsg+~cs6', '23.0.0', '24.1', 'certified-22.8-cert1', 'GIT-master-abc']) t.ok(hasRestOverWebSocket(version), version);
  for (const version of ['20.13.9', '21.8.0', '22.3.9', '18.20.0', '16.1', 'certified-20.7-cert3', '19.8.1']) t.notOk(hasRestOverWebSocket(version), version);
  t.equal(releaseOf('22.10.1+dfsg+~cs6.17-1'), '22.10.1');
  t.equal(releaseOf('certified-20.7-cert3'), '20.7');
});

test('the pause between tries grows to its limit and never beyond', async (t) => {
  const backOff = { minMs: 100, maxMs: 5000 };
  t.same([0, 1, 2, 10].map((attempt) => backOffMs(backOff, attempt, 1)), [100, 200, 400, 5000]);
  t.equal(backOffMs(backOff, 0, 0), 50);
  fc.assert(fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
    const ms = backOffMs(backOff, attempt, random);
    return ms >= 50 && ms <= 5000;
  }));
});

test('a warning that comes too often is counted instead', async (t) => {
  const lines: object[] = [];
  let now = 0;
  const warn = limitedWarn({ log: { info: () => {}, warn: (fields) => lines.push(fields) }, lines: 2, windowMs: 1000, now: () => now });
  for (let n = 0; n < 5; n += 1) warn({ n }, 'x');
  now = 1000;
  warn({ n: 5 }, 'x');
  warn({ n: 6 }, 'x');
  t.same(lines, [{ n: 0 }, { n: 1 }, { n: 5, leftOut: 3 }, { n: 6 }]);
});

test('each request ends: answered, refused, late, too many, or with the connection', async (t) => {
  const pending = new PendingRequests(50, 3);
  const ids: string[] = [];
  const start = (): Promise<unknown> => pending.start(PING, (id) => ids.push(id));
  const answered = start();
  const refused = start();
  const late = start();
  t.equal(await statusOf(start()), 0, 'a fourth one');
  pending.answer(ids[0] ?? '', 'pong');
  pending.refuse(ids[1] ?? '', 404, 'no');
  t.equal(await answered, 'pong');
  t.equal(await statusOf(refused), 404);
  t.equal(await statusOf(late), 0);
  pending.answer(ids[2] ?? '', 'after its timeout');
  pending.answer('unheard of', 1);
  const cut = start();
  pending.close('gone');
  t.equal(await statusOf(cut), 0);
  t.equal(await statusOf(start()), 0);
  t.equal(await statusOf(new PendingRequests(50, 3).start(PING, () => { throw new Error('cannot send'); })), 0);
});

test('answers of all kinds are read', async (t) => {
  t.same(parseBody('{"a":1}'), { a: 1 });
  t.equal(parseBody(''), undefined);
  t.equal(parseBody('<html>'), '<html>');
  t.equal(refusalText({ message: 'Channel not found' }, 404), 'Channel not found');
  t.equal(refusalText({ error: 'Allocation failed' }, 500), 'Allocation failed');
  t.equal(refusalText(undefined, 'Gone'), 'Gone');
});

test('the package\'s operations are found by method and path', async (t) => {
  const apis = { channels: { operations: { get: operation('get', '/channels/{channelId}'), create: operation('post', '/channels/create'), originateWithId: operation('post', '/channels/{channelId}'), play: operation('post', '/channels/{channelId}/play/{playbackId}') } } };
  const operations = new Operations(apis);
  t.equal(operations.find({ method: 'POST', path: '/channels/create' })?.operation.path, '/channels/create');
  t.same(operations.find({ method: 'POST', path: '/channels/a%2Fb/play/p%20q' })?.parameters, { channelId: 'a/b', playbackId: 'p q' });
  t.equal(operations.find({ method: 'DELETE', path: '/channels/x' }), undefined);
});

function statusOf(promise: Promise<unknown>): Promise<number> {
  return promise.then(() => 200, (error: AriError) => error.status);
}

function operation(method: string, path: string): Operation {
  return { method, path, do: () => {} };
}
