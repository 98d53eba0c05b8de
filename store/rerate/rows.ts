/** The answered calls of a period from Postgres, page by page in the order of their arrival, as values. */
import type { ClientBase } from 'pg';
import type { PriceLevel } from '../../engine/call/admission.ts';
import { parseMoney } from '../../rating/money.ts';
import { LEVEL_COLUMN } from '../cdr-row.ts';
import { LEVEL_RULES } from './levels.ts';
import type { PartyColumn } from './levels.ts';
import type { RatedCall, RatedLevel } from './reprice.ts';
import type { Selection, SelectionKind } from './selection.ts';

type Reader = Pick<ClientBase, 'query'>;

export interface CallKey {
  readonly uniqueId: string;
  readonly attempt: number;
  /** To the microsecond, as Postgres has it. */
  readonly callDate: string;
}

export interface RecordedLevel extends RatedLevel {
  readonly accountId: number | null;
  /** As text of numeric; null: none was written. */
  readonly rate: string | null;
  readonly billedS: number | null;
  /** This level's part of `captured`, whole. */
  readonly part: unknown;
}

export interface RecordedCall {
  readonly key: CallKey;
  readonly rated: RatedCall;
  /** The DID of a DID call stands here. */
  readonly prefix: string;
  readonly levels: readonly RecordedLevel[];
}

/** The last call of a page: the next page begins behind it. */
export type Place = Pick<CallKey, 'callDate' | 'uniqueId'>;

export interface Page {
  readonly calls: readonly RecordedCall[];
  /** null: it was the last page. */
  readonly end: Place | null;
}

export const BEFORE_ALL: Place = { callDate: '-infinity', uniqueId: '' };

/** Exact, whatever the session's time zone and date style. */
export const EXACT_DATE = `to_char(calldate at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const LEVELS = Object.keys(LEVEL_RULES) as PriceLevel[];
const PRICE_COLUMNS = LEVELS.flatMap((level) => ['rate', 'billsec', 'price'].map((part) => `${LEVEL_COLUMN[level]}_${part}`));
const PARTY_COLUMNS = [...new Set(LEVELS.map((level) => LEVEL_RULES[level].party))];

/** Debits come of final rows only, and only an answered call has a price of a tariff; a flash call has one of its own. */
const PRICED = 'final and answer_time is not null and captured is not null and not flash_call';

const SELECTED: Readonly<Record<SelectionKind, string>> = {
  user: '$5::int in (user_id, reseller_id, partner_id, dst_user_id)',
  provider: '$5::int in (provider_id, did_provider_id)',
  tariff: `jsonb_path_exists(captured, '$.*.tariffId ? (@ == $id)', jsonb_build_object('id', $5::int))`,
};

/** Behind a place ($3, $4) within the period ($1, $2). The first comparison is there for the index. */
const BEHIND = `calldate >= $1 and calldate < $2 and calldate >= $3 and (calldate, uniqueid) > ($3::timestamptz, $4::text)`;

function period({ fromMs, toMs }: Selection): readonly [Date, Date] {
  return [new Date(fromMs), new Date(toMs)];
}

/**
 * Looks through up to `size` calls, whoever's they are, so that every page is short work and progress can be told;
 * gives those of the selection.
 */
export async function readPage(reader: Reader, selection: Selection, after: Place, size: number): Promise<Page> {
  const behind = [...period(selection), after.callDate, after.uniqueId];
  const last = await reader.query<Place>(`select ${EXACT_DATE} as "callDate", uniqueid as "uniqueId" from calls where ${BEHIND} order by calldate, uniqueid offset $5 limit 1`, [...behind, size - 1]);
  const end = last.rows[0] ?? null;
  const within = end === null ? '' : ' and (calldate, uniqueid) <= ($6::timestamptz, $7::text) and calldate <= $6';
  const { rows } = await reader.query<Row>(
    `select uniqueid, attempt, ${EXACT_DATE} as exact_date, calldate, answer_time, end_time, bill_ms, billsec, src, localized_dst, prefix, captured,
      ${PARTY_COLUMNS.join(', ')}, ${PRICE_COLUMNS.join(', ')}
     from calls where ${BEHIND}${within} and ${PRICED} and ${SELECTED[selection.kind]} order by calldate, uniqueid`,
    [...behind, selection.id, ...(end === null ? [] : [end.callDate, end.uniqueId])],
  );
  return { calls: rows.map((row) => recorded(row, selection)).filter(({ levels }) => levels.length > 0), end };
}

/** Tariffs that priced anything of the selection. */
export async function tariffsOf(reader: Reader, selection: Selection): Promise<readonly number[]> {
  if (selection.kind === 'tariff') return [selection.id];
  // Numbers are looked at here: a cast of what is none would end the whole statement.
  const { rows } = await reader.query<{ id: unknown }>(
    `select distinct part.value -> 'tariffId' as id from calls, jsonb_each(case jsonb_typeof(captured) when 'object' then captured else '{}' end) part
     where ${BEHIND} and ${PRICED} and ${SELECTED[selection.kind]}`,
    [...period(selection), BEFORE_ALL.callDate, BEFORE_ALL.uniqueId, selection.id],
  );
  return rows.flatMap(({ id }) => (typeof id === 'number' && Number.isInteger(id) && Math.abs(id) <= MAX_ID ? [id] : []));
}

/** Of Postgres' integer. */
const MAX_ID = 2_147_483_647;

interface Row extends Readonly<Record<PartyColumn, number | null>> {
  readonly uniqueid: string;
  readonly attempt: number;
  readonly exact_date: string;
  readonly calldate: Date;
  readonly answer_time: Date;
  readonly end_time: Date;
  readonly bill_ms: number;
  readonly billsec: number;
  readonly src: string;
  readonly localized_dst: string;
  readonly prefix: string;
  readonly captured: Readonly<Record<string, unknown>> | null;
  readonly [column: string]: unknown;
}

function recorded(row: Row, selection: Selection): RecordedCall {
  return {
    key: { uniqueId: row.uniqueid, attempt: row.attempt, callDate: row.exact_date },
    rated: {
      arrivedMs: row.calldate.getTime(), answeredMs: row.answer_time.getTime(), endedMs: row.end_time.getTime(),
      billMs: row.bill_ms, billsec: row.billsec, src: row.src, localizedDst: row.localized_dst,
    },
    prefix: row.prefix,
    levels: LEVELS.map((level) => levelOf(row, level)).filter((level): level is RecordedLevel => level !== null && isSelected(level, selection)),
  };
}

/** null: the level took no part in the call. */
function levelOf(row: Row, level: PriceLevel): RecordedLevel | null {
  const column = LEVEL_COLUMN[level];
  const price = row[`${column}_price`];
  if (typeof price !== 'string') return null;
  const part = row.captured?.[level];
  const { tariffId, rate } = (typeof part === 'object' && part !== null ? part : {}) as { tariffId?: unknown; rate?: unknown };
  return {
    level, price: parseMoney(price), tariffId: typeof tariffId === 'number' ? tariffId : null, captured: rate, part,
    accountId: row[LEVEL_RULES[level].party], rate: row[`${column}_rate`] as string | null, billedS: row[`${column}_billsec`] as number | null,
  };
}

function isSelected({ level, accountId, tariffId }: RecordedLevel, { kind, id }: Selection): boolean {
  return kind === 'tariff' ? tariffId === id : LEVEL_RULES[level].account === kind && accountId === id;
}
