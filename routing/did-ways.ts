/**
 * The ways to a DID's target: its devices, one after the other or all at the same time, or somebody else's server.
 */
import { AS_SENT, shownCallerId } from './caller-id.ts';
import type { CallerId } from './caller-id.ts';
import type { Catalog, Device, Did, ExternalTarget, User } from './catalog.ts';
import type { Explain } from './explain.ts';
import { deviceClaim } from './limits.ts';
import type { Way } from './plan.ts';

/** The way to a device of ours, which costs nothing itself. */
export function deviceWay(device: Device, number: string, callerId: CallerId): Way {
  return {
    kind: 'device',
    id: device.id,
    name: device.endpoint,
    endpoint: device.endpoint,
    number: device.trunk ? number : null,
    host: null,
    rate: null,
    claims: [],
    ringTimeoutS: device.ringTimeoutS,
    // A device that never answers the INVITE is left at its ringing timeout: a phone in somebody's pocket wakes slowly.
    silenceMs: 0,
    noAnswerAsFailed: false,
    busyAsFailed: false,
    goOnCodes: [],
    stopCodes: [],
    ...shownCallerId(AS_SENT, callerId),
    callTimeoutS: device.callTimeoutS,
  };
}

/** Endpoint of dialplan/pjsip.conf by which servers are dialled that are nobody's device. */
const EXTERNAL_ENDPOINT = 'tollgate-external';
/** There is no device to say how long it may ring. */
const EXTERNAL_RING_S = 60;

function externalWay({ did, id }: Did, external: ExternalTarget): Way {
  return {
    kind: 'external',
    id,
    name: `SIP/${external.number}@${external.host} of DID ${did}`,
    endpoint: EXTERNAL_ENDPOINT,
    number: external.number,
    host: external.host,
    rate: null,
    claims: [],
    ringTimeoutS: EXTERNAL_RING_S,
    silenceMs: 0,
    noAnswerAsFailed: false,
    busyAsFailed: false,
    goOnCodes: [],
    stopCodes: [],
    ...shownCallerId(AS_SENT, AS_SENT),
    callTimeoutS: 0,
  };
}

/** Each has its place with its own way, so that one without room is passed over; each but the last goes on. */
function inTurn(ways: readonly Way[], devices: readonly Device[]): Way[] {
  return ways.map((way, index) => {
    const device = devices[index];
    const goesOn = index < ways.length - 1;
    return { ...way, claims: device === undefined ? [] : [deviceClaim(device)], busyAsFailed: goesOn, noAnswerAsFailed: goesOn };
  });
}

/** One way: as patient as the most patient of them, its longest call the shortest of theirs. They take no places of their own. */
function atOnce(ways: readonly Way[]): Way[] {
  const [first] = ways;
  if (first === undefined) return [];
  const timeouts = ways.map(({ callTimeoutS }) => callTimeoutS).filter((timeoutS) => timeoutS > 0);
  return [{
    ...first,
    name: ways.map(({ name }) => name).join(' + '),
    ringTimeoutS: Math.max(...ways.map(({ ringTimeoutS }) => ringTimeoutS)),
    callTimeoutS: timeouts.length === 0 ? 0 : Math.min(...timeouts),
    fork: ways.map(({ id: deviceId, endpoint, number }) => ({ deviceId, endpoint, number })),
  }];
}

export interface DidTarget {
  /** Empty: it leads nowhere. */
  readonly ways: readonly Way[];
  /** The devices that ring, in their order. */
  readonly devices: readonly Device[];
  readonly blocked: readonly Device[];
}

export function didTarget(catalog: Catalog, did: Did, number: string, callerId: CallerId): DidTarget {
  if (did.external !== null) return { ways: [externalWay(did, did.external)], devices: [], blocked: [] };
  const all = did.deviceIds.flatMap((id) => catalog.devices.get(id) ?? []);
  const devices = all.filter((device) => !device.blocked);
  const blocked = all.filter((device) => device.blocked);
  const ways = devices.map((device) => deviceWay(device, number, callerId));
  if (ways.length < 2) return { ways, devices, blocked };
  return { ways: did.ring === 'in_turn' ? inTurn(ways, devices) : atOnce(ways), devices, blocked };
}

/** How several devices ring, in words. */
const RING = { in_turn: 'in turn', at_once: 'at once' } as const;

export function explainTarget(explain: Explain, { did, target, owner }: { readonly did: Did; readonly target: DidTarget; readonly owner: User }): void {
  if (explain === null) return;
  for (const device of target.blocked) explain({ check: 'device', outcome: 'skipped', detail: `${device.endpoint}: blocked`, cause: 207 });
  for (const [index, device] of target.devices.entries()) {
    const order = target.devices.length === 1 ? '' : `, ${RING[did.ring]}, ${index + 1} of ${target.devices.length}`;
    explain({ check: 'device', outcome: 'chosen', detail: `${device.endpoint}${device.trunk ? ' (trunk)' : ''} of ${owner.username}${order}` });
  }
  if (target.devices.length === 0) for (const { name } of target.ways) explain({ check: 'device', outcome: 'chosen', detail: name });
}
