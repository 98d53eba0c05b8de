/**
 * The one door of this room: an arrival becomes a decision.
 */
import type { Catalog, Device, Did, Provider } from './catalog.ts';
import { identify } from './caller.ts';
import { AS_SENT, ruledCallerId } from './caller-id.ts';
import { chainOf } from './chain.ts';
import { findDid } from './did.ts';
import { routeInbound } from './inbound.ts';
import { routeToDevice } from './local.ts';
import { localize, localizeCall, switchedTo } from './localize.ts';
import { dialledNumber, sourceNumber } from './number.ts';
import { refused, routeOutbound } from './outbound.ts';
import type { OutboundCall, RouteContext } from './outbound.ts';
import { NOBODY } from './plan.ts';
import type { Arrival, Decision, Parties } from './plan.ts';

export type { RouteContext } from './outbound.ts';

function unknown(arrival: Arrival, src: string): Parties {
  return { ...NOBODY, direction: 'inbound', src, dst: arrival.dialled, localizedDst: '' };
}

/** Another device of the same user, dialled by its extension. */
function extensionOf({ devicesByExtension }: Catalog, device: Device, dialled: string): Device | null {
  const found = devicesByExtension.get(dialled);
  return found === undefined || found.userId !== device.userId || found.id === device.id ? null : found;
}

/**
 * A DID is known by its E.164 number, so the dialled one is localized first. It may hold letters whatever the setting
 * says of other numbers.
 */
function fromDevice(context: RouteContext, arrival: Arrival, device: Device, src: string): Decision {
  const { catalog, settings, explain } = context;
  const nobody: Parties = { ...unknown(arrival, src), direction: 'outbound', deviceId: device.id };
  const user = catalog.users.get(device.userId);
  if (user === undefined) return refused(context, 200, nobody);
  explain?.({ check: 'user', outcome: 'passed', detail: `${user.username}, device ${device.endpoint}` });
  const refuse = ({ cause, why }: { readonly cause: number; readonly why: string }): Decision => {
    explain?.({ check: 'number', outcome: 'refused', detail: why, cause });
    return refused(context, cause, { ...nobody, userId: user.id });
  };
  const asDialled = dialledNumber(arrival.dialled, { letters: 'keep', maxLength: settings.maxNumberLength });
  if (!asDialled.ok) return refuse(asDialled);
  const colleague = extensionOf(catalog, device, asDialled.number);
  if (colleague !== null) return routeToDevice(context, { arrival, device, chain: chainOf(catalog, user), src, localized: { number: asDialled.number, src, rule: null, sourceRule: null }, callerId: ruledCallerId(device, src, src) }, colleague.id);
  const asLocalized = localizeCall(catalog, device, { number: asDialled.number, src }, explain);
  const did = findDid(catalog.dids, asLocalized.number, arrival.atMs);
  if (did !== undefined) return routeInbound(context, { arrival, did, number: asLocalized.number, src: asLocalized.src, caller: device, callerId: ruledCallerId(device, src, asLocalized.src) });
  const dialled = dialledNumber(arrival.dialled, { letters: settings.letters, maxLength: settings.maxNumberLength });
  if (!dialled.ok) return refuse(dialled);
  const localized = dialled.number === asDialled.number ? asLocalized : localizeCall(catalog, device, { number: dialled.number, src }, explain);
  const call: OutboundCall = { arrival, device, chain: chainOf(catalog, user), src: localized.src, localized, callerId: ruledCallerId(device, src, localized.src) };
  const deviceId = switchedTo(localized, 'deviceId');
  return deviceId === null ? routeOutbound(context, call) : routeToDevice(context, call, deviceId);
}

/** "DID for unassigned DIDs": takes what providers bring for numbers that are nobody's. */
function unassigned({ catalog, settings, explain }: RouteContext, arrival: Arrival): Did | undefined {
  const did = settings.unassignedDid === '' ? undefined : findDid(catalog.dids, settings.unassignedDid, arrival.atMs);
  if (did !== undefined) explain?.({ check: 'DID', outcome: 'passed', detail: `${arrival.dialled} is no DID: ${did.did} takes such calls` });
  return did;
}

function fromProvider(context: RouteContext, arrival: Arrival, provider: Provider, sent: string): Decision {
  const { catalog, settings, explain } = context;
  const dialled = dialledNumber(arrival.dialled, { letters: 'keep', maxLength: settings.maxNumberLength });
  if (!dialled.ok) return refused(context, dialled.cause, unknown(arrival, sent));
  const { number, src } = localize(catalog, provider.locationId, { number: dialled.number, src: sent }, explain);
  const did = findDid(catalog.dids, number, arrival.atMs) ?? unassigned(context, arrival);
  if (did === undefined) return refused(context, 207, unknown(arrival, src));
  return routeInbound(context, { arrival, did, number, src, caller: null, callerId: ruledCallerId(AS_SENT, sent, src) });
}

/** Who calls, as far as his device tells, and nothing more: for a call that is refused before it is routed. */
export function callerParties(catalog: Catalog, maxNumberLength: number, arrival: Arrival): Parties {
  const src = sourceNumber(arrival.callerNumber, maxNumberLength);
  const caller = identify(catalog, arrival, src, null);
  if (caller.kind === 'noDevice') return unknown(arrival, src);
  const { id, userId, callerIdNumber } = caller.device;
  return { ...unknown(arrival, callerIdNumber || src), direction: 'outbound', deviceId: id, userId };
}

export function route(context: RouteContext, arrival: Arrival): Decision {
  const src = sourceNumber(arrival.callerNumber, context.settings.maxNumberLength);
  const caller = identify(context.catalog, arrival, src, context.explain);
  if (caller.kind === 'device') {
    // A number of the device's own stands for whatever the caller sends: in lists, prices and CDRs as well.
    return fromDevice(context, { ...arrival, dialled: caller.dialled }, caller.device, caller.device.callerIdNumber || src);
  }
  if (caller.kind === 'refused') return refused(context, caller.cause, { ...unknown(arrival, src), direction: 'outbound', ...(caller.cause === 200 ? {} : { deviceId: caller.device.id, userId: caller.device.userId }) });
  const provider = context.catalog.providersByEndpoint.get(arrival.endpoint);
  if (provider !== undefined) return fromProvider(context, arrival, provider, src);
  return refused(context, 200, unknown(arrival, src));
}
