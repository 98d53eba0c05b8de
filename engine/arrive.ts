/**
 * A channel at the door becomes an arrived call: who, what, when; then routing decides.
 */
import type { Catalog } from '../routing/catalog.ts';
import type { Arrival, Decision, Parties, Plan } from '../routing/plan.ts';
import { callerParties, route } from '../routing/route.ts';
import type { RouteContext } from '../routing/route.ts';
import type { Channel } from './asterisk/contract.ts';
import type { ArrivedCall, Moment } from './call/state.ts';

/** What the dialplan hands to Stasis() beside the channel: see dialplan/extensions.conf. */
const ARGS = { ip: 0, codec: 1 } as const;

/** `203.0.113.7:5060` and `[2001:db8::1]:5060` without the port. */
function withoutPort(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

function portOf(address: string): number | null {
  const port = /:(\d{1,5})$/.exec(address)?.[1];
  return port === undefined ? null : Number(port);
}

/** Asterisk lists formats as `(ulaw|alaw)`; the first is the one in use. */
function codecOf(formats: string): string {
  return /[a-z0-9]+/.exec(formats)?.[0] ?? '';
}

export function arrivedCall(serverId: number, channel: Channel, args: readonly string[], at: Moment): ArrivedCall {
  return {
    id: `${serverId}-${channel.id}`,
    serverId,
    arrived: at,
    originator: {
      channelId: channel.id,
      name: channel.callerName,
      number: channel.callerNumber,
      sipCallId: channel.sipCallId,
      ip: withoutPort(args[ARGS.ip] ?? ''),
      port: portOf(args[ARGS.ip] ?? ''),
      codec: codecOf(args[ARGS.codec] ?? ''),
    },
  };
}

/**
 * A caller whom nobody leads, though another daemon may have dialled for him, of which nothing is known any more (Redis lost it).
 * What is still told of those legs, their answer or their end, must not be taken for news of the legs that he gets now.
 */
export function arrivedAnew(serverId: number, channel: Channel, args: readonly string[], at: Moment): ArrivedCall {
  const call = arrivedCall(serverId, channel, args, at);
  return { ...call, legs: `${call.id}-${Math.floor(at.wallMs)}` };
}

function arrivalOf(call: ArrivedCall, channel: Channel): Arrival {
  return {
    serverId: call.serverId,
    endpoint: channel.endpoint,
    port: call.originator.port,
    ip: call.originator.ip,
    dialled: channel.extension,
    callerNumber: channel.callerNumber,
    atMs: call.arrived.wallMs,
  };
}

export function decideRoute(context: RouteContext, call: ArrivedCall, channel: Channel): Decision {
  return route(context, arrivalOf(call, channel));
}

/** Of a call that is refused before it is routed. */
export function callerOnly(catalog: Catalog, maxNumberLength: number, call: ArrivedCall, channel: Channel): Parties {
  return callerParties(catalog, maxNumberLength, arrivalOf(call, channel));
}

function text(value: string | number | null): string {
  return value === null ? '' : String(value);
}

/** What `calls` shows of a call, and what a later start needs to know of it. Flat text. */
export function liveFields(catalog: Catalog, call: ArrivedCall, plan: Plan): Record<string, string> {
  const { parties } = plan;
  const user = parties.userId ?? parties.dstUserId;
  return {
    state: 'dialling',
    since: String(call.arrived.wallMs),
    server: String(call.serverId),
    channel: call.originator.channelId,
    direction: parties.direction,
    from: parties.src,
    to: parties.localizedDst,
    userId: text(user),
    user: user === null ? '' : (catalog.users.get(user)?.username ?? ''),
    deviceId: text(parties.deviceId ?? parties.dstDeviceId),
    didId: text(parties.didId),
    did: parties.didId === null ? '' : (catalog.dids.byId.get(parties.didId)?.did ?? ''),
    resellerId: text(parties.resellerId),
  };
}
