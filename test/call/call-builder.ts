/**
 * Small calls for tests: who pays, at which price, by which ways. Ids: user 5, reseller 6, partner 7, DID owner 8,
 * providers 11, 12, …, the DID's provider 21.
 */
import { parseMoney } from '../../rating/money.ts';
import { simpleRate } from '../../rating/rate.ts';
import type { Rate } from '../../rating/rate.ts';
import type { FlashTerms } from '../../routing/catalog.ts';
import { NOBODY } from '../../routing/plan.ts';
import type { Announcement, Level, Parties, Payer, PriceLevel, Way } from '../../routing/plan.ts';
import type { Call, CallSettings } from '../../engine/call/state.ts';

export const USER = 5;
export const RESELLER = 6;
export const PARTNER = 7;
export const OWNER = 8;
export const DID_PROVIDER = 21;

/** 2026-11-24T12:00:00Z on the wall; the monotonic clock began somewhere else. */
export const ARRIVED = { wallMs: 1_795_521_600_000, monoMs: 5_000 } as const;

type RateTerms = { readonly incrementS?: number; readonly minTimeS?: number; readonly graceS?: number; readonly connectionFee?: string };

/** A price per minute, in plain decimals. */
export function rate(perMinute: string, terms: RateTerms = {}): Rate {
  const { connectionFee, ...rest } = terms;
  return simpleRate({ ratePerMinute: parseMoney(perMinute), connectionFee: parseMoney(connectionFee ?? '0'), prefix: '370', tariffId: 1, ...rest });
}

export function provider(number: number, parts: Partial<Way> = {}): Way {
  return {
    kind: 'provider',
    id: 10 + number,
    name: `provider ${number}`,
    endpoint: `provider-${10 + number}`,
    number: '37060000000',
    host: null,
    rate: rate('0.3'),
    claims: [{ key: `calls:provider:${10 + number}`, limit: 0, cause: 223 }],
    ringTimeoutS: 60,
    silenceMs: 3000,
    noAnswerAsFailed: false,
    busyAsFailed: false,
    goOnCodes: [],
    stopCodes: [],
    callerIdNumber: '',
    callerIdName: '',
    callTimeoutS: 0,
    ...parts,
  };
}

export function deviceWay(parts: Partial<Way> = {}): Way {
  return { ...provider(1), kind: 'device', id: 31, name: 'desk', endpoint: 'desk', number: null, rate: null, claims: [], silenceMs: 0, ...parts };
}

const CAUSES: Readonly<Record<string, Payer['causes']>> = {
  user: { tooLow: 211, simultaneous: 212, underOneSecond: 210 },
  reseller: { tooLow: 215, simultaneous: 216, underOneSecond: 215 },
  partner: { tooLow: 251, simultaneous: 252, underOneSecond: 251 },
  did: { tooLow: 213, simultaneous: 214, underOneSecond: 213 },
  didIncoming: { tooLow: 211, simultaneous: 212, underOneSecond: 210 },
};

const ACCOUNTS: Readonly<Partial<Record<PriceLevel, number>>> = { user: USER, reseller: RESELLER, partner: PARTNER, did: OWNER, didIncoming: USER };

export interface CallParts {
  /** Rates of the levels; the provider's stands in his way. A call without any other has a user who pays 0.6 a minute. */
  readonly rates?: Partial<Record<Exclude<PriceLevel, 'provider'>, Rate>>;
  readonly ways?: readonly Way[];
  readonly maxTalkS?: number;
  readonly flash?: FlashTerms;
  /** The caller hears this first. */
  readonly announcement?: Announcement;
  readonly settings?: Partial<CallSettings>;
  /** Nobody's money limits the call. */
  readonly unlimited?: boolean;
}

const SETTINGS: CallSettings = { legStartTimeoutMs: 5000, rounding: 'up', reservation: 'slice', sliceS: 60, extendBeforeS: 15, frozenS: 1800, deadManS: 60, promptS: 0, announceMs: 30_000 };

function isDidLevel(level: PriceLevel): boolean {
  return level === 'did' || level === 'didIncoming' || level === 'didProvider';
}

function partiesOf(levels: readonly Level[]): Parties {
  const has = (level: PriceLevel): boolean => levels.some((one) => one.level === level);
  const inbound = levels.some((one) => isDidLevel(one.level));
  return {
    ...NOBODY,
    direction: inbound ? 'inbound' : 'outbound',
    src: '37050000000',
    dst: '860000000',
    localizedDst: '37060000000',
    prefix: '370',
    userId: has('user') || has('didIncoming') ? USER : null,
    resellerId: has('reseller') ? RESELLER : null,
    partnerId: has('partner') ? PARTNER : null,
    deviceId: inbound ? null : 41,
    dstUserId: inbound ? OWNER : null,
    didId: inbound ? 51 : null,
    didProviderId: inbound ? DID_PROVIDER : null,
  };
}

export function call(parts: CallParts = {}): Call {
  const rates = parts.rates ?? { user: rate('0.6') };
  const levels = Object.entries(rates).map(([name, one]): Level => {
    const level = name as PriceLevel;
    return { level, rate: one, from: isDidLevel(level) ? 'arrival' : 'answer' };
  });
  const payers = levels.flatMap(({ level, rate: one }): Payer[] => {
    const userId = ACCOUNTS[level];
    const causes = CAUSES[level];
    return userId === undefined || causes === undefined || parts.unlimited === true ? [] : [{ userId, rates: [one], causes }];
  });
  return {
    id: '1-1795521600.7',
    serverId: 1,
    arrived: ARRIVED,
    originator: { channelId: '1795521600.7', name: 'Ann', number: '37050000000', sipCallId: 'abc@caller', ip: '192.0.2.7', port: 5060, codec: 'ulaw' },
    settings: { ...SETTINGS, ...parts.settings },
    plan: {
      kind: 'plan',
      parties: partiesOf(levels),
      levels,
      payers,
      counters: [{ key: 'calls:user:5:out', limit: 0, cause: 220 }],
      perSecond: [],
      ways: parts.ways ?? [provider(1)],
      maxTalkS: parts.maxTalkS ?? 7200,
      flash: parts.flash ?? null,
      ...(parts.announcement === undefined ? {} : { announcement: parts.announcement }),
      catalogVersion: 3,
    },
  };
}
