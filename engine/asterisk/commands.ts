/**
 * What the engine orders Asterisk to do, each as one request. Nothing is sent here: give the request to
 * `link.request`, or several to `link.inOrder`. All throw InvalidText for text that could leave its field.
 */
import type { AriRequest } from './contract.ts';
import type { DialString } from './dial-string.ts';
import { listItem, matching, pathSegment, safeText } from './encode.ts';

export interface Leg {
  readonly dialString: DialString;
  /** The new channel's id, chosen by the engine: it is known before Asterisk answers. */
  readonly channelId: string;
  /** Stasis application that gets the leg. */
  readonly app: string;
  readonly appArgs?: readonly string[];
  /** Channel of the caller: both legs then share its linked id. */
  readonly originator?: string;
  /** Channel variables and functions, e.g. `PJSIP_HEADER(add,Diversion)`, set before the leg is dialled. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Codecs to offer first, e.g. `['alaw']`; does not restrict what the endpoint allows. */
  readonly formats?: readonly string[];
}

export function createBridge(bridgeId: string): AriRequest {
  return { method: 'POST', path: bridge(bridgeId), query: { type: 'mixing' } };
}

export function destroyBridge(bridgeId: string): AriRequest {
  return { method: 'DELETE', path: bridge(bridgeId) };
}

/** Creates the outbound channel, not yet dialled; wait for its stasisStart before using it. */
export function createLeg(leg: Leg): AriRequest {
  const query: Record<string, string> = {
    endpoint: leg.dialString,
    app: listItem('app', leg.app),
    channelId: idText('channel id', leg.channelId),
  };
  if (leg.appArgs !== undefined) query['appArgs'] = leg.appArgs.map((arg) => listItem('appArgs', arg)).join(',');
  if (leg.originator !== undefined) query['originator'] = idText('originator', leg.originator);
  if (leg.formats !== undefined && leg.formats.length > 0) query['formats'] = leg.formats.map((format) => listItem('formats', format)).join(',');
  const request = { method: 'POST', path: '/channels/create', query } as const;
  return leg.variables === undefined ? request : { ...request, body: { variables: safeVariables(leg.variables) } };
}

export function addToBridge(bridgeId: string, channelIds: readonly string[]): AriRequest {
  return { method: 'POST', path: `${bridge(bridgeId)}/addChannel`, query: { channel: channelIds.map((id) => listItem('channel id', id)).join(',') } };
}

export function removeFromBridge(bridgeId: string, channelId: string): AriRequest {
  return { method: 'POST', path: `${bridge(bridgeId)}/removeChannel`, query: { channel: listItem('channel id', channelId) } };
}

/**
 * Sends the INVITE of a created leg. Asterisk gives up by itself after `timeoutS` (whole seconds).
 * With `caller` the leg shows that channel's caller id; without, its own connected line (see CONNECTEDLINE).
 */
export function dial(channelId: string, timeoutS: number, caller?: string): AriRequest {
  const query = { timeout: Math.max(1, Math.ceil(timeoutS)) };
  return { method: 'POST', path: channel(channelId, 'dial'), query: caller === undefined ? query : { ...query, caller: idText('caller', caller) } };
}

/** 180 to the caller. Not needed where both legs share a bridge before the answer: Asterisk relays it. */
export function ring(channelId: string): AriRequest {
  return { method: 'POST', path: channel(channelId, 'ring') };
}

/** 183 with media to the caller. */
export function progress(channelId: string): AriRequest {
  return { method: 'POST', path: channel(channelId, 'progress') };
}

export function answer(channelId: string): AriRequest {
  return { method: 'POST', path: channel(channelId, 'answer') };
}

/** Ends a channel; before the answer the cause decides the SIP response (17 -> 486, 21 -> 403, 34 -> 503 …). */
export function hangup(channelId: string, q850Cause: number): AriRequest {
  if (!Number.isInteger(q850Cause) || q850Cause < 0 || q850Cause > 127) throw new RangeError(`Q.850 cause ${q850Cause} is not within 0..127`);
  return { method: 'DELETE', path: channel(channelId), query: { reason_code: q850Cause } };
}

/** A variable or a writable function, e.g. `CALLERID(num)`, `CONNECTEDLINE(num,i)`, `TIMEOUT(absolute)`. */
export function setVariable(channelId: string, name: string, value: string | number): AriRequest {
  return { method: 'POST', path: channel(channelId, 'variable'), query: { variable: variableName(name), value: safeText(String(value)) } };
}

export function getVariable(channelId: string, name: string): AriRequest {
  return { method: 'GET', path: channel(channelId, 'variable'), query: { variable: variableName(name) } };
}

/** Plays one after the other (`sound:…`, `tone:…`, `digits:…`); ends with playbackFinished of that id. `language` '': the channel's. */
export function play(channelId: string, playbackId: string, media: readonly string[], language = ''): AriRequest {
  const query = { media: media.map((each) => listItem('media', each)).join(',') };
  const path = channel(channelId, `play/${pathSegment('playback id', playbackId)}`);
  return { method: 'POST', path, query: language === '' ? query : { ...query, lang: safeText(language) } };
}

/** A channel that whispers to this one; it enters the application by itself, and leaves with the other. */
export function whisperTo(channelId: string, whisper: { readonly id: string; readonly app: string; readonly appArgs: readonly string[] }): AriRequest {
  const query = { spy: 'none', whisper: 'out', app: listItem('app', whisper.app), appArgs: whisper.appArgs.map((arg) => listItem('appArgs', arg)).join(',') };
  return { method: 'POST', path: channel(channelId, `snoop/${pathSegment('channel id', whisper.id)}`), query };
}

export function stopPlayback(playbackId: string): AriRequest {
  return { method: 'DELETE', path: `/playbacks/${pathSegment('playback id', playbackId)}` };
}

export function startMusic(channelId: string, musicClass: string): AriRequest {
  return { method: 'POST', path: channel(channelId, 'moh'), query: { mohClass: safeText(musicClass) } };
}

export function stopMusic(channelId: string): AriRequest {
  return { method: 'DELETE', path: channel(channelId, 'moh') };
}

function bridge(id: string): string {
  return `/bridges/${pathSegment('bridge id', id)}`;
}

function channel(id: string, operation?: string): string {
  const path = `/channels/${pathSegment('channel id', id)}`;
  return operation === undefined ? path : `${path}/${operation}`;
}

function idText(field: string, id: string): string {
  pathSegment(field, id);
  return id;
}

function variableName(name: string): string {
  return matching('variable', name, /^[A-Za-z_][A-Za-z0-9_]*(\([A-Za-z0-9_,.:-]*\))?$/);
}

function safeVariables(variables: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(variables).map(([name, value]) => [variableName(name), safeText(value)]));
}
