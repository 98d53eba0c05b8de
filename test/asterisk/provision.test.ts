/** Devices and providers come to a real Asterisk, work there, and go: registering and calling with real SIP. */
import { readFileSync } from 'node:fs';
import { test, type Test } from 'tap';
import { hangup, createLeg } from '../../engine/asterisk/commands.ts';
import { deviceDialString, numberDialString } from '../../engine/asterisk/dial-string.ts';
import { getConfigObject, putConfigObject, type PjsipObject } from '../../engine/asterisk/dynamic-config.ts';
import type { AsteriskEvent } from '../../engine/asterisk/contract.ts';
import { endpointState, listEndpoints } from '../../engine/asterisk/queries.ts';
import type { Log } from '../../engine/ports.ts';
import { provision, type Provisioner } from '../../engine/provision.ts';
import type { SipAccount } from '../../routing/catalog.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import { freePort } from '../lab/ports.ts';
import { call, startPeer, type CallerOptions, type SippResult } from '../lab/sipp.ts';
import { callerByAddress } from '../lab/static-endpoints.ts';
import { until } from '../lab/wait.ts';
import { ObservedLink } from './observed-link.ts';

const OPERATORS_IP = '127.0.0.9';
/** Appended only as long as the operator's file does not have it. */
const REGISTRATIONS = '[res_pjsip_outbound_registration]\nregistration=config,pjsip.conf,criteria=type=registration\nregistration=astdb,ps_registration\n';
const sorcery = readFileSync(new URL('../../dialplan/sorcery.conf', import.meta.url), 'utf8');

const asterisk = await startAsterisk({
  additions: { 'pjsip.conf': callerByAddress({ name: 'operators', ip: OPERATORS_IP, context: 'tollgate' }), 'sorcery.conf': sorcery.includes('registration') ? '' : REGISTRATIONS },
});
const target = { host: asterisk.host, sipPort: asterisk.sipPort };

/** An engine's part in it: a link that refuses every call with 486, and a provisioner that follows `accounts`. */
class Engine {
  readonly observed: ObservedLink;
  readonly lines: string[] = [];
  accounts: SipAccount[] | null;
  readonly #provisioner: Provisioner;

  constructor(accounts: SipAccount[] | null) {
    this.accounts = accounts;
    this.observed = new ObservedLink({
      url: asterisk.ariUrl,
      username: asterisk.ariUser,
      password: asterisk.ariPassword,
      transport: 'websocket',
      onConnected: () => {
        this.observed.connections += 1;
        this.#provisioner.connected();
      },
    });
    this.observed.listener = (event: AsteriskEvent) => {
      if (event.type === 'stasisStart' && event.args[0] !== 'leg') return this.observed.link.request(hangup(event.channelId, 17));
      return undefined;
    };
    this.#provisioner = provision({ link: this.observed.link, desired: () => this.accounts, log: this.#log() });
  }

  static async start(t: Test, accounts: SipAccount[] | null): Promise<Engine> {
    const engine = new Engine(accounts);
    t.teardown(() => engine.stop());
    await engine.observed.connected();
    return engine;
  }

  change(accounts: SipAccount[]): void {
    this.accounts = accounts;
    this.#provisioner.changed();
  }

  async settled(endpoint: string, present: boolean): Promise<void> {
    const message = present ? 'SIP account is in force' : 'SIP account is removed';
    await until(() => (this.lines.some((line) => line.includes(`"${endpoint}"`) && line.includes(message)) ? undefined : `${endpoint} is not settled: ${this.lines.at(-1)}`));
  }

  async stop(): Promise<void> {
    this.#provisioner.close();
    await this.observed.link.close();
  }

  #log(): Log {
    const write = (fields: object, message: string): void => void this.lines.push(`${message} ${JSON.stringify(fields)}`);
    return { debug: write, info: write, warn: write, error: write, child: () => this.#log() };
  }
}

let nextId = 1;

function device(endpoint: string, change: Partial<SipAccount> = {}): SipAccount {
  return {
    kind: 'device', id: nextId++, endpoint, secret: `secret of ${endpoint}; "x"`, username: null, ips: [], host: null, port: null, register: false, fromUser: null,
    fromDomain: null, codecs: ['ulaw', 'alaw'], dtmfMode: 'rfc4733', nat: false, checkEveryS: 0, callerIdNumber: '', callerIdName: '', serverIds: [], ...change,
  };
}

function byAddress(endpoint: string, ips: string[], change: Partial<SipAccount> = {}): SipAccount {
  return device(endpoint, { secret: null, ips, ...change });
}

function provider(id: number, change: Partial<SipAccount> = {}): SipAccount {
  return device(`provider-${id}`, { kind: 'provider', id, secret: null, ...change });
}

function register(account: SipAccount, status: number, change: { password?: string; ip?: string; contactPort?: number } = {}): Promise<SippResult> {
  const { password = account.secret ?? '', ip = '127.0.0.1', contactPort = 5999 } = change;
  return call({ target, ip, scenario: 'register', values: { username: account.endpoint, password: password.replaceAll('"', '\\"'), contactPort, status } });
}

/** The engine answers 486: the call has come in. */
function invite(status: number, options: Partial<CallerOptions>): Promise<SippResult> {
  return call({ target, scenario: 'refused', to: '4930555', ...options, values: { status, ...options.values } });
}

async function comesIn(t: Test, engine: Engine, options: Partial<CallerOptions>, endpoint: string): Promise<string> {
  const before = engine.observed.events.length;
  t.equal((await invite(486, options)).exitCode, 0, `a call from ${endpoint} comes in`);
  const start = engine.observed.events.slice(before).find((event) => event.type === 'stasisStart');
  t.equal(start?.channel.endpoint, endpoint);
  return start?.channel.accountCode ?? '';
}

await test('a device that is added registers and calls at once, one that is taken out stops', async (t) => {
  const engine = await Engine.start(t, []);
  const phone = device('phone1', { secret: 'plain-secret' });
  engine.change([phone]);
  await engine.settled('phone1', true);
  t.equal((await register(phone, 200)).exitCode, 0);
  t.equal((await register(phone, 401, { password: 'wrong' })).exitCode, 0);
  await until(async () => ((await endpointState(engine.observed.link, 'phone1')).state === 'online' ? undefined : 'phone1 is not online'));
  const code = await comesIn(t, engine, { from: 'phone1', auth: { username: 'phone1', password: 'plain-secret' } }, 'phone1');
  t.equal(code, `device:${phone.id}`);
  engine.change([]);
  await engine.settled('phone1', false);
  t.notOk((await register(phone, 200)).messages.some((message) => message.status === 200), 'it cannot register any more');
  await t.rejects(engine.observed.link.request(createLeg({ dialString: deviceDialString('phone1'), channelId: 'x', app: 'tollgate' })), /Allocation failed/);
  t.notMatch(engine.lines.join(), /plain-secret/);
});

await test('a new password holds from the moment it is in force', async (t) => {
  const phone = device('phone2', { secret: 'first' });
  const engine = await Engine.start(t, [phone]);
  await engine.settled('phone2', true);
  t.equal((await register(phone, 200)).exitCode, 0);
  engine.lines.length = 0;
  engine.change([{ ...phone, secret: 'second' }]);
  await engine.settled('phone2', true);
  t.equal((await register(phone, 401)).exitCode, 0);
  t.equal((await register(phone, 200, { password: 'second' })).exitCode, 0);
});

await test('a device known by its address calls from there only, whatever name others give', async (t) => {
  const engine = await Engine.start(t, [byAddress('office', ['127.0.0.3', '127.0.1.0/24'], { host: '127.0.0.3', port: 5070 })]);
  await engine.settled('office', true);
  await comesIn(t, engine, { ip: '127.0.0.3', from: '37060000001' }, 'office');
  await comesIn(t, engine, { ip: '127.0.1.77', from: '37060000001' }, 'office');
  const before = engine.observed.events.length;
  await invite(401, { ip: '127.0.0.4', from: 'office' });
  const strangers = engine.observed.events.slice(before).filter((event) => event.type === 'stasisStart');
  t.notOk(strangers.some((event) => event.channel.endpoint === 'office' || event.channel.accountCode !== ''), 'a stranger with its name is not it');
  const { messages } = await register(byAddress('office', []), 200, { ip: '127.0.0.3' });
  t.notOk(messages.some((message) => message.status === 200), 'nobody registers at it');
});

await test('addresses that change: the old one is nobody any more, the new one is the device', async (t) => {
  const office = byAddress('office2', ['127.0.0.5', '127.0.0.6']);
  const engine = await Engine.start(t, [office]);
  await engine.settled('office2', true);
  await comesIn(t, engine, { ip: '127.0.0.6', from: '1' }, 'office2');
  engine.lines.length = 0;
  engine.change([{ ...office, ips: ['127.0.0.7'] }]);
  await engine.settled('office2', true);
  await comesIn(t, engine, { ip: '127.0.0.7', from: '1' }, 'office2');
  for (const ip of ['127.0.0.5', '127.0.0.6']) t.equal(await endpointOfCall(engine, ip), 'anonymous', `${ip} is unknown`);
});

await test('a provider is dialled at its host, and its calls are known as its', async (t) => {
  const port = await freePort();
  const peer = await startPeer({ scenario: 'peer-refuse', values: { status: 404 }, port });
  t.teardown(() => peer.stop());
  const engine = await Engine.start(t, [provider(7, { host: '127.0.0.1', port, ips: ['127.0.0.8'], fromUser: 'acme', fromDomain: 'sip.example.org' })]);
  await engine.settled('provider-7', true);
  t.equal(await comesIn(t, engine, { ip: '127.0.0.8', from: '4930' }, 'provider-7'), 'provider:7');
  await engine.observed.link.request(createLeg({ dialString: numberDialString('4930555', 'provider-7'), channelId: 'leg-7', app: 'tollgate', appArgs: ['leg'] }));
  await engine.observed.event('stasisStart', (event) => event.channelId === 'leg-7');
  await engine.observed.link.request({ method: 'POST', path: '/channels/leg-7/dial' });
  t.match(await engine.observed.event('destroyed', (event) => event.channelId === 'leg-7'), { techCause: 404 });
  t.match(peer.invites()[0]?.text, /From: .*<sip:acme@sip\.example\.org>/);
});

await test('a provider that wants a registration gets one, and moves to another host', async (t) => {
  const peers = await Promise.all([1, 2].map(async () => startPeer({ scenario: registrar(), port: await freePort() })));
  t.teardown(() => Promise.all(peers.map((peer) => peer.stop())));
  const [first, second] = peers as [(typeof peers)[0], (typeof peers)[0]];
  const acme = provider(8, { host: '127.0.0.1', port: first.port, register: true, username: 'acme', secret: 'shh', ips: [] });
  const engine = await Engine.start(t, [acme]);
  await until(() => (first.messages().some((message) => message.method === 'REGISTER') ? undefined : 'no REGISTER came'));
  engine.change([{ ...acme, port: second.port }]);
  await until(() => (second.messages().some((message) => message.method === 'REGISTER') ? undefined : 'no REGISTER came to the new host'));
  t.equal((await getConfigObject(engine.observed.link, { type: 'aor', id: 'provider-8' }))?.get('contact'), `sip:127.0.0.1:${second.port}`);
});

await test('all are back after a restart of Asterisk, and after an engine that starts anew nothing is pushed twice', async (t) => {
  const phone = device('phone3', { secret: 'pw3' });
  const office = byAddress('office3', ['127.0.0.11', '127.0.2.0/24']);
  const first = await Engine.start(t, [phone, office]);
  await first.settled('phone3', true);
  await first.settled('office3', true);
  t.equal((await register(phone, 200)).exitCode, 0);
  await first.stop();
  // Asterisk keeps pushed objects in memory only; what devices have registered stays on its disk.
  await asterisk.restart();
  const second = await Engine.start(t, [phone, office]);
  await second.settled('phone3', true);
  await second.settled('office3', true);
  await comesIn(t, second, { from: 'phone3', auth: { username: 'phone3', password: 'pw3' } }, 'phone3');
  await comesIn(t, second, { ip: '127.0.2.1', from: '1' }, 'office3');
  await second.stop();
  const third = await Engine.start(t, [phone, office]);
  const marker = device('marker');
  third.change([phone, office, marker]);
  await third.settled('marker', true);
  t.same(third.lines.filter((line) => line.includes('in force') && !line.includes('marker')), []);
});

await test('what was taken out while no engine was there goes with the next one', async (t) => {
  const first = await Engine.start(t, [byAddress('gone', ['127.0.0.12', '127.0.0.13']), provider(9, { host: '127.0.0.1', port: 5060, ips: ['127.0.0.14'] })]);
  await first.settled('gone', true);
  await first.settled('provider-9', true);
  await first.stop();
  const second = await Engine.start(t, []);
  await second.settled('gone', false);
  await second.settled('provider-9', false);
  for (const ip of ['127.0.0.12', '127.0.0.13', '127.0.0.14']) t.equal(await endpointOfCall(second, ip), 'anonymous');
  t.same((await listEndpoints(second.observed.link)).map((endpoint) => endpoint.name).toSorted(), ['anonymous', 'operators', 'tollgate-external']);
});

await test('an engine without a catalog takes nothing away', async (t) => {
  const phone = device('phone4', { secret: 'pw4' });
  const first = await Engine.start(t, [phone]);
  await first.settled('phone4', true);
  await first.stop();
  const second = await Engine.start(t, null);
  t.equal((await register(phone, 200)).exitCode, 0);
  second.change([]);
  await second.settled('phone4', false);
});

await test('the operator\'s own endpoints cannot be shadowed, changed or taken away', async (t) => {
  const names = ['operators', 'anonymous', 'tollgate-external', 'provider-1', 'Anonymous', 'a@b', 'x y', ''];
  const engine = await Engine.start(t, [...names.map((name) => device(name, { secret: 'pw' })), device('marker2')]);
  await engine.settled('marker2', true);
  await until(() => (engine.lines.filter((line) => line.includes('is refused')).length === names.length ? undefined : engine.lines.join('\n')));
  t.same((await listEndpoints(engine.observed.link)).map((endpoint) => endpoint.name).toSorted(), ['anonymous', 'marker2', 'operators', 'tollgate-external']);
  t.equal(await getConfigObject(engine.observed.link, { type: 'auth', id: 'operators' }), undefined, 'nothing of it stays behind');
  engine.change([]);
  await engine.settled('marker2', false);
  t.equal(await endpointOfCall(engine, OPERATORS_IP), 'operators');
});

await test('an account that Asterisk does not take holds up no other, and is told without its password', async (t) => {
  const engine = await Engine.start(t, [device('broken', { secret: 'do-not-log', codecs: ['nonsense'] }), device('whole', { secret: 'do-not-log' })]);
  await engine.settled('whole', true);
  await until(() => (engine.lines.some((line) => line.includes('broken') && line.includes('tried again later')) ? undefined : 'not told'));
  t.notMatch(engine.lines.join(), /do-not-log/);
  engine.change([device('broken', { secret: 'pw' })]);
  await engine.settled('broken', true);
});

await test('an address of two accounts is the first one\'s', async (t) => {
  const engine = await Engine.start(t, [byAddress('twin1', ['127.0.0.16']), byAddress('twin2', ['127.0.0.16', '127.0.0.17']), provider(3, { host: '127.0.0.1', port: 5060, ips: ['127.0.0.16'] })]);
  await engine.settled('twin1', true);
  await engine.settled('twin2', true);
  await comesIn(t, engine, { ip: '127.0.0.16', from: '1' }, 'twin1');
  await comesIn(t, engine, { ip: '127.0.0.17', from: '1' }, 'twin2');
  const told = engine.lines.filter((line) => line.includes('already that of another one'));
    t.equal(told.length, 1, 'devices are told apart by routing; a provider is not');
    t.match(told[0], /provider-3/);
});

await test('a push that was cut off is finished by the next engine', async (t) => {
  const office = byAddress('half', ['127.0.0.15']);
  const first = await Engine.start(t, []);
  // As far as another engine got: the endpoint is there, its address is not.
  const endpoint: PjsipObject = { type: 'endpoint', id: 'half', fields: { context: 'tollgate', aors: 'half', accountcode: `device:${office.id}`, identify_by: 'ip', disallow: 'all', allow: 'ulaw' } };
  await first.observed.link.request(putConfigObject(endpoint));
  first.change([office]);
  await first.settled('half', true);
  await comesIn(t, first, { ip: '127.0.0.15', from: '1' }, 'half');
});

await asterisk.stop();

/** Who Asterisk takes a call from that address for. */
async function endpointOfCall(engine: Engine, ip: string): Promise<string | undefined> {
  const before = engine.observed.events.length;
  await invite(486, { ip, from: '37060000002' });
  return engine.observed.events.slice(before).find((event) => event.type === 'stasisStart')?.channel.endpoint;
}

/** SIPp's side of a registration that is accepted. */
function registrar(): string {
  return `<scenario name="registrar">
  <recv request="REGISTER"></recv>
  <send><![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]registrar
      [last_Call-ID:]
      [last_CSeq:]
      [last_Contact:];expires=600
      Content-Length: 0

  ]]></send>
</scenario>`;
}
