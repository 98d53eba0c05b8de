/**
 * A call from a device to the world. The checks stand in the order in which a refusal is named
 * (`docs/HANGUP_CAUSES.md`); places and money are taken afterwards, in one script, by the store.
 */
import { formatMoney } from '../rating/money.ts';
import { perMinute } from '../rating/rate.ts';
import type { Catalog, Device } from './catalog.ts';
import { blockedCause, chainOf } from './chain.ts';
import type { Chain } from './chain.ts';
import type { Explain } from './explain.ts';
import { hangupCause } from './hangup-causes.ts';
import { waysOut } from './lcr/ways.ts';
import { lossCause, outboundLevels } from './levels.ts';
import { chainClaims, perSecondClaims, serverClaim } from './limits.ts';
import { listRefusal } from './lists.ts';
import { localize } from './localize.ts';
import type { Localized } from './localize.ts';
import { NOBODY } from './plan.ts';
import type { Arrival, Decision, Level, Parties, Random, RoutingSettings } from './plan.ts';

export interface RouteContext {
  readonly catalog: Catalog;
  readonly settings: RoutingSettings;
  readonly random: Random;
  readonly explain: Explain;
}

export interface OutboundCall {
  readonly arrival: Arrival;
  readonly device: Device;
  readonly number: string;
  readonly src: string;
}

export function refused(context: RouteContext, cause: number, parties: Parties): Decision {
  context.explain?.({ check: 'decision', outcome: 'refused', detail: hangupCause(cause).sentence, cause });
  return { kind: 'refused', cause, parties };
}

/** The lists of the user: what he may send from and call to. A source whitelist only limits what he receives. */
function listedCause(context: RouteContext, chain: Chain, src: string, number: string): number {
  const { pools } = context.catalog;
  const source = chain.user.sourceList;
  const asSender = source.mode === 'blacklist' ? listRefusal(pools, source, src, { blacklisted: 262, notWhitelisted: 263 }) : 0;
  return asSender || listRefusal(pools, chain.user.destinationList, number, { blacklisted: 255, notWhitelisted: 256 });
}

/** What refuses a caller of ours before anything is priced: the server he came by, a block, his lists. */
export function callerCause(context: RouteContext, chain: Chain, call: OutboundCall, number: string): number {
  const { serverIds } = call.device;
  if (serverIds.length > 0 && !serverIds.includes(call.arrival.serverId)) return 337;
  return blockedCause(chain) || listedCause(context, chain, call.src, number);
}

function parties(chain: Chain, call: OutboundCall, localized: Localized): Parties {
  return {
    ...NOBODY,
    direction: 'outbound',
    src: call.src,
    dst: call.arrival.dialled,
    localizedDst: localized.number,
    userId: chain.user.id,
    resellerId: chain.reseller?.id ?? null,
    partnerId: chain.partner?.id ?? null,
    deviceId: call.device.id,
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
  const user = catalog.users.get(call.device.userId);
  const nobody: Parties = { ...NOBODY, direction: 'outbound', src: call.src, dst: call.arrival.dialled, localizedDst: call.number, deviceId: call.device.id };
  if (user === undefined) return refused(context, 200, nobody);
  const chain = chainOf(catalog, user);
  const localized = localize(catalog.locations, call.device.locationId, 'destination', call.number);
  const who = parties(chain, call, localized);
  explain?.({ check: 'user', outcome: 'passed', detail: `${user.username}, device ${call.device.endpoint}` });
  explain?.({ check: 'localization', outcome: 'passed', detail: `${call.number} -> ${localized.number}${localized.rule === null ? '' : ` by rule ${localized.rule.name}`}` });
  const early = callerCause(context, chain, call, localized.number);
  if (early !== 0) return refused(context, early, who);
  const request = { chain, number: localized.number, atMs: call.arrival.atMs, userTariffId: localized.rule?.tariffId ?? null, graceS: call.device.graceS };
  const priced = outboundLevels(catalog, request, explain);
  if (!priced.ok) return refused(context, priced.cause, who);
  const { levels, payers } = priced;
  const [userLevel] = levels;
  const rated = userLevel === undefined ? who : { ...who, prefix: userLevel.rate.prefix, destinationId: userLevel.rate.destinationId };
  if (user.maxCallRate > 0n && userLevel !== undefined && perMinute(userLevel.rate) > user.maxCallRate) return refused(context, 340, rated);
  const loss = lossCause(chain, levels);
  if (loss !== 0) return refused(context, loss, rated);
  const lcrId = localized.rule?.lcrId ?? user.lcrId;
  const lcr = lcrId === null ? undefined : catalog.lcrs.get(lcrId);
  if (lcr === undefined) return refused(context, 204, rated);
  explain?.({ check: 'LCR', outcome: 'passed', detail: `${lcr.name}, by ${lcr.order}` });
  const ways = waysOut({ catalog, lcr, number: localized.number, atMs: call.arrival.atMs, sellingPerMinute: sellingPrice(chain, levels), callerId: call.device, settings, random: context.random, explain });
  if (ways.length === 0) return refused(context, 204, rated);
  if (user.flash !== null) explain?.({ check: 'flash calls', outcome: 'passed', detail: `cancelled less than ${user.flash.ringMs} ms after the ringing it costs ${formatMoney(user.flash.price)}` });
  return {
    kind: 'plan',
    parties: rated,
    levels,
    payers,
    counters: [...chainClaims(chain, call.device, 'out'), serverClaim(call.arrival.serverId, settings)],
    perSecond: perSecondClaims(call.arrival.serverId, settings, { chain, device: call.device }),
    ways,
    maxTalkS: shortest(settings.globalCallTimeoutS, call.device.callTimeoutS),
    flash: user.flash,
    catalogVersion: catalog.version,
  };
}

/** The smallest of the timeouts that are set. */
export function shortest(first: number, ...others: readonly number[]): number {
  return others.reduce((least, one) => (one > 0 && one < least ? one : least), first);
}
