/**
 * A call to a device of ours: by its extension, or because a localization rule sends it there. Like every call between devices it costs nothing
 * (Local Calls), but it takes its places.
 */
import { blockedCause, chainOf } from './chain.ts';
import { deviceWay } from './did-ways.ts';
import { callerClaims, chainClaims, perSecondClaims, serverClaim } from './limits.ts';
import { receiverRefusal } from './lists.ts';
import { lowBalance } from './low-balance.ts';
import { callerCause, callerParties, localizedCause, refused, shortest } from './outbound.ts';
import type { OutboundCall, RouteContext } from './outbound.ts';
import type { Decision, Parties } from './plan.ts';

export function routeToDevice(context: RouteContext, call: OutboundCall, deviceId: number): Decision {
  const { catalog, settings, explain } = context;
  const { arrival, chain, localized } = call;
  const to = catalog.devices.get(deviceId);
  const owner = to === undefined ? undefined : catalog.users.get(to.userId);
  const who: Parties = { ...callerParties(call), direction: 'local', dstUserId: owner?.id ?? null, dstDeviceId: to?.id ?? null };
  const early = localizedCause(localized.number, settings) || callerCause(context, chain, call, localized.number);
  if (early !== 0) return refused(context, early, who);
  if (to === undefined || owner === undefined || to.blocked) return refused(context, 207, who);
  const called = chainOf(catalog, owner);
  const blocked = blockedCause(called);
  if (blocked !== 0) return refused(context, blocked === 201 ? 237 : blocked, who);
  const listed = receiverRefusal(context, owner, call.src);
  if (listed !== 0) return refused(context, listed, who);
  explain?.({ check: 'device', outcome: 'chosen', detail: `${to.endpoint}${to.trunk ? ' (trunk)' : ''} of ${owner.username}` });
  return {
    kind: 'plan',
    parties: who,
    levels: [],
    payers: [],
    counters: [...callerClaims(chain, call.device, call.src), ...chainClaims(called, to, 'in'), serverClaim(arrival.serverId, settings)],
    perSecond: perSecondClaims(arrival.serverId, settings, { chain, device: call.device }),
    ways: [deviceWay(to, localized.number, call.callerId)],
    maxTalkS: shortest(settings.globalCallTimeoutS, call.device.callTimeoutS, to.callTimeoutS),
    flash: null,
    ...lowBalance(context, chain.user),
    catalogVersion: catalog.version,
  };
}
