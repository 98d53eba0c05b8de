/** What one price of a call would be now: case by case, against the engine's own end of a call, and against the auditor. */
import * as fc from 'fast-check';
import t from 'tap';
import { attemptCdr } from '../../engine/call/cdr.ts';
import { debits } from '../../engine/call/money.ts';
import type { PriceLevel } from '../../engine/call/admission.ts';
import type { Call } from '../../engine/call/state.ts';
import { formatMoney, parseMoney } from '../../rating/money.ts';
import { withGrace } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import { buildTariff, findRate } from '../../rating/tariff.ts';
import type { RateRow, Tariff, TariffMeta } from '../../rating/tariff.ts';
import { balanceChange, LEVEL_RULES } from '../../store/rerate/levels.ts';
import { reprice } from '../../store/rerate/reprice.ts';
import type { PriceList, RatedCall, RatedLevel } from '../../store/rerate/reprice.ts';
import { ARRIVED, call, DID_PROVIDER, OWNER, PARTNER, provider, RESELLER, USER } from '../call/call-builder.ts';
import { holds } from '../rating/holds.ts';
import { naivePrice } from './naive-tariff.ts';
import type { NaiveTariff } from './naive-tariff.ts';

const NUMBER = '37060000000';
const SRC = '37050000000';
type Prices = readonly (Omit<RateRow, 'rate'> & { readonly rate: string })[];

function tariff(prices: Prices, meta: Partial<TariffMeta> = {}): Tariff {
  return buildTariff({ tariffId: 1, ...meta }, prices.map((row): RateRow => ({ ...row, rate: row.rate === 'blocked' ? 'blocked' : parseMoney(row.rate) })));
}

function rateIn(list: Tariff, number = NUMBER, atMs: number = ARRIVED.wallMs): Rate {
  const found = findRate(list, number, atMs);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

const at = (ms: number) => ({ wallMs: ARRIVED.wallMs + ms, monoMs: ARRIVED.monoMs + ms });

/** The engine's own CDR of an answered call, as this room reads it. */
function ended(made: Call, times: { readonly ringMs: number; readonly talkMs: number }): { readonly rated: RatedCall; readonly levels: readonly RatedLevel[]; readonly owed: ReturnType<typeof debits> } {
  const attempt = { number: 1, way: 0, legId: 'x', started: at(0), dialled: at(0), rang: at(0), ready: true, connecting: true, sipCallId: '', codec: '', fork: null, deviceId: null };
  const { cdr, prices } = attemptCdr(made, attempt, {
    outcome: { disposition: 'ANSWERED', cause: 16, sipCode: 200 }, end: at(times.ringMs + times.talkMs), source: 'event', terminatedBy: 'originator', answered: at(times.ringMs), paidS: 7200,
  });
  return {
    rated: { arrivedMs: cdr.callDateMs, answeredMs: cdr.answerMs ?? 0, endedMs: cdr.endMs, billMs: cdr.billMs, billsec: cdr.billsec, src: cdr.src, localizedDst: cdr.localizedDst },
    levels: (Object.entries(prices) as [PriceLevel, { price: bigint; tariffId: number | null; captured: unknown }][]).map(([level, { price, tariffId, captured }]) => ({ level, price, tariffId, captured: JSON.parse(JSON.stringify(captured)) as unknown })),
    owed: debits(made, cdr.providerId, prices),
  };
}

const only = (list: Tariff, rounding: PriceList['rounding'] = 'up'): PriceList => ({ tariffs: new Map([[1, list]]), rounding });
const BEFORE = tariff([{ prefix: '370', rate: '0.6' }]);

function userCall(rate: Rate, talkMs = 90_000): ReturnType<typeof ended> {
  return ended(call({ rates: { user: rate }, ways: [provider(1, { rate: null })] }), { ringMs: 4000, talkMs });
}

t.test('a price by the tariff as it is now, or why it stays', async (t) => {
  const hour = 3_600_000;
  const from = ARRIVED.wallMs;
  const cases: readonly (readonly [what: string, now: Tariff | null, outcome: string])[] = [
    ['the same tariff', BEFORE, 'same'],
    ['another rate', tariff([{ prefix: '370', rate: '0.5' }]), '0.750000 for 90 s, prefix 370'],
    ['a longer prefix', tariff([{ prefix: '370', rate: '0.6' }, { prefix: '3706', rate: '0.4' }]), '0.600000 for 90 s, prefix 3706'],
    ['another increment', tariff([{ prefix: '370', rate: '0.6', incrementS: 60 }]), '1.200000 for 120 s, prefix 370'],
    ['a fee', tariff([{ prefix: '370', rate: '0.6', connectionFee: parseMoney('0.05') }]), '0.950000 for 90 s, prefix 370'],
    ['effective from the moment of the call', tariff([{ prefix: '370', rate: '0.6' }, { prefix: '370', rate: '0.2', effectiveFromMs: from }]), '0.300000 for 90 s, prefix 370'],
    ['effective a moment later', tariff([{ prefix: '370', rate: '0.6' }, { prefix: '370', rate: '0.2', effectiveFromMs: from + 1 }]), 'same'],
    ['superseded by the time of the call', tariff([{ prefix: '370', rate: '0.2', effectiveFromMs: from - 2 * hour }, { prefix: '370', rate: '0.6', effectiveFromMs: from - hour }]), 'same'],
    ['a most that a call can cost', tariff([{ prefix: '370', rate: '0.6' }], { maxCost: { amount: parseMoney('0.5'), beyond: 'free' } }), '0.500000 for 90 s, prefix 370'],
    ['free now', tariff([{ prefix: '370', rate: '0' }]), '0.000000 for 90 s, prefix 370'],
    ['the same price by other terms', tariff([{ prefix: '370', rate: '0.6', minTimeS: 90 }]), 'same'],
    ['no rate', tariff([{ prefix: '44', rate: '1' }]), 'noRate'],
    ['no rate yet', tariff([{ prefix: '370', rate: '1', effectiveFromMs: from + hour }]), 'noRate'],
    ['blocked', tariff([{ prefix: '370', rate: 'blocked' }]), 'blocked'],
    ['no tariff', null, 'noTariff'],
  ];
  const { rated, levels: [level] } = userCall(rateIn(BEFORE));
  for (const [what, now, outcome] of cases) {
    const found = level === undefined ? 'no level' : reprice(rated, level, now === null ? { tariffs: new Map(), rounding: 'up' } : only(now));
    t.equal(typeof found === 'string' ? found : `${formatMoney(found.price)} for ${found.billedS} s, prefix ${found.prefix}`, outcome, what);
  }
});

function priceNow(made: ReturnType<typeof ended>, now: Tariff, rounding: PriceList['rounding'] = 'up'): string {
  const [level] = made.levels;
  const found = level === undefined ? 'no level' : reprice(made.rated, level, only(now, rounding));
  return typeof found === 'string' ? found : formatMoney(found.price, 10).replace(/0+$/, '');
}

t.test('what was the call\'s own stays: grace time, exchange rate, decimals', async (t) => {
  t.equal(priceNow(userCall(withGrace(rateIn(BEFORE), 10), 9000), tariff([{ prefix: '370', rate: '5' }])), 'same', 'within the grace time it is free at any rate');
  const euro = { currency: 'EUR', exchangeRate: '0.5' };
  const inEuro = userCall(rateIn(tariff([{ prefix: '370', rate: '0.3' }], euro)));
  t.equal(priceNow(inEuro, tariff([{ prefix: '370', rate: '0.3' }], { ...euro, exchangeRate: '0.8' })), 'same', 'the exchange rate of the day of the call');
  t.equal(priceNow(inEuro, tariff([{ prefix: '370', rate: '0.2' }], { ...euro, exchangeRate: '0.8' })), '0.6');
  t.equal(priceNow(inEuro, tariff([{ prefix: '370', rate: '0.3' }], { currency: 'PLN', exchangeRate: '3' })), '0.15', 'a tariff that is in another currency now');
  const coarse = userCall(rateIn(tariff([{ prefix: '370', rate: '0.6001' }], { priceDecimals: 2 })));
  t.equal(priceNow(coarse, tariff([{ prefix: '370', rate: '0.5001' }], { priceDecimals: 6 })), '0.75', 'decimals as then');
});

t.test('what cannot be computed again is left alone', async (t) => {
  const made = userCall(rateIn(BEFORE));
  const [level] = made.levels;
  if (level === undefined) throw new Error('no level');
  const cheaper = only(tariff([{ prefix: '370', rate: '0.5' }]));
  t.equal(reprice(made.rated, { ...level, price: level.price + 1n }, cheaper), 'notReproduced', 'changed by hand');
  t.equal(reprice({ ...made.rated, billsec: 91 }, level, cheaper), 'notReproduced', 'other seconds');
  for (const captured of [undefined, null, 7, {}, { steps: [] }, { steps: [{ type: 'minute', fromS: 0, rate: '0,5' }] }, { ...(level.captured as object), odd: 1 }]) {
    t.equal(reprice(made.rated, { ...level, captured }, cheaper), 'unreadable', JSON.stringify(captured));
  }
  t.equal(reprice(made.rated, { ...level, tariffId: null }, cheaper), 'noTariff', 'of no tariff');
});

const windows = (late: string): Tariff => tariff([{ prefix: '370', rate: '0.6', endTime: '12:00:29' }, { prefix: '370', rate: late, startTime: '12:00:30' }], { windowRule: 'split' });

t.test('under the split rule seconds are counted from the answer, as by the engine', async (t) => {
  // 12:00:00 is the arrival, 12:00:04 the answer.
  const made = userCall(rateIn(windows('1.2')));
  t.equal(priceNow(made, windows('1.2')), 'same');
  t.equal(priceNow(made, windows('6')), '6.66', '26 s at 0.6 and 64 s at 6');
});

t.test('a DID\'s leg is paid from the arrival, however its seconds were rounded', async (t) => {
  for (const [rounding, seconds] of [['up', 95], ['down', 94], ['nearest', 95]] as const) {
    const did = tariff([{ prefix: '', rate: '0.6' }], { paysBack: true });
    const made = ended(call({ rates: { did: rateIn(did, SRC) }, ways: [provider(1, { kind: 'device', rate: null })], settings: { rounding } }), { ringMs: 4300, talkMs: 90_300 });
    const now = tariff([{ prefix: '3705', rate: '1.2' }, { prefix: '', rate: '9' }], { paysBack: true });
    t.equal(priceNow(made, now, 'nearest'), String(seconds / 50), `${rounding}: by the caller's number`);
    t.equal(priceNow(made, did, 'nearest'), 'same');
  }
});

const ACCOUNTS = { user: USER, reseller: RESELLER, partner: PARTNER, provider: 11, did: OWNER, didIncoming: USER, didProvider: DID_PROVIDER } as const;

const money = fc.integer({ min: 0, max: 20_000 }).map((value) => (value / 10_000).toString());
const row = fc.record({
  prefix: fc.constantFrom('370', '3706', '37060', '3705', '37050', '3'), fromMs: fc.constantFrom(0, ARRIVED.wallMs - 60_000, ARRIVED.wallMs, ARRIVED.wallMs + 60_000),
  rate: fc.oneof({ weight: 9, arbitrary: money }, { weight: 1, arbitrary: fc.constant('blocked') }), connectionFee: fc.constantFrom('0', '0.01', '0.1234'), incrementS: fc.constantFrom(1, 1, 6, 30, 60), minTimeS: fc.constantFrom(0, 0, 10, 61),
});
const naive = fc.record({ id: fc.constant(1), exchangeRate: fc.constantFrom('1', '1', '0.7351'), rows: fc.uniqueArray(row, { minLength: 1, maxLength: 8, selector: ({ prefix, fromMs }) => `${prefix} ${fromMs}` }) });

function real({ rows, exchangeRate }: NaiveTariff): Tariff {
  return tariff(rows.map(({ fromMs, connectionFee, ...rest }) => ({ ...rest, effectiveFromMs: fromMs, connectionFee: parseMoney(connectionFee) })), { exchangeRate, currency: 'EUR' });
}

const LEVELS = Object.keys(LEVEL_RULES) as PriceLevel[];
const DIDS: readonly PriceLevel[] = ['did', 'didIncoming', 'didProvider'];

t.test('any call at any level: the price that the auditor finds, and the debits of the engine', (t) => {
  holds(t, fc.property(naive, naive, fc.constantFrom(...LEVELS), fc.record({ ringMs: fc.nat(20_000), talkMs: fc.nat(200_000), graceS: fc.constantFrom(0, 0, 5, 100) }), (then, now, level, { ringMs, talkMs, graceS }) => {
    const isDid = DIDS.includes(level);
    const number = isDid ? SRC : NUMBER;
    const found = findRate(real(then), number, ARRIVED.wallMs);
    if (typeof found === 'string') return true;
    const rate = withGrace(found, graceS);
    const made = ended(level === 'provider' ? call({ rates: {}, ways: [provider(1, { rate })] }) : call({ rates: { [level]: rate }, ways: [provider(1, { kind: isDid ? 'device' : 'provider', rate: null })] }), { ringMs, talkMs });
    const seconds = Math.ceil((isDid ? ringMs + talkMs : talkMs) / 1000);
    const [before] = made.levels;
    if (before === undefined) return false;
    // The exchange rate is that of the call.
    const must = naivePrice({ ...now, exchangeRate: then.exchangeRate }, { number, atMs: ARRIVED.wallMs, seconds, graceS });
    const is = reprice(made.rated, before, only(real(now)));
    const [owed] = made.owed;
    const isSamePayer = owed === undefined ? before.price === 0n : owed.account === LEVEL_RULES[level].account && owed.accountId === ACCOUNTS[level] && -owed.amount === balanceChange(level, before.price);
    if (!isSamePayer) return false;
    if (must === null) return is === 'noRate' || is === 'blocked';
    return is === 'same' ? formatMoney(before.price) === must : typeof is !== 'string' && formatMoney(is.price) === must && is.price !== before.price;
  }), 3000);
  t.end();
});
