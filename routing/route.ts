/**
 * The one door of this room: an arrival becomes a decision.
 */
import type { Device, Did } from './catalog.ts';
import { findDid } from './did.ts';
import { routeInbound } from './inbound.ts';
import type { InboundCall } from './inbound.ts';
import { localize } from './localize.ts';
import { dialledNumber, sourceNumber } from './number.ts';
import { refused, routeOutbound } from './outbound.ts';
import type { RouteContext } from './outbound.ts';
import { NOBODY } from './plan.ts';
import type { Arrival, Decision, Parties } from './plan.ts';

export type { RouteContext } from './outbound.ts';

function unknown(arrival: Arrival, src: string): Parties {
  return { ...NOBODY, direction: 'inbound', src, dst: arrival.dialled, localizedDst: '' };
}

/**
 * A DID is known by its E.164 number, so the dialled one is localized first. It may hold letters whatever the setting
 * says of other numbers.
 */
function didCall({ catalog, settings }: RouteContext, arrival: Arrival, device: Device, src: string): InboundCall | null {
  const dialled = dialledNumber(arrival.dialled, { letters: 'keep', maxLength: settings.maxNumberLength });
  if (!dialled.ok || !catalog.users.has(device.userId)) return null;
  const { number } = localize(catalog.locations, device.locationId, 'destination', dialled.number);
  const did = findDid(catalog.dids, number, arrival.atMs);
  return did === undefined ? null : { arrival, did, number, src, caller: device };
}

function fromDevice(context: RouteContext, arrival: Arrival, device: Device, src: string): Decision {
  const nobody: Parties = { ...unknown(arrival, src), direction: 'outbound', deviceId: device.id, userId: device.userId };
  const toDid = didCall(context, arrival, device, src);
  if (toDid !== null) return routeInbound(context, toDid);
  const dialled = dialledNumber(arrival.dialled, { letters: context.settings.letters, maxLength: context.settings.maxNumberLength });
  if (dialled.ok) return routeOutbound(context, { arrival, device, number: dialled.number, src });
  context.explain?.({ check: 'number', outcome: 'refused', detail: dialled.why, cause: dialled.cause });
  return refused(context, dialled.cause, nobody);
}

/** "DID for unassigned DIDs": takes what providers bring for numbers that are nobody's. */
function unassigned({ catalog, settings, explain }: RouteContext, arrival: Arrival): Did | undefined {
  const did = settings.unassignedDid === '' ? undefined : findDid(catalog.dids, settings.unassignedDid, arrival.atMs);
  if (did !== undefined) explain?.({ check: 'DID', outcome: 'passed', detail: `${arrival.dialled} is no DID: ${did.did} takes such calls` });
  return did;
}

function fromProvider(context: RouteContext, arrival: Arrival, src: string): Decision {
  const dialled = dialledNumber(arrival.dialled, { letters: 'keep', maxLength: context.settings.maxNumberLength });
  if (!dialled.ok) return refused(context, dialled.cause, unknown(arrival, src));
  const number = dialled.number.replace(/^\+/, '');
  const did = findDid(context.catalog.dids, number, arrival.atMs) ?? unassigned(context, arrival);
  if (did === undefined) return refused(context, 207, unknown(arrival, src));
  return routeInbound(context, { arrival, did, number, src, caller: null });
}

export function route(context: RouteContext, arrival: Arrival): Decision {
  const src = sourceNumber(arrival.callerNumber, context.settings.maxNumberLength);
  const device = context.catalog.devicesByEndpoint.get(arrival.endpoint);
  // A number of the device's own stands for whatever the caller sends: in lists, prices and CDRs as well.
  if (device !== undefined && !device.blocked) return fromDevice(context, arrival, device, device.callerIdNumber || src);
  if (context.catalog.providersByEndpoint.has(arrival.endpoint)) return fromProvider(context, arrival, src);
  return refused(context, 200, unknown(arrival, src));
}
