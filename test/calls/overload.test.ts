/** More calls than can be served: those beyond are refused at once, and those that are up notice nothing. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import t from 'tap';
import type { OverloadHealth } from '../../engine/door.ts';
import type { Asterisk } from '../lab/asterisk.ts';
import { call, startCaller, startPeer } from '../lab/sipp.ts';
import type { Sipp, SippResult } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { closeServers } from '../store/servers.ts';
import { audit } from './auditor.ts';
import { NOTHING, openStage } from './stage.ts';
import type { Stage } from './stage.ts';
import { byAddress, lcr } from './tenant.ts';
import type { Tenant } from './tenant.ts';
import { finalStatuses } from './trace.ts';

const ADA = '127.0.1.1';
const BEN = '127.0.1.2';
const CEILING = 5;
const ROWS = 5;
/** Answers of Asterisk are so long on their way when the way is slow. */
const SLOW_MS = 100;

const far = await startPeer({ scenario: 'peer-answer-at-once', ip: '127.0.2.1' });

const tenant: Tenant = {
  tariffs: [
    { name: 'buy', purpose: 'provider', rates: [{ prefix: '370', rate: '0.05' }] },
    { name: 'sell', purpose: 'user_wholesale', rates: [{ prefix: '370', rate: '0.1' }] },
  ],
  providers: [{ name: 'carrier', host: far.ip, port: far.port, tariff: 'buy' }],
  lcrs: [lcr('main', 'carrier')],
  users: [{ username: 'ada', tariff: 'sell', lcr: 'main', balance: '100' }, { username: 'ben', tariff: 'sell', lcr: 'main', balance: '100' }],
  devices: [byAddress('ada', 'ada', ADA), byAddress('ben', 'ben', BEN)],
};

/** The network between the engine and Asterisk's ARI: what Asterisk says can be made late. */
class Wire {
  readonly #server: Server;
  lateMs = 0;
  #dueMs = 0;

  constructor(target: { host: string; port: number }) {
    this.#server = createServer((near) => {
      const asterisk = connect({ ...target, noDelay: true });
      near.pipe(asterisk);
      asterisk.on('data', (bytes: Buffer) => this.#deliver(near, bytes));
      for (const [one, other] of [[near, asterisk], [asterisk, near]] as const) {
        one.on('error', () => undefined);
        one.on('close', () => other.destroy());
      }
    });
  }

  /** In order, also when the way has become quicker meanwhile. */
  #deliver(near: Socket, bytes: Buffer): void {
    const nowMs = performance.now();
    this.#dueMs = Math.max(this.#dueMs, nowMs + this.lateMs);
    setTimeout(() => near.write(bytes), this.#dueMs - nowMs);
  }

  async listen(): Promise<number> {
    await new Promise<void>((listening) => this.#server.listen(0, '127.0.0.1', listening));
    this.#server.unref();
    return (this.#server.address() as AddressInfo).port;
  }
}

let wire: Wire | undefined;

async function throughWire(asterisk: Asterisk): Promise<string> {
  const { hostname, port } = new URL(asterisk.ariUrl);
  wire = new Wire({ host: hostname, port: Number(port) });
  return `http://127.0.0.1:${await wire.listen()}`;
}

interface Flood {
  readonly calls: number;
  readonly ratePerSecond: number;
}

function flood(stage: Stage, { calls, ratePerSecond }: Flood): Promise<Sipp> {
  return startCaller({ scenario: 'any-answer', target: stage.asterisk, ip: BEN, from: '37069000002', to: '37060010002', calls, ratePerSecond, values: { holdMs: 200 } });
}

function overloadOf(stage: Stage): OverloadHealth {
  const server = stage.engine.health().servers[0];
  if (server === undefined) throw new Error('there is no Asterisk');
  return server.overload;
}

async function shedding(stage: Stage, is: boolean): Promise<void> {
  await until(() => (overloadOf(stage).shedding === is ? undefined : `calls are ${is ? 'not' : 'still'} refused: ${JSON.stringify(overloadOf(stage))}`), { timeoutMs: 20_000 });
}

const refusedOf = (result: SippResult): number => finalStatuses(result).filter((status) => status === 503).length;

/** Lines of the log about the beginning and the end of it, since the one of this number. */
function told(stage: Stage, from = 0): string[] {
  return stage.log.slice(from).map((line) => (JSON.parse(line) as { msg: string }).msg).filter((msg) => /refused with 208|let in again/.test(msg));
}

async function rowsOfRefusals(stage: Stage): Promise<number> {
  const { rows } = await stage.db.query<{ n: number }>('select count(*)::int as n from calls where hangup_cause = 208');
  return rows[0]?.n ?? 0;
}

t.test('a ceiling', async (t) => {
  const stage = await openStage({ tenant, settings: { overload: { callsPerSecond: CEILING, delayMs: 0, rowsPerSecond: ROWS } } });
  t.teardown(() => stage.close());

  await t.test('calls above it get 503 at once and a row with 208, one that is up goes on', async (t) => {
    const talking = await startCaller({ scenario: 'call', target: stage.asterisk, ip: ADA, from: '37069000001', to: '37060010001', values: { holdMs: 2500 } });
    await until(() => (finalStatuses(talking)[0] === 200 ? undefined : 'the call is not up'));
    const result = await (await flood(stage, { calls: 10, ratePerSecond: 100 })).done;
    const refused = refusedOf(result);
    t.equal(finalStatuses(result).length, 10);
    t.ok(refused >= 1 && refused <= 10 - CEILING + 1, `${refused} of 10 are refused`);
    const all = await stage.rowsOf(result);
    const rows = all.filter((row) => row['disposition'] === 'FAILED');
    t.equal(rows.length, refused);
    for (const row of rows) t.match(row, { hangup_cause: 208, user_id: await stage.userId('ben'), src: '37069000002', dst: '37060010002', originator_ip: BEN, billsec: 0, terminated_by: 'system', final: true });
    // How long it takes is the bench's to say; here, that nothing is done for them first.
    const quickestMs = Math.min(...rows.map((row) => Number(row['duration_ms'])));
    const answeredMs = Math.min(...all.filter((row) => row['answer_time'] !== null).map((row) => Number(row['answer_time']) - Number(row['calldate'])));
    t.ok(quickestMs < answeredMs, `refused after ${quickestMs} ms at the least, answered after ${answeredMs}`);
    t.match(overloadOf(stage), { shedding: true, callsPerSecond: CEILING, shed: refused, shedWithoutRow: 0 });
    const done = await talking.done;
    t.equal(done.exitCode, 0, done.errors);
    t.match(await stage.rowsOf(done), [{ disposition: 'ANSWERED', billsec: 3, terminated_by: 'originator' }]);
  });

  await t.test('of a flood Asterisk refuses the most by itself; rows are bounded, and every refusal is counted', async (t) => {
    const before = overloadOf(stage);
    const rowsBefore = await rowsOfRefusals(stage);
    const startedMs = performance.now();
    const result = await (await flood(stage, { calls: 160, ratePerSecond: 40 })).done;
    const seconds = (performance.now() - startedMs) / 1000;
    const refused = refusedOf(result);
    t.equal(finalStatuses(result).length, 160);
    t.ok(refused > 160 - CEILING * 8, `${refused} of 160 are refused`);
    t.ok(refused < 160 - CEILING * 2, `${refused} of 160 are refused`);
    await until(() => (overloadOf(stage).shed - before.shed >= refused - 2 ? undefined : `counted: ${JSON.stringify(overloadOf(stage))}`));
    const { shed, shedByAsterisk, shedWithoutRow } = overloadOf(stage);
    t.ok(shed - before.shed <= refused, `${shed - before.shed} are counted of ${refused}`);
    t.ok(shedByAsterisk > refused / 4, `${shedByAsterisk} of ${refused} by Asterisk itself`);
    await stage.quiet();
    const rows = await rowsOfRefusals(stage);
    t.equal(rows, shed - shedByAsterisk - shedWithoutRow);
    t.ok(rows - rowsBefore <= ROWS * (seconds + 1), `${rows - rowsBefore} rows in ${seconds.toFixed(1)} s`);
  });

  await t.test('when it is over all are let in again, and the log has told of its beginning and its end, not of each call', async (t) => {
    await shedding(stage, false);
    // On a busy machine the first overload may be over before the second began.
    t.same(told(stage).slice(-2), ['More calls come than this Asterisk can take: those beyond are refused with 208', 'All calls are let in again']);
    t.ok(told(stage).length <= 4, told(stage).join(', '));
    t.same(finalStatuses(await call({ scenario: 'any-answer', target: stage.asterisk, ip: BEN, from: '37069000002', to: '37060010002' })), [200]);
  });

  await t.test('nothing is held any more, and the books agree', async (t) => {
    t.same(await stage.leftovers(), NOTHING);
    t.same(stage.complaints(), []);
    await audit(t, stage);
  });
});

t.test('the delay', async (t) => {
  const stage = await openStage({ tenant, ariUrl: throughWire, settings: { overload: {} } });
  t.teardown(() => stage.close());

  /** Forty a second: too many for what stands in their way. */
  async function tooMany(): Promise<void> {
    const from = stage.log.length;
    const result = await (await flood(stage, { calls: 160, ratePerSecond: 40 })).done;
    const statuses = finalStatuses(result);
    t.ok(refusedOf(result) > 0, 'some are refused');
    t.same(statuses.filter((status) => status !== 200 && status !== 503), [], 'and all others are served');
    t.ok(statuses.includes(200), 'which are some');
    t.equal(told(stage, from)[0], 'More calls come than this Asterisk can take: those beyond are refused with 208');
    const { rows } = await stage.db.query<{ n: number }>('select count(*)::int as n from calls where hangup_cause not in (208, 16)');
    t.equal(rows[0]?.n, 0);
  }

  await t.test('an Asterisk that answers late is let have fewer calls', async (t) => {
    t.same(finalStatuses(await call({ scenario: 'any-answer', target: stage.asterisk, ip: BEN, from: '37069000002', to: '37060010002' })), [200]);
    if (wire !== undefined) wire.lateMs = SLOW_MS;
    await tooMany();
    t.type(overloadOf(stage).callsPerSecond, 'number');
  });

  await t.test('and all of them when it is quick again', async () => {
    if (wire !== undefined) wire.lateMs = 0;
    await shedding(stage, false);
  });

  await t.test('so is an engine that is busy itself', async () => {
    const busy = setInterval(() => {
      const endMs = performance.now() + 60;
      while (performance.now() < endMs) continue;
    }, 75);
    await tooMany().finally(() => clearInterval(busy));
    await shedding(stage, false);
  });

  await t.test('nothing is held any more', async (t) => {
    t.same(await stage.leftovers(), NOTHING);
    t.same(stage.complaints(), []);
  });
});

t.teardown(async () => {
  await far.stop();
  await closeServers();
});
