/**
 * The places a call takes in the concurrent-call counters, and its calls-per-second windows.
 * Every level is counted even without a limit, so that operators see it and a limit set later is exact at once.
 */
import type { Did, Device, Provider, User } from './catalog.ts';
import type { Chain } from './chain.ts';
import type { CounterClaim, RoutingSettings } from './plan.ts';

export type UserSide = 'out' | 'in';

function userClaims(user: User, side: UserSide): CounterClaim[] {
  const limit = side === 'out' ? user.outboundLimit : user.inboundLimit;
  return [
    { key: `calls:user:${user.id}:${side}`, limit, cause: 220 },
    { key: `calls:user:${user.id}`, limit: user.combinedLimit, cause: 220 },
  ];
}

/** A reseller's one limit counts the calls of all his users together, in both directions. */
function ownerClaim(kind: 'reseller' | 'partner', owner: User | null): CounterClaim[] {
  if (owner === null) return [];
  const limit = owner.combinedLimit || owner.outboundLimit;
  return [{ key: `calls:${kind}:${owner.id}`, limit, cause: kind === 'reseller' ? 222 : 249 }];
}

/** In the order of the documents: device 221, user 220, reseller 222, partner 249. */
export function chainClaims(chain: Chain, device: Device | null, side: UserSide): CounterClaim[] {
  return [
    ...(device === null ? [] : [deviceClaim(device)]),
    ...userClaims(chain.user, side),
    ...ownerClaim('reseller', chain.reseller),
    ...ownerClaim('partner', chain.partner),
  ];
}

/** Places of who calls. The call too many from one CallerID is refused, and the store bans the CallerID for it. */
export function callerClaims(chain: Chain, device: Device, src: string): CounterClaim[] {
  const claims = chainClaims(chain, device, 'out');
  // A caller without a number is not one caller.
  if (device.banAtCalls === 0 || !/[0-9]/.test(src)) return claims;
  return [{ key: `calls:cli:${device.id}:${src}`, limit: device.banAtCalls - 1, cause: 225 }, ...claims];
}

export function deviceClaim(device: Device): CounterClaim {
  return { key: `calls:device:${device.id}`, limit: device.callLimit, cause: 221 };
}

export function didClaim(did: Did): CounterClaim {
  return { key: `calls:did:${did.id}`, limit: did.callLimit, cause: 219 };
}

/** A provider without room in either is passed over for the next. */
export function providerClaims(provider: Provider): CounterClaim[] {
  return [
    { key: `calls:provider:${provider.id}`, limit: provider.callLimit, cause: 223 },
    { key: `cps:provider:${provider.id}`, limit: provider.cpsLimit, cause: 329 },
  ];
}

export function serverClaim(serverId: number, settings: RoutingSettings): CounterClaim {
  return { key: `calls:server:${serverId}`, limit: settings.serverCallLimit, cause: 208 };
}

/** Server and caller are counted even without a limit; the others only with one. */
export function perSecondClaims(serverId: number, settings: RoutingSettings, caller: { readonly chain: Chain; readonly device: Device } | null): CounterClaim[] {
  const server = { key: `cps:server:${serverId}`, limit: settings.serverCpsLimit, cause: 208 };
  if (caller === null) return [server];
  const { chain, device } = caller;
  return [
    server,
    ...limited({ key: `cps:device:${device.id}`, limit: device.cpsLimit, cause: 304 }),
    { key: `cps:user:${chain.user.id}`, limit: chain.user.cpsLimit, cause: 304 },
    ...(chain.reseller === null ? [] : limited({ key: `cps:reseller:${chain.reseller.id}`, limit: chain.reseller.cpsLimit, cause: 304 })),
    ...(chain.partner === null ? [] : limited({ key: `cps:partner:${chain.partner.id}`, limit: chain.partner.cpsLimit, cause: 304 })),
  ];
}

export function didPerSecondClaims(did: Did): CounterClaim[] {
  return limited({ key: `cps:did:${did.id}`, limit: did.cpsLimit, cause: 219 });
}

function limited(claim: CounterClaim): CounterClaim[] {
  return claim.limit > 0 ? [claim] : [];
}
