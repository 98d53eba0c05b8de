/** A caller that sends whatever bytes a test wants: SIPp cannot write what no SIP message should hold. */
import { createSocket } from 'node:dgram';
import { withTimeout } from '../lab/wait.ts';

export interface RawCall {
  readonly target: { readonly host: string; readonly sipPort: number };
  readonly ip: string;
  /** The request URI as it stands on the wire. */
  readonly uri: string;
  /** The From header's value without its tag. */
  readonly from: string | Buffer;
  readonly callId: string | Buffer;
}

const SDP = 'v=0\r\no=caller 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n';

function headers(call: RawCall, port: number, method: string): Buffer {
  const before = [`Via: SIP/2.0/UDP ${call.ip}:${port};branch=z9hG4bK-${port}-${method};rport`, `Contact: <sip:raw@${call.ip}:${port}>`, 'Max-Forwards: 70'];
  return Buffer.concat([Buffer.from(`${before.join('\r\n')}\r\nCall-ID: `), Buffer.from(call.callId), Buffer.from('\r\nFrom: '), Buffer.from(call.from), Buffer.from(';tag=raw\r\n')]);
}

/** Final status of one INVITE; an answered call is ended at once. Rejects when no final answer comes. */
export async function rawCall(call: RawCall): Promise<number> {
  const { host, sipPort } = call.target;
  const socket = createSocket('udp4');
  await new Promise<void>((bound) => socket.bind(0, call.ip, bound));
  const { port } = socket.address();
  const send = (line: string, rest: string, body = ''): void => {
    const method = line.split(' ', 1)[0] ?? '';
    socket.send(Buffer.concat([Buffer.from(`${line}\r\n`), headers(call, port, method === 'ACK' ? 'INVITE' : method), Buffer.from(`${rest}\r\nContent-Length: ${body.length}\r\n\r\n${body}`)]), sipPort, host);
  };
  const to = `To: <sip:${host}:${sipPort}>`;
  const invite = (): void => send(`INVITE ${call.uri} SIP/2.0`, `${to}\r\nCSeq: 1 INVITE\r\nContent-Type: application/sdp`, SDP);
  // As any caller over UDP: again, until something comes back.
  const again = setInterval(invite, 500);
  const final = new Promise<number>((resolve) => {
    socket.on('message', (bytes) => {
      clearInterval(again);
      const text = bytes.toString('latin1');
      const status = Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0);
      if (status < 200 || !/^CSeq: *1 INVITE/im.test(text)) return;
      const answered = /^To:.*/im.exec(text)?.[0] ?? to;
      const contact = /^Contact: *<([^>]+)>/im.exec(text)?.[1] ?? call.uri;
      send(`ACK ${status < 300 ? contact : call.uri} SIP/2.0`, `${answered}\r\nCSeq: 1 ACK`);
      if (status < 300) send(`BYE ${contact} SIP/2.0`, `${answered}\r\nCSeq: 2 BYE`);
      resolve(status);
    });
  });
  invite();
  try {
    return await withTimeout(() => `no final answer to ${JSON.stringify(call.uri)} from ${JSON.stringify(call.from.toString('latin1'))}`, final, 5000);
  } finally {
    clearInterval(again);
    socket.close();
  }
}
