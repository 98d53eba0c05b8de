/** What the engine asks of Asterisk. Each rejects with AriError; an answer of an unexpected shape reads as empty. */
import { getVariable } from './commands.ts';
import type { AsteriskLink, Channel } from './contract.ts';
import { contactDialStrings, type DialString } from './dial-string.ts';
import { pathSegment } from './encode.ts';
import { parseChannels } from './events.ts';
import { stampMs } from './timestamp.ts';

export interface Bridge {
  readonly id: string;
  readonly channelIds: readonly string[];
  /** `Stasis` for one made through ARI. */
  readonly creator: string;
}

export interface Endpoint {
  readonly name: string;
  /** A device is online with a registered contact; a provider when its address answers, or is not asked. */
  readonly state: 'online' | 'offline' | 'unknown';
  readonly channelIds: readonly string[];
}

export interface Module {
  readonly name: string;
  readonly running: boolean;
}

/** All channels of this Asterisk, whosever they are: `application` tells. */
export async function listChannels(link: AsteriskLink): Promise<readonly Channel[]> {
  return parseChannels(await link.request({ method: 'GET', path: '/channels' }));
}

export async function listBridges(link: AsteriskLink): Promise<readonly Bridge[]> {
  const list = objects(await link.request({ method: 'GET', path: '/bridges' }));
  return list.map((each) => ({ id: text(each['id']), channelIds: texts(each['channels']), creator: text(each['creator']) }));
}

/** Asterisk's own clock, epoch milliseconds. */
export async function askTime(link: AsteriskLink): Promise<number> {
  const [answer] = objects([await link.request({ method: 'GET', path: '/asterisk/ping' })]);
  return stampMs(answer?.['timestamp']) ?? Date.now();
}

/** When this Asterisk was started, epoch milliseconds; null: it does not tell. */
export async function startedAt(link: AsteriskLink): Promise<number | null> {
  const [answer] = objects([await link.request({ method: 'GET', path: '/asterisk/info', query: { only: 'status' } })]);
  const [status] = objects([answer?.['status']]);
  return stampMs(status?.['startup_time']) ?? null;
}

/** The PJSIP endpoints: the operator's own and the engine's. */
export async function listEndpoints(link: AsteriskLink): Promise<readonly Endpoint[]> {
  return objects(await link.request({ method: 'GET', path: '/endpoints/PJSIP' })).map(endpoint);
}

/** Rejects with status 404 for an unknown one. */
export async function endpointState(link: AsteriskLink, name: string): Promise<Endpoint> {
  const [first] = objects([await link.request({ method: 'GET', path: `/endpoints/PJSIP/${pathSegment('endpoint', name)}` })]);
  return endpoint(first ?? {});
}

/** One dial string for each registered contact of a device. `channelId`: any PJSIP channel that is up, which Asterisk evaluates the function on. */
export async function dialStringsOf(link: AsteriskLink, channelId: string, name: string): Promise<readonly DialString[]> {
  const [answer] = objects([await link.request(getVariable(channelId, `PJSIP_DIAL_CONTACTS(${name})`))]);
  return contactDialStrings(name, text(answer?.['value']));
}

export async function listModules(link: AsteriskLink): Promise<readonly Module[]> {
  const list = objects(await link.request({ method: 'GET', path: '/asterisk/modules' }));
  return list.map((each) => ({ name: text(each['name']), running: each['status'] === 'Running' }));
}

function endpoint(each: Record<string, unknown>): Endpoint {
  const state = text(each['state']);
  return { name: text(each['resource']), state: state === 'online' || state === 'offline' ? state : 'unknown', channelIds: texts(each['channel_ids']) };
}

function objects(value: unknown): readonly Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each): each is Record<string, unknown> => typeof each === 'object' && each !== null);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
