/** The tenant file with providers and a phone where the demo's really listen, and a sound that is there. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isSeq, parseDocument } from 'yaml';
import type { YAMLMap } from 'yaml';

export type Address = { ip: string; port: number };

const TENANT = new URL('tenant.yaml', import.meta.url);

export type Places = {
  /** By their names. */
  providers: Readonly<Record<string, Address>>;
  desk: Address;
  /** Path of a sound file, without its extension. */
  warning: string;
};

/** Writes the copy, comments and all, into `folder` and returns its path. */
export function writeTenantFile(folder: string, { providers, desk, warning }: Places): string {
  const document = parseDocument(readFileSync(TENANT, 'utf8'));
  const each = (section: string): YAMLMap[] => {
    const listed = document.get(section);
    return isSeq(listed) ? listed.items.filter((item) => isMap(item)) : [];
  };
  for (const provider of each('providers')) {
    const address = providers[String(provider.get('name'))];
    if (address === undefined) throw new Error(`Nobody listens for the provider ${String(provider.get('name'))}.`);
    provider.set('host', address.ip);
    provider.set('port', address.port);
  }
  for (const device of each('devices')) if (device.get('endpoint') === 'desk') device.set('port', desk.port);
  for (const user of each('users')) if (user.has('warning')) user.setIn(['warning', 'prompt'], warning);
  const file = join(folder, 'tenant.yaml');
  // It holds passwords.
  writeFileSync(file, document.toString(), { mode: 0o600 });
  return file;
}
