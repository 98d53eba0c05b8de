/** The link to AMI on a real Asterisk, and what a bad network, a frozen Asterisk and hostile values do to it. */
import t from 'tap';
import { AmiError, connectAmi } from '../../engine/asterisk/ami.ts';
import type { AmiLink } from '../../engine/asterisk/ami.ts';
import type { AmiMessage } from '../../engine/asterisk/ami-protocol.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import { until } from '../lab/wait.ts';
import { TcpProxy } from './tcp-proxy.ts';

const asterisk = await startAsterisk();
const proxy = await TcpProxy.start(asterisk.amiPort);
t.teardown(async () => {
  await proxy.close();
  await asterisk.stop();
});

interface Linked {
  readonly link: AmiLink;
  readonly events: AmiMessage[];
  readonly told: { connected: number };
}

function link(port: number, { secret = asterisk.amiPassword, timeoutMs = 1000 } = {}): Linked {
  const events: AmiMessage[] = [];
  const told = { connected: 0 };
  const log = { info: (): void => undefined, warn: (): void => undefined };
  const ami = connectAmi({
    url: `tcp://127.0.0.1:${port}`, username: asterisk.amiUser, secret, timeoutMs, reconnectMinMs: 20, reconnectMaxMs: 100, pingEveryMs: 200, log,
    onEvent: (event) => events.push(event),
    onConnected: () => {
      told.connected += 1;
    },
  });
  return { link: ami, events, told };
}

async function connected({ link: ami, told }: Linked, times = 1): Promise<void> {
  await until(() => (ami.connected && told.connected >= times ? undefined : `connected ${told.connected} times: ${ami.problem}`));
}

t.test('actions are answered or refused; what a value holds is no further action', async (t) => {
  const one = link(asterisk.amiPort);
  await connected(one);
  t.equal((await one.link.action('Ping', {})).get('Response'), 'Success');
  await t.rejects(one.link.action('Command', { Command: 'core show version' }), { name: 'AmiError', refused: true, message: /Permission denied/ });
  const login = await one.link.action('Originate', { Channel: 'PJSIP/nobody', Application: 'Wait', Data: '1', CallerID: 'x\r\n\r\nAction: Logoff\r\n\r\n', Async: 'true' });
  t.equal(login.get('Response'), 'Success');
  t.equal((await one.link.action('Ping', {})).get('Response'), 'Success', 'it is still logged in');
  await t.rejects(one.link.action('Ping\r\nX', {}), /does not match/);
  t.equal(one.told.connected, 1);
  t.same(one.events, [], 'events are off until they are asked for');
  await one.link.close();
  await t.rejects(one.link.action('Ping', {}), AmiError);
});

t.test('a wrong secret is told, and tried again for ever', async (t) => {
  // Asterisk itself takes a second to refuse it.
  const one = link(asterisk.amiPort, { secret: 'wrong', timeoutMs: 4000 });
  await until(() => (one.link.problem.includes('Authentication failed') ? undefined : one.link.problem));
  t.notOk(one.link.connected);
  await one.link.close();
});

t.test('no AMI behind the port: told', async (t) => {
  const http = link(Number(new URL(asterisk.ariUrl).port));
  await until(() => (/no answer within|greet/.test(http.link.problem) ? undefined : http.link.problem));
  t.notOk(http.link.connected);
  await http.link.close();
});

t.test('a connection that breaks: what was under way fails, and it comes back', async (t) => {
  const one = link(proxy.port);
  await connected(one);
  proxy.stall();
  const waiting = t.rejects(one.link.action('Ping', {}), { name: 'AmiError', refused: false });
  proxy.drop();
  await waiting;
  await connected(one, 2);
  t.equal((await one.link.action('Ping', {})).get('Response'), 'Success');
  await one.link.close();
});

t.test('a frozen Asterisk is noticed, and used again when it goes on', async (t) => {
  const one = link(asterisk.amiPort);
  await connected(one);
  asterisk.pause();
  await t.rejects(one.link.action('Ping', {}), { name: 'AmiError', refused: false });
  await until(() => (one.link.connected ? 'it counts as connected' : undefined));
  asterisk.resume();
  await connected(one, 2);
  await one.link.close();
});
