/** What other programs are told of a call's end, as flat fields (docs/OPERATIONS.md, "The stream of events"). */
import type { Cdr } from '../../engine/call/admission.ts';
import { moneyText } from '../../rating/money.ts';

function text(value: string | number | null | undefined): string {
  return value === null || value === undefined ? '' : String(value);
}

/** Of its last row; the same names as in the live view, where it has them. */
export function eventOf(cdrs: readonly Cdr[]): readonly string[] {
  const last = cdrs.at(-1);
  if (last === undefined) return [];
  const price = (last.prices.user ?? last.prices.did)?.price;
  return Object.entries({
    server: last.serverId, direction: last.direction, from: last.src, to: last.localizedDst,
    userId: last.userId ?? last.dstUserId, deviceId: last.deviceId, didId: last.didId, resellerId: last.resellerId, providerId: last.providerId,
    disposition: last.disposition, cause: last.hangupCause, terminatedBy: last.terminatedBy, attempts: cdrs.length,
    since: last.callDateMs, answered: last.answerMs, ended: last.endMs, billsec: last.billsec, price: price === undefined ? '' : moneyText(price),
  }).flatMap(([field, value]) => [field, text(value)]);
}
