/**
 * What PJSIP must hold for one device or provider. Pure.
 *
 * astdb keeps one value of a field name, and an update adds to a field that may stand more than once (`match`,
 * `contact`): so every address of an account is an identify object of its own, and an object whose address has
 * changed is deleted and made anew (`replaceBy`). So is a registration at another host: Asterisk would go on with
 * the old one until its next turn.
 */
import { isIP } from 'node:net';
import type { SipAccount } from '../../routing/catalog.ts';
import type { PjsipObject } from './dynamic-config.ts';

/** An object, and the field whose change needs a new object instead of an update. */
export interface WantedObject extends PjsipObject {
  readonly replaceBy?: 'match' | 'contact' | 'server_uri';
}

export type Wanted =
  | { readonly endpoint: string; readonly objects: readonly WantedObject[] }
  | { readonly endpoint: string; readonly refused: string };

/** Context of dialplan/extensions.conf that hands a call to the engine. */
const CONTEXT = 'tollgate';
const NAME = /^[0-9A-Za-z._-]{1,79}$/;
const HOST = /^[0-9A-Za-z]([0-9A-Za-z.:-]{0,252}[0-9A-Za-z])?$|^::1?$/;
const SIP_WORD = /^[^\s<>"@;,\p{Cc}]{1,128}$/u;
/** Endpoints that mean something to Asterisk itself. */
const RESERVED: ReadonlySet<string> = new Set(['anonymous', 'default', 'dpma_endpoint']);

/** A registration lives this long without a refresh, seconds: a removed device's contact is forgotten within the longest. */
const REGISTRATION = { shortestS: 60, usualS: 120, longestS: 600, contacts: 3 } as const;
/** A provider that has not answered an OPTIONS after so long, seconds, is dead. */
export const CHECK_TIMEOUT_S = 3;
/** An OPTIONS this often keeps the way through a device's NAT open. */
const NAT_PING_S = 30;

/** `account.ips` must be addresses or networks: Asterisk would look a name up while every other request waits. */
export function pjsipObjects(account: SipAccount): Wanted {
  const refused = account.kind === 'device' ? whyNotDevice(account) : whyNotProvider(account);
  if (refused !== undefined) return { endpoint: account.endpoint, refused };
  const objects = account.kind === 'device' ? deviceObjects(account) : providerObjects(account);
  return { endpoint: account.endpoint, objects: [...objects, ...identifyObjects(account)] };
}

/** What the endpoint's account code tells of it; `engine/arrive.ts` finds the device or provider of a call by it. */
export function accountCode(account: Pick<SipAccount, 'kind' | 'id'>): string {
  return `${account.kind}:${account.id}`;
}

/** True for an endpoint that an engine has pushed, false for the operator's own. */
export function isOurAccountCode(code: string): boolean {
  return /^(device|provider):\d+$/.test(code);
}

/** Id of the nth (from 1) address of an endpoint. `#` cannot stand in a name, so no other endpoint's id is met. */
export function identifyId(endpoint: string, n: number): string {
  return `${endpoint}#${n}`;
}

function whyNotDevice(account: SipAccount): string | undefined {
  const name = account.endpoint.toLowerCase();
  if (!NAME.test(account.endpoint)) return 'the name has characters that no endpoint may have';
  if (name.startsWith('provider-')) return 'names that begin with provider- are the providers\'';
  if (RESERVED.has(name)) return `${name} is a name that Asterisk uses itself`;
  if (account.secret === null && account.ips.length === 0) return 'it has neither a password nor an address';
  if (account.secret === '') return 'the password is empty';
  return whyNotAddresses(account);
}

function whyNotProvider(account: SipAccount): string | undefined {
  if (account.endpoint !== `provider-${account.id}`) return `the name must be provider-${account.id}`;
  if (account.host === null) return 'it has no host';
  if (account.register && account.username === null) return 'it is to register, but has no user name';
  if (account.secret !== null && account.username === null) return 'it has a password, but no user name';
  for (const field of ['username', 'fromUser', 'fromDomain'] as const) {
    const value = account[field];
    if (value !== null && !SIP_WORD.test(value)) return `${field} has characters that stand in no SIP address`;
  }
  return whyNotAddresses(account);
}

function whyNotAddresses(account: SipAccount): string | undefined {
  if (account.host !== null && !HOST.test(account.host)) return 'the host is neither a name nor an address';
  if (account.port !== null && !(account.port >= 1 && account.port <= 65_535)) return 'the port is not within 1..65535';
  if (!account.ips.every(isNetwork)) return 'an address is no address';
  return undefined;
}

function isNetwork(text: string): boolean {
  const [address = '', bits = '0', ...rest] = text.split('/');
  const version = isIP(address);
  return rest.length === 0 && version !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128);
}

function deviceObjects(account: SipAccount): readonly WantedObject[] {
  const id = account.endpoint;
  const byPassword = account.secret !== null;
  const auth: WantedObject = { type: 'auth', id, fields: { auth_type: 'userpass', username: id, password: account.secret ?? '' } };
  const endpoint: WantedObject = {
    type: 'endpoint',
    id,
    fields: {
      ...commonFields(account),
      auth: byPassword ? id : '',
      // With `username` a device that is known by its address could be taken by writing its name into From.
      identify_by: byPassword ? 'auth_username,username' : 'ip',
      // Numbers that their owners keep private are not shown to a customer.
      send_pai: 'no',
      trust_id_outbound: 'no',
    },
  };
  return byPassword ? [auth, registeringAor(account), endpoint] : [staticAor(account), endpoint];
}

function registeringAor(account: SipAccount): WantedObject {
  return {
    type: 'aor',
    id: account.endpoint,
    replaceBy: 'contact',
    fields: {
      max_contacts: String(REGISTRATION.contacts),
      remove_existing: 'yes',
      minimum_expiration: String(REGISTRATION.shortestS),
      default_expiration: String(REGISTRATION.usualS),
      maximum_expiration: String(REGISTRATION.longestS),
      qualify_frequency: account.nat ? String(NAT_PING_S) : '0',
    },
  };
}

/** Nobody can register at it. */
function staticAor(account: SipAccount): WantedObject {
  const contact = account.host === null ? {} : { contact: `sip:${hostAndPort(account)}` };
  // With all the decimals that Asterisk tells it with, or it would seem to differ each time.
  const timeout = account.checkEveryS === 0 ? {} : { qualify_timeout: Math.min(CHECK_TIMEOUT_S, account.checkEveryS).toFixed(6) };
  return { type: 'aor', id: account.endpoint, replaceBy: 'contact', fields: { max_contacts: '0', remove_existing: 'no', qualify_frequency: String(account.checkEveryS), ...timeout, ...contact } };
}

function providerObjects(account: SipAccount): readonly WantedObject[] {
  const id = account.endpoint;
  const { secret, username } = account;
  const auth: WantedObject[] = secret === null ? [] : [{ type: 'auth', id, fields: { auth_type: 'userpass', username: username ?? '', password: secret } }];
  const endpoint: WantedObject = {
    type: 'endpoint',
    id,
    fields: {
      ...commonFields(account),
      auth: '',
      outbound_auth: secret === null ? '' : id,
      identify_by: 'ip',
      // The caller's number goes along even when he is anonymous: the provider keeps it from the callee.
      send_pai: 'yes',
      trust_id_outbound: 'yes',
      from_user: account.fromUser ?? '',
      from_domain: account.fromDomain ?? '',
    },
  };
  return [...auth, staticAor(account), endpoint, ...(account.register ? [registration(account)] : [])];
}

function registration(account: SipAccount): WantedObject {
  const user = encodeURIComponent(account.username ?? '');
  return {
    type: 'registration',
    id: account.endpoint,
    replaceBy: 'server_uri',
    fields: {
      server_uri: `sip:${hostAndPort(account)}`,
      client_uri: `sip:${user}@${account.fromDomain ?? hostAndPort(account)}`,
      contact_user: user,
      outbound_auth: account.secret === null ? '' : account.endpoint,
      expiration: String(REGISTRATION.longestS),
      // For ever: a provider that is away for a day is still wanted the day after.
      max_retries: '1000000',
      retry_interval: '30',
      forbidden_retry_interval: '300',
      fatal_retry_interval: '300',
      auth_rejection_permanent: 'no',
      max_random_initial_delay: '1',
    },
  };
}

function identifyObjects(account: SipAccount): readonly WantedObject[] {
  return account.ips.map((match, index) => ({
    type: 'identify',
    id: identifyId(account.endpoint, index + 1),
    replaceBy: 'match',
    fields: { endpoint: account.endpoint, match, srv_lookups: 'no' },
  }));
}

/** What every endpoint of the engine has. A field is named even where it is Asterisk's default: an update keeps what it had. */
function commonFields(account: SipAccount): Record<string, string> {
  return {
    context: CONTEXT,
    aors: account.endpoint,
    accountcode: accountCode(account),
    disallow: 'all',
    allow: account.codecs.join(','),
    dtmf_mode: account.dtmfMode,
    // The engine bills what passes through it; media that went round it would also escape spying and prompts.
    direct_media: 'no',
    rtp_symmetric: account.nat ? 'yes' : 'no',
    rewrite_contact: account.nat ? 'yes' : 'no',
    force_rport: 'yes',
    trust_id_inbound: 'yes',
    // Spares the callee a re-INVITE right after the answer.
    send_connected_line: 'no',
    // A REFER would take the call out of the engine's hands, and out of its bill.
    allow_transfer: 'no',
    allow_subscribe: 'no',
  };
}

function hostAndPort(account: SipAccount): string {
  const host = account.host ?? '';
  return `${isIP(host) === 6 ? `[${host}]` : host}:${account.port ?? 5060}`;
}
