// Computes every example of docs/RATING.md from the page itself.

import { readFileSync } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import t from 'tap';
import { priceCommand } from '../../cli/price.ts';
import { announcedSeconds } from '../../rating/announce.ts';
import { billsec, didLegMs, normalLegMs } from '../../rating/billable.ts';
import { charge } from '../../rating/charge.ts';
import { longestCall } from '../../rating/credit.ts';
import { parseMoment } from '../../rating/dates.ts';
import { buildFlatDestinations, chargeFlat, isCovered } from '../../rating/flat-rate.ts';
import type { FlatRate } from '../../rating/flat-rate.ts';
import { profitsOf } from '../../rating/margin.ts';
import { missingCharge } from '../../rating/minimal-charge.ts';
import { formatMoney, moneyText, parseMoney } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import { answeredAt, perMinute, rateFromJson, rateToJson } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import { buildCustomRates, buildDestinations, buildRetailTariff } from '../../rating/retail.ts';
import type { CustomRates, DestinationRow, RetailRow } from '../../rating/retail.ts';
import { minuteStep } from '../../rating/step.ts';
import { buildTariff, findRate } from '../../rating/tariff.ts';
import type { RateRefusal, RateRow, Tariff, TariffMeta } from '../../rating/tariff.ts';
import { withTaxes } from '../../rating/tax.ts';
import type { Taxes } from '../../rating/tax.ts';
import { zoneOf } from '../../rating/zone.ts';
import { reprice } from '../../store/rerate/reprice.ts';

type Row = readonly string[];
/** What the JSON above a table says. */
type Given = Record<string, unknown>;

const seconds = (text: string | undefined): number => Number(text);
const orNone = (text: string | undefined): number | null => (text === '–' ? null : Number(text));
const rateOf = (given: unknown): Rate => rateFromJson(given);
const priced = (rate: Rate, price: Money): string => formatMoney(price, rate.priceDecimals);
const headline = (found: Rate | RateRefusal): string => (typeof found === 'string' ? found : moneyText(perMinute(found)));

function charged(rate: Rate, billsec: number): string[] {
  const { billedS, price } = charge(rate, billsec);
  return [String(billedS), priced(rate, price)];
}

type TariffExample = TariffMeta & { timeZone: string; rows: (Omit<RateRow, 'rate'> & { rate: string; effectiveFrom?: string })[] };

function rateAt(given: Given, number: string, moment: string): { found: Rate | RateRefusal; atMs: number; tariff: Tariff } {
  const { rows, ...meta } = given as unknown as TariffExample;
  const zone = zoneOf(meta.timeZone);
  const tariff = buildTariff(
    { ...meta, tariffId: 1 },
    rows.map(({ rate, effectiveFrom, ...row }) => ({ ...row, rate: parseMoney(rate), effectiveFromMs: effectiveFrom === undefined ? null : parseMoment(effectiveFrom, zone) })),
  );
  const atMs = parseMoment(moment, zone);
  return { found: findRate(tariff, number, atMs), atMs, tariff };
}

function retailRows(prices: unknown): RetailRow[] {
  return Object.entries(prices as Record<string, string>).map(([group, rate]) => ({ groupId: Number(group), steps: [minuteStep(0, null, { rate: parseMoney(rate) })] }));
}

function retailRow(given: Given, number: string): string[] {
  const gold = buildRetailTariff({ tariffId: 1 }, buildDestinations(given['destinations'] as DestinationRow[]), retailRows(given['gold']));
  const customs: (CustomRates | null)[] = [null, buildCustomRates(retailRows(given['userA'])), buildCustomRates(retailRows(given['userB']))];
  return customs.map((custom) => headline(findRate(gold, number, 0, custom)));
}

function levelsRow(given: Given, billsec: number): string[] {
  const price = (level: string): Money => charge(rateOf(given[level]), billsec).price;
  const [provider, reseller, user] = [price('provider'), price('reseller'), price('user')];
  const kept = profitsOf({ provider, reseller, user, partner: null, didProvider: null, didIncoming: null, didOwner: null });
  return [provider, reseller, user, kept.admin, kept.reseller].map((amount) => moneyText(amount));
}

function rerateRow(given: Given, [number = '', at = '', talked]: Row): string[] {
  const { found: was, atMs } = rateAt(given['was'] as Given, number, at);
  const { tariff } = rateAt(given['now'] as Given, number, at);
  const billsec = seconds(talked);
  const before = charge(was as Rate, billsec).price;
  const call = { arrivedMs: atMs, answeredMs: atMs, endedMs: atMs + billsec * 1000, billMs: billsec * 1000, billsec, src: '', localizedDst: number };
  const now = reprice(call, { level: 'user', price: before, tariffId: 1, captured: rateToJson(was as Rate) }, { tariffs: new Map([[1, tariff]]), rounding: 'up' });
  if (typeof now === 'string' && now !== 'same') return [moneyText(before), now, '0'];
  const after = now === 'same' ? before : now.price;
  return [before, after, after - before].map((amount) => moneyText(amount));
}

interface FlatExample { included: string[]; excluded: string[]; heldS: number; roundByS: number; connectionFee: string; continueCall: boolean; rate: unknown }

function flatRow(given: Given, number: string, billsec: number): string[] {
  const { included, excluded, heldS, roundByS, connectionFee, continueCall, rate } = given as unknown as FlatExample;
  const flat: FlatRate = { id: 1, includedS: heldS, roundByS, connectionFee: parseMoney(connectionFee), destinations: buildFlatDestinations(included, excluded), activeFromMs: 0, activeUntilMs: null, maxProviderRate: null, continueCall };
  const holds = isCovered(flat, number, 0) ? [{ flat, heldS }] : [];
  const { parts, billedS, price } = chargeFlat(holds, rateOf(rate), billsec);
  return [String(parts[0]?.usedS ?? 0), String(billedS), formatMoney(price)];
}

/** Columns of a table → what goes in → what must come out. */
const TABLES: Record<string, (row: Row, given: Given) => readonly string[]> = {
  'rate: seconds | billed | price': ([talked], given) => charged(rateOf(given), seconds(talked)),
  'rate: money | longest | price': ([money = ''], given) => {
    const rate = rateOf(given);
    const longestS = longestCall(rate, parseMoney(money));
    return [String(longestS), priced(rate, charge(rate, longestS).price)];
  },
  'rate: per minute': (_row, given) => [moneyText(perMinute(rateOf(given)))],
  'tariff: number | at | prefix | rate': ([number = '', at = ''], given) => {
    const { found } = rateAt(given, number, at);
    return [typeof found === 'string' ? '–' : found.prefix, headline(found)];
  },
  'tariff: number | answered | seconds | billed | price': ([number = '', answered = '', talked], given) => {
    const { found, atMs } = rateAt(given, number, answered);
    return charged(answeredAt(found as Rate, atMs), seconds(talked));
  },
  'retail: number | gold | user A | user B': ([number = ''], given) => retailRow(given, number),
  'levels: seconds | provider | reseller | user | admin keeps | reseller keeps': ([talked], given) => levelsRow(given, seconds(talked)),
  'flat: number | seconds | used | billed | price': ([number = '', talked], given) => flatRow(given, number, seconds(talked)),
  'rerate: number | at | seconds | was | is now | difference': (row, given) => rerateRow(given, row),
  'taxes: net | gross': ([net = ''], given) => [moneyText(withTaxes(parseMoney(net), given as unknown as Taxes, 6))],
  'arrived ms | answered ms | ended ms | normal leg ms | DID leg ms': ([arrived, answered, ended]) => {
    const times = { arrivedMs: seconds(arrived), answeredMs: orNone(answered), endedMs: seconds(ended) };
    return [String(normalLegMs(times)), String(didLegMs(times))];
  },
  'ms | up | down | nearest': ([ms]) => (['up', 'down', 'nearest'] as const).map((rounding) => String(billsec(seconds(ms), rounding))),
  'seconds left | ghost percent | announced': ([left, percent]) => [String(announcedSeconds(seconds(left), Number(percent)))],
  'minimum | calls of the month | added': ([minimum = '', calls = '']) => [moneyText(missingCharge({ minimum: parseMoney(minimum), validFromMs: 0 }, 0, parseMoney(calls)))],
};

/** Tables that list words, not examples. */
const NOT_COMPUTED = new Set(['what | error', 'prices | priced again']);

interface Example {
  readonly line: number;
  readonly columns: string;
  readonly given: { readonly kind: string; readonly text: string } | null;
  readonly rows: readonly Row[];
}

/** Every table of the page, with the JSON block right above it. */
function examplesOf(page: string): Example[] {
  const lines = page.split('\n');
  const examples: Example[] = [];
  let given: Example['given'] = null;
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at] ?? '';
    if (text.startsWith('```json')) {
      const end = lines.indexOf('```', at + 1);
      given = { kind: text.slice('```json'.length).trim(), text: lines.slice(at + 1, end).join('\n') };
      at = end;
    } else if (text.startsWith('|')) {
      const end = lines.findIndex((line, index) => index > at && !line.startsWith('|'));
      const cells = lines.slice(at, end).map((line) => line.slice(1, -1).split('|').map((cell) => cell.trim()));
      examples.push({ line: at + 1, columns: (cells[0] ?? []).join(' | '), given, rows: cells.slice(2) });
      given = null;
      at = end;
    } else if (text.startsWith('#')) given = null;
  }
  return examples;
}

const PAGE = readFileSync(new URL('../../docs/RATING.md', import.meta.url), 'utf8');
const EXAMPLES = examplesOf(PAGE).filter(({ columns }) => !NOT_COMPUTED.has(columns));

for (const { line, columns, given, rows } of EXAMPLES) {
  t.test(`line ${line}: ${columns}`, (t) => {
    const compute = TABLES[given === null ? columns : `${given.kind}: ${columns}`];
    if (compute === undefined) t.fail(`nothing computes a table of these columns under ${given?.kind ?? 'no JSON'}`);
    for (const row of rows) {
      const expected = compute?.(row, given === null ? {} : (JSON.parse(given.text) as Given)) ?? [];
      t.strictSame(row.slice(-expected.length), expected, row.join(' | '));
    }
    t.end();
  });
}

t.test('every kind of table is there', (t) => {
  const seen = new Set(EXAMPLES.map(({ given, columns }) => (given === null ? columns : `${given.kind}: ${columns}`)));
  t.strictSame([...seen].sort(), Object.keys(TABLES).sort());
  t.end();
});

const block = (kind: string): string => PAGE.split(`\`\`\`json ${kind}\n`)[1]?.split('\n```')[0] ?? '';
const parsed = (lines: string): unknown[] => lines.trim().split('\n').map((one) => JSON.parse(one) as unknown);

t.test('the command answers as the page says', async (t) => {
  let text = '';
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  await priceCommand(Readable.from([block('lines')]), output);
  t.strictSame(parsed(text), parsed(block('answers')));
});

t.test('every named error of a bad price stands on the page', (t) => {
  for (const code of ['stepsOverlap', 'stepsGap', 'negative', 'zeroIncrement', 'notWhole', 'badMoney', 'mixedSigns', 'badZone', 'badDate', 'badTime', 'badPrefix', 'duplicateRow', 'windowsOverlap']) {
    t.match(PAGE, `\`${code}\``);
  }
  t.end();
});
