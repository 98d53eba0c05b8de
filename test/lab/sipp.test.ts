/** Every scenario of the lab, against a real Asterisk that dials through without an engine. */

import { test } from 'tap';
import { startAsterisk } from './asterisk.ts';
import { freePort } from './ports.ts';
import { headerOf, requestUser } from './sip-message.ts';
import { call, startPeer, type CallerOptions } from './sipp.ts';
import { callerByAddress, trunkTo } from './static-endpoints.ts';

/** The first digit of the number chooses the far end. */
const FAR_ENDS = {
  1: { scenario: 'peer-answer', values: { ringMs: 200 } },
  2: { scenario: 'peer-early-media', values: { ringMs: 200 } },
  3: { scenario: 'peer-answer-at-once', values: {} },
  4: { scenario: 'peer-hangup', values: { ringMs: 100, talkMs: 300 } },
  5: { scenario: 'peer-refuse', values: { status: 486, reason: 'Busy Here' } },
  6: { scenario: 'peer-ring', values: {} },
} as const;
const CALLER_IP = '127.0.0.2';
const PHONE = `[phone]
type=endpoint
context=direct
auth=phone
aors=phone
disallow=all
allow=ulaw
[phone]
type=auth
auth_type=userpass
username=phone
password=right
[phone]
type=aor
max_contacts=1
`;

const ports = Object.fromEntries(await Promise.all(Object.keys(FAR_ENDS).map(async (digit) => [digit, await freePort()] as const)));
const trunks = Object.entries(ports).map(([digit, port]) => trunkTo({ name: `far-${digit}`, ip: '127.0.0.1', port }));
const asterisk = await startAsterisk({
  additions: {
    'pjsip.conf': [callerByAddress({ name: 'direct', ip: CALLER_IP, context: 'direct' }), PHONE, ...trunks].join('\n'),
    'extensions.conf': [
      '[direct]',
      'exten => _[1-6]X!,1,Dial(PJSIP/${EXTEN}@far-${EXTEN:0:1},30)',
      ' same => n,Hangup(${HANGUPCAUSE})',
      'exten => pin,1,Answer()',
      ' same => n,Read(PIN,,4,,1,5)',
      ' same => n,Set(GLOBAL(PIN)=${PIN})',
      ' same => n,Wait(5)',
      'exten => phone,1,Dial(PJSIP/phone)',
    ].join('\n'),
  },
});
const farEnds = new Map(
  await Promise.all(
    Object.entries(FAR_ENDS).map(async ([digit, options]) => [digit, await startPeer({ ...options, port: ports[digit] ?? 0 })] as const),
  ),
);

const flows: [string, Partial<CallerOptions> & { scenario: string }, string][] = [
  ['is answered after ringing', { scenario: 'call', to: '11', values: { holdMs: 100 } }, 'INVITE 100 180 200 ACK BYE 200'],
  ['is answered after early media', { scenario: 'call', to: '21', values: { holdMs: 100 } }, 'INVITE 100 183 200 ACK BYE 200'],
  ['is answered at once', { scenario: 'call', to: '31', values: { holdMs: 100 } }, 'INVITE 100 200 ACK BYE 200'],
  ['is hung up by the far end', { scenario: 'call-until-bye', to: '41' }, 'INVITE 100 180 200 ACK BYE 200'],
  ['is busy', { scenario: 'refused', to: '51', values: { status: 486 } }, 'INVITE 100 486 ACK'],
  ['gets whatever comes: a refusal', { scenario: 'any-answer', to: '51' }, 'INVITE 100 486 ACK'],
  ['gets whatever comes: an answer', { scenario: 'any-answer', to: '31' }, 'INVITE 100 200 ACK BYE 200'],
  ['is cancelled while a phone rings for ever', { scenario: 'cancel', to: '61', values: { cancelAfterMs: 100 } }, 'INVITE 100 180 CANCEL 200 487 ACK'],
  ['is cancelled while a phone rings that would answer', { scenario: 'cancel', to: '11', values: { cancelAfterMs: 50 } }, 'INVITE 100 180 CANCEL 200 487 ACK'],
  ['is cancelled during early media', { scenario: 'cancel', to: '21', values: { cancelAfterMs: 50 } }, 'INVITE 100 183 CANCEL 200 487 ACK'],
  ['with a password is challenged first', { scenario: 'call', to: '31', from: 'phone', ip: '127.0.0.1', auth: { username: 'phone', password: 'right' }, values: { holdMs: 50 } }, 'INVITE 401 ACK INVITE 100 200 ACK BYE 200'],
  ['with a wrong password is challenged again', { scenario: 'refused', to: '31', from: 'phone', ip: '127.0.0.1', auth: { username: 'phone', password: 'wrong' }, values: { status: 401 } }, 'INVITE 401 ACK INVITE 401 ACK'],
];

for (const [name, options, messages] of flows) {
  await test(`a call ${name}`, async (t) => {
    const result = await call({ target: asterisk, ip: CALLER_IP, from: '37060099', timeoutS: 15, ...options });
    t.equal(result.exitCode, 0, result.errors);
    t.equal(result.messages.map((message) => message.method ?? message.status).join(' '), messages);
    t.equal(result.setupTimesMs.length, 1);
  });
}

await test('keys pressed in a call reach the far end\'s side of Asterisk', async (t) => {
  const read = { scenario: 'call-keys', to: 'pin', values: { keys: '12#', holdMs: 300 } };
  const result = await call({ target: asterisk, ip: CALLER_IP, from: '1', ...read });
  t.equal(result.exitCode, 0, result.errors);
  t.match(await asterisk.cli('dialplan show globals'), /PIN=12\b/);
});

await test('the far end sees the number, the caller and his name', async (t) => {
  const peer = farEnds.get('3');
  const before = peer?.invites().length ?? 0;
  await call({ target: asterisk, ip: CALLER_IP, scenario: 'call', to: '39', from: '37060099', fromName: 'Bob B', values: { holdMs: 1 } });
  const invite = peer?.invites()[before];
  if (invite === undefined) throw new Error('no INVITE came');
  t.equal(requestUser(invite), '39');
  t.match(headerOf(invite, 'from'), /^"Bob B" <sip:37060099@/);
  t.match(headerOf(invite, 'P-Asserted-Identity'), /^"Bob B" <sip:37060099@/);
});

await test('a phone that registers is called where it said', async (t) => {
  const phone = await startPeer({ scenario: 'peer-answer-at-once' });
  t.teardown(() => phone.stop());
  const auth = { username: 'phone', password: 'right' };
  const registered = await call({ target: asterisk, scenario: 'register', auth, values: { contactPort: phone.port } });
  t.equal(registered.exitCode, 0, registered.errors);
  const called = await call({ target: asterisk, ip: CALLER_IP, scenario: 'call', to: 'phone', from: '1', values: { holdMs: 1 } });
  t.equal(called.exitCode, 0, called.errors);
  t.equal(phone.invites().length, 1);
});

await test('many calls: each is counted and timed', async (t) => {
  const result = await call({ target: asterisk, ip: CALLER_IP, scenario: 'call', to: '31', from: '1', calls: 20, ratePerSecond: 20, trace: false, values: { holdMs: 100 } });
  t.same(result.stats, { started: 20, successful: 20, failed: 0, retransmissions: result.stats.retransmissions });
  t.equal(result.setupTimesMs.length, 20);
  t.same(result.messages, []);
});

await test('a call that goes another way than the scenario says is told', async (t) => {
  const result = await call({ target: asterisk, ip: CALLER_IP, scenario: 'refused', to: '51', from: '1', values: { status: 404 } });
  t.equal(result.exitCode, 1);
  t.match(result.errors, /while expecting.*received 'SIP\/2\.0 486/);
});

await test('all is over', async (t) => {
  t.equal(await asterisk.channelCount(), 0);
  for (const peer of farEnds.values()) t.equal(peer.errors(), '');
  await Promise.all([...farEnds.values()].map(async (peer) => peer.stop()));
  await asterisk.stop();
});
