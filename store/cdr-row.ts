/**
 * A finished call as text for the stream: its rows already in the form of the `calls` table, so that the settler
 * hands the text to Postgres as it is.
 */
import type { Cdr, CdrPrice, Debit, FinishRequest, PriceLevel } from '../engine/call/admission.ts';
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

/** Debits as [account, account id, amount, cause]: positive amounts are taken from the account. */
export type DebitText = readonly [Debit['account'], number, string, Debit['cause']];

export interface CallBody {
  readonly rows: readonly Record<string, unknown>[];
  readonly debits: readonly DebitText[];
}

export function encodeCall(request: FinishRequest): string {
  const body: CallBody = {
    rows: request.cdrs.map((cdr) => cdrRow(cdr)),
    debits: request.debits.filter((debit) => debit.amount !== 0n).map((debit) => [debit.account, debit.accountId, amountText(debit.amount), debit.cause]),
  };
  return JSON.stringify(body);
}

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
