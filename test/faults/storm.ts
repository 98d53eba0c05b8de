/**
 * A storm: twenty calls a second, about fifty at once, while something fails. Afterwards everything is counted, from what the callers saw on the wire and what stands in the books.
 */
import { amount, price } from '../calls/auditor.ts';
import type { Row } from '../calls/stage.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { RateFile, Tenant } from '../calls/tenant.ts';
import { callIdsOf, messagesOf } from '../calls/trace.ts';
import type { Traced } from '../calls/trace.ts';
import type { EngineProcess } from '../lab/engine.ts';
import { startCaller } from '../lab/sipp.ts';
import type { Sipp } from '../lab/sipp.ts';
import { headerOf } from '../lab/sip-message.ts';
import { until } from '../lab/wait.ts';
import { seededRandom } from '../routing/property.ts';
import type { FaultStage } from './stage.ts';

export const CALLER_IP = '127.0.1.51';
export const BUY: RateFile = { prefix: '370', rate: '0.05' };
const SELL: RateFile = { prefix: '370', rate: '0.1', incrementS: 1 };
const OPENING = '100';

/** A payer, a provider, one price each. */
export function stormTenant(far: { readonly ip: string; readonly port: number }): Tenant {
  return {
    tariffs: [{ name: 'buy', purpose: 'provider', rates: [BUY] }, { name: 'sell', purpose: 'user_wholesale', rates: [SELL] }],
    providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy' }],
    ...waysByNumber({ 3706001: ['answering'] }),
    users: [{ username: 'ada', tariff: 'sell', balance: OPENING }],
    devices: [byAddress('ada', 'ada', CALLER_IP, { location: 'by number' })],
  };
}

/** What must be nothing, and what it was nothing of. */
export interface Table {
  readonly calls: number;
  readonly answered: number;
  /** No engine was attached, or one that had just come could not decide yet: the caller tries his next route. */
  readonly refused: number;
  readonly dropped: number;
  readonly cdrsMissing: number;
  readonly cdrsDoubled: number;
  readonly balanceDifferences: number;
  readonly overdraft: number;
  readonly stuckCounters: number;
}

export const ZEROS = { dropped: 0, cdrsMissing: 0, cdrsDoubled: 0, balanceDifferences: 0, overdraft: 0, stuckCounters: 0 } as const;

export const RATE_PER_SECOND = 20;
export const HOLD_MS = 2500;

/** What fails while calls run; resolves when it is over. */
export type Fault = (stage: FaultStage) => Promise<void>;

async function leader(stage: FaultStage): Promise<EngineProcess> {
  let found: EngineProcess | undefined;
  await until(async () => {
    const word = (await stage.redis.get('tollgate:lead:1')) ?? '';
    found = stage.engines.find((engine) => word.includes(`:${engine.pid}:`));
    return found === undefined ? `nobody leads (${word})` : undefined;
  }, { timeoutMs: 20_000, everyMs: 20 });
  return found as EngineProcess;
}

/** The daemon that leads is killed so often, each time after half a second to two seconds of calls. */
export function kills(times: number, seed: number, onKill: (kill: number) => void = () => undefined): Fault {
  return async (stage) => {
    const random = seededRandom(seed);
    for (let kill = 1; kill <= times; kill += 1) {
      const victim = await leader(stage);
      await pauseFor(500 + random() * 1500);
      await victim.kill();
      onKill(kill);
      await victim.start();
    }
  };
}

/** A server is stopped under running calls, and comes back after a while. */
export function stopped(server: { stop(): Promise<void>; start(): Promise<void> }, awayMs: number): Fault {
  return async () => {
    await pauseFor(2000);
    await server.stop();
    await pauseFor(awayMs);
    await server.start();
    await pauseFor(2000);
  };
}

/** The lead is killed, frozen until another one leads and then woken up, and stopped in order: each so many times. */
export function takeovers(times: number): Fault {
  return async (stage) => {
    for (let time = 0; time < times; time += 1) {
      for (const how of ['kill', 'freeze', 'stop'] as const) {
        const victim = await leader(stage);
        await pauseFor(1500);
        if (how === 'freeze') {
          victim.pause();
          await until(async () => ((await leader(stage)) === victim ? 'nobody else leads' : undefined), { timeoutMs: 20_000 });
          await pauseFor(500);
          victim.resume();
        } else {
          await (how === 'kill' ? victim.kill() : victim.stop());
          await victim.start();
        }
      }
    }
  };
}

/** Redis is emptied, again and again. */
export function flushed(times: number): Fault {
  return async (stage) => {
    for (let time = 0; time < times; time += 1) {
      await pauseFor(3000);
      await stage.redis.flushdb();
    }
    await pauseFor(3000);
  };
}

/** A server dies under running calls, and comes back at once, with what it keeps. */
export function died(server: { kill(): Promise<void>; start(): Promise<void> }, times: number): Fault {
  return async () => {
    for (let time = 0; time < times; time += 1) {
      await pauseFor(4000);
      await server.kill();
      await pauseFor(1000);
      await server.start();
    }
    await pauseFor(4000);
  };
}

/** Asterisk itself is restarted: what it ends by that is apart. */
export const asteriskRestarted = (times: number): Fault => async (stage) => died(stage.asterisk, times)(stage);

export function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

export async function storm(stage: FaultStage, fault: Fault): Promise<Table> {
  const callers: Sipp[] = [];
  const over = new AbortController();
  // One run of callers after the other, for as long as the storm lasts.
  const calling = (async () => {
    while (!over.signal.aborted) {
      const caller = await startCaller({
        scenario: 'any-answer', target: stage.asterisk, ip: CALLER_IP, from: '37069000001', to: '37060010001',
        calls: RATE_PER_SECOND * 5, ratePerSecond: RATE_PER_SECOND, atOnce: 500, values: { holdMs: HOLD_MS },
      });
      callers.push(caller);
      await caller.done;
    }
  })();
  await fault(stage);
  over.abort();
  await calling;
  await stage.quiet(60_000);
  return counted(stage, callers, { opening: amount(OPENING), sell: SELL });
}

interface Seen {
  readonly answered: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  /** The far side or the switch ended an answered call: the caller was told BYE. */
  readonly dropped: ReadonlySet<string>;
}

function seenBy(caller: Traced): Seen {
  const [answered, refused, dropped] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const message of messagesOf(caller)) {
    const id = headerOf(message, 'Call-ID') ?? '';
    if (message.direction !== 'received') continue;
    if (message.method === 'BYE') dropped.add(id);
    if (message.status !== undefined && headerOf(message, 'CSeq')?.endsWith('INVITE') === true) {
      if (message.status === 200) answered.add(id);
      if (message.status >= 300 && message.status !== 401) refused.add(id);
    }
  }
  return { answered, refused, dropped };
}

/** What the user had, payments included, and what a call costs him. */
export interface Books {
  readonly opening: bigint;
  readonly sell: RateFile;
}

export async function counted(stage: FaultStage, callers: readonly Sipp[], books: Books): Promise<Table> {
  const seen = callers.map(seenBy);
  const answered = seen.flatMap((one) => [...one.answered]);
  const { rows } = await stage.db.query<Row>('select * from calls');
  const finals = new Map<string, Row[]>();
  for (const row of rows.filter((one) => one['final'] === true)) finals.set(String(row['originator_call_id']), [...(finals.get(String(row['originator_call_id'])) ?? []), row]);
  const { counters, money } = await stage.remains();
  const missing = answered.filter((id) => !(finals.get(id) ?? []).some((row) => row['disposition'] === 'ANSWERED'));
  for (const id of missing) process.stderr.write(`${missingText(id, finals.get(id) ?? [], callers)}\n`);
  return {
    calls: callers.reduce((sum, caller) => sum + callIdsOf(caller).length, 0),
    answered: answered.length,
    refused: seen.reduce((sum, one) => sum + one.refused.size, 0),
    dropped: seen.reduce((sum, one) => sum + one.dropped.size, 0),
    cdrsMissing: missing.length,
    cdrsDoubled: [...finals.values()].filter((all) => all.length > 1).length,
    balanceDifferences: await balanceDifferences(stage, rows, books),
    overdraft: Number((await stage.db.query('select from users where balance + credit < 0')).rowCount),
    stuckCounters: Object.keys(counters).length + Object.keys(money).length,
  };
}

/** What is known of an answered call without its row. */
function missingText(id: string, rows: readonly Row[], callers: readonly Sipp[]): string {
  const messages = callers.flatMap((caller) => messagesOf(caller)).filter((message) => headerOf(message, 'Call-ID') === id);
  const wire = messages.map(({ atMicros, direction, startLine }) => `${new Date(atMicros / 1000).toISOString()} ${direction} ${startLine}`);
  return [`no row of the answered call ${id}; its rows: ${JSON.stringify(rows)}`, ...wire].join('\n  ');
}

/** Accounts whose balance is not what was there less what its answered calls cost, by the auditor's arithmetic. */
async function balanceDifferences(stage: FaultStage, rows: readonly Row[], { opening, sell }: Books): Promise<number> {
  const talks = rows.filter((row) => row['disposition'] === 'ANSWERED').map((row) => Math.ceil(((row['end_time'] as Date).getTime() - (row['answer_time'] as Date).getTime()) / 1000));
  const cost = (rate: RateFile): bigint => talks.reduce((sum, seconds) => sum + price(rate, seconds).price, 0n);
  const balance = async (sql: string): Promise<bigint> => amount((await stage.db.query<{ balance: string }>(sql)).rows[0]?.balance ?? '0');
  const user = (await balance(`select balance from users where username = 'ada'`)) === opening - cost(sell);
  const provider = (await balance(`select balance from providers where name = 'answering'`)) === cost(BUY);
  return [user, provider].filter((right) => !right).length;
}

function line(head: string, cells: readonly (string | number)[]): string {
  return head.padEnd(20) + cells.map((cell) => String(cell).padStart(18)).join('');
}

/** A column for each fault. */
export function tableText(tables: Readonly<Record<string, Table>>): string {
  const names = Object.keys(Object.values(tables)[0] ?? {}) as (keyof Table)[];
  return [line('', Object.keys(tables)), ...names.map((name) => line(name, Object.values(tables).map((table) => table[name])))].join('\n');
}
