/**
 * The catalog: everything a call needs, in memory, immutable and indexed.
 * `store/catalog.ts` builds it from Postgres; nothing here knows where it came from.
 * Ids are the database's ids. A limit of 0 means "none", as in the product's documents.
 */
import type { Money } from '../rating/money.ts';
import type { DestinationMap } from '../rating/retail.ts';
import type { Tariff } from '../rating/tariff.ts';
import type { DidIndex } from './did.ts';
import type { DestinationLcrs } from './lcr/destination.ts';
import type { NumberPool } from './number-pool.ts';
import type { Transformation } from './transform.ts';

/** Whom a list applies to: no list, refuse what is in the pool, or refuse what is not. */
export type ListMode = 'no' | 'blacklist' | 'whitelist';

export interface NumberList {
  readonly mode: ListMode;
  /** Pool id; null only when mode is 'no'. */
  readonly poolId: number | null;
}

/** 0 is the system's own account: it pays nobody and is never blocked. */
export const ADMIN_ID = 0;

export interface User {
  readonly id: number;
  readonly username: string;
  readonly type: 'admin' | 'partner' | 'reseller' | 'user' | 'accountant';
  /** Who owns (and sells to) this user: admin, a partner or a reseller. */
  readonly ownerId: number;
  readonly blocked: boolean;
  readonly postpaid: boolean;
  /** How far below zero the balance may go; null: without limit (postpaid only). */
  readonly credit: Money | null;
  /** What his calls may cost within a day of his time zone; 0n: any. */
  readonly dailyLimit: Money;
  readonly currency: string;
  readonly timeZone: string;
  /** Of prompts, as Asterisk names it; '': Asterisk's own. */
  readonly language: string;
  readonly tariffId: number | null;
  readonly lcrId: number | null;
  /** Simultaneous calls: separate limits, or one for both (then the other two are 0). */
  readonly outboundLimit: number;
  readonly inboundLimit: number;
  readonly combinedLimit: number;
  /** Calls a second this user may start. */
  readonly cpsLimit: number;
  readonly allowLossCalls: boolean;
  /** The documents' Active Calls of users and resellers, and Allow Spy Calls of accountants; the admin always may. */
  readonly maySpy: boolean;
  /** Highest price per minute he may be asked for; 0n: any. */
  readonly maxCallRate: Money;
  readonly sourceList: NumberList;
  readonly destinationList: NumberList;
  /** Whose thresholds of the dynamic blacklist hold for his calls. */
  readonly dynamicBlacklist: 'off' | 'own' | 'global';
  /** His own, the highest threshold first; those of the admin are the global ones. */
  readonly blacklistLcrs: readonly BlacklistLcr[];
  /** null: his cancelled calls cost nothing. */
  readonly flash: FlashTerms | null;
  /** What he hears before every call; null: nothing. */
  readonly warningPrompt: WarningPrompt | null;
}

/** With a balance below this he hears that little is left. */
export interface WarningPrompt {
  readonly below: Money;
  /** A sound of Asterisk without its extension. */
  readonly file: string;
}

/** From this total of scores on calls go by this LCR. */
export interface BlacklistLcr {
  readonly threshold: number;
  readonly lcrId: number;
}

/** A call that is cancelled less than `ringMs` after its ringing or progress began is a flash call, and costs `price`. */
export interface FlashTerms {
  readonly price: Money;
  readonly ringMs: number;
}

export interface Device {
  readonly id: number;
  readonly userId: number;
  /** Name of its PJSIP endpoint, which is its SIP user name. */
  readonly endpoint: string;
  readonly extension: string | null;
  /** How it proves who it is. */
  readonly auth: 'password' | 'ip';
  /** A trunk receives the full dialled number. */
  readonly trunk: boolean;
  /** Its callers are looked up among the CLIs of all devices. */
  readonly ani: boolean;
  /** Numbers by which it is known behind a trunk with ANI. */
  readonly clis: readonly string[];
  /** null: any. Tells devices behind one address apart. */
  readonly port: number | null;
  /** What its calls begin with; '' nothing. */
  readonly techPrefix: string;
  readonly blocked: boolean;
  readonly callLimit: number;
  /** Calls a second it may start. */
  readonly cpsLimit: number;
  /** So many calls at once from one CallerID ban it; 0: never. */
  readonly banAtCalls: number;
  readonly locationId: number;
  /** Come before its rules; null: none. */
  readonly destinationTransformation: Transformation | null;
  readonly sourceTransformation: Transformation | null;
  /** Come before those of its location. */
  readonly rules: readonly NumberRule[];
  /** Empty: what the caller sends passes. */
  readonly callerIdNumber: string;
  readonly callerIdName: string;
  /** Its CallerID to the world is drawn out of this pool; null: it is not. */
  readonly callerIdPoolId: number | null;
  /** A CallerID outside the pool is replaced by one drawn out of the other; null: any is valid. */
  readonly validCallerIds: { readonly poolId: number; readonly replacementPoolId: number } | null;
  /** Longest ringing when this device is called, seconds. */
  readonly ringTimeoutS: number;
  /** Longest call, seconds; 0: none. */
  readonly callTimeoutS: number;
  readonly graceS: number;
  /** Asterisk servers it may call from; empty: any. */
  readonly serverIds: readonly number[];
}

export interface Provider {
  readonly id: number;
  readonly name: string;
  /** Name of its PJSIP endpoint, `provider-<id>`. */
  readonly endpoint: string;
  readonly tariffId: number;
  readonly active: boolean;
  /** Localizes the numbers of calls that it brings. */
  readonly locationId: number;
  readonly callLimit: number;
  readonly cpsLimit: number;
  /** Talk in a month, and on a day, after which it is passed over; 0: any. */
  readonly monthlyMinutes: number;
  readonly dailyMinutes: number;
  readonly ringTimeoutS: number;
  readonly callTimeoutS: number;
  readonly graceS: number;
  /** Seconds without any answer to the INVITE before the next way; null: the global setting. */
  readonly silenceMs: number | null;
  readonly interpretNoAnswerAsFailed: boolean;
  readonly interpretBusyAsFailed: boolean;
  /** Q.850 causes (1 to 127) and SIP statuses (300 to 699) after which the next way is tried, whatever else says not. */
  readonly goOnCodes: readonly number[];
  /** Those after which none is. */
  readonly stopCodes: readonly number[];
  readonly destinationList: NumberList;
  /** E.164 to the provider's format. */
  readonly rules: readonly NumberRule[];
  /** Come after its rules; null: none. */
  readonly destinationTransformation: Transformation | null;
  readonly sourceTransformation: Transformation | null;
  readonly callerIdNumber: string;
  readonly callerIdName: string;
  /** Stands before `callerIdNumber`: a number drawn out of this pool for each call; null: none is. */
  readonly callerIdPoolId: number | null;
}

export interface Lcr {
  readonly id: number;
  readonly name: string;
  readonly order: 'price' | 'priority' | 'percent' | 'quality';
  /** Use a dearer provider only up to the cheapest rate plus this percent (235); null: any. */
  readonly pricePercentLimit: number | null;
  /** Only the first way is tried. */
  readonly noFailover: boolean;
  /** Tried last, even at a loss. */
  readonly failoverProviderId: number | null;
  readonly allowLossCalls: boolean;
  /** What the selling rate must be above the provider's at least, percent; 0: equal is enough. */
  readonly minimalRateMarginPercent: number;
  /** Destinations that are left to other LCRs; null: none. */
  readonly byDestination: DestinationLcrs | null;
  readonly providers: readonly LcrProvider[];
}

export interface LcrProvider {
  readonly providerId: number;
  readonly priority: number;
  readonly percent: number;
  readonly active: boolean;
}

/** What a number must be, and what becomes of it: `cut` goes from its front, `add` comes instead. */
export interface NumberChange {
  readonly cut: string;
  readonly add: string;
  readonly minLength: number;
  readonly maxLength: number;
}

/** Cut/add rule of a device or a provider. */
export interface NumberRule extends NumberChange {
  readonly id: number;
  readonly name: string;
  readonly applies: 'destination' | 'source';
  /** Comes behind the number; destination rules of providers only. */
  readonly suffix: string;
}

/** Rule of a location. What it switches beside the number is null where it switches nothing. */
export interface LocationRule extends NumberChange {
  readonly id: number;
  readonly name: string;
  readonly applies: 'destination' | 'source' | 'combined';
  /** Combined rules only: what the caller's number must be too, and what becomes of it. */
  readonly source: NumberChange | null;
  readonly tariffId: number | null;
  readonly lcrId: number | null;
  /** The number becomes this DID's. */
  readonly didId: number | null;
  /** The call goes to this device of ours. */
  readonly deviceId: number | null;
}

export interface Location {
  readonly id: number;
  readonly name: string;
  readonly rules: readonly LocationRule[];
}

/** The pool of CallerIDs that may not call. */
export const BANNED_POOL_ID = 0;

/** The location whose rules serve a device when none of its own location's rules matches. */
export const GLOBAL_LOCATION_ID = 1;

/** `SIP/number@host` or `SIP/number@host:port`. */
export interface ExternalTarget {
  readonly number: string;
  /** With its port, if it has one. */
  readonly host: string;
}

export interface Did {
  readonly id: number;
  /** E.164 digits, letters after the first digit; a wildcard ends in `*`. */
  readonly did: string;
  readonly status: 'free' | 'reserved' | 'active' | 'closed' | 'terminated';
  readonly userId: number | null;
  /** In the order in which they ring; empty: none. */
  readonly deviceIds: readonly number[];
  /** How several devices ring: one after the other, or all at the same time. */
  readonly ring: 'in_turn' | 'at_once';
  /** Somebody else's server instead of devices. */
  readonly external: ExternalTarget | null;
  readonly providerId: number;
  readonly callLimit: number;
  /** Calls a second it takes. */
  readonly cpsLimit: number;
  /** Longest call, seconds; 0: none. */
  readonly maxDurationS: number;
  readonly graceS: number;
  readonly activeFromMs: number | null;
  readonly activeTillMs: number | null;
  readonly sourcePoolId: number | null;
  /** Tariffs of one rate each, by caller's prefix ('' matches all); null: free. */
  readonly providerTariffId: number | null;
  readonly incomingTariffId: number | null;
  readonly ownerTariffId: number | null;
}

/**
 * What Asterisk's PJSIP must know of a device or an active provider. Blocked devices have none: they neither
 * register nor call. Holds secrets: never logged, never shown.
 */
export interface SipAccount {
  readonly kind: 'device' | 'provider';
  readonly id: number;
  readonly endpoint: string;
  /** Password of a device that registers, or ours at a provider; null: none. */
  readonly secret: string | null;
  /** User name at a provider; a device's is its endpoint. */
  readonly username: string | null;
  /** Addresses it is known by; of a device: only when it is authenticated by IP. */
  readonly ips: readonly string[];
  /** Where calls to it go; null: where it registered from. */
  readonly host: string | null;
  readonly port: number | null;
  readonly register: boolean;
  readonly fromUser: string | null;
  readonly fromDomain: string | null;
  readonly codecs: readonly string[];
  readonly dtmfMode: 'rfc4733' | 'info' | 'inband' | 'auto';
  readonly nat: boolean;
  /** Seconds between two OPTIONS that ask a provider whether it is there; 0: none. */
  readonly checkEveryS: number;
  readonly callerIdNumber: string;
  readonly callerIdName: string;
  /** Asterisk servers it is wanted on; empty: all. */
  readonly serverIds: readonly number[];
}

export interface Catalog {
  /** Grows by one with each change taken into force. */
  readonly version: number;
  readonly users: ReadonlyMap<number, User>;
  readonly devices: ReadonlyMap<number, Device>;
  readonly devicesByEndpoint: ReadonlyMap<string, Device>;
  /** Own devices of a user by their extensions. */
  readonly devicesByExtension: ReadonlyMap<string, Device>;
  readonly devicesByCli: ReadonlyMap<string, Device>;
  /** All devices behind one address, by the endpoint of each; a device that has its address to itself is not in it. */
  readonly neighbours: ReadonlyMap<string, readonly Device[]>;
  readonly providers: ReadonlyMap<number, Provider>;
  readonly providersByEndpoint: ReadonlyMap<string, Provider>;
  readonly lcrs: ReadonlyMap<number, Lcr>;
  readonly tariffs: ReadonlyMap<number, Tariff>;
  readonly locations: ReadonlyMap<number, Location>;
  readonly dids: DidIndex;
  readonly pools: ReadonlyMap<number, NumberPool>;
  /** Scores that the operator set, by item. */
  readonly scores: ReadonlyMap<string, number>;
  readonly destinations: ReadonlyMap<number, string>;
  readonly destinationMap: DestinationMap;
  readonly sipAccounts: readonly SipAccount[];
}
