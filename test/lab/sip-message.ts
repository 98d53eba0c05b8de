/** Reads what SIPp wrote down of the messages it sent and received. */

export type SipMessage = {
  /** Microseconds since 1970. */
  atMicros: number;
  direction: 'sent' | 'received';
  /** `INVITE sip:… SIP/2.0` or `SIP/2.0 180 Ringing`. */
  startLine: string;
  /** Method of a request, undefined for a response. */
  method: string | undefined;
  /** Status of a response, undefined for a request. */
  status: number | undefined;
  text: string;
};

/** Value of a header, whatever its case; undefined when the message has none. */
export function headerOf(message: SipMessage, name: string): string | undefined {
  const wanted = `${name.toLowerCase()}:`;
  const head = message.text.split(/\r?\n\r?\n/, 1)[0] ?? '';
  const line = head.split(/\r?\n/).find((each) => each.toLowerCase().startsWith(wanted));
  return line?.slice(wanted.length).trim();
}

/** The user part of the request line's URI, as it was on the wire. */
export function requestUser(message: SipMessage): string | undefined {
  return /^\S+ sips?:(.*)@\S+ SIP\/2\.0$/.exec(message.startLine)?.[1];
}

/** Parses the text of a -trace_msg file; a message still being written at its end is left out. */
export function parseTrace(trace: string): SipMessage[] {
  const messages: SipMessage[] = [];
  const blocks = trace.split(/^-{20,} (?=\d{4}-)/m).slice(1);
  for (const block of blocks) {
    const [, stamp = '', direction = '', bytes = '', text = ''] =
      /^(\S+[ T]\S+).*\n.*?message (sent|received) [^\d]*(\d+)\D[^\n]*\n\n([\s\S]*)$/.exec(block) ?? [];
    if (text.length === 0 || Buffer.byteLength(text) < Number(bytes)) continue;
    messages.push(parseMessage(stamp, direction as SipMessage['direction'], text));
  }
  return messages;
}

function parseMessage(stamp: string, direction: SipMessage['direction'], text: string): SipMessage {
  const startLine = text.split(/\r?\n/, 1)[0] ?? '';
  const status = /^SIP\/2\.0 (\d{3})/.exec(startLine)?.[1];
  const [, second = '', fraction = '0'] = /^(.*?)(?:\.(\d{1,6}))?(?:Z|$)/.exec(stamp) ?? [];
  return {
    atMicros: Date.parse(`${second.replace(' ', 'T')}Z`) * 1000 + Number(fraction.padEnd(6, '0')),
    direction,
    startLine,
    method: status === undefined ? startLine.split(' ', 1)[0] : undefined,
    status: status === undefined ? undefined : Number(status),
    text,
  };
}
