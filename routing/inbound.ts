/**
 * A call to a DID: from a provider, or from a device of ours that dialled it. It goes to the owner's devices or
 * trunk and is priced by the DID's own rates (DID Billing).
 */
import { withGrace } from '../rating/rate.ts';
import type { Rate } from '../rating/rate.ts';
import type { CallerId } from './caller-id.ts';
import type { Catalog, Device, Did, User } from './catalog.ts';
import { blockedCause, chainOf } from './chain.ts';
import type { Chain } from './chain.ts';
import { didTarget, explainTarget } from './did-ways.ts';
import { payerOf, rateBy } from './levels.ts';
import { callerClaims, chainClaims, didClaim, didPerSecondClaims, perSecondClaims, serverClaim } from './limits.ts';
import { didRefusal, globalRefusal, receiverRefusal } from './lists.ts';
import { callerCause, refused, shortest } from './outbound.ts';
import type { RouteContext } from './outbound.ts';
import { NOBODY } from './plan.ts';
import type { Arrival, Decision, Level, Parties, Payer, PriceLevel } from './plan.ts';

export interface InboundCall {
  readonly arrival: Arrival;
  readonly did: Did;
  readonly number: string;
  readonly src: string;
  /** The calling device when the caller is a user of ours; null: from outside. */
  readonly caller: Device | null;
  /** What the caller shows, before anybody else has a say. */
  readonly callerId: CallerId;
}

/** The states in which a DID takes no calls (DID Management, "Status"). */
function statusCause(did: Did): number {
  switch (did.status) {
    case 'active':
      return 0;
    case 'free':
      return 226;
    case 'reserved':
      return 229;
    case 'closed':
      return 284;
    case 'terminated':
      return 207;
  }
}

function parties(call: InboundCall, owner: Chain | null, device: Device | null, caller: User | null): Parties {
  return {
    ...NOBODY,
    direction: 'inbound',
    src: call.src,
    dst: call.arrival.dialled,
    localizedDst: call.number,
    userId: caller?.id ?? null,
    resellerId: owner?.reseller?.id ?? null,
    partnerId: owner?.partner?.id ?? null,
    deviceId: call.caller?.id ?? null,
    dstUserId: owner?.user.id ?? null,
    dstDeviceId: device?.id ?? null,
    didId: call.did.id,
    didProviderId: call.did.providerId,
    prefix: call.did.did,
  };
}

interface DidRates {
  readonly levels: readonly Level[];
  readonly payers: readonly Payer[];
}

function didRate(catalog: Catalog, call: InboundCall, tariffId: number | null): Rate | 'noRate' {
  // By the caller's number: the documents price a DID call "by CallerID prefix" (M4 DID Management).
  const found = rateBy(catalog, tariffId, call.src.replace(/^\+/, ''), call.arrival.atMs);
  return typeof found === 'string' ? 'noRate' : withGrace(found, call.did.graceS);
}

/** 276 when the DID has a provider tariff without a rate for this caller. */
function didRates(catalog: Catalog, call: InboundCall, owner: User, caller: User | null): DidRates | 276 {
  const levels: Level[] = [];
  const payers: Payer[] = [];
  const add = (level: PriceLevel, tariffId: number | null, payer: User | null): boolean => {
    if (tariffId === null) return true;
    const rate = didRate(catalog, call, tariffId);
    if (rate === 'noRate') return false;
    levels.push({ level, rate, from: 'arrival' });
    const causes = level === 'did' ? { tooLow: 213, simultaneous: 214, underOneSecond: 213 } : { tooLow: 211, simultaneous: 212, underOneSecond: 210 };
    if (payer !== null) payers.push(...payerOf(payer, [rate], causes));
    return true;
  };
  if (!add('didProvider', call.did.providerTariffId, null)) return 276;
  if (caller !== null) add('didIncoming', call.did.incomingTariffId, caller);
  // The owner pays nothing for calling his own DID.
  if (caller?.id !== owner.id) add('did', call.did.ownerTariffId, owner);
  return { levels, payers };
}

/** What refuses the caller, ours or from outside; 0: nothing. */
function earlyCause(context: RouteContext, call: InboundCall, caller: User | null): number {
  if (call.caller === null || caller === null) return globalRefusal(context, call.src, call.number);
  return callerCause(context, chainOf(context.catalog, caller), { ...call, device: call.caller }, call.number);
}

/** What refuses the call on its owner's side, before its price is looked at; 0: nothing. */
function inboundCause(context: RouteContext, call: InboundCall, chain: Chain): number {
  const blocked = blockedCause(chain);
  if (blocked !== 0) return blocked === 201 ? 237 : blocked;
  return didRefusal(context, call.did, call.src) || receiverRefusal(context, chain.user, call.src);
}

export function routeInbound(context: RouteContext, call: InboundCall): Decision {
  const { catalog, settings, explain } = context;
  const { did } = call;
  const caller = call.caller === null ? null : (catalog.users.get(call.caller.userId) ?? null);
  const owner = did.userId === null ? undefined : catalog.users.get(did.userId);
  const target = didTarget(catalog, did, call.number, call.callerId);
  const { ways, devices } = target;
  const chain = owner === undefined ? null : chainOf(catalog, owner);
  const who = parties(call, chain, devices[0] ?? target.blocked[0] ?? null, caller);
  explain?.({ check: 'DID', outcome: 'passed', detail: `${did.did}, ${did.status}` });
  const early = earlyCause(context, call, caller);
  if (early !== 0) return refused(context, early, who);
  const closed = statusCause(did);
  if (closed !== 0) return refused(context, closed, who);
  if (chain === null || owner === undefined || ways.length === 0) return refused(context, 207, who);
  const cause = inboundCause(context, call, chain);
  if (cause !== 0) return refused(context, cause, who);
  const rates = didRates(catalog, call, owner, caller);
  if (rates === 276) return refused(context, 276, who);
  explainTarget(explain, { did, target, owner });
  // Of several devices each has its place and its longest call with its own way.
  const only = devices.length === 1 ? devices[0] : undefined;
  const from = call.caller === null || caller === null ? null : { chain: chainOf(catalog, caller), device: call.caller };
  return {
    kind: 'plan',
    parties: who,
    levels: rates.levels,
    payers: rates.payers,
    counters: [didClaim(did), ...(from === null ? [] : callerClaims(from.chain, from.device, call.src)), ...chainClaims(chain, only ?? null, 'in'), serverClaim(call.arrival.serverId, settings)],
    perSecond: [...perSecondClaims(call.arrival.serverId, settings, from), ...didPerSecondClaims(did)],
    ways,
    maxTalkS: shortest(settings.globalCallTimeoutS, did.maxDurationS, only?.callTimeoutS ?? 0),
    flash: null,
    catalogVersion: catalog.version,
  };
}
