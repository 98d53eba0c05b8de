/**
 * What routing decides about a call: refused with a hangup cause, or a plan: who pays what, which places it
 * takes, and the ways out in the order in which they are tried.
 */
import type { Rate } from '../rating/rate.ts';
import type { ScoreRules } from './blacklist.ts';
import type { DrawnNumber } from './caller-id.ts';
import type { FlashTerms } from './catalog.ts';
import type { QualityRules } from './lcr/quality.ts';

/** The words of the CDR's price columns. */
export type PriceLevel = 'provider' | 'partner' | 'reseller' | 'user' | 'did' | 'didIncoming' | 'didProvider';

/** One place in a concurrent-call counter, or in a calls-per-second window. */
export interface CounterClaim {
  /** Redis key without prefix, e.g. `calls:user:5:out` or `cps:user:5`. */
  readonly key: string;
  /** 0: counted, never refused. */
  readonly limit: number;
  /** Hangup cause when it is full. */
  readonly cause: number;
}

/** One price of the call that does not depend on the way out. */
export interface Level {
  readonly level: PriceLevel;
  readonly rate: Rate;
  /** A normal leg is billed from the answer, a DID's leg from the arrival at the switch. */
  readonly from: 'answer' | 'arrival';
}

/** Somebody whose money limits the call. */
export interface Payer {
  readonly userId: number;
  /** All that he pays for this call. */
  readonly rates: readonly Rate[];
  readonly causes: PayerCauses;
}

export interface PayerCauses {
  readonly tooLow: number;
  readonly simultaneous: number;
  readonly underOneSecond: number;
}

/** One of several devices that ring at once. */
export interface ForkTarget {
  readonly deviceId: number;
  readonly endpoint: string;
  /** null: the endpoint's own contact. */
  readonly number: string | null;
}

export interface Way {
  readonly kind: 'provider' | 'device' | 'external';
  readonly id: number;
  readonly name: string;
  readonly endpoint: string;
  /** Number in the dial string; null: the endpoint's own contact. */
  readonly number: string | null;
  /** Where the number is dialled instead of the endpoint's own contact; null: there. */
  readonly host: string | null;
  /** Provider's rate; null for a device. */
  readonly rate: Rate | null;
  readonly claims: readonly CounterClaim[];
  readonly ringTimeoutS: number;
  /** Without any answer for so long the next way is tried. */
  readonly silenceMs: number;
  readonly noAnswerAsFailed: boolean;
  readonly busyAsFailed: boolean;
  /** Q.850 causes and SIP statuses of its end, each before what is usual. */
  readonly goOnCodes: readonly number[];
  readonly stopCodes: readonly number[];
  /** Empty: the caller's own passes. */
  readonly callerIdNumber: string;
  /** null: the caller's own beside another number. */
  readonly callerIdName: string | null;
  /** Where the CallerID was drawn from. */
  readonly drawn?: DrawnNumber | undefined;
  /** Devices that ring at once, two or more; the way's own `id`, `endpoint` and `number` are then the first one's. */
  readonly fork?: readonly ForkTarget[] | undefined;
  /** Longest call this way allows, seconds; 0: none. */
  readonly callTimeoutS: number;
}

/** Who and what, for the CDR and the live view; as much as was known when it was decided. */
export interface Parties {
  readonly direction: 'outbound' | 'inbound' | 'local';
  readonly src: string;
  readonly dst: string;
  readonly localizedDst: string;
  readonly userId: number | null;
  readonly resellerId: number | null;
  readonly partnerId: number | null;
  readonly deviceId: number | null;
  readonly dstUserId: number | null;
  readonly dstDeviceId: number | null;
  readonly didId: number | null;
  readonly didProviderId: number | null;
  readonly prefix: string;
  readonly destinationId: number | null;
}

export interface Refused {
  readonly kind: 'refused';
  readonly cause: number;
  readonly parties: Parties;
}

export interface Plan {
  readonly kind: 'plan';
  readonly parties: Parties;
  readonly levels: readonly Level[];
  readonly payers: readonly Payer[];
  /** In the order in which they are checked. */
  readonly counters: readonly CounterClaim[];
  readonly perSecond: readonly CounterClaim[];
  readonly ways: readonly Way[];
  /** Longest call by every timeout but money, seconds. */
  readonly maxTalkS: number;
  /** What the user pays when he cancels soon after the ringing began; null: nothing. */
  readonly flash: FlashTerms | null;
  /** What the caller hears before the first way is dialled. */
  readonly announcement?: Announcement;
  readonly catalogVersion: number;
}

export interface Announcement {
  /** A sound of Asterisk without its extension. */
  readonly file: string;
  /** '': Asterisk's own. */
  readonly language: string;
}

export type Decision = Refused | Plan;

/** What arrived, as the engine's shell saw it. */
export interface Arrival {
  readonly serverId: number;
  readonly endpoint: string;
  /** UDP or TCP port the call came from; null: not told. */
  readonly port: number | null;
  /** Where its signalling comes from; '': not told. */
  readonly ip: string;
  /** As dialled. */
  readonly dialled: string;
  readonly callerNumber: string;
  readonly atMs: number;
}

/** Settings that routing needs; limits of 0 mean none. */
export interface RoutingSettings {
  readonly letters: 'refuse' | 'clean' | 'keep';
  readonly maxNumberLength: number;
  readonly globalCallTimeoutS: number;
  readonly providerSilenceMs: number;
  readonly serverCallLimit: number;
  readonly serverCpsLimit: number;
  readonly quality: QualityRules;
  readonly scores: ScoreRules;
  /** DID for calls of providers to numbers that are no DID; '': none. */
  readonly unassignedDid: string;
}

/** A number from 0 (included) to 1 (not). */
export type Random = () => number;

export const NOBODY: Omit<Parties, 'direction' | 'src' | 'dst' | 'localizedDst'> = {
  userId: null, resellerId: null, partnerId: null, deviceId: null, dstUserId: null, dstDeviceId: null,
  didId: null, didProviderId: null, prefix: '', destinationId: null,
};

