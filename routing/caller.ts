/**
 * Who is calling (Devices, Trunks, M4 Origination Points): the device of the SIP endpoint; among devices behind one address the one with
 * the caller's port, then the longest tech prefix; behind a trunk with ANI the device whose CLI the caller sends.
 */
import type { Catalog, Device } from './catalog.ts';
import type { Explain } from './explain.ts';
import type { Arrival } from './plan.ts';

export type Identified =
  | { readonly kind: 'device'; readonly device: Device; /** Without the tech prefix. */ readonly dialled: string }
  | { readonly kind: 'refused'; readonly cause: number; readonly device: Device }
  | { readonly kind: 'noDevice' };

/** The device of this port and the longest of these prefixes, or the cause why there is none. */
function amongDevices(devices: readonly Device[], arrival: Arrival): Device | 332 | 333 {
  const byPort = devices.filter((device) => device.port === arrival.port && device.port !== null);
  const anyPort = devices.filter((device) => device.port === null);
  const candidates = byPort.length > 0 ? byPort : anyPort;
  if (candidates.length === 0) return 333;
  return longestPrefix(candidates, arrival.dialled) ?? longestPrefix(anyPort, arrival.dialled) ?? 332;
}

function longestPrefix(devices: readonly Device[], dialled: string): Device | undefined {
  return devices.filter((device) => dialled.startsWith(device.techPrefix)).toSorted((a, b) => b.techPrefix.length - a.techPrefix.length)[0];
}

export function identify(catalog: Catalog, arrival: Arrival, src: string, explain: Explain): Identified {
  const known = catalog.devicesByEndpoint.get(arrival.endpoint);
  if (known === undefined) return { kind: 'noDevice' };
  const neighbours = catalog.neighbours.get(known.endpoint);
  // A port that a lone device has is where it is called; it may call from another one.
  const found = neighbours === undefined ? (longestPrefix([known], arrival.dialled) ?? 332) : amongDevices(neighbours, arrival);
  if (typeof found === 'number') return { kind: 'refused', cause: found, device: known };
  if (found.blocked) return { kind: 'refused', cause: 200, device: found };
  if (neighbours !== undefined || found.techPrefix !== '') explain?.({ check: 'device', outcome: 'passed', detail: `${found.endpoint}${found.techPrefix === '' ? '' : ` by tech prefix ${found.techPrefix}`}` });
  const dialled = arrival.dialled.slice(found.techPrefix.length);
  const behind = found.ani ? catalog.devicesByCli.get(src) : undefined;
  if (behind === undefined) return { kind: 'device', device: found, dialled };
  if (behind.blocked) return { kind: 'refused', cause: 200, device: behind };
  explain?.({ check: 'device', outcome: 'passed', detail: `${behind.endpoint} by ANI ${src} behind trunk ${found.endpoint}` });
  return { kind: 'device', device: behind, dialled };
}
