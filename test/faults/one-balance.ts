/**
 * Many calls at once on one balance, with payments meanwhile: they share it to the last unit, all are cut where it ends, and it
 * is watched all the time that nobody is given what is not there.
 */
import { amount } from '../calls/auditor.ts';
import { byAddress, waysByNumber } from '../calls/tenant.ts';
import type { RateFile, Tenant } from '../calls/tenant.ts';
import { startCaller } from '../lab/sipp.ts';
import { until } from '../lab/wait.ts';
import { seededRandom } from '../routing/property.ts';
import type { FaultStage } from './stage.ts';
import { BUY, CALLER_IP, counted, pauseFor } from './storm.ts';
import type { Table } from './storm.ts';

/** A tenth of a unit a second. */
const SELL: RateFile = { prefix: '370', rate: '6', incrementS: 1 };
const SECOND = amount('0.1');

export const ONE_BALANCE_SETTINGS = { reservation: { sliceS: 3, extendBeforeS: 1 }, calls: { promptBeforeEndS: 2 } };

export interface OneBalance {
  readonly calls: number;
  /** What he has at first, or how far he may go below zero. */
  readonly funds: string;
  readonly postpaid: boolean;
  /** Payments, and how much each is at most. */
  readonly payments: number;
  readonly largest: number;
  readonly seed: number;
}

export function oneBalanceTenant(far: { readonly ip: string; readonly port: number }, { funds, postpaid }: OneBalance): Tenant {
  return {
    tariffs: [{ name: 'buy', purpose: 'provider', rates: [BUY] }, { name: 'sell', purpose: 'user_wholesale', rates: [SELL] }],
    providers: [{ name: 'answering', host: far.ip, port: far.port, tariff: 'buy' }],
    ...waysByNumber({ 3706001: ['answering'] }),
    users: [postpaid ? { username: 'ada', tariff: 'sell', balance: '0', postpaid, credit: funds } : { username: 'ada', tariff: 'sell', balance: funds }],
    devices: [byAddress('ada', 'ada', CALLER_IP, { location: 'by number' })],
  };
}

/** What may be spent, in Redis' whole numbers, told by one command: never below 0. */
async function watch(stage: FaultStage, over: AbortSignal): Promise<number> {
  let looks = 0;
  while (!over.aborted) {
    const fields = await stage.redis.hmget('tollgate:payer:1', 'balance', 'credit', 'reserved', 'pending');
    const [balance = 0n, credit = 0n, reserved = 0n, pending = 0n] = fields.map((field) => BigInt(field ?? '0'));
    if (balance + credit < reserved + pending) throw new Error(`overdrawn: ${balance} + ${credit} - ${reserved} - ${pending}`);
    looks += 1;
    await pauseFor(2);
  }
  return looks;
}

/** Returns the table, and how often the balance was looked at meanwhile. */
export async function oneBalance(stage: FaultStage, { calls, funds, postpaid, payments, largest, seed }: OneBalance): Promise<{ readonly table: Table; readonly looks: number }> {
  const over = new AbortController();
  const watching = watch(stage, over.signal);
  const caller = await startCaller({ scenario: 'any-answer', target: stage.asterisk, ip: CALLER_IP, from: '37069000001', to: '37060010001', calls, ratePerSecond: 50, atOnce: calls, values: { holdMs: 120_000 }, timeoutS: 180 });
  const random = seededRandom(seed);
  let paid = 0n;
  for (let payment = 0; payment < payments; payment += 1) {
    await pauseFor(random() * 1500);
    const cents = Math.ceil(random() * largest * 100);
    await stage.db.query(`select change_balance('user', 1, $1, 'payment', $2)`, [cents / 100, `payment ${payment}`]);
    paid += amount((cents / 100).toFixed(2));
  }
  await caller.done;
  await stage.quiet(60_000);
  await until(async () => ((await stage.redis.hget('tollgate:payer:1', 'pending')) === '0' ? undefined : 'not all is settled'));
  over.abort();
  const looks = await watching;
  const opening = (postpaid ? 0n : amount(funds)) + paid;
  const table = await counted(stage, [caller], { opening, sell: SELL });
  const { rows } = await stage.db.query<{ left: string; low: string }>(`select (balance + credit)::text as left,
    (select min(balance_after)::text from balance_ledger where account = 'user' and account_id = 1) as low from users where id = 1`);
  const left = amount(rows[0]?.left ?? '0');
  const low = amount(rows[0]?.low ?? '0') + (postpaid ? amount(funds) : 0n);
  // All are ended by the engine; one that was ended before the last second was spent would be a drop.
  return { looks, table: { ...table, dropped: left >= SECOND ? 1 : 0, overdraft: table.overdraft + (low < 0n ? 1 : 0) } };
}
