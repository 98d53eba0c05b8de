/**
 * One request to somebody's server: POST without a body, what is told in the query, as the documents have it. The name is
 * resolved here, each of its addresses looked at, and the connection made to one of those: what a name means may change
 * between a look and a connection. Redirects lead elsewhere, so they are not followed.
 */
import { lookup } from 'node:dns/promises';
import type { LookupAddress } from 'node:dns';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { addressProblem } from './address.ts';
import type { Outcome } from './outcome.ts';

export interface WebhookSettings {
  readonly timeoutMs: number;
  /** Networks beside the world's to which requests may go. */
  readonly allow: readonly string[];
}

/** The URL with these values behind what its query has already. */
export function withQuery(address: string, values: Readonly<Record<string, string>>): URL {
  const url = new URL(address);
  for (const [name, value] of Object.entries(values)) url.searchParams.append(name, value);
  url.hash = '';
  return url;
}

/** What may stand in a log: a query and a user's name may hold secrets. */
export function shownUrl(address: string): string {
  if (!URL.canParse(address)) return 'an address that is none';
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

async function resolved(host: string): Promise<readonly LookupAddress[]> {
  const family = isIP(host);
  return family === 0 ? lookup(host, { all: true, verbatim: true }) : [{ address: host, family }];
}

/** Always these addresses, whatever the name means by now. */
function pinned(addresses: readonly LookupAddress[]): LookupFunction {
  return (_host, options, done) => {
    const [first] = addresses;
    if (options.all === true) done(null, [...addresses]);
    else if (first === undefined) done(new Error('no address'), '', 0);
    else done(null, first.address, first.family);
  };
}

function answered(status: number, location: string | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered', answer: String(status) };
  if (status >= 300 && status < 400) return { kind: 'refused', reason: `answered ${status}: redirects${location === undefined ? '' : ` (to ${shownUrl(location)})`} are not followed`, permanent: true };
  return { kind: 'refused', reason: `answered ${status}`, permanent: status < 500 && status !== 408 && status !== 429 };
}

function post(url: URL, addresses: readonly LookupAddress[], signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const request = send(url, { method: 'POST', headers: { 'content-length': 0, 'user-agent': 'Tollgate' }, lookup: pinned(addresses), agent: false, signal, maxHeaderSize: 16_384 });
    request.on('response', (response) => {
      resolve(answered(response.statusCode ?? 0, response.headers.location));
      // Its body is of no interest, however long.
      response.on('error', () => undefined);
      request.destroy();
    });
    request.on('error', reject);
    request.end();
  });
}

async function attempt(url: URL, { allow }: WebhookSettings, signal: AbortSignal): Promise<Outcome> {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return { kind: 'refused', reason: 'only http:// and https:// are served', permanent: true };
  const addresses = await resolved(hostOf(url));
  const problem = addresses.map(({ address }) => addressProblem(address, allow)).find((one) => one !== '');
  if (problem !== undefined) return { kind: 'refused', reason: problem, permanent: true };
  return post(url, addresses, signal);
}

/** Never rejects. */
export async function postWebhook(address: string, values: Readonly<Record<string, string>>, settings: WebhookSettings): Promise<Outcome> {
  if (!URL.canParse(address)) return { kind: 'refused', reason: 'it is no web address', permanent: true };
  // Resolving a name cannot be called off: it is left alone when the time is over.
  const signal = AbortSignal.timeout(settings.timeoutMs);
  const late = new Promise<Outcome>((resolve) => {
    signal.addEventListener('abort', () => resolve({ kind: 'refused', reason: `no answer within ${settings.timeoutMs} ms`, permanent: false }), { once: true });
  });
  try {
    return await Promise.race([attempt(withQuery(address, values), settings, signal), late]);
  } catch (error) {
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error), permanent: false };
  }
}
