/** How AMI spells spying: Asterisk's own ChanSpy, run by the channel that rings the operator. */
import type { AmiLink } from './ami.ts';
import { AmiError } from './ami.ts';
import type { AmiFields, AmiMessage } from './ami-protocol.ts';
import type { DialString } from './dial-string.ts';
import { matching } from './encode.ts';

export interface SpyStart {
  /** Names the spy's channel, `spy-ID`, and comes back in its events. */
  readonly id: string;
  readonly dialString: DialString;
  /** Id of the channel that hears whispers. */
  readonly spied: string;
  readonly ringTimeoutS: number;
  /** What the operator's device shows. */
  readonly callerNumber: string;
}

export type SpyEvent =
  /** He hears the call. */
  | { readonly type: 'started'; readonly id: string }
  | { readonly type: 'key'; readonly id: string; readonly key: string }
  | { readonly type: 'ended'; readonly id: string };

const PREFIX = 'spy-';
/** Letters, digits, dots and dashes: a comma would begin ChanSpy's options. */
const CHANNEL_ID = /^[\w.-]{1,150}$/;
/**
 * `u`: the channel by its id, so that exactly this one is spied on, and never another of the same device. `d`: 4, 5 and 6
 * change the mode. `q`: no beep. `S`, `E`: it ends when there is no such channel, and with it. `x(*)`: `*` leaves; it
 * would seek another channel, and he would hear nothing more.
 */
const OPTIONS = 'uqdSEx(*)';

export function spyChannelId(id: string): string {
  return `${PREFIX}${matching('spy', id, /^[\w-]{1,64}$/)}`;
}

export function spyAction({ id, dialString, spied, ringTimeoutS, callerNumber }: SpyStart): AmiFields {
  return {
    Channel: dialString, ChannelId: spyChannelId(id), Application: 'ChanSpy', Data: `${matching('channel id', spied, CHANNEL_ID)},${OPTIONS}`,
    CallerID: `"Spy" <${callerNumber.replace(/[^0-9A-Za-z+*#]/g, '').slice(0, 40)}>`, Timeout: String(ringTimeoutS * 1000), Async: 'true',
  };
}

/** Resolves when Asterisk has taken the order: the device rings then, or its `ended` comes. */
export async function startSpy(ami: AmiLink, start: SpyStart): Promise<void> {
  await ami.action('Originate', spyAction(start), start.id);
}

/** Events of spies, and of nobody else: manager.conf has the filter. */
export async function watchSpies(ami: AmiLink, on: boolean): Promise<void> {
  await ami.action('Events', { EventMask: on ? 'call,dtmf' : 'off' });
}

/** False: there is no such channel. When it is up, its `started` comes before the answer. */
export async function isSpyThere(ami: AmiLink, id: string): Promise<boolean> {
  try {
    await ami.action('Status', { Channel: spyChannelId(id) });
    return true;
  } catch (error) {
    if (error instanceof AmiError && error.refused) return false;
    throw error;
  }
}

function idOf(channelId: string | undefined): string {
  return channelId?.startsWith(PREFIX) === true ? channelId.slice(PREFIX.length) : '';
}

/** null: it is of no concern here. */
export function parseSpyEvent(message: AmiMessage): SpyEvent | null {
  const own = idOf(message.get('Uniqueid'));
  switch (message.get('Event')) {
    case 'OriginateResponse':
      return message.get('Response') === 'Failure' ? { type: 'ended', id: message.get('ActionID') ?? '' } : null;
    case 'ChanSpyStart':
      return { type: 'started', id: idOf(message.get('SpyerUniqueid')) };
    case 'Status':
      return message.get('ChannelStateDesc') === 'Up' ? { type: 'started', id: own } : null;
    case 'DTMFEnd':
      return message.get('Direction') === 'Received' ? { type: 'key', id: own, key: message.get('Digit') ?? '' } : null;
    case 'Hangup':
      return { type: 'ended', id: own };
    default:
      return null;
  }
}
