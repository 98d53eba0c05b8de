/** One line of a price list: texts by column in, the row as COPY takes it out. */
import { BadValue, momentIn, money, oneOf, timeOfDay, whole } from './field.ts';
import type { Scalar } from './field.ts';
import { shown } from './problem.ts';

export const RATE_COLUMNS = ['prefix', 'rate', 'connectionFee', 'incrementS', 'minTimeS', 'effectiveFrom', 'dayType', 'startTime', 'endTime', 'ghostPercent'] as const;
export type RateColumn = (typeof RATE_COLUMNS)[number];
export type RateTexts = Readonly<Partial<Record<RateColumn, string>>>;

export const RETAIL_COLUMNS = ['group', 'rate', 'type', 'fromS', 'durationS', 'roundByS', 'dayType', 'startTime', 'endTime'] as const;

export interface RateRules {
  /** Zone of dates without an offset. */
  readonly timeZone: string;
  readonly decimal: '.' | ',';
  /** Of lines that say nothing of it; without it they are in force always. */
  readonly effectiveFrom?: string | undefined;
  /** Rates of DIDs may be below 0 and hold for every number. */
  readonly did: boolean;
}

/** Names the column, not only the reason. */
export class BadColumn extends Error {
  override readonly name = 'BadColumn';
  readonly column: string;
  constructor(column: string, reason: string) {
    super(reason);
    this.column = column;
  }
}

type Reader = (texts: RateTexts) => readonly Scalar[];

const INCREMENT = whole(1, 86_400);
const MIN_TIME = whole(0, 86_400);
const GHOST = whole(1, 10_000);
const DAY_TYPE = oneOf('all', 'work', 'free');
/** The word of M4's price lists, and its number. */
const BLOCKED = /^(?:blocked|-1(?:\.0+)?)$/i;
const ANY_AMOUNT = /[1-9]/;
/** No price per minute has more digits before its point; a prefix in the wrong column has. */
const HUGE = /^-?\d{7,}/;
const EPOCH = new Date(0).toISOString();
/** What the table lets in, in UTC. */
const [EARLIEST, LATEST] = ['1970-01-01T00:00:00', '2200-01-01T00:00:00'];

/** Throws BadValue if the rules' own date is none. Columns of the row: prefix, effective_from, day_type, start_time, end_time, rate, connection_fee, increment_s, min_time_s, blocked, ghost_percent. */
export function rateReader(rules: RateRules): Reader {
  const amount = money(rules.did ? 'any' : 'notNegative');
  const fee = rules.did ? amount : money('notNegative');
  const moment = momentIn(rules.timeZone);
  const prefixForm = rules.did ? /^\d{0,15}$/ : /^\d{1,15}$/;
  // The same few dates stand in every line.
  const moments = new Map<string, Scalar>();
  const effective = (text: string): Scalar => {
    const known = moments.get(text);
    if (known !== undefined) return known;
    const value = moment(text);
    if (typeof value === 'string' && !(value >= EARLIEST && value < LATEST)) throw new BadValue(`${shown(text)} is out of range: rates are effective from 1970-01-01 to 2199-12-31.`);
    if (moments.size < 1000) moments.set(text, value);
    return value;
  };
  const always = rules.effectiveFrom === undefined ? EPOCH : effective(rules.effectiveFrom);
  return (texts) => {
    const prefix = texts.prefix ?? '';
    if (!prefixForm.test(prefix)) throw new BadColumn('prefix', prefix === '' ? 'is missing.' : `${shown(prefix)} is not a prefix: 1 to 15 digits and nothing else.`);
    const rate = point('rate', texts.rate ?? '', rules.decimal);
    const feeText = point('connectionFee', texts.connectionFee ?? '', rules.decimal);
    const blocked = BLOCKED.test(rate) && !(rules.did && rate.startsWith('-'));
    if (rules.did) checkSigns(blocked ? '' : rate, feeText);
    return [
      prefix,
      read('effectiveFrom', texts.effectiveFrom, effective, always),
      read('dayType', texts.dayType, DAY_TYPE, 'all'),
      read('startTime', texts.startTime, timeOfDay, '00:00:00'),
      read('endTime', texts.endTime, timeOfDay, '23:59:59'),
      blocked ? '0' : read('rate', rate, amount, null),
      read('connectionFee', feeText, fee, '0'),
      read('incrementS', texts.incrementS, INCREMENT, 1),
      read('minTimeS', texts.minTimeS, MIN_TIME, 0),
      blocked,
      read('ghostPercent', texts.ghostPercent, GHOST, 100),
    ];
  };
}

/** A DID rate takes or gives; only there are amounts below 0 let in at all. */
function checkSigns(rate: string, fee: string): void {
  if (ANY_AMOUNT.test(rate) && ANY_AMOUNT.test(fee) && rate.startsWith('-') !== fee.startsWith('-')) {
    throw new BadColumn('connectionFee', 'the fee and the rate must both be 0 or more, or both be 0 or less.');
  }
}

/** With a decimal comma a point is as wrong as a comma is otherwise: nothing is guessed. */
function point(column: RateColumn, text: string, decimal: '.' | ','): string {
  if (decimal === '.') return text;
  if (text.includes('.')) throw new BadColumn(column, `${shown(text)} has a point, but the decimal separator is a comma.`);
  return text.replace(',', '.');
}

/** `missing` null: the value must be there. */
function read(column: string, text: string | undefined, parse: (text: string) => Scalar, missing: Scalar): Scalar {
  if (text === undefined || text === '') {
    if (missing === null) throw new BadColumn(column, 'is missing.');
    return missing;
  }
  try {
    if ((column === 'rate' || column === 'connectionFee') && HUGE.test(text)) throw new BadValue(`${shown(text)} is too much for a price.`);
    return parse(text);
  } catch (error) {
    throw error instanceof BadValue ? new BadColumn(column, error.message) : error;
  }
}

/** As a line of COPY's text format; values hold no tab, line break or backslash, as each was checked. */
export function copyLine(values: readonly Scalar[]): string {
  return `${values.map((value) => (value === true ? 't' : value === false ? 'f' : String(value))).join('\t')}\n`;
}
