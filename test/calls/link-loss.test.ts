/** Calls while the engine and Asterisk lose each other: what goes on goes on, what ended is closed, nothing stays taken. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import t from 'tap';
import type { Asterisk } from '../lab/asterisk.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp, SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { callerByAddress } from '../lab/static-endpoints.ts';
import { audit } from './auditor.ts';
import { rawCall } from './raw-caller.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, waysByNumber } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses, received } from './trace.ts';

const ADA = '127.0.1.1';
const OPERATORS = '127.0.4.1';

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.1' });
const ringing = await startPeer({ scenario: 'peer-ring', ip: '127.0.2.2' });
/** Answers long after an order of the engine without an answer would have been given up. */
const slow = await startPeer({ scenario: 'peer-answer', values: { ringMs: 2500 }, ip: '127.0.2.3' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'answering', host: far.ip, port: far.port, tariff: 'buy' },
    { name: 'ringing', host: ringing.ip, port: ringing.port, tariff: 'buy' },
    { name: 'slow', host: slow.ip, port: slow.port, tariff: 'buy', silenceMs: 20_000 },
  ],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['ringing'], 3706003: ['slow'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '10' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
};

/** The network between the engine and Asterisk's ARI. */
class Wire {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  constructor(target: { host: string; port: number }) {
    this.#server = createServer((near) => {
      if (this.#cut) return near.destroy();
      const far = connect(target.port, target.host);
      for (const [from, to] of [[near, far], [far, near]] as const) {
        this.#sockets.add(from);
        from.on('error', () => undefined);
        from.on('close', () => to.destroy());
        from.pipe(to);
      }
      return undefined;
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    this.#server.unref();
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  mend(): void {
    this.#cut = false;
  }
}

let wire: Wire | undefined;

async function throughWire(asterisk: Asterisk): Promise<string> {
  const { hostname, port } = new URL(asterisk.ariUrl);
  wire = new Wire({ host: hostname, port: Number(port) });
  return `http://127.0.0.1:${await wire.listen()}`;
}

const stage = await openStage({
  tenant,
  asterisk: { additions: { 'pjsip.conf': callerByAddress({ name: 'operators', ip: OPERATORS, context: 'operators' }), 'extensions.conf': '[operators]\nexten => _X!,1,Wait(3)\n same => n,Hangup(17)\n' } },
  ariUrl: throughWire,
  settings: { reconnect: { minMs: 50, maxMs: 200 } },
});

function start(to: string, scenario = 'call-until-bye', values = {}): Promise<Sipp> {
  return startCaller({ scenario, target: stage.asterisk, ip: ADA, from: '37069000001', to, values });
}

async function attached(is: boolean): Promise<void> {
  await until(() => (stage.engine.health().servers[0]?.connected === is ? undefined : `Asterisk is ${is ? 'not attached' : 'still attached'}`), { timeoutMs: 15_000 });
}

/** What the caller sees may be some milliseconds ahead of what the engine has heard. */
async function engineKnows(to: string, state: 'ringing' | 'answered'): Promise<void> {
  await until(async () => {
    const known = (await stage.store.listCalls()).find((one) => one.fields['to'] === to)?.fields['state'];
    return known === state ? undefined : `the call to ${to} is ${known}, not ${state}`;
  }, { timeoutMs: 10_000 });
}

async function nextCallWorks(): Promise<SippResult> {
  let result: SippResult | undefined;
  await until(async () => {
    result = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010099' });
    return finalStatuses(result)[0] === 200 ? undefined : `the next call gets ${finalStatuses(result)[0]}`;
  }, { timeoutMs: 10_000 });
  return result as SippResult;
}

t.test('a call that goes on through a lost connection is led on and billed to its true end', async (t) => {
  const caller = await start('37060010001', 'call', { holdMs: 2300 });
  await engineKnows('37060010001', 'answered');
  wire?.cut();
  await attached(false);
  wire?.mend();
  await attached(true);
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 3, end_source: 'event', terminated_by: 'originator' }]);
});

t.test('a call that ended while the connection was lost is closed when it is back, its other side too', async (t) => {
  const answered = await start('37060010002', 'call', { holdMs: 1500 });
  const rings = await start('37060020001', 'cancel', { cancelAfterMs: 900 });
  await engineKnows('37060010002', 'answered');
  await engineKnows('37060020001', 'ringing');
  wire?.cut();
  await attached(false);
  t.equal((await answered.done).exitCode, 0);
  t.equal((await rings.done).exitCode, 0, 'Asterisk answers the cancel itself');
  wire?.mend();
  await attached(true);
  t.match(await stage.rowsOf(await answered.done), [{ disposition: 'ANSWERED', final: true, end_source: 'witness', billsec: 2 }]);
  t.match(await stage.rowsOf(await rings.done), [{ disposition: 'NO ANSWER', hangup_cause: 241, final: true }]);
  await until(() => {
    const told = received(far, 'BYE').length + received(ringing, 'CANCEL').length;
    return told === 3 ? undefined : `${told} of 3 far ends were told`;
  });
});

t.test('calls that ended meanwhile are closed even if Asterisk cannot list its channels at first', async (t) => {
  // ARI cannot tell of a channel whose Call-ID is no UTF-8. The operator's own dialplan lets this one in.
  const { host, sipPort } = stage.asterisk;
  const answered = await start('37060010006', 'call', { holdMs: 900 });
  await engineKnows('37060010006', 'answered');
  wire?.cut();
  await attached(false);
  const spoiling = rawCall({ target: stage.asterisk, ip: OPERATORS, uri: `sip:1@${host}:${sipPort}`, from: '<sip:1@127.0.0.1>', callId: Buffer.from('call-\u00ff', 'latin1') });
  t.equal((await answered.done).exitCode, 0);
  wire?.mend();
  await attached(true);
  t.equal(await spoiling, 486);
  t.match(await stage.rowsOf(await answered.done), [{ disposition: 'ANSWERED', final: true, end_source: 'witness', billsec: 1 }]);
});

t.test('a far end that answers while the connection is lost is known when it is back', async (t) => {
  const caller = await start('37060030001', 'call', { holdMs: 1200 });
  await engineKnows('37060030001', 'ringing');
  wire?.cut();
  await attached(false);
  await until(() => (received(slow, 'ACK').length === 1 ? undefined : 'the far end has not answered'), { timeoutMs: 10_000 });
  wire?.mend();
  await attached(true);
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', billsec: 2, terminated_by: 'originator' }]);
});

t.test('a far end that answers although the order to dial it was never confirmed is known too', async (t) => {
  const invitesBefore = slow.invites().length;
  const caller = await start('37060030002', 'call', { holdMs: 1200 });
  // The order to dial was carried out; its confirmation may or may not have reached the engine. Both must end alike.
  await until(() => (slow.invites().length > invitesBefore ? undefined : 'the far end has no INVITE'), { everyMs: 1 });
  wire?.cut();
  await attached(false);
  await until(() => (received(slow, 'ACK').length === 2 ? undefined : 'the far end has not answered'), { timeoutMs: 10_000 });
  wire?.mend();
  await attached(true);
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', terminated_by: 'originator' }]);
});

t.test('without the engine a caller gets 503 at once', async (t) => {
  wire?.cut();
  await attached(false);
  const refused = await call({ scenario: 'any-answer', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010003' });
  t.same(finalStatuses(refused), [503]);
  wire?.mend();
  await attached(true);
  t.match(await stage.rowsOf(await nextCallWorks()), [{ disposition: 'ANSWERED' }]);
});

t.test('Asterisk dies in mid-call and comes back: the calls are closed, their places are free, the next call works', async (t) => {
  const answered = await start('37060010004');
  const rings = await start('37060020002', 'refused', { status: 480 });
  await engineKnows('37060010004', 'answered');
  await engineKnows('37060020002', 'ringing');
  await stage.asterisk.kill();
  await attached(false);
  await stage.asterisk.start();
  await attached(true);
  const results = [await answered.stop(), await rings.stop()];
  t.match(await stage.rowsOf(results[0] as SippResult), [{ disposition: 'ANSWERED', final: true, end_source: 'estimate' }]);
  t.match(await stage.rowsOf(results[1] as SippResult), [{ disposition: 'NO ANSWER', final: true, billsec: 0 }]);
  t.match(await stage.rowsOf(await nextCallWorks()), [{ disposition: 'ANSWERED' }]);
});

t.test('Asterisk is restarted in order in mid-call: both sides get their BYE, and all is as before', async (t) => {
  const answered = await start('37060010005');
  await engineKnows('37060010005', 'answered');
  await stage.asterisk.restart();
  await attached(true);
  const result = await answered.done;
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'ANSWERED', final: true }]);
  t.match(await stage.rowsOf(await nextCallWorks()), [{ disposition: 'ANSWERED' }]);
});

t.test('nothing is left, and the books are right', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  wire?.cut();
  await Promise.all([far.stop(), ringing.stop(), slow.stop()]);
  await closeServers();
});
