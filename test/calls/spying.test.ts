/** Operators on calls: who hears whom in each mode, measured on real audio; and that the call knows nothing of them. */
import t from 'tap';
import type { CommandAnswer } from '../../store/redis/commands.ts';
import { PhoneAudio } from '../lab/phone-audio.ts';
import { SipPhone } from '../lab/sip-phone.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';

const IPS = { ada: '127.0.1.81', bea: '127.0.1.82' };
const HZ = { caller: 400, callee: 600, other: 800, desk: 1000, second: 1300 };

interface Callee {
  readonly peer: Sipp;
  readonly audio: PhoneAudio;
  readonly hz: number;
}

async function callee(ip: string, hz: number): Promise<Callee> {
  const audio = await PhoneAudio.open(ip);
  return { audio, hz, peer: await startPeer({ scenario: 'peer-answer-at-once', ip, values: { mediaPort: audio.port } }) };
}

const [far, elsewhere] = [await callee('127.0.2.81', HZ.callee), await callee('127.0.2.82', HZ.other)];
const [desk, second] = [await SipPhone.open('127.0.1.83', HZ.desk), await SipPhone.open('127.0.1.84', HZ.second)];

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '6' }] },
  ],
  providers: [{ name: 'carrier', host: far.peer.ip, port: far.peer.port, tariff: 'buy' }, { name: 'further', host: elsewhere.peer.ip, port: elsewhere.peer.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier'), lcr('second', 'further')],
  locations: [{ name: 'by number', rules: [{ name: 'further', cut: '3709', add: '3709', lcr: 'second' }] }],
  users: [
    { username: 'rose', type: 'reseller', tariff: 'sell', lcr: 'main', balance: '100', maySpy: true },
    { username: 'ada', tariff: 'sell', lcr: 'main', balance: '100', owner: 'rose', maySpy: true },
    { username: 'bea', tariff: 'sell', lcr: 'main', balance: '100' },
    { username: 'audrey', type: 'accountant', maySpy: true },
    { username: 'supervisors', tariff: 'sell', lcr: 'main', balance: '0' },
  ],
  devices: [
    ...Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip, { location: 'by number' })),
    byAddress('desk', 'supervisors', desk.ip, { port: desk.port }),
    byAddress('second', 'supervisors', second.ip, { port: second.port }),
    { endpoint: 'absent', user: 'supervisors', auth: 'password', password: 'Very-Secret-1' },
  ],
};

const stage = await openStage({ tenant, settings: { spying: { ringTimeoutS: 5, mostAtOnce: 3 } } });
await until(() => (stage.engine.health().servers[0]?.ami === 'connected' ? undefined : 'AMI is not connected'));

interface Talk {
  readonly caller: Sipp;
  readonly audio: PhoneAudio;
  readonly other: Callee;
  readonly callId: string;
}

async function talk(ip: string, to: string, other: Callee): Promise<Talk> {
  const invited = other.peer.invites().length;
  const audio = await PhoneAudio.open(ip);
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip, from: '37060000001', to, values: { mediaPort: audio.port, giveUpMs: 60_000 }, timeoutS: 60 });
  const answer = (): string => caller.messages().find((message) => message.status === 200)?.text ?? '';
  await until(() => (answer() === '' ? 'the call is not answered' : undefined));
  audio.speak(answer(), HZ.caller);
  other.audio.speak(other.peer.invites()[invited]?.text ?? '', other.hz);
  const calls = await stage.store.listCalls();
  return { caller, audio, other, callId: calls.find(({ fields }) => fields['to'] === to)?.callId ?? '' };
}

async function over({ caller, callId, audio }: Talk): Promise<Row | undefined> {
  stage.engine.hangUp(callId);
  const result = await caller.done;
  audio.close();
  return (await stage.rowsOf(result))[0];
}

async function spy(callId: string, device: string, more: Record<string, string> = {}): Promise<CommandAnswer> {
  return stage.engine.obey({ name: 'spy', serverId: 1, by: 'test', fields: { call: callId, device, ...more } });
}

interface Ears {
  readonly name: string;
  readonly audio: PhoneAudio;
}

/** Who hears which tones, for half a second; a tone that was heard for a part of it has a question mark. */
async function heard(talking: Talk, ...operators: readonly Ears[]): Promise<Record<string, string>> {
  const ears: readonly Ears[] = [{ name: 'caller', audio: talking.audio }, { name: 'callee', audio: talking.other.audio }, ...operators];
  for (const { audio } of ears) audio.listenAnew();
  await until(() => (talking.audio.heardMs(talking.other.hz) >= 500 && talking.other.audio.heardMs(HZ.caller) >= 500 ? undefined : 'the two do not hear each other'));
  const names = Object.entries(HZ);
  return Object.fromEntries(ears.map(({ name, audio }) => [name, names.filter(([, hz]) => audio.heardMs(hz) > 40).map(([tone, hz]) => (audio.heardMs(hz) >= 350 ? tone : `${tone}?`)).join(' ')]));
}

/** Half a second in which it is so, after whatever was pressed has had its effect. */
async function becomes(expected: Record<string, string>, talking: Talk, ...operators: readonly Ears[]): Promise<void> {
  await until(async () => {
    const found = await heard(talking, ...operators);
    return JSON.stringify(found) === JSON.stringify(expected) ? undefined : `they hear ${JSON.stringify(found)}`;
  }, { timeoutMs: 15_000 });
}

const LISTENS = { caller: 'callee', callee: 'caller', desk: 'caller callee' };
const WHISPERS = { ...LISTENS, caller: 'callee desk' };
const BARGES = { ...WHISPERS, callee: 'caller desk' };
const deskEars: Ears = { name: 'desk', audio: desk.audio };

async function record(id: string): Promise<Row> {
  let row: Row | undefined;
  await until(async () => {
    [row] = (await stage.db.query<Row>('select * from spy_sessions where id = $1 and ended_at is not null', [id])).rows;
    return row === undefined ? 'the record has no end' : undefined;
  }, { timeoutMs: 15_000 });
  return row ?? {};
}

const idOf = (answer: CommandAnswer): string => (answer.done ? (answer.fields['spy'] ?? '') : '');

t.test('4 listens, 5 whispers to the spied side, 6 speaks to both: keys by RTP and by SIP INFO', async (t) => {
  const one = await talk(IPS.ada, '37061000000', far);
  const answer = await spy(one.callId, 'desk');
  t.match(answer, { done: true, fields: { device: 'desk', side: 'caller' } });
  await becomes(LISTENS, one, deskEars);
  t.match(desk.shown, /"Spy" <sip:37060000001@/, 'his device shows that it is a spy, and whose call it is');
  desk.audio.press('5');
  await becomes(WHISPERS, one, deskEars);
  desk.audio.press('6');
  await becomes(BARGES, one, deskEars);
  desk.audio.press('4');
  await becomes(LISTENS, one, deskEars);
  desk.info('5');
  await becomes(WHISPERS, one, deskEars);
  desk.info('6');
  await becomes(BARGES, one, deskEars);
  desk.info('4');
  await becomes(LISTENS, one, deskEars);
  t.same(stage.engine.health().servers.map(({ calls, spies }) => ({ calls, spies })), [{ calls: 1, spies: 1 }], 'a spy is no call');
  t.equal(await stage.redis.zcard('tollgate:live'), 1);
  const byes = desk.received.filter((method) => method === 'BYE').length;
  t.match(await over(one), { disposition: 'ANSWERED', terminated_by: 'system' });
  await until(() => (desk.talks ? 'the operator is still connected' : undefined));
  t.equal(desk.received.filter((method) => method === 'BYE').length, byes + 1, 'the end of the call ends the spy');
  const row = await record(idOf(answer));
  t.match(row, { call_id: one.callId, user_id: 0, username: 'admin', ordered_by: 'test', device: 'desk', side: 'caller', server_id: 1 });
  t.same((row['modes'] as { mode: string }[]).map(({ mode }) => mode), ['listen', 'whisper', 'barge', 'listen', 'whisper', 'barge', 'listen']);
  t.ok(row['started_at'] instanceof Date && row['ended_at'] instanceof Date);
});

t.test('# steps the volume of what the operator hears, and of nothing else; * leaves', async (t) => {
  const one = await talk(IPS.ada, '37061000000', far);
  await spy(one.callId, 'desk');
  await becomes(LISTENS, one, deskEars);
  const before = { desk: desk.audio.level(), caller: one.audio.level() };
  for (const key of ['#', '#', '#']) desk.audio.press(key);
  await until(async () => {
    await heard(one, deskEars);
    return desk.audio.level() > before.desk * 1.5 ? undefined : `he hears ${Math.round(desk.audio.level())} after ${Math.round(before.desk)}`;
  }, { timeoutMs: 15_000 });
  desk.audio.press('*');
  await until(() => (desk.talks ? 'he is still connected' : undefined));
  t.ok(Math.abs(one.audio.level() / before.caller - 1) < 0.1, `the caller hears ${one.audio.level()}, before ${before.caller}`);
  await over(one);
});

t.test('the operator hangs up: the call goes on; the other side can be the spied one', async (t) => {
  const one = await talk(IPS.ada, '37061000000', far);
  const answer = await spy(one.callId, 'desk', { side: 'callee' });
  await becomes(LISTENS, one, deskEars);
  desk.audio.press('5');
  await becomes({ ...LISTENS, callee: 'caller desk' }, one, deskEars);
  desk.hangUp();
  t.match((await record(idOf(answer)))['side'], 'callee');
  await becomes({ caller: 'callee', callee: 'caller' }, one);
  t.match(await over(one), { disposition: 'ANSWERED' });
});

t.test('two operators on one call; of two calls of one device exactly the chosen one', async (t) => {
  const one = await talk(IPS.ada, '37061000000', far);
  const two = await talk(IPS.ada, '37091000000', elsewhere);
  const secondEars: Ears = { name: 'second', audio: second.audio };
  t.match(await spy(two.callId, 'desk'), { done: true });
  await becomes({ caller: 'other', callee: 'caller', desk: 'caller other' }, two, deskEars);
  t.match(await spy(two.callId, 'second', { as: 'audrey' }), { done: true });
  await becomes({ caller: 'other', callee: 'caller', desk: 'caller other', second: 'caller other' }, two, deskEars, secondEars);
  desk.audio.press('6');
  await becomes({ caller: 'other desk', callee: 'caller desk', desk: 'caller other', second: 'caller other' }, two, deskEars, secondEars);
  t.same(await heard(one), { caller: 'callee', callee: 'caller' }, 'the other call hears nothing of it');
  t.match(await over(two), { disposition: 'ANSWERED' });
  await until(() => (desk.talks || second.talks ? 'an operator is still connected' : undefined));
  t.match(await over(one), { disposition: 'ANSWERED' });
});

t.test('whatever stands in the way is told', async (t) => {
  const one = await talk(IPS.ada, '37061000000', far);
  const [call, none] = [one.callId, '1-1.1'];
  const reasons: readonly (readonly [CommandAnswer, RegExp])[] = [
    [await spy(none, 'desk'), /There is no call 1-1\.1, or it is over/],
    [await spy(call, 'nowhere'), /There is no device nowhere/],
    [await spy(call, 'absent'), /The device absent is not registered at Asterisk 1/],
    [await spy(call, 'desk', { as: 'nobody' }), /There is no user nobody/],
    [await spy(call, 'bea', { as: 'bea' }), /The user bea may not spy on calls/],
    [await spy(call, 'desk', { as: 'rose' }), /The device desk is not one of rose/],
    [await spy(call, "desk\r\nAction: Logoff", {}), /There is no device/],
    [await stage.engine.obey({ name: 'spy', serverId: 2, by: 'test', fields: { call: '2-1.1', device: 'desk' } }), /Another daemon leads Asterisk 2/],
  ];
  for (const [answer, reason] of reasons) t.match(answer, { done: false, reason });
  await over(one);
  t.match(await spy(call, 'desk'), { done: false, reason: /There is no call/ }, 'one that has ended');
  t.notOk(desk.talks);
});

t.test('a busy device and one that nobody answers: recorded as never heard', async (t) => {
  const one = await talk(IPS.ada, '37061000000', far);
  desk.answers = 'busy';
  t.match(await record(idOf(await spy(one.callId, 'desk'))), { started_at: null, modes: [] });
  desk.answers = 'never';
  t.match(await record(idOf(await spy(one.callId, 'desk'))), { started_at: null, modes: [] });
  desk.answers = 'yes';
  t.same(await heard(one), { caller: 'callee', callee: 'caller' });
  await over(one);
});

t.test('nothing is left, spies are no calls, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  t.equal((await stage.db.query('select from calls')).rows.length, 7, 'a CDR of each call, and none of a spy');
  t.equal((await stage.db.query('select from spy_sessions where ended_at is null')).rows.length, 0);
  t.same(await stage.redis.keys('tollgate:spies:*'), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  for (const { peer, audio } of [far, elsewhere]) {
    await peer.stop();
    audio.close();
  }
  desk.close();
  second.close();
  await closeServers();
});
