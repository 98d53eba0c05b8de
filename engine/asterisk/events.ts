/**
 * Asterisk's JSON to the engine's events. Runs some twelve times a call at a hundred calls a second, hence
 * narrowing by hand. Nothing about the input is taken for granted: a field that is missing or of another kind
 * becomes empty, an event that cannot be used becomes undefined. Never throws.
 */
import type { AsteriskEvent, Channel } from './contract.ts';
import { stampMs } from './timestamp.ts';

/** Function that `dialplan/ari.conf` adds to each channel of an event. */
const FORMATS = 'CHANNEL(audionativeformat)';

type Json = Readonly<Record<string, unknown>>;

/** `nowMs`: wall time, for an event without a readable timestamp. */
export function parseEvent(raw: unknown, nowMs: number): AsteriskEvent | undefined {
  const event = object(raw);
  if (event === undefined) return undefined;
  const at = stampMs(event['timestamp']) ?? nowMs;
  switch (event['type']) {
    case 'Dial':
      return onLeg(event['peer'], (channelId, leg) => ({ type: 'dial', at, channelId, status: text(event['dialstatus']), codec: codecOf(leg) }));
    case 'PlaybackFinished':
      return playbackFinished(event, at);
    default:
      return onLeg(event['channel'], (channelId, leg) => channelEvent(event, at, channelId, leg));
  }
}

function channelEvent(event: Json, at: number, channelId: string, leg: Json): AsteriskEvent | undefined {
  switch (event['type']) {
    case 'StasisStart':
      return { type: 'stasisStart', at, channelId, channel: parseChannel(leg), args: texts(event['args']) };
    case 'StasisEnd':
      return { type: 'stasisEnd', at, channelId };
    case 'ChannelStateChange':
      return { type: 'stateChange', at, channelId, state: text(leg['state']), codec: codecOf(leg) };
    case 'ChannelDestroyed':
      return { type: 'destroyed', at, channelId, cause: integer(event['cause']) ?? 0, techCause: integer(event['tech_cause']), state: text(leg['state']) };
    case 'ChannelDtmfReceived': {
      const digit = text(event['digit']);
      return digit === '' ? undefined : { type: 'dtmf', at, channelId, digit };
    }
    default:
      return undefined;
  }
}

/** A list of snapshots, as `GET /channels` answers; what is no channel is left out. */
export function parseChannels(list: unknown): readonly Channel[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((each) => {
    const leg = object(each);
    return leg === undefined || text(leg['id']) === '' ? [] : [parseChannel(leg)];
  });
}

function parseChannel(leg: Json): Channel {
  const caller = object(leg['caller']);
  const dialplan = object(leg['dialplan']);
  const name = text(leg['name']);
  return {
    id: text(leg['id']),
    name,
    endpoint: endpointOf(name),
    state: text(leg['state']),
    callerNumber: text(caller?.['number']),
    callerName: text(caller?.['name']),
    accountCode: text(leg['accountcode']),
    extension: text(dialplan?.['exten']),
    context: text(dialplan?.['context']),
    application: applicationOf(dialplan),
    sipCallId: text(leg['protocol_id']),
    codec: codecOf(leg),
  };
}

/** True for the message that ends this connection's use: another one has registered the same application. */
export function isReplaced(raw: unknown, app: string): boolean {
  const event = object(raw);
  return event?.['type'] === 'ApplicationReplaced' && event['application'] === app;
}

/** Events that may come before the filter is in force, or always, and mean nothing to the engine. */
export function isKnownUnused(raw: unknown): boolean {
  return UNUSED.has(text(object(raw)?.['type']));
}

const UNUSED: ReadonlySet<string> = new Set(
  (
    'ApplicationRegistered ApplicationReplaced ApplicationUnregistered BridgeCreated BridgeDestroyed BridgeMerged BridgeVideoSourceChanged ' +
    'ChannelCallerId ChannelConnectedLine ChannelCreated ChannelDialplan ChannelEnteredBridge ChannelHangupRequest ChannelHold ChannelLeftBridge ' +
    'ChannelTalkingFinished ChannelTalkingStarted ChannelUnhold ChannelVarset PlaybackContinuing PlaybackStarted'
  ).split(' '),
);

function playbackFinished(event: Json, at: number): AsteriskEvent | undefined {
  const playback = object(event['playback']);
  const playbackId = text(playback?.['id']);
  if (playback === undefined || playbackId === '') return undefined;
  const target = text(playback['target_uri']);
  const channelId = target.startsWith('channel:') ? target.slice('channel:'.length) : '';
  return { type: 'playbackFinished', at, channelId, playbackId, failed: playback['state'] !== 'done' };
}

/** An event of no channel cannot reach a call. */
function onLeg(value: unknown, make: (channelId: string, leg: Json) => AsteriskEvent | undefined): AsteriskEvent | undefined {
  const leg = object(value);
  const id = text(leg?.['id']);
  return leg === undefined || id === '' ? undefined : make(id, leg);
}

/** A channel in Stasis tells `app_data` as `application,argument,…`. */
function applicationOf(dialplan: Json | undefined): string {
  if (dialplan?.['app_name'] !== 'Stasis') return '';
  const data = text(dialplan['app_data']);
  const end = data.indexOf(',');
  return end === -1 ? data : data.slice(0, end);
}

/** `channelvars` of ari.conf; formats come as `(ulaw|alaw)`. */
function codecOf(leg: Json): string {
  return /[a-z0-9]+/.exec(text(object(leg['channelvars'])?.[FORMATS]))?.[0] ?? '';
}

/** `PJSIP/provider-7-0000001f` is endpoint `provider-7`. */
function endpointOf(name: string): string {
  const end = name.lastIndexOf('-');
  return name.slice(name.indexOf('/') + 1, end === -1 ? undefined : end);
}

function object(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null ? (value as Json) : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function integer(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) ? value : null;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
