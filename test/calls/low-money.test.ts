/** Money runs low in a call: whoever pays hears it, beside the other side, and nobody else does. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { newFolder } from '../lab/lab-folder.ts';
import { PhoneAudio } from '../lab/phone-audio.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { toneFile } from '../lab/tone-file.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';

const IPS = { low: '127.0.1.71', topped: '127.0.1.72', unheard: '127.0.1.73' };
const CARRIER = '127.0.3.71';
const HZ = { caller: 400, callee: 600, prompt: 1000 };

const sounds = newFolder('sounds');
const tone = join(sounds, 'low-money.wav');
writeFileSync(tone, toneFile(HZ.prompt, 1));

interface Callee {
  readonly peer: Sipp;
  readonly audio: PhoneAudio;
}

async function callee(ip: string): Promise<Callee> {
  const audio = await PhoneAudio.open(ip);
  return { audio, peer: await startPeer({ scenario: 'peer-answer-at-once', ip, values: { mediaPort: audio.port } }) };
}

const [far, phone] = [await callee('127.0.2.71'), await callee('127.0.2.72')];

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    // 1 unit a second.
    { name: 'second', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '60' }] },
    { name: 'did second', purpose: 'did', rates: [{ prefix: '', rate: '60' }] },
  ],
  providers: [{ name: 'carrier', host: far.peer.ip, port: far.peer.port, tariff: 'buy' }, { name: 'bringing', host: CARRIER, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [
    { username: 'low', tariff: 'second', lcr: 'main', balance: '5' },
    { username: 'topped', tariff: 'second', lcr: 'main', balance: '5' },
    { username: 'unheard', tariff: 'second', lcr: 'main', balance: '4' },
    { username: 'owner', tariff: 'second', lcr: 'main', balance: '5' },
  ],
  devices: [...Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip)), byAddress('phone', 'owner', phone.peer.ip, { port: phone.peer.port })],
  dids: [Object.assign({ did: '4401', ownerTariff: 'did second' }, { status: 'active', provider: 'bringing', user: 'owner', device: 'phone' })],
};

const stage = await openStage({ tenant, settings: { reservation: { sliceS: 2, extendBeforeS: 1 }, calls: { promptBeforeEndS: 3, promptMedia: `sound:${tone.replace('.wav', '')}` } } });

interface Talk {
  readonly caller: Sipp;
  readonly audio: PhoneAudio;
}

/** Both sides speak, each its tone. */
async function talk(ip: string, to: string, other: Callee): Promise<Talk> {
  const invited = other.peer.invites().length;
  const audio = await PhoneAudio.open(ip);
  const caller = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip, from: '37060000001', to, values: { mediaPort: audio.port } });
  const answer = (): string => caller.messages().find((message) => message.status === 200)?.text ?? '';
  await until(() => (answer() === '' ? 'the call is not answered' : undefined));
  audio.speak(answer(), HZ.caller);
  other.audio.listenAnew();
  other.audio.speak(other.peer.invites()[invited]?.text ?? '', HZ.callee);
  return { caller, audio };
}

async function over({ caller, audio }: Talk): Promise<unknown> {
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  audio.close();
  return (await stage.rowsOf(result))[0];
}

t.test('the caller whose money ends hears the prompt beside the other side, which hears nothing of it', async (t) => {
  const one = await talk(IPS.low, '37061000000', far);
  t.match(await over(one), { disposition: 'ANSWERED', billsec: 5, terminated_by: 'system' });
  const heard = one.audio.heardMs(HZ.prompt);
  t.ok(heard >= 700 && heard <= 1300, `the caller heard the prompt of one second for ${heard} ms, once`);
  t.ok(one.audio.heardMs(HZ.callee) > 4000, `and the other side for ${one.audio.heardMs(HZ.callee)} ms of 5 s`);
  t.equal(far.audio.heardMs(HZ.prompt), 0);
  t.ok(far.audio.heardMs(HZ.caller) > 4000, 'the other side heard the caller all the time');
});

t.test('a top-up in time: no prompt', async (t) => {
  const one = await talk(IPS.topped, '37061000000', far);
  await stage.db.query(`select change_balance('user', $1, 10, 'payment', 'in time')`, [await stage.userId('topped')]);
  // Longer than it would have lasted: the prompt would have come.
  await until(() => (one.audio.heardMs(HZ.callee) > 5500 ? undefined : 'they talk'), { timeoutMs: 15_000 });
  t.equal(one.audio.heardMs(HZ.prompt), 0);
  await stage.asterisk.cli('channel request hangup all');
  t.match(await over(one), { disposition: 'ANSWERED' });
});

t.test("a DID's owner pays: he hears it, the caller does not", async (t) => {
  const one = await talk(CARRIER, '4401', phone);
  t.match(await over(one), { disposition: 'ANSWERED', terminated_by: 'system' });
  t.ok(phone.audio.heardMs(HZ.prompt) >= 700, `the owner heard the prompt for ${phone.audio.heardMs(HZ.prompt)} ms`);
  t.equal(one.audio.heardMs(HZ.prompt), 0);
});

t.test('a sound that is not there: the log says so, the call goes on to its end', async (t) => {
  rmSync(tone);
  const one = await talk(IPS.unheard, '37061000000', far);
  t.match(await over(one), { disposition: 'ANSWERED', billsec: 4 });
  t.equal(one.audio.heardMs(HZ.prompt), 0);
  t.match(stage.log.filter((line) => line.includes('prompt')).map((line) => JSON.parse(line) as object), [{ level: 40, msg: /not played to its end/ }]);
});

t.test('nothing is left, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  for (const { peer, audio } of [far, phone]) {
    await peer.stop();
    audio.close();
  }
  await closeServers();
});
