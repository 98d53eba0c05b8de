/**
 * The one door of this room: an arrival becomes a decision.
 */
import type { Device } from './catalog.ts';
import { findDid } from './did.ts';
import { routeInbound } from './inbound.ts';
import { dialledNumber, sourceNumber } from './number.ts';
import { refused, routeOutbound } from './outbound.ts';
import type { RouteContext } from './outbound.ts';
import { NOBODY } from './plan.ts';
import type { Arrival, Decision, Parties } from './plan.ts';

export type { RouteContext } from './outbound.ts';

function unknown(arrival: Arrival, src: string): Parties {
  return { ...NOBODY, direction: 'inbound', src, dst: arrival.dialled, localizedDst: '' };
}

function fromDevice(context: RouteContext, arrival: Arrival, device: Device, src: string): Decision {
  const user = context.catalog.users.get(device.userId);
  const nobody: Parties = { ...unknown(arrival, src), direction: 'outbound', deviceId: device.id, userId: device.userId };
  // A DID may hold letters whatever the setting says of other numbers.
  const did = findDid(context.catalog.dids, arrival.dialled.replace(/^\+/, ''), arrival.atMs);
  if (did !== undefined && user?.blocked === false) return routeInbound(context, { arrival, did, number: did.did.endsWith('*') ? arrival.dialled.replace(/^\+/, '') : did.did, src, caller: device });
  const dialled = dialledNumber(arrival.dialled, { letters: context.settings.letters, maxLength: context.settings.maxNumberLength });
  if (dialled.ok) return routeOutbound(context, { arrival, device, number: dialled.number, src });
  context.explain?.({ check: 'number', outcome: 'refused', detail: dialled.why, cause: dialled.cause });
  return refused(context, dialled.cause, nobody);
}

function fromProvider(context: RouteContext, arrival: Arrival, src: string): Decision {
  const dialled = dialledNumber(arrival.dialled, { letters: 'keep', maxLength: context.settings.maxNumberLength });
  if (!dialled.ok) return refused(context, dialled.cause, unknown(arrival, src));
  const number = dialled.number.replace(/^\+/, '');
  const did = findDid(context.catalog.dids, number, arrival.atMs);
  if (did === undefined) return refused(context, 207, unknown(arrival, src));
  return routeInbound(context, { arrival, did, number, src, caller: null });
}

export function route(context: RouteContext, arrival: Arrival): Decision {
  const src = sourceNumber(arrival.callerNumber, context.settings.maxNumberLength);
  const device = context.catalog.devicesByEndpoint.get(arrival.endpoint);
  if (device !== undefined && !device.blocked) return fromDevice(context, arrival, device, src);
  if (context.catalog.providersByEndpoint.has(arrival.endpoint)) return fromProvider(context, arrival, src);
  return refused(context, 200, unknown(arrival, src));
}
