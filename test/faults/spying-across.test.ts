/** The call is on one Asterisk, the operator's device registered at another; a daemon of its own leads each. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { byAddress, lcr } from '../calls/tenant.ts';
import { PROGRAM } from '../cli/program.ts';
import { startAsterisk } from '../lab/asterisk.ts';
import { startEngine } from '../lab/engine.ts';
import { PhoneAudio } from '../lab/phone-audio.ts';
import { SipPhone } from '../lab/sip-phone.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers, freshDatabase, freshRedis } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ADA = '127.0.1.96';
const HZ = { caller: 400, callee: 600, desk: 1000 };
const farAudio = await PhoneAudio.open('127.0.2.96');
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.96', values: { mediaPort: farAudio.port } });
const desk = await SipPhone.open('127.0.1.97', HZ.desk);
const password = 'Very-Secret-1';

const [postgresUrl, redisUrl, other] = await Promise.all([freshDatabase(), freshRedis(), startAsterisk({ rtpPorts: 100 })]);
const stage = await openFaultStage({
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.6' }] },
  ],
  providers: [{ name: 'far', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'far')],
  users: [{ username: 'ada', tariff: 'sell', lcr: 'main', balance: '1000' }],
  devices: [byAddress('ada', 'ada', ADA), { endpoint: 'desk', user: 'ada', auth: 'password', password, nat: false }],
}, {}, { postgresUrl, redisUrl });
const second = await startEngine({ postgresUrl, redisUrl, asterisks: [stage.asterisk, other] });

t.teardown(async () => {
  await second.stop();
  await other.stop();
  await stage.close();
  await far.stop();
  farAudio.close();
  desk.close();
  await closeServers();
});

function spy(callId: string): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, '--config', second.settingsFile, 'spy', callId, '--device', 'desk'], { cwd: PROJECT, timeout: 60_000 }, (error, out) => resolve({ code: error === null ? 0 : Number(error.code), out }));
  });
}

t.test('the device rings from where the call is, at the address that the other Asterisk knows', async (t) => {
  const audio = await PhoneAudio.open(ADA);
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37061000001', values: { mediaPort: audio.port, giveUpMs: 60_000 }, timeoutS: 60 });
  await stage.known('37061000001', 'state', 'answered');
  audio.speak(caller.messages().find((message) => message.status === 200)?.text ?? '', HZ.caller);
  farAudio.speak(far.invites()[0]?.text ?? '', HZ.callee);
  const [callId = ''] = await stage.redis.zrange('tollgate:live', '0', '-1');
  await until(async () => {
    const { out } = await spy(callId);
    return out.includes('registered at no Asterisk') ? undefined : out;
  }, { timeoutMs: 20_000 });
  const registered = await call({ scenario: 'register', target: other, ip: desk.ip, auth: { username: 'desk', password }, values: { contactPort: desk.port } });
  t.equal(registered.exitCode, 0);
  t.match(await spy(callId), { code: 0, out: /desk rings/ });
  desk.audio.listenAnew();
  await until(() => (desk.audio.heardMs(HZ.caller) > 200 && desk.audio.heardMs(HZ.callee) > 200 ? undefined : 'the operator does not hear both'));
  desk.audio.press('6');
  await until(() => (audio.heardMs(HZ.desk) > 200 && farAudio.heardMs(HZ.desk) > 200 ? undefined : 'both do not hear the operator'));
  desk.hangUp();
  await until(async () => ((await stage.db.query('select from spy_sessions where ended_at is not null')).rows.length === 1 ? undefined : 'the record has no end'));
  await stage.asterisk.cli('channel request hangup all');
  audio.close();
  t.match(await stage.rowsOf(await caller.done), [{ disposition: 'ANSWERED', server_id: 1 }]);
});

t.test('nothing is left', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.equal(await other.channelCount(), 0);
  t.same(stage.complaints(), []);
});
