/** The tenant file with its providers where the demo's SIPp really listens. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isSeq, parseDocument } from 'yaml';

export type Address = { ip: string; port: number };

const TENANT = new URL('tenant.yaml', import.meta.url);

/** Writes the copy, comments and all, into `folder` and returns its path. */
export function writeTenantFile(folder: string, providers: Readonly<Record<string, Address>>): string {
  const document = parseDocument(readFileSync(TENANT, 'utf8'));
  const listed = document.get('providers');
  for (const provider of isSeq(listed) ? listed.items : []) {
    if (!isMap(provider)) continue;
    const address = providers[String(provider.get('name'))];
    if (address === undefined) throw new Error(`Nobody listens for the provider ${String(provider.get('name'))}.`);
    provider.set('host', address.ip);
    provider.set('port', address.port);
  }
  const file = join(folder, 'tenant.yaml');
  // It holds passwords.
  writeFileSync(file, document.toString(), { mode: 0o600 });
  return file;
}
