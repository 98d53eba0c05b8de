/** Numbers and names made to break something: a clean refusal with a CDR, and nothing else happens. */
import t from 'tap';
import { headerOf, requestUser } from '../lab/sip-message.ts';
import type { SipMessage } from '../lab/sip-message.ts';
import { call, startPeer } from '../lab/sipp.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { rawCall } from './raw-caller.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';

const ALICE = '127.0.1.1';
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [{ username: 'alice', tariff: 'sell', lcr: 'main', balance: '10' }],
  devices: [byAddress('alice', 'alice', ALICE)],
};

// As long as a number may be by the settings: what Asterisk has cut to its own greatest length must not pass for one.
const stage = await openStage({ tenant, settings: { calls: { maxNumberLength: 79 } } });
t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});

let calls = 0;

async function dialRaw(user: string, from: string | Buffer = '<sip:37060000001@127.0.0.1>'): Promise<{ status: number; rows: Row[] }> {
  const callId = `raw-${(calls += 1)}`;
  const { host, sipPort } = stage.asterisk;
  const status = await rawCall({ target: stage.asterisk, ip: ALICE, uri: `sip:${user}${host}:${sipPort}`, from, callId });
  const messages = [{ method: 'INVITE', text: `INVITE x\r\nCall-ID: ${callId}\r\n\r\n` }] as unknown as SipMessage[];
  return { status, rows: await stage.rowsOf({ messages }) };
}

/** User parts of the request URI as they stand on the wire, and the cause that refuses them. */
const NUMBERS: readonly (readonly [name: string, user: string, cause: number])[] = [
  ['letters', '370abc600001@', 207],
  ['a name', 'alice@', 207],
  ['a plus alone', '+@', 207],
  ['a quote', '370%22600001@', 207],
  ['SQL', "370'or'1'='1@", 207],
  ['SQL with a comment', '370600001%3b%20drop%20table%20calls;--@', 207],
  ['a line break and a header', '370%0d%0aX-Injected:%20yes@', 207],
  ['a line break alone', '370600001%0a@', 207],
  ['a tab and a bell', '370%09600%07001@', 207],
  ['a parameter', '370600001;phone-context=+44@', 207],
  ['a shell command', '370600001;rm%20-rf%20/@', 207],
  ['a per cent sign', '370%25600001@', 207],
  ['a format', '370%25s%25n600001@', 207],
  ['a dialplan variable', '$%7bSHELL(id)%7d@', 207],
  ['a dialled option', '370600001,10,D(1)@', 207],
  ['a second destination', '370600001&PJSIP@', 207],
  ['a path', '..%2f..%2fetc%2fpasswd@', 207],
  ['an emoji', '370%F0%9F%93%9E600001@', 207],
  ['digits of another script', '%D9%A3%D9%A7%D9%A0@', 207],
  ['bytes that are no UTF-8', '370%FF%FE600001@', 207],
  ['a sign cut in two by the greatest length', `${'%F0%9F%93%9E'.repeat(25)}@`, 207],
  ['79 digits', `370${'6'.repeat(76)}@`, 207],
  ['80 digits', `370${'6'.repeat(77)}@`, 207],
  ['200 digits', `370${'6'.repeat(197)}@`, 207],
  ['no user part', '', 336],
  ['a zero byte first', '%00370600001@', 336],
];

t.test('a hostile number is refused and recorded, and nothing else happens', async (t) => {
  for (const [name, user, cause] of NUMBERS) {
    const { status, rows } = await dialRaw(user);
    t.equal(status, 403, name);
    t.match(rows, [{ disposition: 'FAILED', hangup_cause: cause, final: true, user_price: null, provider_id: null }], `${name}: recorded with ${cause}`);
    t.equal(rows.length, 1);
  }
  t.equal(far.invites().length, 0, 'nothing reached the far end');
});

t.test('the longest number that Asterisk does not cut passes whole', async (t) => {
  const longest = `370${'6'.repeat(75)}`;
  t.equal((await dialRaw(`${longest}@`)).status, 200);
  t.ok(inviteTo(longest));
});

t.test('a Call-ID that ARI cannot tell of is refused, and in nobody\'s way', async (t) => {
  const { host, sipPort } = stage.asterisk;
  const raw = { target: stage.asterisk, ip: ALICE, uri: `sip:37060000775@${host}:${sipPort}`, from: '<sip:37060000001@127.0.0.1>' };
  t.equal(await rawCall({ ...raw, callId: Buffer.from('call-\u00ff\u00fe', 'latin1') }), 403);
  t.equal(await rawCall({ ...raw, callId: String.raw`odd-but-legal"()\<>:/[]?{}$%!*+'~` }), 200);
});

t.test('a number that ends at a zero byte is what stands before it', async (t) => {
  const { status, rows } = await dialRaw('37060000776%00;evil@');
  t.equal(status, 200);
  t.match(rows, [{ dst: '37060000776', disposition: 'ANSWERED' }]);
});

/** Values of From as they stand on the wire. What the CDR may hold of the number is plain in any case. */
const CALLERS: readonly (readonly [name: string, from: string | Buffer, src: string | RegExp])[] = [
  ['SQL in the name', `"Bob'); drop table calls; --" <sip:37060000001@x>`, '37060000001'],
  ['escaped quotes in the name', String.raw`"Bob \"the\\ builder\"" <sip:37060000001@x>`, '37060000001'],
  ['markup in the name', '"<script>alert(1)</script>" <sip:37060000001@x>', '37060000001'],
  ['a header in the number', '<sip:3706%0d%0aX-Evil:%201@x>', /^3706X-Evil1$|^3706X-Evil/],
  ['SQL in the number', `<sip:3706'%3b--@x>`, '3706'],
  ['a quote in the number', '<sip:3706%22%3e@x>', '3706'],
  ['a number of 200 digits', `<sip:${'6'.repeat(200)}@x>`, /^6{20,79}$/],
  ['a name of 300 characters', `"${'x'.repeat(300)}" <sip:37060000001@x>`, '37060000001'],
  ['an emoji for a number', '<sip:%F0%9F%93%9E@x>', 'anonymous'],
  ['an emoji for a name', '"\u{1F4DE} Ada" <sip:37060000001@x>', '37060000001'],
  ['bytes that are no UTF-8 for a number', '<sip:370%FF%FE6@x>', /^370[^ ]*6$|^anonymous$|^370/],
  ['a name in another character set', Buffer.from('"J\u00fcrgen" <sip:37060000001@x>', 'latin1'), '37060000001'],
  ['a name with control characters', Buffer.from('"a\u0001\u0008b\u007f" <sip:37060000001@x>', 'latin1'), '37060000001'],
  ['no number', '"Anonymous" <sip:x>', 'anonymous'],
];

t.test("a hostile caller's name and number harm nobody, and the call goes on", async (t) => {
  const plain = await dialRaw('37060000700@', '"Ada" <sip:37060000001@x>');
  t.equal(plain.status, 200);
  const known = headerNames(inviteTo('37060000700'));
  for (const [index, [name, from, src]] of CALLERS.entries()) {
    const to = `370600008${String(index).padStart(2, '0')}`;
    const { status, rows } = await dialRaw(`${to}@`, from);
    t.equal(status, 200, name);
    t.match(rows, [{ disposition: 'ANSWERED', dst: to, src }], `${name}: src`);
    t.match(String(rows[0]?.['src']), /^[0-9A-Za-z+*#._-]{1,79}$/, `${name}: the number in the CDR is plain`);
    t.notMatch(String(rows[0]?.['clid']), /\p{Cc}/u, `${name}: no control character in the CDR`);
    const invite = inviteTo(to);
    t.same(headerNames(invite).filter((header) => !known.includes(header)), [], `${name}: the far end gets no other headers`);
    t.match(headerOf(invite, 'From'), /^("([^"\\]|\\.)*" |)<sip:[^<>"\s]+>;tag=\S+$/, `${name}: From is well formed`);
  }
});

function inviteTo(number: string): SipMessage {
  const invite = far.invites().find((one) => requestUser(one) === number);
  if (invite === undefined) throw new Error(`The far end got no INVITE for ${number}.`);
  return invite;
}

function headerNames(message: SipMessage): string[] {
  const head = message.text.split(/\r?\n\r?\n/, 1)[0] ?? '';
  return head.split(/\r?\n/).slice(1).map((line) => line.split(':', 1)[0] ?? '').sort();
}

t.test('the next caller is served as ever, and nothing is left', async (t) => {
  const result = await call({ scenario: 'call', target: stage.asterisk, ip: ALICE, from: '37060000001', to: '37060000778', values: { holdMs: 200 } });
  t.equal(result.exitCode, 0, result.errors);
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  t.same(stage.log.join('').split('').filter((character) => character < ' ' && character !== '\n'), [], 'no raw control character in the log');
  t.doesNotThrow(() => stage.asterisk.celRecords(), "Asterisk's own witness can be read");
  await audit(t, stage);
});
