/** Spying by the command, while daemons die and Postgres does not answer. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { byAddress, lcr } from '../calls/tenant.ts';
import { PROGRAM } from '../cli/program.ts';
import { PhoneAudio } from '../lab/phone-audio.ts';
import { SipPhone } from '../lab/sip-phone.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers, connect } from '../store/servers.ts';
import type { Row } from '../calls/stage.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ADA = '127.0.1.86';
const HZ = { caller: 400, callee: 600, desk: 1000 };
const farAudio = await PhoneAudio.open('127.0.2.86');
const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.86', values: { mediaPort: farAudio.port } });
const desk = await SipPhone.open('127.0.1.87', HZ.desk);

const stage = await openFaultStage({
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.6' }] },
  ],
  providers: [{ name: 'far', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'far')],
  users: [{ username: 'ada', tariff: 'sell', lcr: 'main', balance: '1000', maySpy: true }, { username: 'bea', tariff: 'sell', lcr: 'main' }],
  devices: [byAddress('ada', 'ada', ADA), byAddress('desk', 'ada', desk.ip, { port: desk.port })],
}, {});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  farAudio.close();
  desk.close();
  await closeServers();
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function spy(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, '--config', stage.engine.settingsFile, 'spy', ...args], { cwd: PROJECT, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

async function start(to: string): Promise<{ readonly caller: Sipp; readonly audio: PhoneAudio; readonly callId: string }> {
  const invited = far.invites().length;
  const audio = await PhoneAudio.open(ADA);
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to, values: { mediaPort: audio.port, giveUpMs: 90_000 }, timeoutS: 100 });
  await stage.known(to, 'state', 'answered');
  audio.speak(caller.messages().find((message) => message.status === 200)?.text ?? '', HZ.caller);
  farAudio.speak(far.invites()[invited]?.text ?? '', HZ.callee);
  const [callId = ''] = await stage.redis.zrange('tollgate:live', '0', '-1');
  return { caller, audio, callId };
}

async function hears(audio: PhoneAudio, ...tones: readonly number[]): Promise<void> {
  audio.listenAnew();
  await until(() => {
    const missing = tones.filter((hz) => audio.heardMs(hz) < 200);
    return missing.length === 0 ? undefined : `${missing.join(', ')} Hz is not heard`;
  }, { timeoutMs: 15_000 });
}

/** The daemon tells of one spy, as one that has just started finds it in Redis. */
async function known(spies: number): Promise<void> {
  await until(async () => {
    const health = (await (await fetch(`${stage.engine.healthUrl}/health`)).json()) as { engine: { servers: { spies: number; ami: string }[] } };
    const [server] = health.engine.servers;
    return server?.ami === 'connected' && server.spies === spies ? undefined : JSON.stringify(server);
  }, { timeoutMs: 20_000 });
}

async function sessions(): Promise<Row[]> {
  return (await stage.db.query<Row>('select * from spy_sessions order by ordered_at')).rows;
}

const modes = (row: Row | undefined): string[] => ((row?.['modes'] ?? []) as { mode: string }[]).map(({ mode }) => mode);

t.test('the command: the device rings; the daemon dies, and spy and call go on; the next one goes on with the record', async (t) => {
  const { caller, audio, callId } = await start('37061000001');
  await known(0);
  t.match(await spy(callId, '--device', 'desk', '--as', 'ada'), { code: 0, out: 'desk rings: 4 listens, 5 whispers to the caller, 6 speaks to both, # steps the volume.\n' });
  await hears(desk.audio, HZ.caller, HZ.callee);
  await stage.engine.kill();
  desk.audio.press('5');
  await hears(audio, HZ.callee, HZ.desk);
  t.equal(farAudio.heardMs(HZ.desk), 0);
  await stage.engine.start();
  await known(1);
  desk.audio.press('6');
  await hears(farAudio, HZ.caller, HZ.desk);
  desk.hangUp();
  await known(0);
  await hears(audio, HZ.callee);
  await until(async () => ((await sessions())[0]?.['ended_at'] instanceof Date ? undefined : 'the record has no end'));
  const [row] = await sessions();
  t.match(row, { username: 'ada', device: 'desk', call_id: callId, ordered_by: /./ });
  t.same(modes(row), ['listen', 'barge'], 'what was pressed while no daemon led is not on record');
  t.match(await spy(callId, '--device', 'desk', '--as', 'bea', '--json'), { code: 1, out: /"done":false,"reason":"The user bea may not spy on calls/ });
  await stage.asterisk.cli('channel request hangup all');
  audio.close();
  t.match(await stage.rowsOf(await caller.done), [{ disposition: 'ANSWERED' }]);
  t.match(await spy(callId, '--device', 'desk'), { code: 1, out: /Nobody spies on .* There is no call/ });
  t.match(await spy('PJSIP/ada', '--device', 'desk'), { code: 1, err: /is not the id of a call/ });
  t.match(await spy(callId, '--device', 'desk', '--side', 'both'), { code: 1, err: /--side is caller or callee/ });
  t.match(await spy(callId), { code: 1, err: /--device/ });
});

t.test('the call ends while no daemon lives, and Postgres does not answer: the record waits in Redis, and has its end', async (t) => {
  const { caller, audio, callId } = await start('37061000002');
  const locker = await connect((JSON.parse(readFileSync(stage.engine.settingsFile, 'utf8')) as { postgresUrl: string }).postgresUrl);
  await locker.query('begin');
  await locker.query('lock table spy_sessions in access exclusive mode');
  t.match(await spy(callId, '--device', 'desk'), { code: 0 });
  await hears(desk.audio, HZ.caller, HZ.callee);
  await until(async () => ((await stage.redis.hlen('tollgate:spies:1')) === 1 ? undefined : 'it is not in Redis'));
  await stage.engine.kill();
  await stage.asterisk.cli('channel request hangup all');
  await until(() => (desk.talks ? 'the operator is still connected' : undefined));
  audio.close();
  await caller.done;
  await stage.engine.start();
  await known(0);
  t.equal(await stage.redis.hlen('tollgate:spies:1'), 1, 'it waits');
  await locker.query('rollback');
  await locker.end();
  await until(async () => ((await stage.redis.hlen('tollgate:spies:1')) === 0 ? undefined : 'it waits in Redis'), { timeoutMs: 20_000 });
  const rows = await sessions();
  t.equal(rows.length, 2);
  t.match(rows[1], { username: 'admin', call_id: callId, ended_at: Date, started_at: Date });
});

t.test('nothing is left', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
});
