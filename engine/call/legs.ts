/** Legs that are not wanted any more. */
import type { Attempt, Call, CallAction } from './state.ts';

/** "Call completed elsewhere" does not apply here: a cancelled leg is a normal clearing. */
export const CANCEL_CAUSE = 16;

/** Every leg of the attempt that may be up ends. */
export function endLegs({ legId, fork }: Attempt): CallAction[] {
  const ids = fork === null ? [legId] : fork.open.map((leg) => leg.legId);
  return ids.map((channelId) => ({ do: 'hangUp', channelId, q850: CANCEL_CAUSE }));
}

/** A leg of a way that was left already: its order to end came before it was there. The caller's own channel, told twice, is none. */
export function strayLeg(call: Call, channelId: string): readonly CallAction[] {
  return channelId === call.originator.channelId ? [] : [{ do: 'hangUp', channelId, q850: CANCEL_CAUSE }];
}
