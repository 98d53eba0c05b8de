/** What both transports owe the engine, tried on a real Asterisk with real SIP on both sides. */
import { test } from 'tap';
import { answer, createBridge, createLeg, destroyBridge, getVariable, hangup, play, ring, setVariable, stopPlayback } from '../../engine/asterisk/commands.ts';
import { AriError, type AriRequest, type AsteriskLink } from '../../engine/asterisk/contract.ts';
import { deviceDialString, numberDialString } from '../../engine/asterisk/dial-string.ts';
import { WANTED_EVENTS } from '../../engine/asterisk/event-filter.ts';
import { endpointState, listBridges, listChannels, listModules } from '../../engine/asterisk/queries.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import { freePort } from '../lab/ports.ts';
import { callerByAddress, trunkTo } from '../lab/static-endpoints.ts';
import { until } from '../lab/wait.ts';
import { ObservedLink } from './observed-link.ts';
import { CALLER_IP, Stage } from './stage.ts';

const PING: AriRequest = { method: 'GET', path: '/asterisk/ping' };

export async function contractSuite(transport: AsteriskLink['transport']): Promise<void> {
  const peerPort = await freePort();
  const asterisk = await startAsterisk({
    additions: {
      'pjsip.conf': callerByAddress({ name: 'customer', ip: CALLER_IP, context: 'tollgate' }) + trunkTo({ name: 'trunk', ip: '127.0.0.1', port: peerPort }),
    },
  });
  const stage = new Stage(asterisk, transport, peerPort);
  await requestCases(stage);
  await callCases(stage);
  await promptCases(stage);
  await stage.closeShared();
  await networkCases(stage);
  await faultCases(stage);
  await restartCases(stage);
  await asterisk.stop();
}

async function requestCases(stage: Stage): Promise<void> {
  await test('a link connects, knows the version, and has its filter in force', async (t) => {
    const { link } = await stage.shared();
    t.equal(link.transport, stage.transport);
    t.match(link.version, /^\d+\.\d+/);
    t.same(await filterOf(link), WANTED_EVENTS);
  });

  await test('a refusal tells its HTTP status and its reason', async (t) => {
    const { link } = await stage.shared();
    const error = await t.rejects(link.request(hangup('no-such-channel', 16))).then(() => failureOf(link.request(hangup('no-such-channel', 16))));
    t.equal(error.status, 404);
    t.match(error.message, /Channel not found/);
    const refusal = await failureOf(link.request(createLeg({ dialString: deviceDialString('nobody'), channelId: 'leg-x', app: 'tollgate' })));
    t.equal(refusal.status, 500);
    t.match(refusal.message, /Allocation failed/);
    t.equal((await failureOf(link.request({ method: 'GET', path: '/no/such/thing' }))).status >= 400, true);
  });

  await test('what is done in order is done in order, and a failure is told', async (t) => {
    const { link } = await stage.shared();
    const all = Array.from({ length: 50 }, (_, n) => [createBridge(`row-${n}`), destroyBridge(`row-${n}`)]).flat();
    t.equal((await link.inOrder(all)).length, 100);
    const error = await failureOf(link.inOrder([createBridge('one'), destroyBridge('two'), PING]));
    t.equal(error.status, 404);
    await link.request(destroyBridge('one'));
    t.same(await link.inOrder([]), []);
  });

  await test('the engine can see what is there', async (t) => {
    const { link } = await stage.shared();
    await link.request(createBridge('seen'));
    t.ok((await listBridges(link)).some((bridge) => bridge.id === 'seen' && bridge.creator === 'Stasis'));
    await link.request(destroyBridge('seen'));
    t.same(await listChannels(link), []);
    t.equal((await endpointState(link, 'trunk')).state, 'online');
    t.equal((await failureOf(endpointState(link, 'nobody'))).status, 404);
    t.ok((await listModules(link)).some((module) => module.name === 'res_ari.so' && module.running));
  });

  await test('hostile text stays in its field', async (t) => {
    const { link } = await stage.shared();
    const id = 'a/b c?x=1&y%20;"\'{}#é😀';
    await link.request(createBridge(id));
    t.ok((await listBridges(link)).some((bridge) => bridge.id === id));
    await link.request(destroyBridge(id));
    t.equal((await failureOf(link.request(destroyBridge(id)))).status, 404);
  });

  await test('a wrong password is told, never logged, and tried again', async (t) => {
    const observed = new ObservedLink({ url: stage.asterisk.ariUrl, username: stage.asterisk.ariUser, password: 'not-the-password', transport: stage.transport });
    t.teardown(() => observed.link.close());
    await until(() => (observed.log.length >= 3 ? undefined : 'too few tries'));
    t.match(JSON.stringify(observed.log), /401/);
    t.notMatch(JSON.stringify(observed.log), /not-the-password/);
    t.equal((await failureOf(observed.link.request(PING))).status, 0);
  });

  await test('too many requests under way fail at once', async (t) => {
    const { link } = await stage.link(t, { maxRequests: 5 });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => link.request(PING)));
    t.equal(results.filter((result) => result.status === 'fulfilled').length, 5);
    t.ok(results.every((result) => result.status === 'fulfilled' || (result.reason as AriError).status === 0));
    await link.request(PING);
  });
}

async function callCases(stage: Stage): Promise<void> {
  await test('a call from the INVITE to the BYE', async (t) => {
    const observed = await stage.shared();
    const peer = await stage.peer(t, { scenario: 'peer-answer' });
    const caller = await stage.caller({ scenario: 'call', values: { holdMs: 200 }, fromName: 'Ann Übel' });
    const call = await stage.dialled(observed);
    const start = await observed.event('stasisStart', (event) => event.channelId === call.callerId);
    t.match(start.channel, { endpoint: 'customer', callerName: 'Ann Übel', callerNumber: '37060000001', extension: '4930555', context: 'tollgate', application: 'tollgate', state: 'Ring' });
    t.match(start.channel.sipCallId, /@/);
    t.ok(Math.abs(start.at - Date.now()) < 10_000, 'stamped by Asterisk');
    await observed.event('dial', (event) => event.channelId === call.legId && event.status === 'RINGING');
    await observed.event('dial', (event) => event.channelId === call.legId && event.status === 'ANSWER');
    await observed.link.request(answer(call.callerId));
    await observed.event('stateChange', (event) => event.channelId === call.callerId && event.state === 'Up');
    t.match(await observed.event('destroyed', (event) => event.channelId === call.callerId), { cause: 16, techCause: null, state: 'Up' });
    await observed.event('stasisEnd', (event) => event.channelId === call.callerId);
    await observed.link.inOrder([hangup(call.legId, 16), destroyBridge(call.bridgeId)]);
    await observed.event('destroyed', (event) => event.channelId === call.legId);
    t.equal((await caller.done).exitCode, 0);
    t.match(peer.invites()[0]?.text, /X-Tried: a;b="c"/);
    t.same(observed.warnings(), [], 'nothing unknown, nothing malformed');
    await stage.quiet();
  });

  await test('early media of the far end reaches the caller', async (t) => {
    const observed = await stage.shared();
    await stage.peer(t, { scenario: 'peer-early-media' });
    const caller = await stage.caller({ scenario: 'call', values: { holdMs: 50 } });
    const call = await stage.dialled(observed);
    await observed.event('dial', (event) => event.channelId === call.legId && event.status === 'PROGRESS');
    await observed.event('dial', (event) => event.channelId === call.legId && event.status === 'ANSWER');
    await observed.link.request(answer(call.callerId));
    await observed.event('destroyed', (event) => event.channelId === call.callerId);
    await observed.link.request(hangup(call.legId, 16));
    const { messages, exitCode } = await caller.done;
    t.equal(exitCode, 0);
    t.ok(messages.some((message) => message.status === 183));
    await stage.quiet();
  });

  for (const [status, cause] of [[404, 1], [486, 17], [503, 34], [403, 21], [480, 19], [488, 58]] as const) {
    await test(`the far end refuses with ${status}`, async (t) => {
      const observed = await stage.shared();
      await stage.peer(t, { scenario: 'peer-refuse', values: { status } });
      const caller = await stage.caller({ scenario: 'refused', values: { status } });
      const call = await stage.dialled(observed);
      t.match(await observed.event('destroyed', (event) => event.channelId === call.legId), { cause, techCause: status });
      await observed.link.request(hangup(call.callerId, cause));
      t.equal((await caller.done).exitCode, 0, 'the caller hears the same');
      await stage.quiet();
    });
  }

  await test('the caller cancels while it rings', async (t) => {
    const observed = await stage.shared();
    await stage.peer(t, { scenario: 'peer-ring' });
    const caller = await stage.caller({ scenario: 'cancel', values: { cancelAfterMs: 50 } });
    const call = await stage.dialled(observed);
    t.match(await observed.event('destroyed', (event) => event.channelId === call.callerId), { techCause: 487, state: 'Ring' });
    await observed.link.request(hangup(call.legId, 16));
    await observed.event('destroyed', (event) => event.channelId === call.legId);
    t.equal((await caller.done).exitCode, 0);
    await stage.quiet();
  });

  await test('a caller with a hostile number is led like any other', async (t) => {
    const observed = await stage.shared();
    const caller = await stage.caller({ scenario: 'refused', values: { status: 403 }, from: '37%0D%0AX-Evil:%201%22%3b--%25' });
    const { channel } = await observed.event('stasisStart');
    t.equal(channel.callerNumber, '37\r\nX-Evil', 'Asterisk hands the line break on');
    await observed.link.request(setVariable(channel.id, 'TRIED', `${channel.callerNumber}\r\nX: "y"; 100%\u0000\ud800`));
    t.match(await observed.link.request(getVariable(channel.id, 'TRIED')), { value: '37X-EvilX: "y"; 100%' });
    t.throws(() => numberDialString(`${channel.callerNumber}&PJSIP/other`, 'trunk'), { name: 'InvalidText' });
    await observed.link.request(hangup(channel.id, 21));
    t.equal((await caller.done).exitCode, 0);
    await stage.quiet();
  });
}

async function promptCases(stage: Stage): Promise<void> {
  await test('a prompt before the answer, one that is missing, one that is stopped', async (t) => {
    const observed = await stage.shared();
    const caller = await stage.caller({ scenario: 'refused', values: { status: 403 } });
    const { channelId } = await observed.event('stasisStart');
    await observed.link.request(ring(channelId));
    await observed.link.request(play(channelId, 'prompt-1', ['digits:1']));
    t.match(await observed.event('playbackFinished', (event) => event.playbackId === 'prompt-1'), { failed: false, channelId });
    await observed.link.request(play(channelId, 'prompt-2', ['sound:/no/such/file']));
    t.match(await observed.event('playbackFinished', (event) => event.playbackId === 'prompt-2'), { failed: true });
    await observed.link.request(play(channelId, 'prompt-3', ['tone:ring']));
    await observed.link.request(stopPlayback('prompt-3'));
    await observed.event('playbackFinished', (event) => event.playbackId === 'prompt-3');
    await observed.link.request(hangup(channelId, 21));
    t.equal((await caller.done).exitCode, 0);
    await stage.quiet();
  });
}

async function networkCases(stage: Stage): Promise<void> {
  await test('a dropped connection comes back, filtered, and the running call goes on', async (t) => {
    const proxy = await stage.proxy(t);
    const observed = await stage.link(t, { url: proxy.url });
    await stage.peer(t, { scenario: 'peer-answer-at-once' });
    const caller = await stage.caller({ scenario: 'call-until-bye' });
    const call = await stage.dialled(observed);
    await observed.event('dial', (event) => event.channelId === call.legId && event.status === 'ANSWER');
    await observed.link.request(answer(call.callerId));
    proxy.drop();
    await observed.disconnected();
    await observed.connected(2);
    t.same(await filterOf(observed.link), WANTED_EVENTS);
    const ours = (await listChannels(observed.link)).filter((channel) => channel.application === 'tollgate');
    t.same(new Set(ours.map((channel) => channel.id)), new Set([call.callerId, call.legId]));
    await observed.link.inOrder([hangup(call.callerId, 16), hangup(call.legId, 16)]);
    await observed.event('destroyed', (event) => event.channelId === call.callerId);
    t.equal((await caller.done).exitCode, 0);
    await stage.quiet();
  });

  await test('requests under way when the connection is lost end with status 0', async (t) => {
    const proxy = await stage.proxy(t);
    const { link } = await stage.link(t, { url: proxy.url, requestTimeoutMs: 60_000 });
    proxy.stall();
    const requests = Promise.allSettled([link.request(PING), link.inOrder([PING, PING])]);
    proxy.drop();
    for (const result of await requests) t.equal(result.status === 'rejected' && (result.reason as AriError).status, 0);
  });

  await test('a request without an answer ends after its timeout', async (t) => {
    const proxy = await stage.proxy(t);
    const { link } = await stage.link(t, { url: proxy.url, requestTimeoutMs: 300, healthTimeoutMs: 60_000 });
    proxy.stall();
    const error = await failureOf(link.request(PING));
    t.equal(error.status, 0);
    t.match(error.message, /no answer within 300 ms/);
  });

  await test('a connection that is dead without a word is noticed', async (t) => {
    const proxy = await stage.proxy(t);
    const observed = await stage.link(t, { url: proxy.url });
    proxy.stall();
    t.match(await observed.disconnected(), /nothing heard/);
    await observed.connected(2);
  });

  await test('a frozen Asterisk is noticed, and served again when it goes on', async (t) => {
    const observed = await stage.link(t, { requestTimeoutMs: 500 });
    stage.asterisk.pause();
    const reason = await observed.disconnected().finally(() => stage.asterisk.resume());
    t.match(reason, /nothing heard/);
    await observed.connected(2);
    await observed.link.request(PING);
  });
}

async function faultCases(stage: Stage): Promise<void> {
  await test('unknown and malformed events are logged and survived', async (t) => {
    const proxy = await stage.proxy(t);
    const observed = await stage.link(t, { url: proxy.url });
    for (const text of ['{"type":"FlyingSaucer","channel":{"id":"x"}}', '{"type":"StasisStart"}', '[1,2]', 'null', '7', 'not json', '{"type":"error"}', '{"type":"StasisEnd","timestamp":"yesterday","channel":{"id":"late"}}']) proxy.slipIn(text);
    t.ok(Math.abs((await observed.event('stasisEnd', (event) => event.channelId === 'late')).at - Date.now()) < 5000, 'without a readable stamp: now');
    for (let n = 0; n < 100; n += 1) proxy.slipIn('{"type":"FlyingSaucer"}');
    proxy.slipIn('{"type":"StasisEnd","channel":{"id":"last"}}');
    await observed.event('stasisEnd', (event) => event.channelId === 'last');
    t.ok(observed.warnings().length >= 2 && observed.warnings().length <= 25, `${observed.warnings().length} lines for over a hundred bad events`);
    await observed.link.request(PING);
    t.equal(observed.connections, 1);
  });

  await test('a listener that fails is logged and ends nothing', async (t) => {
    const proxy = await stage.proxy(t);
    const observed = await stage.link(t, { url: proxy.url });
    observed.listener = (event) => {
      if (event.type === 'stasisEnd') throw new Error('listener of the test');
    };
    proxy.slipIn('{"type":"StasisEnd","channel":{"id":"a"}}');
    await observed.logged('a listener of the asterisk link failed');
    // A type cannot keep an asynchronous function out.
    observed.listener = (): unknown => Promise.reject(new Error('asynchronous listener'));
    proxy.slipIn('{"type":"StasisEnd","channel":{"id":"b"}}');
    await until(() => (observed.log.filter((line) => line.message.includes('listener')).length === 2 ? undefined : 'not both are logged'));
    await observed.link.request(PING);
  });

  await test('a second engine takes the application over, and keeps it', async (t) => {
    const first = await stage.link(t, { reconnectMinMs: 5000, reconnectMaxMs: 10_000 });
    const second = await stage.link(t);
    t.match(await first.disconnected(), /another engine has taken over/);
    t.equal(first.link.connected, false);
    const caller = await stage.caller({ scenario: 'refused', values: { status: 486 } });
    const { channelId } = await second.event('stasisStart');
    await second.link.request(hangup(channelId, 17));
    t.equal((await caller.done).exitCode, 0);
    t.same(first.events, []);
    await stage.quiet();
  });

  await test('a link that is closed asks for nothing more and leaves no warning in Asterisk', async (t) => {
    const before = stage.asterisk.log().length;
    const observed = await stage.link(t);
    await observed.link.close();
    t.equal(observed.link.connected, false);
    t.equal((await failureOf(observed.link.request(PING))).status, 0);
    t.same(stage.asterisk.log().slice(before).filter((line) => /WARNING.*[Ww]eb ?[Ss]ocket/.test(line)), []);
  });
}

async function restartCases(stage: Stage): Promise<void> {
  await test('Asterisk is restarted, and killed; the link is there again each time', async (t) => {
    const observed = await stage.link(t);
    await stage.asterisk.restart();
    await observed.connected(2);
    t.same(await filterOf(observed.link), WANTED_EVENTS);
    await stage.asterisk.kill();
    await observed.disconnected(2);
    t.equal((await failureOf(observed.link.request(PING))).status, 0);
    await until(() => (observed.log.filter((line) => line.message.includes('next try')).length > 12 ? undefined : 'fewer tries than the package would make'), { timeoutMs: 20_000 });
    await stage.asterisk.start();
    await observed.connected(3);
    await observed.link.request(PING);
  });
}

async function filterOf(link: AsteriskLink): Promise<readonly string[]> {
  const app = (await link.request({ method: 'GET', path: '/applications/tollgate' })) as { events_allowed: { type: string }[] };
  return app.events_allowed.map((event) => event.type);
}

async function failureOf(answer: Promise<unknown>): Promise<AriError> {
  const result = await answer.then(() => new Error('it was carried out'), (error: unknown) => error);
  if (result instanceof AriError) return result;
  throw result;
}
