/** Keeps Asterisk's devices and providers equal to the catalog's. Skeleton: pushes nothing yet. */
import type { AsteriskLink } from './asterisk/contract.ts';
import type { SipAccount } from '../routing/catalog.ts';
import type { Log } from './ports.ts';

export interface ProvisionOptions {
  readonly link: AsteriskLink;
  readonly desired: () => readonly SipAccount[];
  readonly log: Log;
}

export interface Provisioner {
  /** The catalog has changed. */
  changed(): void;
  /** Asterisk is connected, perhaps after a restart. */
  connected(): void;
  close(): void;
}

export function provision(_options: ProvisionOptions): Provisioner {
  return { changed: () => {}, connected: () => {}, close: () => {} };
}
