/**
 * A naive auditor. From the tenant file and the CDRs' times alone it works out, with arithmetic of its own, what every
 * call must have cost at every level and what every balance must be; and it compares the times with Asterisk's own
 * witness. It shares no code with rating/ or the store.
 */
import type { Test } from 'tap';
import type { Row, Stage } from './stage.ts';
import type { RateFile, Tenant } from './tenant.ts';

/** Amounts are whole numbers of 10^-10. */
const DECIMALS = 10;
const PRICE_STEP = 10_000n;
/** Asterisk stamps what it tells the engine and what it tells the witness in different threads. */
const WITNESS_TOLERANCE_MS = 250;
/** A call that the engine cut is billed to the cut; Asterisk may take so much longer to hang it up, on a busy machine. */
const CUT_TOLERANCE_MS = 2000;
/** Without an engine Asterisk ends it by its own limit (calls.deadManS of the tests, and some seconds). */
const DEAD_MAN_MS = 20_000;

export function amount(text: string): bigint {
  const [, sign = '', whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  const size = BigInt(whole + fraction.padEnd(DECIMALS, '0'));
  return sign === '-' ? -size : size;
}

export function amountText(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(DECIMALS + 1, '0');
  const text = `${digits.slice(0, -DECIMALS)}.${digits.slice(-DECIMALS)}`.replace(/\.?0+$/, '');
  return value < 0n ? `-${text}` : text;
}

function roundedUp(seconds: number, to: number): number {
  return Math.ceil(seconds / to) * to;
}

/** Rounded half up to six decimals, once. */
export function price(rate: RateFile, seconds: number): { billedS: number; price: bigint } {
  if (seconds === 0) return { billedS: 0, price: 0n };
  const billedS = roundedUp(Math.max(seconds, rate.minTimeS ?? 0), rate.incrementS ?? 1);
  const sixtieths = amount(rate.connectionFee ?? '0') * 60n + amount(rate.rate) * BigInt(billedS);
  const step = 60n * PRICE_STEP;
  const [doubled, whole] = [sixtieths * 2n + step, step * 2n];
  // BigInt divides towards zero; what we pay (below zero) is rounded half up as well.
  const steps = doubled / whole - (doubled % whole < 0n ? 1n : 0n);
  return { billedS, price: steps * PRICE_STEP };
}

interface Expected {
  readonly column: string;
  readonly price: bigint;
  readonly billedS: number;
  readonly account: string;
  /** What the account's balance changes by. */
  readonly change: bigint;
}

class Auditor {
  readonly #tenant: Tenant;

  constructor(tenant: Tenant) {
    this.#tenant = tenant;
  }

  /** What one CDR must hold. */
  expected(row: Row): Expected[] {
    if (row['flash_call'] === true) return this.#flash(row);
    if (row['disposition'] !== 'ANSWERED') return [];
    return row['did_id'] === null ? this.#outbound(row) : this.#did(row);
  }

  opening(): Map<string, bigint> {
    const { users, providers } = this.#tenant;
    return new Map([
      // The admin's account has no money.
      ...users.filter(({ username }) => username !== 'admin').map((user): [string, bigint] => [`user ${user.username}`, amount(user.balance ?? '0')]),
      ...providers.map((provider): [string, bigint] => [`provider ${provider.name}`, amount(provider.balance ?? '0')]),
    ]);
  }

  #rate(tariffName: string | undefined, number: string): RateFile | undefined {
    const tariff = this.#tenant.tariffs.find((one) => one.name === tariffName);
    const matching = (tariff?.rates ?? []).filter((rate) => number.startsWith(rate.prefix));
    return matching.sort((a, b) => b.prefix.length - a.prefix.length)[0];
  }

  /** A fixed price, of the user alone. Whether it was one, the test of flash calls works out from the wire. */
  #flash(row: Row): Expected[] {
    const user = this.#tenant.users.find((one) => one.username === row['user']);
    return user?.flashCalls?.enabled === true ? [taken('user', `user ${user.username}`, { billedS: 0, price: amount(user.flashCalls.price) })] : [];
  }

  #outbound(row: Row): Expected[] {
    const seconds = Math.ceil(span(row, 'answer_time', 'end_time') / 1000);
    const number = String(row['localized_dst']);
    const found: Expected[] = [];
    for (const level of ['user', 'reseller', 'partner'] as const) {
      const user = this.#tenant.users.find((one) => one.username === row[level]);
      const rate = this.#rate(user?.tariff, number);
      if (user !== undefined && rate !== undefined) found.push(taken(level, `user ${user.username}`, price(rate, seconds)));
    }
    const provider = this.#tenant.providers.find((one) => one.name === row['provider']);
    const rate = this.#rate(provider?.tariff, number);
    if (provider !== undefined && rate !== undefined) {
      const one = taken('provider', `provider ${provider.name}`, price(rate, seconds));
      // It is owed what it takes.
      found.push({ ...one, change: -one.change });
    }
    return found;
  }

  #did(row: Row): Expected[] {
    const seconds = Math.ceil(span(row, 'calldate', 'end_time') / 1000);
    const src = String(row['src']).replace('+', '');
    const did = this.#tenant.dids?.find((one) => one.did === row['did']);
    const provider = this.#tenant.providers.find((one) => one.name === row['did_provider']);
    const found: Expected[] = [];
    const add = (column: string, tariff: string | undefined, account: string): void => {
      const rate = this.#rate(tariff, src);
      if (rate !== undefined) found.push(taken(column, account, price(rate, seconds)));
    };
    add('did_prov', did?.providerTariff, `provider ${provider?.name}`);
    if (typeof row['user'] === 'string') add('did_inc', did?.incomingTariff, `user ${row['user']}`);
    if (row['user'] !== row['dst_user']) add('did', did?.ownerTariff, `user ${String(row['dst_user'])}`);
    return found;
  }
}

function taken(column: string, account: string, { billedS, price }: { billedS: number; price: bigint }): Expected {
  return { column, price, billedS, account, change: -price };
}

function span(row: Row, from: string, to: string): number {
  return (row[to] as Date).getTime() - (row[from] as Date).getTime();
}

const LEVELS = ['user', 'reseller', 'partner', 'provider', 'did', 'did_inc', 'did_prov'];

/** Price columns of a row that are not zero or empty. */
function recorded(row: Row): Record<string, string> {
  const found: Record<string, string> = {};
  for (const level of LEVELS) {
    const value = row[`${level}_price`] as string | null;
    if (value !== null && amount(value) !== 0n) found[level] = `${amountText(amount(value))} for ${String(row[`${level}_billsec`])} s`;
  }
  return found;
}

function wanted(expected: readonly Expected[]): Record<string, string> {
  const costing = expected.filter((one) => one.price !== 0n);
  return Object.fromEntries(costing.map((one) => [one.column, `${amountText(one.price)} for ${one.billedS} s`]));
}

const ALL_ROWS = `select c.*, u.username as "user", r.username as reseller, pa.username as partner, du.username as dst_user,
    p.name as provider, dp.name as did_provider, d.did
  from calls c left join users u on u.id = c.user_id left join users r on r.id = c.reseller_id left join users pa on pa.id = c.partner_id
    left join users du on du.id = c.dst_user_id left join providers p on p.id = c.provider_id
    left join providers dp on dp.id = c.did_provider_id left join dids d on d.id = c.did_id
  order by c.calldate, c.uniqueid, c.attempt`;

const BALANCES = `select 'user ' || username as account, balance from users where id <> 0 union all select 'provider ' || name, balance from providers`;

const PAYMENTS = `select 'user ' || username as account, sum(amount) as paid from balance_ledger l join users u on u.id = l.account_id
  where l.account = 'user' and l.cause not in ('call', 'did', 'flash_call', 'opening') group by username`;

const LEDGER = `select coalesce('user ' || u.username, 'provider ' || p.name) as account, sum(l.amount) as balance
  from balance_ledger l left join users u on l.account = 'user' and u.id = l.account_id left join providers p on l.account = 'provider' and p.id = l.account_id
  group by 1`;

function timeOf(record: Record<string, string>): number {
  return Date.parse(record['eventtime']?.replace(' ', 'T') ?? '');
}

/** Longest part of the call with both legs answered, by Asterisk's witness; undefined: it saw no end. */
function witnessedMs(records: readonly Record<string, string>[], row: Row): number | undefined {
  const legId = `${String(row['uniqueid'])}-${String(row['attempt'])}`;
  const callerId = String(row['uniqueid']).replace(/^\d+-/, '');
  // Devices that ring at once have a leg each, with a number behind; the one that answered counts.
  const isLeg = (id = ''): boolean => id === legId || (id.startsWith(`${legId}-`) && /^\d+$/.test(id.slice(legId.length + 1)));
  const answers = records.filter((record) => record['eventtype'] === 'ANSWER');
  // Legs that Dial() made have ids of Asterisk's own.
  const answer = answers.find((record) => isLeg(record['uniqueid'])) ?? answers.find((record) => record['linkedid'] === callerId && record['uniqueid'] !== callerId);
  if (answer === undefined) return undefined;
  const ended = records.filter((record) => record['eventtype'] === 'HANGUP' && [answer['uniqueid'], callerId].includes(record['uniqueid'])).map(timeOf);
  return ended.length === 0 ? undefined : Math.min(...ended) - timeOf(answer);
}

function nameOf(row: Row): string {
  return `call ${String(row['uniqueid'])} to ${String(row['dst'])}, ended by ${String(row['terminated_by'])}`;
}

/** What the auditor needs of a stage. */
export interface Audited extends Pick<Stage, 'tenant' | 'db' | 'quiet'> {
  /** Ids of channels are the Asterisk's own. */
  readonly asterisk: { readonly celRecords: (serverId: number) => readonly Record<string, string>[] };
}

function compareTimes(t: Test, stage: Audited, rows: readonly Row[], engineAwayMs: number): void {
  const records = new Map([...new Set(rows.map((row) => Number(row['server_id'])))].map((serverId) => [serverId, stage.asterisk.celRecords(serverId)]));
  const wrong = rows.filter((row) => row['disposition'] === 'ANSWERED').flatMap((row) => {
    const seenMs = witnessedMs(records.get(Number(row['server_id'])) ?? [], row);
    const billMs = span(row, 'answer_time', 'end_time');
    if (billMs !== row['bill_ms'] || row['billsec'] !== Math.ceil(billMs / 1000)) return [`${nameOf(row)}: ${billMs} ms by its times, bill_ms ${String(row['bill_ms'])}, billsec ${String(row['billsec'])}`];
    // The engine was away at its end.
    if (row['end_source'] === 'estimate') return [];
    if (seenMs === undefined) return [`${nameOf(row)}: the witness did not see it`];
    const longer = row['terminated_by'] !== 'system' ? WITNESS_TOLERANCE_MS : row['end_source'] === 'witness' ? DEAD_MAN_MS : CUT_TOLERANCE_MS + engineAwayMs;
    return seenMs - billMs <= longer && billMs - seenMs <= WITNESS_TOLERANCE_MS ? [] : [`${nameOf(row)}: ${billMs} ms recorded, ${seenMs} ms seen`];
  });
  t.same(wrong, [], 'every talk is as long as Asterisk itself saw it');
}

function texts(rows: readonly Row[], column: string): Record<string, string> {
  return Object.fromEntries(rows.map((row) => [String(row['account']), amountText(amount(String(row[column])))]));
}

/**
 * Compares every CDR's prices, every balance and the ledger with what they must be. `added`: providers inserted since;
 * `engineAwayMs`: it may have been dead for so long when a call was to be cut.
 */
export async function audit(t: Test, stage: Audited, { added = [], engineAwayMs = 0 }: { added?: Tenant['providers']; engineAwayMs?: number } = {}): Promise<void> {
  await stage.quiet();
  const auditor = new Auditor({ ...stage.tenant, providers: [...stage.tenant.providers, ...added] });
  const { rows } = await stage.db.query<Row>(ALL_ROWS);
  compareTimes(t, stage, rows, engineAwayMs);
  const wrong = rows.map((row) => ({ row, is: recorded(row), must: wanted(auditor.expected(row)) })).filter(({ is, must }) => LEVELS.some((level) => is[level] !== must[level]));
  t.same(wrong.map(({ row, is, must }) => ({ call: row['uniqueid'], src: row['src'], dst: row['dst'], is, must })), [], `${rows.length} CDRs are priced as the tenant file says`);
  const books = auditor.opening();
  const change = (account: string, by: bigint): unknown => books.set(account, (books.get(account) ?? 0n) + by);
  for (const row of rows) for (const one of auditor.expected(row)) change(one.account, one.change);
  for (const row of (await stage.db.query<Row>(PAYMENTS)).rows) change(String(row['account']), amount(String(row['paid'])));
  const must = Object.fromEntries([...books].map(([account, value]) => [account, amountText(value)]));
  const balances = texts((await stage.db.query<Row>(BALANCES)).rows, 'balance');
  t.same(balances, must, 'every balance is what was there less what the calls cost');
  const ledger = texts((await stage.db.query<Row>(LEDGER)).rows, 'balance');
  t.same({ ...Object.fromEntries(Object.keys(balances).map((account) => [account, '0'])), ...ledger }, balances, 'the ledger adds up to the balances');
}
