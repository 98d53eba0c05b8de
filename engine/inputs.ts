/** Asterisk's events in the words of a call. */
import type { AsteriskEvent } from './asterisk/contract.ts';
import type { Call, CallInput, Moment } from './call/state.ts';

/** An event in the words of the call; null: it means nothing to it. */
export function inputOf(call: Call, event: Exclude<AsteriskEvent, { type: 'playbackFinished' }>, at: Moment): CallInput | null {
  const legId = event.channelId;
  switch (event.type) {
    case 'stasisStart':
      return { type: 'legReady', legId, sipCallId: event.channel.sipCallId };
    case 'dial':
      return dialInput(event);
    case 'destroyed': {
      const gone = { moment: at, cause: event.cause, techCause: event.techCause, source: 'event' } as const;
      return legId === call.originator.channelId ? { type: 'callerGone', gone } : { type: 'legGone', legId, gone };
    }
    case 'stateChange':
      return legId === call.originator.channelId ? null : stateInput(event);
    case 'stasisEnd':
    case 'dtmf':
      return null;
  }
}

function dialInput({ channelId: legId, status, codec }: Extract<AsteriskEvent, { type: 'dial' }>): CallInput | null {
  switch (status) {
    case '':
      return { type: 'dialled', legId };
    case 'RINGING':
    case 'PROGRESS':
      return { type: 'rang', legId };
    case 'ANSWER':
      return { type: 'answered', legId, codec };
    default:
      return null;
  }
}

/** Usually Dial tells the same a moment later, but when a far end answers at once Asterisk may leave that out. */
function stateInput({ channelId: legId, state, codec }: Extract<AsteriskEvent, { type: 'stateChange' }>): CallInput | null {
  if (state === 'Up') return { type: 'answered', legId, codec };
  return state === 'Ringing' ? { type: 'rang', legId } : null;
}
