/** What Asterisk is asked to send: 12 of the 64 events of a plain call. */
import type { AriRequest } from './contract.ts';
import { pathSegment } from './encode.ts';

/**
 * The event types that `events.ts` reads. A list of what is wanted, not of what is unwanted, so that a newer
 * Asterisk cannot add to the load.
 */
export const WANTED_EVENTS: readonly string[] = [
  'StasisStart',
  'StasisEnd',
  'Dial',
  'ChannelStateChange',
  'ChannelDestroyed',
  'ChannelDtmfReceived',
  'PlaybackFinished',
  // Asterisk filters these two like events; without the second, no request on the WebSocket would be answered.
  'ApplicationReplaced',
  'RESTResponse',
];

/** Asterisk forgets the filter with each connection: PUT it after every connect. */
export function putEventFilter(app: string): AriRequest {
  return {
    method: 'PUT',
    path: `/applications/${pathSegment('app', app)}/eventFilter`,
    body: { allowed: WANTED_EVENTS.map((type) => ({ type })) },
  };
}
