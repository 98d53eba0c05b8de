/**
 * One attempt becomes one CDR.
 */
import { billsec } from '../../rating/billable.ts';
import type { Parties } from '../../routing/plan.ts';
import type { Cdr } from './admission.ts';
import { prices } from './money.ts';
import type { CdrPrices } from './money.ts';
import type { Outcome } from './outcome.ts';
import type { ArrivedCall, Attempt, Call, EarlyEnd, Gone, Moment } from './state.ts';

/** A stamp and a duration that disagree by more than this mean that the wall clock was set meanwhile. */
const CLOCK_JUMP_MS = 1000;

/**
 * Milliseconds between two moments: Asterisk's own stamps, which do not contain the way to the engine, unless a
 * wall clock was set in between; then the monotonic clock.
 */
export function elapsedMs(from: Moment, to: Moment): number {
  const wall = to.wallMs - from.wallMs;
  const mono = to.monoMs - from.monoMs;
  return Math.max(0, Math.abs(wall - mono) <= CLOCK_JUMP_MS ? wall : Math.round(mono));
}

export interface Ended {
  readonly outcome: Outcome;
  readonly end: Moment;
  readonly source: Gone['source'];
  readonly terminatedBy: Cdr['terminatedBy'];
  readonly answered: Moment | null;
  /** The end of what was paid; a call is never billed beyond it. */
  readonly paidS: number | null;
}

/** `sip:` display form, as the API shows it: `"name" <number>`. */
function clid(call: ArrivedCall, src: string): string {
  const { name, number } = call.originator;
  // A number of the device's own does not stand beside a name that the caller chose.
  return name === '' || src !== number ? src : `"${name.replaceAll(/["\p{Cc}]/gu, '')}" <${src}>`;
}

/** What differs between the rows of a call. */
type Own = Pick<
  Cdr,
  | 'attempt' | 'dstDeviceId' | 'answerMs' | 'endMs' | 'providerId' | 'disposition' | 'hangupCause' | 'sipCode' | 'durationMs' | 'billMs' | 'billsec' | 'pddMs'
  | 'terminatedBy' | 'endSource' | 'flashCall' | 'terminatorCallId' | 'terminatorCodec' | 'prices'
>;

/** Field by field: an object of forty fields put together by spreading costs ten times as much, at each call's end. */
function row(call: ArrivedCall, parties: Parties, catalogVersion: number, own: Own): Cdr {
  return {
    uniqueId: call.id,
    attempt: own.attempt,
    final: true,
    callDateMs: call.arrived.wallMs,
    answerMs: own.answerMs,
    endMs: own.endMs,
    direction: parties.direction,
    serverId: call.serverId,
    clid: clid(call, parties.src),
    src: parties.src,
    dst: parties.dst,
    localizedDst: parties.localizedDst,
    userId: parties.userId,
    resellerId: parties.resellerId,
    partnerId: parties.partnerId,
    deviceId: parties.deviceId,
    dstUserId: parties.dstUserId,
    dstDeviceId: own.dstDeviceId,
    providerId: own.providerId,
    didProviderId: parties.didProviderId,
    didId: parties.didId,
    prefix: parties.prefix,
    destinationId: parties.destinationId,
    disposition: own.disposition,
    hangupCause: own.hangupCause,
    sipCode: own.sipCode,
    durationMs: own.durationMs,
    billMs: own.billMs,
    billsec: own.billsec,
    pddMs: own.pddMs,
    terminatedBy: own.terminatedBy,
    endSource: own.endSource,
    flashCall: own.flashCall,
    originatorCodec: call.originator.codec,
    terminatorCodec: own.terminatorCodec,
    originatorCallId: call.originator.sipCallId,
    terminatorCallId: own.terminatorCallId,
    originatorIp: call.originator.ip,
    catalogVersion,
    prices: own.prices,
  };
}

/** Of a call that routing refused: nothing was held, nobody was dialled. */
export function refusedCdr(call: ArrivedCall, refusal: { readonly parties: Parties; readonly cause: number; readonly catalogVersion: number; readonly end: Moment }): Cdr {
  const { parties, cause, catalogVersion, end } = refusal;
  return row(call, parties, catalogVersion, {
    attempt: 1,
    dstDeviceId: parties.dstDeviceId,
    answerMs: null,
    endMs: end.wallMs,
    providerId: null,
    disposition: 'FAILED',
    hangupCause: cause,
    sipCode: null,
    durationMs: elapsedMs(call.arrived, end),
    billMs: 0,
    billsec: 0,
    pddMs: null,
    terminatedBy: 'system',
    endSource: 'event',
    flashCall: false,
    terminatorCallId: '',
    terminatorCodec: '',
    prices: {},
  });
}

export function attemptCdr(call: Call, attempt: Attempt | null, ended: Ended): { readonly cdr: Cdr; readonly prices: CdrPrices } {
  const way = attempt === null ? undefined : call.plan.ways[attempt.way];
  const talked = ended.answered === null ? 0 : elapsedMs(ended.answered, ended.end);
  const talkMs = ended.paidS === null ? talked : Math.min(talked, ended.paidS * 1000);
  const beforeMs = ended.answered === null ? 0 : elapsedMs(call.arrived, ended.answered);
  const found = prices(call, way?.rate ?? null, { answeredMs: ended.answered?.wallMs ?? null, talkMs, arrivalToEndMs: ended.answered === null ? 0 : beforeMs + talkMs });
  const cdr = row(call, call.plan.parties, call.plan.catalogVersion, {
    attempt: attempt?.number ?? 1,
    dstDeviceId: way?.kind === 'device' ? (attempt?.deviceId ?? way.id) : call.plan.parties.dstDeviceId,
    answerMs: ended.answered?.wallMs ?? null,
    endMs: ended.answered === null ? ended.end.wallMs : ended.answered.wallMs + talkMs,
    providerId: way?.kind === 'provider' ? way.id : null,
    disposition: ended.outcome.disposition,
    hangupCause: ended.outcome.cause,
    sipCode: ended.outcome.sipCode,
    durationMs: attempt === null ? 0 : elapsedMs(attempt.started, ended.end),
    billMs: talkMs,
    billsec: billsec(talkMs, call.settings.rounding),
    pddMs: attempt === null || attempt.rang === null || attempt.dialled === null ? null : elapsedMs(attempt.dialled, attempt.rang),
    terminatedBy: ended.terminatedBy,
    endSource: ended.source,
    flashCall: false,
    terminatorCallId: attempt?.sipCallId ?? '',
    terminatorCodec: attempt?.codec ?? '',
    prices: found,
  });
  return { cdr, prices: found };
}

/** Of a call that ended before its first attempt, after the store was asked: by its caller, or by an order. */
export function unattemptedCdr(call: Call, { gone, by }: EarlyEnd): Cdr {
  const outcome = { disposition: 'FAILED', cause: by === 'system' ? 16 : 241, sipCode: by === 'system' ? null : 487 } as const;
  return attemptCdr(call, null, { outcome, end: gone.moment, source: gone.source, terminatedBy: by, answered: null, paidS: null }).cdr;
}
