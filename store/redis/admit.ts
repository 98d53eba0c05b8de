/** AdmitRequest, NextWayRequest and ExtendRequest as script arguments, and the scripts' answers as values. */
import type { AdmitRequest, CounterClaim, ExtendRequest, NextWayRequest, RestoreRequest } from '../../engine/call/admission.ts';
import { callKey, claimKey, doneKey, LIVE, payerKey } from './keys.ts';
import type { ScriptCall } from './scripts.ts';
import type { Units } from './units.ts';

/** None of the ways asked for has room: "No usable provider" in the list of hangup causes. */
export const NO_WAY_CAUSE = 204;

/** What the payer's calls may cost within a day is used up, or on hold for other calls. */
export const DAILY_LIMIT_CAUSE = 290;

/** Fields of the call's hash that scripts keep for themselves begin with this. */
export const OWN_FIELD = '_';

export function encodeAdmit(request: AdmitRequest, units: Units): ScriptCall {
  const claimed = (claims: readonly CounterClaim[]): string[] => claims.map((claim) => claimKey(claim.key, request.nowMs));
  const keys = [callKey(request.callId), LIVE, doneKey(request.callId), ...claimed(request.counters), ...claimed(request.perSecond)];
  const args: (string | number)[] = [
    request.callId, request.nowMs, request.counters.length, request.perSecond.length, request.payers.length, request.ways.length,
  ];
  for (const claim of [...request.counters, ...request.perSecond]) args.push(claim.limit, claim.cause);
  for (const payer of request.payers) {
    keys.push(payerKey(payer.userId));
    args.push(payer.userId, units.owed(payer.want), units.owed(payer.least), payer.tooLow, payer.simultaneous, payer.underOneSecond);
  }
  pushWays(request.ways, { keys, args, nowMs: request.nowMs });
  pushFields(request.live, args);
  return { keys, args, memo: request.memo };
}

export function encodeNextWay(request: NextWayRequest): ScriptCall {
  const keys = [callKey(request.callId)];
  const args: (string | number)[] = [request.ways.length];
  pushWays(request.ways, { keys, args, nowMs: request.nowMs });
  args.push(request.from);
  pushFields(request.live, args);
  return { keys, args, memo: request.memo };
}

export function encodeExtend(request: ExtendRequest, units: Units): ScriptCall {
  const keys = [callKey(request.callId)];
  const args: (string | number)[] = [request.nowMs];
  for (const payer of request.payers) {
    keys.push(payerKey(payer.userId));
    args.push(payer.userId, units.owed(payer.want));
  }
  return { keys, args };
}

export function encodeRestore(request: RestoreRequest, units: Units): ScriptCall {
  const { callId, counters, wayCounters, holds } = request;
  const places = [counters, wayCounters].map((claims) => claims.filter(({ key }) => !key.startsWith('cps:')).map(({ key }) => claimKey(key, 0)));
  const [own = [], ofWay = []] = places;
  const args: (string | number)[] = [callId, request.startedMs, request.way, own.length + ofWay.length, ofWay.length, holds.length];
  for (const { userId, amount } of holds) args.push(userId, units.owned(amount));
  pushFields(request.live, args);
  return { keys: [callKey(callId), LIVE, doneKey(callId), ...own, ...ofWay, ...holds.map(({ userId }) => payerKey(userId))], args, memo: request.memo };
}

function pushWays(ways: readonly (readonly CounterClaim[])[], into: { keys: string[]; args: (string | number)[]; nowMs: number }): void {
  for (const claims of ways) {
    into.args.push(claims.length);
    for (const claim of claims) {
      into.keys.push(claimKey(claim.key, into.nowMs));
      into.args.push(claim.limit);
    }
  }
}

export function pushFields(fields: Readonly<Record<string, string>>, args: (string | number)[]): void {
  for (const [field, value] of Object.entries(fields)) {
    if (field.startsWith(OWN_FIELD)) throw new Error(`Field ${field} of a live call: names with a leading underscore belong to the store.`);
    args.push(field, value);
  }
}

/** What a script said, before payers it does not know were seeded. */
export type RawAnswer =
  /** `amounts`: what each payer has on hold, then what is left to each. */
  | { readonly kind: 'admitted'; readonly way: number; readonly amounts: readonly string[] }
  | { readonly kind: 'refused'; readonly cause: number }
  | { readonly kind: 'unknown'; readonly userIds: readonly number[] };

export function decodeAdmit(callId: string, raw: unknown): RawAnswer {
  const [kind, ...rest] = (raw as (string | number)[]).map(String);
  switch (kind) {
    case 'admitted':
      return { kind, way: Number(rest[0]), amounts: rest.slice(1) };
    case 'refused':
      return { kind, cause: Number(rest[0]) };
    case 'noWay':
      return { kind: 'refused', cause: NO_WAY_CAUSE };
    case 'dailyLimit':
      return { kind: 'refused', cause: DAILY_LIMIT_CAUSE };
    case 'unknown':
      return { kind, userIds: rest.map(Number) };
    default:
      throw new Error(kind === 'finished' ? `Call ${callId} was finished before it asked to be admitted.` : `admit answered ${kind}.`);
  }
}

export type RawHold =
  | { readonly kind: 'held'; readonly amounts: readonly string[] }
  | { readonly kind: 'unknown'; readonly userIds: readonly number[] }
  | { readonly kind: 'gone' };

export function decodeExtend(raw: unknown): RawHold {
  const [kind, ...rest] = (raw as (string | number)[]).map(String);
  if (kind === 'held') return { kind, amounts: rest };
  if (kind === 'unknown') return { kind, userIds: rest.map(Number) };
  return { kind: 'gone' };
}
