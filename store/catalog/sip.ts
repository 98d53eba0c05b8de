/** What PJSIP must know of devices and providers. Holds secrets: no message of this file shows one. */
import type { SipAccount } from '../../routing/catalog.ts';
import { BrokenRow, flag, formed, oneOf, text, textOrNull, whole, wholeOrNull } from './field.ts';
import type { Row } from './field.ts';

const HOST = /^[A-Za-z0-9]([A-Za-z0-9.:-]{0,252}[A-Za-z0-9])?$/;
/** Values end up in PJSIP's configuration. */
const SECRET = /^[^\p{Cc}]{1,128}$/u;

function secretOrNull(row: Row): string | null {
  const secret = textOrNull(row, 'secret');
  if (secret !== null && !SECRET.test(secret)) throw new BrokenRow('secret has characters that no password has.');
  return secret;
}

function codecs(row: Row): readonly string[] {
  const list = row['codecs'];
  if (!Array.isArray(list) || list.length === 0 || !list.every((codec) => typeof codec === 'string' && /^[a-z0-9]{1,20}$/.test(codec))) {
    throw new BrokenRow('codecs is not a list of codec names.');
  }
  return list as string[];
}

export function parseSipDevice(row: Row): SipAccount {
  const byAddress = oneOf(row, 'auth', ['password', 'ip']) === 'ip';
  const secret = secretOrNull(row);
  const address = textOrNull(row, 'address');
  if (!byAddress && secret === null) throw new BrokenRow('secret is missing, but auth is password.');
  if (byAddress && address === null) throw new BrokenRow('ip is missing, but auth is ip.');
  return {
    kind: 'device',
    id: whole(row, 'id'),
    endpoint: text(row, 'endpoint'),
    // An address is what such a device is known by; a password beside it would be a second door.
    secret: byAddress ? null : secret,
    username: null,
    ips: byAddress && address !== null ? [address] : [],
    host: byAddress ? textOrNull(row, 'host_address') : null,
    port: byAddress ? wholeOrNull(row, 'port') : null,
    register: false,
    fromUser: null,
    fromDomain: null,
    codecs: codecs(row),
    dtmfMode: oneOf(row, 'dtmf_mode', ['rfc4733', 'info', 'inband', 'auto']),
    nat: flag(row, 'nat'),
    checkEveryS: 0,
    callerIdNumber: text(row, 'caller_id_number'),
    callerIdName: text(row, 'caller_id_name'),
    serverIds: row['server_ids'] as number[],
  };
}

export function parseSipProvider(row: Row): SipAccount {
  const id = whole(row, 'id');
  const host = formed(row, 'host', HOST, 'a host name or an address');
  return {
    kind: 'provider',
    id,
    endpoint: `provider-${id}`,
    secret: secretOrNull(row),
    username: textOrNull(row, 'username'),
    ips: [...new Set([host, ...(row['addresses'] as string[])])],
    host,
    port: whole(row, 'port', 1),
    register: flag(row, 'register'),
    fromUser: textOrNull(row, 'from_user'),
    fromDomain: textOrNull(row, 'from_domain'),
    codecs: codecs(row),
    dtmfMode: oneOf(row, 'dtmf_mode', ['rfc4733', 'info', 'inband', 'auto']),
    nat: flag(row, 'nat'),
    checkEveryS: flag(row, 'periodic_check') ? whole(row, 'periodic_check_s', 1) : 0,
    callerIdNumber: text(row, 'caller_id_number'),
    callerIdName: text(row, 'caller_id_name'),
    serverIds: row['server_ids'] as number[],
  };
}
