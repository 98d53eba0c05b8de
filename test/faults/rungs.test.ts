/**
 * The engine is killed on each rung of a call's ladder, between two words of its talk with Redis, Asterisk and Postgres; the next
 * start makes of the call what docs/CALL.md says. kill.test.ts has the kills while it rings, while people talk, and for good.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { Test } from 'tap';
import { newFolder } from '../lab/lab-folder.ts';
import { startCaller, startPeer } from '../lab/sipp.ts';
import type { CallerOptions, Sipp, SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { scriptDigests } from '../../store/redis/scripts.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from '../calls/auditor.ts';
import type { Row } from '../calls/stage.ts';
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
    { name: 'ringing', host: ringing.ip, port: ringing.port, tariff: 'buy' },
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

const deadly = join(newFolder('die-at'), 'point');
const preload = { file: fileURLToPath(new URL('die-at.mjs', import.meta.url)), environment: { DIE_AT: deadly, SCRIPTS: JSON.stringify([...scriptDigests()]) } };
// Each kill is followed by a start, which takes long on a busy machine.
t.setTimeout(900_000);

const stage = await openFaultStage(tenant, { reservation: { sliceS: 3, extendBeforeS: 1 }, calls: { deadManS: 120 } }, { preload });

/**
 * A point is a sentence: `redis admit asked`, `redis admit answered`, `asterisk POST channels/create asked`, `postgres commit asked`.
 * Both are regular expressions for one; see die-at.mjs.
 */
interface Deadly {
  readonly at: string;
  /** What is asked there never leaves the process, while everything else goes on. */
  readonly withheld?: string;
}

interface Rung extends Partial<CallerOptions> {
  readonly dies: Deadly;
  readonly to: string;
  /** What happens when the engine is there again. */
  readonly afterwards?: () => Promise<unknown>;
}

/** A call whose engine dies at this point, and a new start. */
async function killed({ dies, afterwards, ...caller }: Rung): Promise<{ readonly result: SippResult; readonly rows: Row[] }> {
  writeFileSync(`${deadly}.new`, JSON.stringify(dies));
  // Never half of it.
  renameSync(`${deadly}.new`, deadly);
  const calling = await startCaller({ scenario: 'call', target: stage.asterisk, ip: ADA, from: '37069000001', timeoutS: 60, values: { holdMs: 300, giveUpMs: 60_000 }, ...caller });
  await stage.engine.ended;
  if (existsSync(deadly)) throw new Error(`The engine ended before it came to "${dies.at}".`);
  await stage.engine.start();
  await afterwards?.();
  const result = await calling.done;
  return { result, rows: await stage.rowsOf(result) };
}

/** A test of one such call, which goes as its caller's scenario says; its rows. */
function rung(name: string, call: Rung, rows: readonly object[]): void {
  t.test(name, async (t) => {
    const came = await killed(call);
    t.equal(came.result.exitCode, 0, came.result.errors);
    matchRows(t, came.rows, rows);
  });
}

function matchRows(t: Test, is: readonly Row[], must: readonly object[]): void {
  t.match(is.map(({ attempt, final, disposition, hangup_cause, end_source, terminated_by, billsec }) => ({ attempt, final, disposition, hangup_cause, end_source, terminated_by, billsec })), must);
  t.equal(is.length, must.length, 'a row for each attempt');
}

/** The caller's side ends a call. */
async function hangUp(device: string): Promise<void> {
  const [name = 'none'] = new RegExp(`^PJSIP/${device}-[0-9a-f]+`, 'm').exec(await stage.asterisk.cli('core show channels concise')) ?? [];
  await stage.asterisk.cli(`channel request hangup ${name}`);
}

const GIVEN_UP = { disposition: 'FAILED', hangup_cause: 41, final: false, billsec: 0 };
const REFUSED = { disposition: 'FAILED', hangup_cause: 34, final: false, billsec: 0 };
const TALKED = { disposition: 'ANSWERED', hangup_cause: 16, final: true, end_source: 'event', terminated_by: 'originator' };

rung('route: refused, but neither told nor recorded', { dies: { at: 'redis record asked' }, to: '44', scenario: 'refused', values: { status: 403 } }, [{ disposition: 'FAILED', final: true, billsec: 0 }]);

rung('route: refused and recorded, but not told', { dies: { at: 'redis record answered', withheld: 'DELETE channels' }, to: '44', scenario: 'refused', values: { status: 503 } }, [{ disposition: 'FAILED', final: true, billsec: 0 }]);

rung('arrive: not admitted', { dies: { at: 'redis admit asked' }, to: '37060010001' }, [{ ...TALKED, attempt: 1 }]);

rung('admit: the answer did not come', { dies: { at: 'redis admit answered' }, to: '37060010001' }, [{ ...TALKED, attempt: 1 }]);

rung('leg: created, not dialled', { dies: { at: 'POST channels/create answered' }, to: '37060010001' }, [GIVEN_UP, { ...TALKED, attempt: 2 }]);

rung('connect: the leg waits in the application', { dies: { at: 'POST channels/[^/]+/dial asked' }, to: '37060010001' }, [GIVEN_UP, { ...TALKED, attempt: 2 }]);

const takeovers = (): number => stage.engine.log().filter(({ msg }) => /are taken over/.test(String(msg))).length;

t.test('connect: the INVITE is out, and the far end rings on', async (t) => {
  const before = takeovers();
  const { result, rows } = await killed({ dies: { at: 'POST channels/[^/]+/dial answered' }, to: '37060030001', scenario: 'any-answer', afterwards: async () => {
    await until(() => (takeovers() > before ? undefined : 'the call is not led on'), { timeoutMs: 10_000 });
    await hangUp('ada');
  } });
  t.equal(result.exitCode, 0, result.errors);
  matchRows(t, rows, [{ disposition: 'NO ANSWER', hangup_cause: 241, final: true, end_source: 'event', terminated_by: 'originator', billsec: 0 }]);
});

rung('next way: the leg failed, nothing was asked', { dies: { at: 'redis next-way asked' }, to: '37060020001' }, [REFUSED, { ...TALKED, attempt: 2 }]);

rung('next way: taken, the answer did not come', { dies: { at: 'redis next-way answered' }, to: '37060020001' }, [REFUSED, { ...TALKED, attempt: 2 }]);

t.test('next way: none had room, the answer did not come; the call that had the room goes on', async (t) => {
  const other = await startCaller({ scenario: 'call-until-bye', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060050001' });
  await stage.known('37060050001', 'state', 'answered');
  const { result, rows } = await killed({ dies: { at: 'redis next-way answered' }, to: '37060060001', scenario: 'refused', values: { status: 503 } });
  t.equal(result.exitCode, 0, result.errors);
  matchRows(t, rows, [{ ...REFUSED, final: true }]);
  await hangUp('ada');
  const gone = await other.done;
  t.equal(gone.exitCode, 0, gone.errors);
  matchRows(t, await stage.rowsOf(gone), [TALKED]);
});

/** The caller's side ends it when the call is led on. */
const answered = { to: '37060010001', scenario: 'call-until-bye', afterwards: async () => {
  await stage.known('37060010001', 'state', 'answered');
  await hangUp('ada');
} };

rung('answer: the far end did, the caller was not told', { dies: { at: 'POST channels/[^/]+/answer asked' }, ...answered }, [{ ...TALKED, attempt: 1 }]);

const goesOn = { to: '37060010001', scenario: 'call-until-bye', afterwards: async () => {
  // More than the first slice, 3 s at 0.1 a minute.
  await stage.known('37060010001', '_hold:1', /^[1-9]\d{4,}$/);
  await hangUp('ada');
} };

rung('extend: nothing was asked', { dies: { at: 'redis extend asked' }, ...goesOn }, [TALKED]);

rung('extend: held, the answer did not come', { dies: { at: 'redis extend answered' }, ...goesOn }, [TALKED]);

rung('cut: the money ended, nobody was told', { dies: { at: 'DELETE channels/[^/]+ asked' }, to: '37060010001', ip: BOB, from: '37069000002', scenario: 'call-until-bye' }, [{ ...TALKED, billsec: 2, terminated_by: 'system' }]);

rung('hang up: the caller left, the far end was not told', { dies: { at: 'DELETE channels/[^/]+ asked' }, to: '37060010001' }, [{ ...TALKED, billsec: 1, end_source: 'witness' }]);

rung('hang up: the far end left, the caller was not told', { dies: { at: 'DELETE channels/[^/]+ asked' }, to: '37060040001', scenario: 'call-until-bye' }, [{ ...TALKED, billsec: 2, end_source: 'witness', terminated_by: 'terminator' }]);

rung('finish: all have hung up, nothing was asked', { dies: { at: 'DELETE channels/[^/]+ answered', withheld: 'redis finish' }, to: '37060010001' }, [{ ...TALKED, billsec: 1, end_source: 'witness' }]);

rung('finish: done, a channel stayed', { dies: { at: 'redis finish answered', withheld: 'DELETE channels' }, to: '37060010001' }, [{ ...TALKED, billsec: 1 }]);

rung('settle: before the commit', { dies: { at: 'postgres commit asked' }, to: '37060010001' }, [{ ...TALKED, billsec: 1 }]);

rung('settle: committed, Redis was not told', { dies: { at: 'postgres commit answered' }, to: '37060010001' }, [{ ...TALKED, billsec: 1 }]);

rung('settle: Redis was told, the answer did not come', { dies: { at: 'redis settled answered' }, to: '37060010001' }, [{ ...TALKED, billsec: 1 }]);

t.test('nothing is left, nothing booked twice, and the books are right', async (t) => {
  await until(async () => ((await stage.asterisk.channelCount()) === 0 ? undefined : 'a channel is still up'), { timeoutMs: 15_000 });
  t.same(await stage.remains(), NOTHING_LEFT);
  t.same(stage.complaints(), []);
  await audit(t, stage, { engineAwayMs: 20_000 });
});

t.teardown(async () => {
  await stage.close();
  await Promise.all([answering, ringing, refusing, leaving].map((peer: Sipp) => peer.stop()));
  await closeServers();
});
