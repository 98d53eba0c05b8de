/**
 * The engine is killed while calls stand on each rung of the ladder, each between two words of its talk with Redis and Asterisk; the
 * next start makes of each what docs/CALL.md says. It is killed again while that settles. kill.test.ts has the kills while it rings,
 * while people talk, and for good.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { scriptDigests } from '../../store/redis/scripts.ts';
import { newFolder } from '../lab/lab-folder.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { CallerOptions, Sipp } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { Tenant } from '../calls/tenant.ts';
import { NOTHING_LEFT, openFaultStage } from './stage.ts';

const [ADA, BOB] = ['127.0.1.35', '127.0.1.36'];

const answering = await startPeer({ scenario: 'peer-answer', values: { ringMs: 10 }, ip: '127.0.2.35' });
const ringing = await startPeer({ scenario: 'peer-ring', ip: '127.0.2.36' });
const refusing = await startPeer({ scenario: 'peer-refuse', values: { status: 503 }, ip: '127.0.2.37' });
const leaving = await startPeer({ scenario: 'peer-hangup', values: { ringMs: 10, talkMs: 1200 }, ip: '127.0.2.38' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [
    { name: 'answering', host: answering.ip, port: answering.port, tariff: 'buy' },
    { name: 'ringing', host: ringing.ip, port: ringing.port, tariff: 'buy', ringTimeoutS: 200 },
    { name: 'refusing', host: refusing.ip, port: refusing.port, tariff: 'buy' },
    { name: 'leaving', host: leaving.ip, port: leaving.port, tariff: 'buy' },
    { name: 'narrow', host: answering.ip, port: answering.port, tariff: 'buy', callLimit: 1 },
  ],
  ...waysByNumber({ 3706001: ['answering'], 3706002: ['refusing', 'answering'], 3706003: ['ringing'], 3706004: ['leaving'], 3706005: ['narrow'], 3706006: ['refusing', 'narrow'] }),
  users: [
    { username: 'ada', tariff: 'sell', balance: '10' },
    // Two seconds of talk.
    { username: 'bob', tariff: 'sell', balance: '0.0034' },
  ],
  devices: [byAddress('ada', 'ada', ADA, { location: 'by number' }), byAddress('bob', 'bob', BOB, { location: 'by number' })],
};

/**
 * A point is a sentence: `redis admit asked`, `redis admit answered`, `asterisk POST channels/create asked`, `postgres commit asked`.
 * Both are regular expressions for one; see stop-at.mjs.
 */
interface Stop {
  readonly at: string;
  /** What gets lost already before that, while everything else goes on. */
  readonly withheld?: string;
}

interface Rung extends Partial<CallerOptions> {
  readonly to: string;
  /** null: it goes on until the engine is killed, and beyond. */
  readonly stop: Stop | null;
  /** When it is led on: in Redis its state is this, then its caller hangs up. Without: it ends as its scenario says. */
  readonly until?: readonly [field: string, value: string | RegExp];
  readonly rows: readonly object[];
}

const FIELDS = ['attempt', 'final', 'disposition', 'hangup_cause', 'end_source', 'terminated_by', 'billsec'] as const;
const GIVEN_UP = { disposition: 'FAILED', hangup_cause: 41, final: false, billsec: 0 };
const FAILED = { disposition: 'FAILED', hangup_cause: 34, final: false, billsec: 0 };
const REFUSED = [{ disposition: 'FAILED', final: true, billsec: 0 }];
const TALKED = { disposition: 'ANSWERED', hangup_cause: 16, final: true, end_source: 'event', terminated_by: 'originator' };

const refusedWith = (status: number): Partial<Rung> => ({ scenario: 'refused', values: { status } });
const untilBye: Partial<Rung> = { scenario: 'call-until-bye' };
/** More than the first slice, 12 s at 0.1 a minute. */
const extended = { ...untilBye, until: ['_hold:1', /^([3-9]\d{4}|[1-9]\d{5,})$/] } as const;

const RUNGS: Readonly<Record<string, Rung>> = {
  'arrive: not admitted': { to: '37060010001', stop: { at: 'redis admit asked' }, rows: [{ ...TALKED, attempt: 1 }] },
  'route: refused, but neither told nor recorded': { to: '4401', ...refusedWith(403), stop: { at: 'redis record asked', withheld: 'DELETE channels' }, rows: REFUSED },
  'route: refused and recorded, but not told': { to: '4402', ...refusedWith(503), stop: { at: 'redis record answered', withheld: 'DELETE channels' }, rows: REFUSED },
  'admit: the answer did not come': { to: '37060010002', stop: { at: 'redis admit answered' }, rows: [{ ...TALKED, attempt: 1 }] },
  // Asterisk may tell of the leg before it answers.
  'leg: created, not dialled': { to: '37060010003', stop: { at: 'POST channels/create answered', withheld: 'POST (bridges/[^/]+/addChannel|channels/[^/]+/dial)' }, rows: [GIVEN_UP, { ...TALKED, attempt: 2 }] },
  'connect: the leg is in the bridge, not dialled': { to: '37060010004', stop: { at: 'POST channels/[^/]+/dial asked' }, rows: [GIVEN_UP, { ...TALKED, attempt: 2 }] },
  'connect: the INVITE is out, and the far end rings on': {
    to: '37060030001', scenario: 'any-answer', stop: { at: 'POST channels/[^/]+/dial answered' }, until: ['to', /./],
    rows: [{ disposition: 'NO ANSWER', hangup_cause: 241, final: true, end_source: 'event', terminated_by: 'originator', billsec: 0 }],
  },
  'next way: the leg failed, nothing was asked': { to: '37060020001', stop: { at: 'redis next-way asked' }, rows: [FAILED, { ...TALKED, attempt: 2 }] },
  'next way: taken, the answer did not come': { to: '37060020002', stop: { at: 'redis next-way answered' }, rows: [FAILED, { ...TALKED, attempt: 2 }] },
  'next way: none had room, the answer did not come': { to: '37060060001', ...refusedWith(503), stop: { at: 'redis next-way answered' }, rows: [{ ...FAILED, final: true }] },
  'talk: the call that had the room': { to: '37060050001', ...untilBye, stop: null, until: ['state', 'answered'], rows: [TALKED] },
  'answer: the far end did, the caller was not told': { to: '37060010005', ...untilBye, stop: { at: 'POST channels/[^/]+/answer asked' }, until: ['state', 'answered'], rows: [{ ...TALKED, attempt: 1 }] },
  'extend: nothing was asked': { to: '37060010006', ...extended, stop: { at: 'redis extend asked' }, rows: [TALKED] },
  'extend: held, the answer did not come': { to: '37060010007', ...extended, stop: { at: 'redis extend answered' }, rows: [TALKED] },
  'cut: the money ended, nobody was told': { to: '37060010008', ip: BOB, ...untilBye, stop: { at: 'DELETE channels/[^/]+ asked' }, rows: [{ ...TALKED, billsec: 2, terminated_by: 'system' }] },
  'hang up: the caller left, the far end was not told': { to: '37060010009', stop: { at: 'DELETE channels/[^/]+ asked' }, rows: [{ ...TALKED, billsec: 1, end_source: 'witness' }] },
  'hang up: the far end left, the caller was not told': { to: '37060040001', ...untilBye, stop: { at: 'DELETE channels/[^/]+ asked' }, rows: [{ ...TALKED, billsec: 2, end_source: 'witness', terminated_by: 'terminator' }] },
  'finish: all have hung up, nothing was asked': { to: '37060010010', stop: { at: 'DELETE channels/[^/]+ answered', withheld: 'redis finish' }, rows: [{ ...TALKED, billsec: 1, end_source: 'witness' }] },
  'finish: done, a channel stayed': { to: '37060010011', stop: { at: 'redis finish answered', withheld: 'DELETE channels' }, rows: [{ ...TALKED, billsec: 1 }] },
  'settle: the commit was not asked for': { to: '37060010012', stop: null, rows: [{ ...TALKED, billsec: 1 }] },
};

const file = join(newFolder('stop-at'), 'stops.json');

function stopAt(stops: Readonly<Record<string, Stop>>): void {
  rmSync(`${file}.reached`, { force: true });
  writeFileSync(file, JSON.stringify(stops));
}

/** Numbers of the calls that stand where they are to be stopped, and `settle`. */
function reached(): string[] {
  return existsSync(`${file}.reached`) ? readFileSync(`${file}.reached`, 'utf8').split('\n').filter((line) => line !== '') : [];
}

const stops = Object.values(RUNGS).flatMap(({ to, stop }): [string, Stop][] => (stop === null ? [] : [[to, stop]]));
stopAt({ ...Object.fromEntries(stops), settle: { at: 'postgres commit asked' } });
const preload = { file: fileURLToPath(new URL('stop-at.mjs', import.meta.url)), environment: { STOP_AT: file, SCRIPTS: JSON.stringify([...scriptDigests()]) } };
const stage = await openFaultStage(tenant, { reservation: { sliceS: 12, extendBeforeS: 10 }, calls: { deadManS: 120 } }, { preload });

async function start({ to, ...options }: Rung): Promise<Sipp> {
  const { scenario = 'call', ip = ADA, values = {} } = options;
  return startCaller({ scenario, target: stage.asterisk, ip, from: '37069000001', to, timeoutS: 120, values: { holdMs: 300, giveUpMs: 120_000, ...values } });
}

/** The caller's side ends a call. */
async function hangUp(to: string): Promise<void> {
  const lines = (await stage.asterisk.cli('core show channels concise')).split('\n');
  const name = lines.find((line) => line.startsWith('PJSIP/ada-') && line.includes(`!${to}!`))?.split('!')[0] ?? 'none';
  await stage.asterisk.cli(`channel request hangup ${name}`);
}

const callers = new Map<string, Sipp>();
const narrow = 'talk: the call that had the room';
callers.set(narrow, await start(RUNGS[narrow] as Rung));
await stage.known('37060050001', 'state', 'answered');
for (const [name, rung] of Object.entries(RUNGS)) if (name !== narrow) callers.set(name, await start(rung));
const wanted = [...stops.map(([to]) => to), 'settle'];
await until(() => {
  const missing = wanted.filter((name) => !reached().includes(name));
  return missing.length === 0 ? undefined : `not stopped yet: ${missing.join(', ')}`;
}, { timeoutMs: 120_000 });
await stage.engine.kill();

stopAt({ settle: { at: 'postgres commit answered' } });
await stage.engine.start();
await until(() => (stage.engine.log().some(({ msg }) => /are taken over/.test(String(msg))) ? undefined : 'no call is led on'), { timeoutMs: 20_000 });
for (const { to, until: led } of Object.values(RUNGS)) {
  if (led === undefined) continue;
  await stage.known(to, ...led);
  await hangUp(to);
}
const results = new Map(await Promise.all([...callers].map(async ([name, caller]) => [name, await caller.done] as const)));
await until(() => (reached().includes('settle') ? undefined : 'nothing is settled'), { timeoutMs: 20_000 });
await stage.engine.kill();

rmSync(file);
await stage.engine.start();

for (const [name, { rows }] of Object.entries(RUNGS)) {
  t.test(name, async (t) => {
    const result = results.get(name);
    if (result === undefined) throw new Error('There was no such call.');
    t.equal(result.exitCode, 0, result.errors);
    const is = (await stage.rowsOf(result)).map((row) => Object.fromEntries(FIELDS.map((field) => [field, row[field]])));
    t.match(is, rows);
    t.equal(is.length, rows.length, 'a row for each attempt');
  });
}

t.test('settle: committed, Redis was not told: nothing is left, nothing booked twice, and the books are right', async (t) => {
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
  await audit(t, stage, { engineAwayMs: 60_000 });
});

t.teardown(async () => {
  await stage.close();
  await Promise.all([answering, ringing, refusing, leaving].map((peer) => peer.stop()));
  await closeServers();
});
