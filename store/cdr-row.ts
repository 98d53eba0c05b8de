/**
 * A finished call as text for the stream: its rows already in the form of the `calls` table, so that the settler
 * hands the text to Postgres as it is.
 */
import type { Cdr, CdrPrice, Debit, PriceLevel } from '../engine/call/admission.ts';
import { formatMoney, MONEY_DECIMALS } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';

/** Column prefix of each level. */
export const LEVEL_COLUMN: Readonly<Record<PriceLevel, string>> = {
  provider: 'provider', partner: 'partner', reseller: 'reseller', user: 'user', did: 'did', didIncoming: 'did_inc', didProvider: 'did_prov',
};

/** Longest text taken over from outside; the rest of a longer one says nothing. */
const MAX_TEXT = 256;
/** Postgres holds no NUL, and JSON no half of a pair. */
const UNFIT = /[\0\p{Surrogate}]/u;

function fit(text: string): string {
  const short = text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text;
  return UNFIT.test(short) ? short.replaceAll(/[\0\p{Surrogate}]/gu, '\u{FFFD}') : short;
}

const amountText = (amount: Money): string => formatMoney(amount, MONEY_DECIMALS);
const timeText = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** A debit as [account, account id, amount, cause]: positive amounts are taken from the account. */
export type DebitText = readonly [Debit['account'], number, string, Debit['cause']];

/** Fields of a stream entry beside the call's id and what it owes. */
export interface CallEntry {
  /** JSON array of rows of `calls`. */
  readonly rows: string;
  /** JSON array of DebitText. */
  readonly debits: string;
  /** Unique id of the final row, whose insertion brings the debits about; '': no final row. */
  readonly final: string;
  /** Months of the rows' call dates, as `2026-11`, for the partitions. */
  readonly months: string;
}

export function encodeEntry(cdrs: readonly Cdr[], debits: readonly Debit[]): CallEntry {
  const months = new Set(cdrs.map((cdr) => new Date(cdr.callDateMs).toISOString().slice(0, 7)));
  const texts = debits.filter((debit) => debit.amount !== 0n).map((debit): DebitText => [debit.account, debit.accountId, amountText(debit.amount), debit.cause]);
  return {
    rows: JSON.stringify(cdrs.map((cdr) => cdrRow(cdr))),
    debits: JSON.stringify(texts),
    final: cdrs.find((cdr) => cdr.final)?.uniqueId ?? '',
    months: [...months].join(' '),
  };
}

/** Columns of `calls` that an entry's rows may have, with their types. */
export const CALL_COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ['uniqueid', 'text'], ['attempt', 'smallint'], ['calldate', 'timestamptz'], ['final', 'boolean'],
  ['answer_time', 'timestamptz'], ['end_time', 'timestamptz'], ['direction', 'text'], ['server_id', 'integer'],
  ['clid', 'text'], ['src', 'text'], ['dst', 'text'], ['localized_dst', 'text'],
  ['user_id', 'integer'], ['reseller_id', 'integer'], ['partner_id', 'integer'], ['device_id', 'integer'],
  ['dst_user_id', 'integer'], ['dst_device_id', 'integer'],
  ['provider_id', 'integer'], ['did_provider_id', 'integer'], ['did_id', 'integer'],
  ['prefix', 'text'], ['destination_id', 'integer'],
  ['disposition', 'text'], ['hangup_cause', 'smallint'], ['sip_code', 'smallint'],
  ['duration_ms', 'integer'], ['bill_ms', 'integer'], ['billsec', 'integer'], ['pdd_ms', 'integer'],
  ['terminated_by', 'text'], ['end_source', 'text'], ['flash_call', 'boolean'],
  ['originator_codec', 'text'], ['terminator_codec', 'text'],
  ['originator_call_id', 'text'], ['terminator_call_id', 'text'], ['originator_ip', 'text'],
  ['catalog_version', 'bigint'],
  ...Object.values(LEVEL_COLUMN).flatMap((level) => [[`${level}_rate`, 'numeric'], [`${level}_billsec`, 'integer'], [`${level}_price`, 'numeric']] as const),
  ['captured', 'jsonb'],
];

/** Names are the columns of `calls`. */
export function cdrRow(cdr: Cdr): Record<string, unknown> {
  return {
    uniqueid: cdr.uniqueId, attempt: cdr.attempt, final: cdr.final,
    calldate: timeText(cdr.callDateMs), answer_time: timeText(cdr.answerMs), end_time: timeText(cdr.endMs),
    direction: cdr.direction, server_id: cdr.serverId,
    clid: fit(cdr.clid), src: fit(cdr.src), dst: fit(cdr.dst), localized_dst: fit(cdr.localizedDst),
    user_id: cdr.userId, reseller_id: cdr.resellerId, partner_id: cdr.partnerId, device_id: cdr.deviceId,
    dst_user_id: cdr.dstUserId, dst_device_id: cdr.dstDeviceId,
    provider_id: cdr.providerId, did_provider_id: cdr.didProviderId, did_id: cdr.didId,
    prefix: cdr.prefix, destination_id: cdr.destinationId,
    disposition: cdr.disposition, hangup_cause: cdr.hangupCause, sip_code: cdr.sipCode,
    duration_ms: cdr.durationMs, bill_ms: cdr.billMs, billsec: cdr.billsec, pdd_ms: cdr.pddMs,
    terminated_by: cdr.terminatedBy, end_source: cdr.endSource, flash_call: cdr.flashCall,
    originator_codec: cdr.originatorCodec, terminator_codec: cdr.terminatorCodec,
    originator_call_id: fit(cdr.originatorCallId), terminator_call_id: fit(cdr.terminatorCallId), originator_ip: cdr.originatorIp,
    catalog_version: cdr.catalogVersion,
    ...priceColumns(cdr),
  };
}

function priceColumns(cdr: Cdr): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  const captured: Record<string, unknown> = {};
  for (const [level, price] of Object.entries(cdr.prices) as [PriceLevel, CdrPrice | undefined][]) {
    if (price === undefined) continue;
    const name = LEVEL_COLUMN[level];
    columns[`${name}_rate`] = amountText(price.rate);
    columns[`${name}_billsec`] = price.billedS;
    columns[`${name}_price`] = amountText(price.price);
    captured[level] = { tariffId: price.tariffId, prefix: price.prefix, rate: price.captured };
  }
  if (Object.keys(captured).length > 0) columns['captured'] = captured;
  return columns;
}
