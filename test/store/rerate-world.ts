/**
 * A tenant with random price lists and random calls, priced and settled by the product's own code, and a naive auditor
 * that knows the lists as plain rows: what every price, CDR, ledger row and balance must be, also after re-ratings.
 */
import type { Client } from 'pg';
import type { Cdr, Debit, PriceLevel } from '../../engine/call/admission.ts';
import { attemptCdr } from '../../engine/call/cdr.ts';
import { debits } from '../../engine/call/money.ts';
import { findRate } from '../../rating/tariff.ts';
import type { Catalog } from '../../routing/catalog.ts';
import { NOBODY } from '../../routing/plan.ts';
import type { Level, Parties } from '../../routing/plan.ts';
import { loadCatalogOnce } from '../../store/catalog/once.ts';
import { encodeEntry } from '../../store/cdr-row.ts';
import type { DebitText } from '../../store/cdr-row.ts';
import { copyCalls, debitArrays, insertCalls, insertDebits, prepareWriter } from '../../store/settle-sql.ts';
import { call as newCall, deviceWay, provider as newProvider } from '../call/call-builder.ts';
import { amount, amountText } from '../calls/auditor.ts';
import { below, pick } from '../rating/random-rates.ts';
import type { Random } from '../rating/random-rates.ts';
import { naivePrice } from '../rerate/naive-tariff.ts';
import type { NaiveRow, NaiveTariff } from '../rerate/naive-tariff.ts';

export const FROM = Date.UTC(2026, 10, 1);
export const TO = Date.UTC(2026, 11, 1);
const DAY = 86_400_000;

const NUMBERS = ['37061234567', '37065000000', '37052123456', '4930123456', '12125550100', '447700900123'] as const;
const PREFIXES = ['370', '3706', '37061', '37052', '49', '493', '1', '1212', '44'] as const;
const EXCHANGE = '0.7351';
/** Tariffs: 1 of providers, 2 of users, 3 of the reseller, 4 of the partner, 5 of user 34 in EUR; 6, 7, 8 of the DID's owner, caller and provider. */
export const TARIFFS = { 1: 'Carriers', 2: 'Users', 3: 'Resellers', 4: 'Partners', 5: 'Euro', 6: 'DID owners', 7: 'DID callers', 8: 'DID providers' } as const;
type TariffId = keyof typeof TARIFFS;
const TARIFF_IDS = [1, 2, 3, 4, 5, 6, 7, 8] as const;

interface Part {
  readonly level: PriceLevel;
  readonly tariffId: TariffId;
  readonly account: 'user' | 'provider';
  readonly accountId: number;
  readonly number: string;
  readonly isDid: boolean;
}

export interface NaiveCall {
  readonly id: string;
  readonly atMs: number;
  /** null: nobody answered. */
  readonly times: { readonly ringMs: number; readonly talkMs: number } | null;
  readonly parts: readonly Part[];
}

type MutableTariff = { -readonly [Key in keyof NaiveTariff]: NaiveTariff[Key] };

export type Kind = 'user' | 'provider' | 'tariff';

export class World {
  readonly client: Client;
  readonly random: Random;
  readonly #url: string;
  readonly #tariffs = new Map<TariffId, MutableTariff>();
  readonly #calls: NaiveCall[] = [];
  /** By call and level: decimal text. */
  readonly #prices = new Map<string, string>();
  #catalog: Catalog | null = null;
  #made = 0;

  constructor(client: Client, url: string, random: Random) {
    this.client = client;
    this.#url = url;
    this.random = random;
  }

  async build(): Promise<void> {
    await this.client.query(`
      insert into currencies (code, exchange_rate) values ('EUR', ${EXCHANGE});
      insert into destinations (id, prefix, name) values (1, '370', 'Lithuania'), (2, '3706', 'Lithuania mobile'), (3, '49', 'Germany');
      insert into tariffs (id, name, purpose, currency) values ${TARIFF_IDS.map((id) => `(${id}, '${TARIFFS[id]}', '${id === 1 ? 'provider' : id > 5 ? 'did' : 'user_wholesale'}', '${id === 5 ? 'EUR' : 'USD'}')`).join(', ')};
      insert into providers (id, name, host, tariff_id) values (51, 'Carrier A', '127.0.0.1', 1), (52, 'Carrier B', '127.0.0.2', 1);
      insert into users (id, username, type, owner_id, balance, tariff_id) values (10, 'paula', 'partner', 0, 500, 4), (20, 'rita', 'reseller', 10, 500, 3);
      insert into users (id, username, owner_id, balance, tariff_id) values (31, 'anna', 20, 100, 2), (32, 'bert', 20, 100.25, 2), (33, 'cleo', 20, 0, 2), (34, 'dora', 0, 77, 5);
      insert into devices (id, user_id, endpoint, secret) values (71, 31, 'anna1', 's3cret');
      insert into dids (id, did, status, user_id, device_id, provider_id) values (61, '37088888888', 'active', 31, 71, 51)`);
    for (const id of TARIFF_IDS) {
      const prefixes = id > 5 ? ['', '370', '3705'] : PREFIXES;
      // The shortest ones are there from the beginning: most calls have a price.
      const rows = prefixes.map((prefix) => this.#row(prefix, 0));
      this.#tariffs.set(id, { id, exchangeRate: id === 5 ? EXCHANGE : '1', rows });
      for (const row of rows) await this.#insertRow(id, row);
    }
    await this.readCatalog();
  }

  async readCatalog(): Promise<void> {
    this.#catalog = await loadCatalogOnce(this.#url, 6);
  }

  #row(prefix: string, fromMs: number): NaiveRow {
    const { random } = this;
    return { prefix, fromMs, rate: `${below(random, 2)}.${String(below(random, 10_000)).padStart(4, '0')}`, connectionFee: pick(random, ['0', '0', '0.05']), incrementS: pick(random, [1, 1, 6, 60]), minTimeS: pick(random, [0, 0, 30]) };
  }

  async #insertRow(id: TariffId, { prefix, fromMs, rate, connectionFee, incrementS, minTimeS }: NaiveRow): Promise<void> {
    await this.client.query(
      `insert into rates (tariff_id, prefix, effective_from, rate, blocked, connection_fee, increment_s, min_time_s) values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (tariff_id, prefix, effective_from, day_type, start_time) do update set rate = excluded.rate, blocked = excluded.blocked, connection_fee = excluded.connection_fee, increment_s = excluded.increment_s, min_time_s = excluded.min_time_s`,
      [id, prefix, new Date(fromMs), rate === 'blocked' ? 0 : rate, rate === 'blocked', connectionFee, incrementS, minTimeS],
    );
  }

  /** Changes some rows of a tariff: other prices, new dates within the period, prices that end or are blocked. */
  async correct(id: TariffId, changes = 4): Promise<void> {
    const tariff = this.#tariffs.get(id);
    if (tariff === undefined) throw new Error(`no tariff ${id}`);
    for (let done = 0; done < changes; done++) {
      const old = tariff.rows[below(this.random, tariff.rows.length)];
      if (old === undefined) throw new Error('no row');
      const what = pick(this.random, ['price', 'price', 'price', 'date', 'date', 'blocked', 'gone'] as const);
      const fromMs = what === 'date' ? FROM + below(this.random, 30) * DAY : old.fromMs;
      const others = tariff.rows.filter((row) => row.prefix !== old.prefix || row.fromMs !== fromMs);
      if (what === 'gone' && others.length > 0) {
        await this.client.query('delete from rates where tariff_id = $1 and prefix = $2 and effective_from = $3', [id, old.prefix, new Date(old.fromMs)]);
        tariff.rows = others;
        continue;
      }
      const fresh = { ...this.#row(old.prefix, fromMs), ...(what === 'blocked' && id <= 5 ? { rate: 'blocked' } : {}) };
      await this.#insertRow(id, fresh);
      tariff.rows = [...others, fresh];
    }
  }

  /** Another price for every prefix, so that nearly every call costs something else. */
  async replace(id: TariffId): Promise<void> {
    const tariff = this.#tariffs.get(id);
    if (tariff === undefined) throw new Error(`no tariff ${id}`);
    tariff.rows = tariff.rows.map((row) => this.#row(row.prefix, row.fromMs));
    for (const row of tariff.rows) await this.#insertRow(id, row);
  }

  /** A call that the tariffs of the catalog price at every level, with what the engine would hand to the store. */
  randomCall(atMs = FROM - 3 * DAY + below(this.random, 37 * 24 * 3600) * 1000 + below(this.random, 1000)): { readonly naive: NaiveCall; readonly cdrs: readonly Cdr[]; readonly debits: readonly Debit[] } {
    for (;;) {
      const naive = this.#draw(atMs);
      const levels = naive.parts.map((part) => ({ part, rate: findRate(this.#tariff(part.tariffId), part.number, naive.atMs) }));
      if (levels.some(({ rate }) => typeof rate === 'string')) continue;
      this.#made += 1;
      return { naive, ...engineEnd(naive, levels as readonly PricedPart[]) };
    }
  }

  #tariff(id: TariffId): NonNullable<ReturnType<Catalog['tariffs']['get']>> {
    const tariff = this.#catalog?.tariffs.get(id);
    if (tariff === undefined) throw new Error(`no tariff ${id} in the catalog`);
    return tariff;
  }

  #draw(atMs: number): NaiveCall {
    const { random } = this;
    const times = random() < 0.1 ? null : { ringMs: below(random, 9000), talkMs: 1 + below(random, 400_000) };
    const common = { id: `1-${atMs}.${this.#made}`, atMs, times };
    if (random() < 0.7) {
      const userId = pick(random, [31, 32, 33, 34]);
      const number = pick(random, NUMBERS);
      const part = (level: PriceLevel, tariffId: TariffId, account: Part['account'], accountId: number): Part => ({ level, tariffId, account, accountId, number, isDid: false });
      const above = userId === 34 ? [] : [part('reseller', 3, 'user', 20), part('partner', 4, 'user', 10)];
      return { ...common, parts: [part('user', userId === 34 ? 5 : 2, 'user', userId), ...above, part('provider', 1, 'provider', pick(random, [51, 52]))] };
    }
    const caller = pick(random, [null, 32, 34, 31]);
    const number = pick(random, ['37050000000', '37061234567', '4930123456']);
    const part = (level: PriceLevel, tariffId: TariffId, account: Part['account'], accountId: number): Part => ({ level, tariffId, account, accountId, number, isDid: true });
    return {
      ...common,
      parts: [part('didProvider', 8, 'provider', 51), ...(caller === null ? [] : [part('didIncoming', 7, 'user', caller)]), ...(caller === 31 ? [] : [part('did', 6, 'user', 31)])],
    };
  }

  /** As the settler does it. */
  async settle(count: number): Promise<void> {
    await prepareWriter(this.client);
    for (let done = 0; done < count; ) {
      const batch = Array.from({ length: Math.min(500, count - done) }, () => this.randomCall());
      const entries = batch.map(({ cdrs, debits: owed }) => encodeEntry(cdrs, owed));
      await this.client.query('begin');
      await copyCalls(this.client, entries.map(({ rows }) => rows).join(''));
      await insertCalls(this.client);
      await insertDebits(this.client, debitArrays(entries.flatMap((entry) => (JSON.parse(entry.debits) as DebitText[]).map((debit) => ({ debit, uniqueId: entry.final })))));
      await this.client.query('commit');
      for (const { naive } of batch) this.happened(naive);
      done += batch.length;
    }
  }

  /** The auditor prices it by its lists as they are. */
  happened(call: NaiveCall): void {
    this.#calls.push(call);
    for (const part of call.parts) this.#prices.set(`${call.id} ${part.level}`, this.#price(call, part) ?? '0');
  }

  #price({ atMs, times }: NaiveCall, { tariffId, number, isDid }: Part): string | null {
    const tariff = this.#tariffs.get(tariffId);
    const ms = times === null ? 0 : times.talkMs + (isDid ? times.ringMs : 0);
    return tariff === undefined ? null : naivePrice(tariff, { number, atMs, seconds: Math.ceil(ms / 1000), graceS: 0 });
  }

  /** What a re-rating does to the books: a price that there is no rate for stays. Gives how many prices changed, and kept for want of a rate. */
  rerated(kind: Kind, id: number, period: readonly [from: number, to: number] = [FROM, TO]): { changed: number; kept: number; moved: Map<string, bigint> } {
    const result = { changed: 0, kept: 0, moved: new Map<string, bigint>() };
    for (const call of this.#calls) {
      if (call.times === null || call.atMs < period[0] || call.atMs >= period[1]) continue;
      for (const part of call.parts) {
        if (kind === 'tariff' ? part.tariffId !== id : part.account !== kind || part.accountId !== id) continue;
        const key = `${call.id} ${part.level}`;
        const now = this.#price(call, part);
        const before = this.#prices.get(key) ?? '0';
        if (now === null) result.kept += 1;
        if (now === null || amount(now) === amount(before)) continue;
        this.#prices.set(key, now);
        result.changed += 1;
        const account = `${part.account} ${part.accountId}`;
        result.moved.set(account, (result.moved.get(account) ?? 0n) + owed(part, amount(now)) - owed(part, amount(before)));
      }
    }
    return result;
  }

  keepPrices(): ReadonlyMap<string, string> {
    return new Map(this.#prices);
  }

  backTo(prices: ReadonlyMap<string, string>): void {
    for (const [key, price] of prices) this.#prices.set(key, price);
  }

  /** Everything in which Postgres differs from the auditor's books. */
  async differences(): Promise<string[]> {
    const wrong: string[] = [];
    const books = new Map(Object.entries({ 'user 10': '500', 'user 20': '500', 'user 31': '100', 'user 32': '100.25', 'user 33': '0', 'user 34': '77', 'provider 51': '0', 'provider 52': '0' }).map(([key, text]) => [key, amount(text)]));
    const ledger = new Map<string, bigint>();
    const cdrs = new Map<string, Record<string, string | null>>();
    for (const row of (await this.client.query(`select * from calls where final`)).rows) cdrs.set(row.uniqueid, row);
    for (const call of this.#calls) {
      for (const part of call.parts) {
        const price = amount(this.#prices.get(`${call.id} ${part.level}`) ?? '0');
        const recorded = cdrs.get(call.id)?.[`${COLUMNS[part.level]}_price`];
        if (recorded === null || recorded === undefined || amount(recorded) !== price) wrong.push(`${call.id} ${part.level}: CDR ${recorded}, auditor ${amountText(price)}`);
        const account = `${part.account} ${part.accountId}`;
        books.set(account, (books.get(account) ?? 0n) + owed(part, price));
        ledger.set(`${account} ${call.id}`, (ledger.get(`${account} ${call.id}`) ?? 0n) + owed(part, price));
      }
    }
    if (cdrs.size !== this.#calls.length) wrong.push(`${cdrs.size} CDRs, ${this.#calls.length} calls`);
    for (const row of (await this.client.query(`select 'user ' || id as account, balance from users where id > 0 union all select 'provider ' || id, balance from providers`)).rows) {
      if (amount(row.balance) !== books.get(row.account)) wrong.push(`${row.account}: balance ${row.balance}, auditor ${amountText(books.get(row.account) ?? 0n)}`);
    }
    const sums = await this.client.query(`select account || ' ' || account_id || ' ' || reference as key, sum(amount) as sum from balance_ledger where reference <> '' group by 1`);
    const booked = new Map(sums.rows.map((row): [string, bigint] => [row.key, amount(row.sum)]));
    for (const key of new Set([...booked.keys(), ...ledger.keys()])) {
      if ((booked.get(key) ?? 0n) !== (ledger.get(key) ?? 0n)) wrong.push(`ledger of ${key}: ${amountText(booked.get(key) ?? 0n)}, auditor ${amountText(ledger.get(key) ?? 0n)}`);
    }
    const broken = await this.client.query(`select account, account_id, version from (select *, sum(amount) over (partition by account, account_id order by version) as running from balance_ledger) chain where running <> balance_after`);
    for (const row of broken.rows) wrong.push(`ledger row ${row.account} ${row.account_id} ${row.version} does not continue the one before`);
    return wrong.slice(0, 10);
  }

  /** All that a re-rating could touch, in one text. */
  async snapshot(what: 'calls' | 'all' = 'all'): Promise<string> {
    const calls = (await this.client.query(`select md5(string_agg(c::text, ',' order by uniqueid, attempt)) as sum from calls c`)).rows[0]?.sum as string;
    if (what === 'calls') return calls;
    const { rows } = await this.client.query(`select (select count(*) from balance_ledger) as ledger, (select count(*) from rerates) as rerates, (select count(*) from rerate_changes) as changes, (select sum(balance) from users) as users, (select count(*) from changes) as news`);
    return `${calls} ${JSON.stringify(rows)}`;
  }
}

const COLUMNS: Readonly<Record<PriceLevel, string>> = { user: 'user', reseller: 'reseller', partner: 'partner', provider: 'provider', did: 'did', didIncoming: 'did_inc', didProvider: 'did_prov' };

/** What the account's balance changes by for a price. */
function owed(part: Part, price: bigint): bigint {
  return part.level === 'provider' ? price : -price;
}

interface PricedPart {
  readonly part: Part;
  readonly rate: Level['rate'];
}

/** What the engine hands to the store at the end of such a call. */
function engineEnd({ id, atMs, times, parts }: NaiveCall, levels: readonly PricedPart[]): { readonly cdrs: readonly Cdr[]; readonly debits: readonly Debit[] } {
  const made = newCall();
  const idOf = (level: PriceLevel): number | null => parts.find((part) => part.level === level)?.accountId ?? null;
  const isDid = parts.some((part) => part.isDid);
  const number = parts[0]?.number ?? '';
  const parties: Parties = {
    ...NOBODY, direction: isDid ? 'inbound' : 'outbound', src: isDid ? number : '37050000000', dst: 'x', localizedDst: isDid ? '37088888888' : number, prefix: isDid ? '37088888888' : '370',
    userId: idOf('user') ?? idOf('didIncoming'), resellerId: idOf('reseller'), partnerId: idOf('partner'), dstUserId: isDid ? 31 : null, didId: isDid ? 61 : null, didProviderId: idOf('didProvider'),
  };
  const way = isDid ? deviceWay() : { ...newProvider(1), id: idOf('provider') ?? 0, rate: levels.find(({ part }) => part.level === 'provider')?.rate ?? null };
  const plan = {
    ...made.plan, parties, ways: [way],
    levels: levels.filter(({ part }) => part.level !== 'provider').map(({ part, rate }): Level => ({ level: part.level, rate, from: part.isDid ? 'arrival' : 'answer' })),
  };
  const at = (ms: number) => ({ wallMs: atMs + ms, monoMs: 5000 + ms });
  const attempt = { number: 2, way: 0, legId: 'x', started: at(0), dialled: at(0), rang: null, ready: true, connecting: true, sipCallId: '', codec: '', fork: null, deviceId: null };
  const call = { ...made, id, arrived: at(0), plan };
  const failed = { outcome: { disposition: 'FAILED', cause: 34, sipCode: 503 }, end: at(10), source: 'event', terminatedBy: 'terminator', answered: null, paidS: null } as const;
  const first = { ...attemptCdr(call, { ...attempt, number: 1 }, failed).cdr, final: false };
  if (times === null) return { cdrs: [first, attemptCdr(call, attempt, failed).cdr], debits: [] };
  const ended = { outcome: { disposition: 'ANSWERED', cause: 16, sipCode: 200 }, end: at(times.ringMs + times.talkMs), source: 'event', terminatedBy: 'originator', answered: at(times.ringMs), paidS: 7200 } as const;
  const { cdr, prices } = attemptCdr(call, attempt, ended);
  return { cdrs: [first, cdr], debits: debits(call, cdr.providerId, prices) };
}
