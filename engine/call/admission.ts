/**
 * What the call asks of the shared store: one script before dialling, one after the end,
 * and two between (the next slice of money, the next way out). Values only; `store/redis/` does it.
 */
import type { Money } from '../../rating/money.ts';
import type { CounterClaim, PriceLevel } from '../../routing/plan.ts';

export type { CounterClaim, PriceLevel } from '../../routing/plan.ts';

export interface PayerClaim {
  readonly userId: number;
  /** To hold now: the price of the first slice. */
  readonly want: Money;
  /** The least that buys one second; below it the call is refused. */
  readonly least: Money;
  /** Causes of a refusal: nothing there, all of it held by other calls, not even one second. */
  readonly tooLow: number;
  readonly simultaneous: number;
  readonly underOneSecond: number;
}

export interface AdmitRequest {
  readonly callId: string;
  readonly nowMs: number;
  /** In the order in which they are checked; the first full one names the refusal. */
  readonly counters: readonly CounterClaim[];
  readonly perSecond: readonly CounterClaim[];
  readonly payers: readonly PayerClaim[];
  /** The ways out in their order; the first whose counters have room is taken. Empty claims: always room. */
  readonly ways: readonly (readonly CounterClaim[])[];
  /** Shown by `calls` and used by recovery: flat text fields. */
  readonly live: Readonly<Record<string, string>>;
  /** What a takeover needs to know of the call; kept as it is. */
  readonly memo?: Uint8Array | undefined;
}

export type AdmitAnswer =
  /**
   * `granted[i]` is what payer i now has on hold for this call (at least `least`, at most `want`), `left[i]` what he could
   * spend beside it; null: without limit.
   */
  | { readonly kind: 'admitted'; readonly way: number; readonly granted: readonly Money[]; readonly left: readonly (Money | null)[] }
  | { readonly kind: 'refused'; readonly cause: number };

/** Hold more for a running call. */
export interface ExtendRequest {
  readonly callId: string;
  readonly nowMs: number;
  readonly payers: readonly { readonly userId: number; readonly want: Money }[];
}

/** In the order asked; both empty when the call is not in the store, or the store cannot be asked. */
export interface ExtendAnswer {
  /** What each payer has on hold in all. */
  readonly held: readonly Money[];
  /** What he could spend beside it; null: without limit. */
  readonly left: readonly (Money | null)[];
}

/** Give the present way's places back and take the first later one with room. */
export interface NextWayRequest {
  readonly callId: string;
  readonly nowMs: number;
  readonly ways: readonly (readonly CounterClaim[])[];
  /** Index of the first of them among all ways of the call. */
  readonly from: number;
  readonly live: Readonly<Record<string, string>>;
  /** Rows of the attempts that failed, for a takeover; kept as it is. */
  readonly memo?: Uint8Array | undefined;
}

/** Everything the call held is given back; what is owed and the CDR rows are queued for settling. Repeating it changes nothing. */
export interface FinishRequest {
  readonly callId: string;
  readonly nowMs: number;
  readonly debits: readonly Debit[];
  readonly cdrs: readonly Cdr[];
  /** A flash call, counted by both of its numbers. */
  readonly flash?: FlashNumbers;
}

export interface FlashNumbers {
  readonly src: string;
  readonly dst: string;
}

/** `amount` > 0 is taken from the account, < 0 is given. */
export interface Debit {
  readonly account: 'user' | 'provider';
  readonly accountId: number;
  readonly amount: Money;
  readonly cause: 'call' | 'did' | 'flash_call';
}

export type Disposition = 'ANSWERED' | 'NO ANSWER' | 'BUSY' | 'FAILED';

/** One level's part of a CDR: what it was priced by and what came out. */
export interface CdrPrice {
  readonly tariffId: number | null;
  readonly prefix: string;
  /** Headline price per minute. */
  readonly rate: Money;
  readonly billedS: number;
  readonly price: Money;
  /** The captured rate, whole: `rateToJson`; enough to price the call again. */
  readonly captured: unknown;
}

/** One attempt: one row of `calls`. Times are epoch milliseconds. */
export interface Cdr {
  readonly uniqueId: string;
  /** 1, 2, … within the call. */
  readonly attempt: number;
  /** True on the last attempt of the call. */
  readonly final: boolean;
  readonly callDateMs: number;
  readonly answerMs: number | null;
  readonly endMs: number;
  readonly direction: 'outbound' | 'inbound' | 'local';
  readonly serverId: number;
  readonly clid: string;
  readonly src: string;
  readonly dst: string;
  readonly localizedDst: string;
  readonly userId: number | null;
  readonly resellerId: number | null;
  readonly partnerId: number | null;
  readonly deviceId: number | null;
  readonly dstUserId: number | null;
  readonly dstDeviceId: number | null;
  readonly providerId: number | null;
  readonly didProviderId: number | null;
  readonly didId: number | null;
  readonly prefix: string;
  readonly destinationId: number | null;
  readonly disposition: Disposition;
  readonly hangupCause: number;
  /** SIP status of the far end, where there was one. */
  readonly sipCode: number | null;
  /** Dial to end, and answer to end, milliseconds. */
  readonly durationMs: number;
  readonly billMs: number;
  /** Whole seconds after the rounding setting. */
  readonly billsec: number;
  /** Dial to the first ringing or progress, milliseconds. */
  readonly pddMs: number | null;
  readonly terminatedBy: 'originator' | 'terminator' | 'system';
  readonly endSource: 'event' | 'witness' | 'estimate';
  readonly flashCall: boolean;
  readonly originatorCodec: string;
  readonly terminatorCodec: string;
  readonly originatorCallId: string;
  readonly terminatorCallId: string;
  readonly originatorIp: string;
  readonly catalogVersion: number;
  readonly prices: Readonly<Partial<Record<PriceLevel, CdrPrice>>>;
}

/** A call that is up, as the store must know it. */
export interface RestoreRequest {
  readonly callId: string;
  readonly startedMs: number;
  readonly way: number;
  readonly counters: readonly CounterClaim[];
  readonly wayCounters: readonly CounterClaim[];
  readonly holds: readonly { readonly userId: number; readonly amount: Money }[];
  readonly live: Readonly<Record<string, string>>;
  readonly memo: Uint8Array;
}

/** What the store knows of a call that is up. */
export interface OpenCall {
  readonly callId: string;
  /** What was handed over at its admission, and with its last failover. */
  readonly memo: Uint8Array | null;
  readonly past: Uint8Array | null;
  /** Index of the way taken; -1: none had room. */
  readonly way: number;
  /** Of the live view. */
  readonly fields: Readonly<Record<string, string>>;
  /** Money on hold by user id. */
  readonly held: ReadonlyMap<number, Money>;
}
