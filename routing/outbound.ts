/**
 * A call from a device to the world. The checks stand in the order in which a refusal is named
 * (`docs/HANGUP_CAUSES.md`); places and money are taken afterwards, in one script, by the store.
 */
import { formatMoney } from '../rating/money.ts';
import type { Money } from '../rating/money.ts';
import { perMinute } from '../rating/rate.ts';
import type { Catalog, Device } from './catalog.ts';
import { pooledCallerId } from './caller-id.ts';
import type { CallerId } from './caller-id.ts';
import { blockedCause } from './chain.ts';
import type { Chain } from './chain.ts';
import type { Explain } from './explain.ts';
import { hangupCause } from './hangup-causes.ts';
import { chooseLcr } from './lcr/choose.ts';
import type { QualityView } from './lcr/quality.ts';
import { waysOut } from './lcr/ways.ts';
import { lossCause, outboundLevels } from './levels.ts';
import { callerClaims, perSecondClaims, serverClaim } from './limits.ts';
import { globalRefusal, senderRefusal } from './lists.ts';
import { switchedTo } from './localize.ts';
import type { Localized } from './localize.ts';
import type { TalkView } from './minutes.ts';
import { NOBODY } from './plan.ts';
import type { ScoreView } from './score.ts';
import { lowBalance } from './low-balance.ts';
import type { Arrival, Decision, Level, Parties, Random, RoutingSettings } from './plan.ts';

export interface RouteContext {
  readonly catalog: Catalog;
  readonly settings: RoutingSettings;
  readonly random: Random;
  /** How the providers' attempts went lately. */
  readonly quality: QualityView;
  /** Ids of providers that do not answer the periodic check. */
  readonly dead: ReadonlySet<number>;
  /** What providers with limits of minutes were talked by. */
  readonly talk: TalkView;
  /** Of the dynamic blacklist; null: it is off. */
  readonly scores: ScoreView | null;
  /** What Postgres told last; without it nobody hears that his balance is low. */
  readonly balanceOf?: ((userId: number) => Money | undefined) | undefined;
  readonly explain: Explain;
}

/** A caller of ours. */
export interface CallerSide {
  readonly arrival: Arrival;
  readonly device: Device;
  /** His number, as his rules have it. */
  readonly src: string;
}

export interface OutboundCall extends CallerSide {
  readonly chain: Chain;
  readonly localized: Localized;
  /** What he shows, before the way out has a say. */
  readonly callerId: CallerId;
}

export function refused(context: RouteContext, cause: number, parties: Parties): Decision {
  context.explain?.({ check: 'decision', outcome: 'refused', detail: hangupCause(cause).sentence, cause });
  return { kind: 'refused', cause, parties };
}

/** What rules made of the number must still be one. */
export function localizedCause(number: string, settings: RoutingSettings): number {
  if (number === '') return 336;
  return number.length > settings.maxNumberLength ? 207 : 0;
}

/** What refuses a caller of ours before anything is priced: the server he came by, the global lists, a block, his own lists. */
export function callerCause(context: RouteContext, chain: Chain, call: CallerSide, number: string): number {
  const { serverIds } = call.device;
  if (serverIds.length > 0 && !serverIds.includes(call.arrival.serverId)) return 337;
  return globalRefusal(context, call.src, number) || blockedCause(chain) || senderRefusal(context, chain.user, call.src, number);
}

export function callerParties({ arrival, device, chain, src, localized }: OutboundCall): Parties {
  return {
    ...NOBODY,
    direction: 'outbound',
    src,
    dst: arrival.dialled,
    localizedDst: localized.number,
    userId: chain.user.id,
    resellerId: chain.reseller?.id ?? null,
    partnerId: chain.partner?.id ?? null,
    deviceId: device.id,
  };
}

function sellingPrice(chain: Chain, levels: readonly Level[]): bigint | null {
  // Whoever buys from the admin directly decides whether a call is a loss.
  const buyer = chain.partner ?? chain.reseller ?? chain.user;
  const top = levels.at(-1);
  return buyer.allowLossCalls || top === undefined ? null : perMinute(top.rate);
}

export function routeOutbound(context: RouteContext, call: OutboundCall): Decision {
  const { catalog, settings, explain } = context;
  const { chain, localized } = call;
  const { user } = chain;
  const { number } = localized;
  const who = callerParties(call);
  const early = localizedCause(number, settings) || callerCause(context, chain, call, number);
  if (early !== 0) return refused(context, early, who);
  const request = { chain, number, atMs: call.arrival.atMs, userTariffId: switchedTo(localized, 'tariffId'), graceS: call.device.graceS };
  const priced = outboundLevels(catalog, request, explain);
  if (!priced.ok) return refused(context, priced.cause, who);
  const { levels, payers } = priced;
  const [userLevel] = levels;
  const rated = userLevel === undefined ? who : { ...who, prefix: userLevel.rate.prefix, destinationId: userLevel.rate.destinationId };
  if (user.maxCallRate > 0n && userLevel !== undefined && perMinute(userLevel.rate) > user.maxCallRate) return refused(context, 340, rated);
  const loss = lossCause(chain, levels);
  if (loss !== 0) return refused(context, loss, rated);
  const scored = { src: call.src, number, ip: call.arrival.ip, atMs: call.arrival.atMs };
  const lcr = chooseLcr({ catalog, rules: settings.scores, scores: context.scores, explain }, user, scored, switchedTo(localized, 'lcrId') ?? user.lcrId);
  if (lcr === undefined) return refused(context, 204, rated);
  explain?.({ check: 'LCR', outcome: 'passed', detail: `${lcr.name}, by ${lcr.order}` });
  const ways = waysOut({ catalog, lcr, number, src: call.src, atMs: call.arrival.atMs, sellingPerMinute: sellingPrice(chain, levels), callerId: pooledCallerId(context, call.device, call.callerId, call.src), settings, random: context.random, quality: context.quality, dead: context.dead, talk: context.talk, explain });
  if (ways.length === 0) return refused(context, 204, rated);
  if (user.flash !== null) explain?.({ check: 'flash calls', outcome: 'passed', detail: `cancelled less than ${user.flash.ringMs} ms after the ringing it costs ${formatMoney(user.flash.price)}` });
  return {
    kind: 'plan',
    parties: rated,
    levels,
    payers,
    counters: [...callerClaims(chain, call.device, call.src), serverClaim(call.arrival.serverId, settings)],
    perSecond: perSecondClaims(call.arrival.serverId, settings, { chain, device: call.device }),
    ways,
    maxTalkS: shortest(settings.globalCallTimeoutS, call.device.callTimeoutS),
    flash: user.flash,
    ...lowBalance(context, user),
    catalogVersion: catalog.version,
  };
}

/** The smallest of the timeouts that are set. */
export function shortest(first: number, ...others: readonly number[]): number {
  return others.reduce((least, one) => (one > 0 && one < least ? one : least), first);
}
