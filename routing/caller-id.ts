/**
 * Who the far end is told is calling. A provider's number stands before the calling device's, and the device's before
 * what the caller sends; a number takes its own name along, even an empty one, so that no name of somebody else stands
 * beside it. Privacy is the caller's in any case.
 */
export interface CallerId {
  /** Empty: what the next one says. */
  readonly callerIdNumber: string;
  /** null: the name that the caller sends, beside another number. */
  readonly callerIdName: string | null;
}

export const AS_SENT: CallerId = { callerIdNumber: '', callerIdName: '' };

export function shownCallerId(provider: CallerId, device: CallerId): CallerId {
  const { callerIdNumber, callerIdName } = provider;
  if (callerIdNumber !== '') return { callerIdNumber, callerIdName };
  return { callerIdNumber: device.callerIdNumber, callerIdName: callerIdName || device.callerIdName };
}

/** What the calling device shows when rules made `src` of its number or of the one it sent, `before`: his name stays beside it. */
export function ruledCallerId(device: CallerId, before: string, src: string): CallerId {
  if (src === before) return device;
  const hasOwn = device.callerIdNumber !== '' || device.callerIdName !== '';
  return { callerIdNumber: src, callerIdName: hasOwn ? device.callerIdName : null };
}
