/**
 * Who the far end is told is calling. A provider's number stands before the calling device's, and the device's before
 * what the caller sends; a number takes its own name along, even an empty one, so that no name of somebody else stands
 * beside it. Privacy is the caller's in any case.
 */
export interface CallerId {
  /** Empty: what the next one says. */
  readonly callerIdNumber: string;
  readonly callerIdName: string;
}

export const AS_SENT: CallerId = { callerIdNumber: '', callerIdName: '' };

export function shownCallerId(provider: CallerId, device: CallerId): CallerId {
  const { callerIdNumber, callerIdName } = provider;
  if (callerIdNumber !== '') return { callerIdNumber, callerIdName };
  return { callerIdNumber: device.callerIdNumber, callerIdName: callerIdName || device.callerIdName };
}
