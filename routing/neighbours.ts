/** Indexes of devices that the catalog keeps beside them. */
import type { Device } from './catalog.ts';

/** `addressOf`: what a device is known by; null for one that registers. */
export function neighboursOf(devices: Iterable<Device>, addressOf: (device: Device) => string | null): Map<string, readonly Device[]> {
  const byAddress = new Map<string, Device[]>();
  for (const device of devices) {
    const address = addressOf(device);
    if (address === null) continue;
    const group = byAddress.get(address);
    if (group === undefined) byAddress.set(address, [device]);
    else group.push(device);
  }
  const neighbours = new Map<string, readonly Device[]>();
  for (const group of byAddress.values()) if (group.length > 1) for (const device of group) neighbours.set(device.endpoint, group);
  return neighbours;
}

export function byExtension(devices: Iterable<Device>): Map<string, Device> {
  const index = new Map<string, Device>();
  for (const device of devices) if (device.extension !== null) index.set(device.extension, device);
  return index;
}

export function byCli(devices: Iterable<Device>): Map<string, Device> {
  const index = new Map<string, Device>();
  for (const device of devices) for (const cli of device.clis) index.set(cli, device);
  return index;
}
