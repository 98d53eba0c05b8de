/** Commands of operators reach the daemon that leads, and no other. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import { finalStatuses, received } from '../calls/trace.ts';
import { PROGRAM } from '../cli/program.ts';
import type { EngineProcess } from '../lab/engine.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { sendCommand } from '../../store/redis/commands.ts';
import { closeServers } from '../store/servers.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

/** JSON is YAML. */
const settingsOf = (engine: EngineProcess): { readonly redisUrl: string } => JSON.parse(readFileSync(engine.settingsFile, 'utf8')) as { readonly redisUrl: string };
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const ADA = '127.0.1.43';
const answering = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.43' });
const ringing = await startPeer({ scenario: 'peer-ring', ip: '127.0.2.44' });

const stage = await openFaultStage({
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
  ],
  providers: [{ name: 'answering', host: answering.ip, port: answering.port, tariff: 'buy' }, { name: 'ringing', host: ringing.ip, port: ringing.port, tariff: 'buy' }],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['ringing'] }),
  users: [{ username: 'ada', tariff: 'sell', balance: '1000' }],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' })],
}, {}, { daemons: 2 });
const [first, second] = stage.engines as [EngineProcess, EngineProcess];
const { redisUrl } = settingsOf(first);

t.teardown(async () => {
  await stage.close();
  await Promise.all([answering.stop(), ringing.stop()]);
  await closeServers();
});

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const hangup = async (...args: readonly string[]): Promise<Ran> => tollgate('hangup', ...args);

function tollgate(...args: readonly string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, '--config', first.settingsFile, ...args], { cwd: PROJECT, timeout: 60_000 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }));
  });
}

async function start(to: string, scenario: string, state: string): Promise<{ readonly caller: Sipp; readonly callId: string }> {
  const caller = await startCaller({ scenario, target: stage.asterisk, ip: ADA, from: '37069000001', to });
  await stage.known(to, 'state', state);
  const ids = await stage.redis.zrange('tollgate:live', '0', '-1');
  const numbers = await Promise.all(ids.map((id) => stage.redis.hget(`tollgate:call:${id}`, 'to')));
  return { caller, callId: ids[numbers.indexOf(to)] ?? '' };
}

async function leader(): Promise<string> {
  return ((await stage.redis.get('tollgate:lead:1')) ?? '').replace(/^\d+ /, '');
}

t.test('calls shows who talks to whom by which provider, what it costs so far, and how many there are', async (t) => {
  const [talking, waiting] = [await start('37060010009', 'call-until-bye', 'answered'), await start('37060020009', 'any-answer', 'ringing')];
  const shown = async (...args: readonly string[]): Promise<unknown> => JSON.parse((await tollgate('calls', '--json', ...args)).out);
  t.match(await shown('--provider', 'answering'), { calls: [{ callId: talking.callId, state: 'answered', user: 'ada', from: '37069000001', to: '37060010009', provider: 'answering', price: /^[1-9]\d*$/, server: '1', seconds: Number }] });
  t.match(await shown('--state', 'ringing', '--user', 'ada', '--server', '1'), { calls: [{ callId: waiting.callId, provider: 'ringing', price: '0' }] });
  t.match(await shown('--newest'), { calls: [{ to: '37060020009' }, { to: '37060010009' }] });
  t.match(await shown('--did', '4401'), { calls: [], counters: { 'calls:server:1': 2 } });
  t.match(await shown('--by', 'provider'), { by: 'provider', counts: [{ name: 'answering', calls: 1, answered: 1, price: /^[1-9]/ }, { name: 'ringing', calls: 1, ringing: 1, price: '0' }] });
  t.match((await tollgate('calls', '--once', '--state', 'answered')).out, new RegExp(`^since .*\\n00:00:\\d\\d  answered  ada .* answering .*${talking.callId}\\n1 of 2 calls: 1 answered\\n$`));
  t.match(await tollgate('calls', '--state', 'talking'), { code: 1, err: /Allowed choices are dialling, ringing, answered/ });
  t.match(await hangup(talking.callId, waiting.callId), { code: 0 });
  await Promise.all([stage.rowsOf(await talking.caller.done), waiting.caller.done]);
});

t.test('a call that talks is ended; it is charged, and the log tells who wanted it', async (t) => {
  const { caller, callId } = await start('37060010001', 'call-until-bye', 'answered');
  t.match(await hangup(callId), { code: 0, out: `${callId} is hung up.\n` });
  const result = await caller.done;
  t.equal(received(result, 'BYE').length, 1);
  const [row] = await stage.rowsOf(result);
  t.match(row, { disposition: 'ANSWERED', hangup_cause: 16, terminated_by: 'system', end_source: 'event' });
  t.ok(Number(row?.['user_price']) > 0, 'what was talked is paid');
  t.match(first.log().filter((line) => line['msg'] === 'Command').slice(-1), [{ command: 'hangup', by: /./, fields: { call: callId }, done: true }]);
  const again = await hangup(callId, '--json');
  t.equal(again.code, 1);
  t.match(JSON.parse(again.out), [{ call: callId, done: false, reason: `There is no call ${callId}, or it is over.` }]);
});

t.test('a call that rings is ended, and costs nothing', async (t) => {
  const { caller, callId } = await start('37060020001', 'any-answer', 'ringing');
  t.match(await hangup(callId), { code: 0 });
  const result = await caller.done;
  t.same(finalStatuses(result), [480]);
  t.match(await stage.rowsOf(result), [{ disposition: 'NO ANSWER', terminated_by: 'system', billsec: 0 }]);
});

t.test('what is no id, or of an Asterisk that nobody leads, is refused with the reason', async (t) => {
  t.match(await hangup('tollgate:payer:1'), { code: 1, err: /is not the id of a call/ });
  t.match(await hangup('7-1.1'), { code: 1, out: /No daemon leads Asterisk 7/ });
  t.match(await hangup('1-1.1', '7-1.1'), { code: 1, out: /There is no call 1-1\.1.*\n.*Asterisk 7/ });
});

t.test('what is no command harms nobody', async (t) => {
  const channel = `tollgate:commands:${await leader()}`;
  const id = '00000000-0000-0000-0000-000000000000';
  const bad = ['', '{', 'null', '[]', '7', '{"id":"../x"}', JSON.stringify({ id, name: 'hangup', serverId: '1', by: '', fields: {} }), JSON.stringify({ id, name: 'hangup', serverId: 1, by: 'x', fields: { call: 7 } }), JSON.stringify({ id, name: 'hangup', serverId: 1, by: 'x'.repeat(20_000), fields: {} })];
  for (const text of bad) t.equal(await stage.redis.publish(channel, text), 1);
  await until(() => {
    const told = first.log().filter((line) => line['msg'] === 'What came as a command is none').length;
    return told === bad.length ? undefined : `${told} of ${bad.length} were told`;
  });
  await stage.redis.publish(channel, JSON.stringify({ id, name: 'no-such', serverId: 1, by: 'x', fields: {} }));
  const answer = await stage.redis.blpop(`tollgate:answer:${id}`, 5);
  t.match(JSON.parse(answer?.[1] ?? ''), { done: false, reason: /does not know the command no-such/ });
  t.equal(await stage.redis.exists(`tollgate:answer:${id}`), 0);
});

t.test('a daemon that sleeps says nothing, and when it wakes up without the lead it does nothing', async (t) => {
  const { caller, callId } = await start('37060010002', 'call-until-bye', 'answered');
  const sleeper = await leader();
  first.pause();
  // Before its lease runs out.
  const asked = sendCommand(redisUrl, { name: 'hangup', serverId: 1, by: 'test', fields: { call: callId } });
  t.match(await asked, { done: false, reason: `The daemon ${sleeper} did not answer within 5 s` });
  await until(async () => ((await leader()).includes(`:${second.pid}:`) ? undefined : 'the other does not lead yet'));
  first.resume();
  await until(() => (first.log().some((line) => line['msg'] === 'Command' && line['done'] === false && String(line['reason']).includes('Another daemon leads')) ? undefined : 'the sleeper has not read it yet'));
  t.equal(await stage.redis.hget(`tollgate:call:${callId}`, 'state'), 'answered');
  t.match(await hangup(callId), { code: 0 });
  t.match(await stage.rowsOf(await caller.done), [{ disposition: 'ANSWERED', terminated_by: 'system' }]);
});

t.test('a daemon that has died is named; the next one does it', async (t) => {
  const { caller, callId } = await start('37060010003', 'call-until-bye', 'answered');
  await second.kill();
  await until(async () => {
    const { code, out } = await hangup(callId);
    return code === 0 ? undefined : out;
  }, { timeoutMs: 20_000 });
  t.match(await stage.rowsOf(await caller.done), [{ disposition: 'ANSWERED', terminated_by: 'system' }]);
});

t.test('nothing is left', async (t) => {
  await second.start();
  t.same(await stage.remains(), NOTHING_LEFT);
  const [unfetched = ''] = await stage.redis.keys('tollgate:answer:*');
  t.ok((await stage.redis.pttl(unfetched)) > 0, 'what the sleeper answered goes away by itself');
  t.same(stage.complaints(), []);
});
