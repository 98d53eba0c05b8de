/** The prompt before a call: whose balance is low hears it before anything rings, in his language, and does not pay for it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { routingSettings } from '../../engine/settings-of.ts';
import { route } from '../../routing/route.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { PhoneAudio } from '../lab/phone-audio.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { toneFile } from '../lab/tone-file.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Row } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';

const IPS = { low: '127.0.1.81', lithuanian: '127.0.1.82', rich: '127.0.1.83', silent: '127.0.1.84', long: '127.0.1.85', postpaid: '127.0.1.86', switched: '127.0.1.87' };
const CARRIER = '127.0.3.81';
const HZ = { prompt: 1000, lithuanian: 1300, ringing: 440 };

const sounds = newFolder('sounds');
mkdirSync(join(sounds, 'lt'));
writeFileSync(join(sounds, 'low.wav'), toneFile(HZ.prompt, 1));
writeFileSync(join(sounds, 'lt', 'low.wav'), toneFile(HZ.lithuanian, 1));
writeFileSync(join(sounds, 'long.wav'), toneFile(HZ.prompt, 20));

const far = await startPeer({ scenario: 'peer-answer', values: { ringMs: 900 }, ip: '127.0.2.81' });

const warning = { enabled: true, prompt: join(sounds, 'low'), playBeforeEveryCall: true, promptThreshold: '5' };
const user = (username: string, balance: string, more: object = {}): Tenant['users'][number] => ({ username, tariff: 'sell', lcr: 'main', balance, warning, ...more });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.6' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }, { name: 'bringing', host: CARRIER, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [
    user('low', '4'),
    user('lithuanian', '4', { language: 'lt' }),
    user('rich', '5'),
    user('silent', '4', { warning: { ...warning, prompt: join(sounds, 'nothing-here') } }),
    user('long', '4', { warning: { ...warning, prompt: join(sounds, 'long') } }),
    user('postpaid', '-3', { postpaid: true, credit: 'unlimited' }),
    user('switched', '4', { warning: { ...warning, enabled: false } }),
  ],
  devices: Object.entries(IPS).map(([name, ip]) => byAddress(name, name, ip, { codecs: ['ulaw'] })),
  dids: [Object.assign({ did: '4401' }, { status: 'active', provider: 'bringing', user: 'low', external: `SIP/4401@${far.ip}:${far.port}` })],
};

const stage = await openStage({ tenant, settings: { calls: { announcementMaxS: 2 } } });

function told(name: keyof typeof IPS, dialled: string): unknown {
  const catalog = stage.store.catalog();
  if (catalog === null) throw new Error('There is no catalog.');
  const context = { catalog, settings: routingSettings(stage.settings), random: () => 0.5, quality: stage.store.quality(), dead: new Set<number>(), talk: stage.store.talk(), scores: null, balanceOf: (userId: number) => stage.store.balance(userId), explain: null };
  const decision = route(context, { serverId: 1, port: 5060, ip: '', endpoint: name, dialled, callerNumber: '1', atMs: Date.now() });
  return decision.kind === 'plan' ? decision.announcement : decision.cause;
}

interface Heard {
  readonly caller: Sipp;
  readonly audio: PhoneAudio;
  readonly row: Row;
  /** When the far end was called. */
  readonly before: { readonly promptMs: number; readonly lithuanianMs: number };
}

/** A call that is answered and hung up by its caller. */
async function heardBy(t: Test, name: keyof typeof IPS, to = '37061000000'): Promise<Heard> {
  const invited = far.invites().length;
  const audio = await PhoneAudio.open(IPS[name]);
  const caller = await startCaller({ scenario: 'call', target: stage.asterisk, ip: IPS[name], from: '37060000001', to, values: { mediaPort: audio.port, holdMs: 600 } });
  await until(() => (far.invites().length > invited ? undefined : 'the far end is not called'), { everyMs: 5, timeoutMs: 15_000 });
  const before = { promptMs: audio.heardMs(HZ.prompt), lithuanianMs: audio.heardMs(HZ.lithuanian) };
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  const [row] = await stage.rowsOf(result);
  if (row === undefined) throw new Error('There is no row.');
  audio.close();
  return { caller, audio, row, before };
}

const within = (ms: number, least: number, most: number): boolean => ms >= least && ms <= most;

t.test('he hears it, once and whole, before the far end is called; then the ringing; and pays his talk alone', async (t) => {
  t.same(told('low', '37061000000'), { file: join(sounds, 'low'), language: '' }, 'as route told');
  const { audio, row, before } = await heardBy(t, 'low');
  t.ok(within(before.promptMs, 900, 1100), `${before.promptMs} ms of one second before the INVITE`);
  t.ok(within(audio.heardMs(HZ.prompt), 900, 1100), `and ${audio.heardMs(HZ.prompt)} ms in all`);
  t.ok(audio.heardMs(HZ.ringing) > 500, `the ringing for ${audio.heardMs(HZ.ringing)} ms of 0.9 s`);
  t.match(row, { disposition: 'ANSWERED', billsec: 1, user_price: '0.0100000000' });
});

t.test('in his language', async (t) => {
  const { audio, before } = await heardBy(t, 'lithuanian');
  t.ok(within(before.lithuanianMs, 900, 1100), `${before.lithuanianMs} ms`);
  t.equal(audio.heardMs(HZ.prompt), 0);
});

t.test('a balance that is not below his threshold, and a warning that is not active: no prompt', async (t) => {
  for (const name of ['rich', 'switched'] as const) {
    t.equal(told(name, '37061000000'), undefined);
    t.equal((await heardBy(t, name)).audio.heardMs(HZ.prompt), 0, name);
  }
  t.match(told('rich', '37061000000'), { file: /low$/ }, 'after the call he is below it');
  t.ok((await heardBy(t, 'rich')).before.promptMs >= 900);
});

t.test('a top-up counts at the next call', async (t) => {
  const userId = await stage.userId('low');
  await stage.db.query(`select change_balance('user', $1, 10, 'payment', 'top-up')`, [userId]);
  await until(() => ((stage.store.balance(userId) ?? 0n) > 100_000_000_000n ? undefined : 'the daemon does not know it'));
  t.equal((await heardBy(t, 'low')).audio.heardMs(HZ.prompt), 0);
});

t.test('whoever is postpaid without limit hears it too', async (t) => {
  t.ok((await heardBy(t, 'postpaid')).before.promptMs >= 900);
});

t.test('a call to a DID has none, as its seconds would be paid from the arrival', async (t) => {
  t.equal(told('lithuanian', '4401'), undefined);
  t.equal((await heardBy(t, 'lithuanian', '4401')).audio.heardMs(HZ.lithuanian), 0);
});

function warnings(): unknown[] {
  return stage.log.filter((line) => line.includes('prompt before')).map((line) => JSON.parse(line) as object);
}

t.test('a sound that is not there: the call goes on, the log says so', async (t) => {
  const { row, audio } = await heardBy(t, 'silent');
  t.match(row, { disposition: 'ANSWERED', billsec: 1 });
  t.equal(audio.heardMs(HZ.prompt), 0);
  t.match(warnings(), [{ level: 40, msg: /there is no such sound/, file: /nothing-here/, callId: row['uniqueid'] }]);
});

t.test('a sound that lasts too long is cut off', async (t) => {
  const { row, audio, before } = await heardBy(t, 'long');
  t.match(row, { disposition: 'ANSWERED', billsec: 1 });
  t.ok(within(before.promptMs, 1800, 2200), `${before.promptMs} ms of 20 s`);
  t.ok(audio.heardMs(HZ.prompt) <= 2200, 'nothing of it is left in the call');
  t.match(warnings()[1], { level: 40, msg: /lasts too long/ });
});

t.test('he hangs up meanwhile: 241, and nobody is called', async (t) => {
  const invited = far.invites().length;
  const caller = await startCaller({ scenario: 'cancel', target: stage.asterisk, ip: IPS.long, from: '37060000001', to: '37061000000', values: { cancelAfterMs: 700 } });
  const result = await caller.done;
  t.equal(result.exitCode, 0, result.errors);
  t.match(await stage.rowsOf(result), [{ disposition: 'FAILED', hangup_cause: 241, terminated_by: 'originator', provider_id: null, billsec: 0 }]);
  t.equal(far.invites().length, invited);
  t.equal(warnings().length, 2, 'nothing is wrong with the sound');
});

t.test('nothing is left, and the books agree', async (t) => {
  t.same(await stage.leftovers(), NOTHING);
  t.same(stage.complaints(), []);
  await audit(t, stage);
});

t.teardown(async () => {
  await stage.close();
  await far.stop();
  await closeServers();
});
