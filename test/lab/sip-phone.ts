/** A phone that answers calls and does what a test wants of it at any moment: keys by RTP or SIP INFO, a hang-up. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { PhoneAudio } from './phone-audio.ts';

interface Dialog {
  readonly target: string;
  readonly host: string;
  readonly port: number;
  readonly from: string;
  readonly to: string;
  readonly callId: string;
}

const LOCAL_TAG = 'phone';

function header(text: string, name: string): string {
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';
}

export class SipPhone {
  readonly ip: string;
  readonly audio: PhoneAudio;
  /** Requests that came, by their methods. */
  readonly received: string[] = [];
  /** Of the last INVITE. */
  shown = '';
  /** What the next INVITEs get. */
  answers: 'yes' | 'busy' | 'never' = 'yes';
  readonly #socket: Socket;
  readonly #hz: number;
  #dialog: Dialog | null = null;
  #cseq = 1;

  private constructor(socket: Socket, audio: PhoneAudio, at: { readonly ip: string; readonly hz: number }) {
    this.#socket = socket;
    this.audio = audio;
    this.ip = at.ip;
    this.#hz = at.hz;
    socket.on('message', (bytes, from) => this.#take(bytes.toString('latin1'), from));
  }

  /** `hz`: what it says when it has answered. */
  static async open(ip: string, hz: number): Promise<SipPhone> {
    const socket = createSocket('udp4');
    await new Promise<void>((bound) => socket.bind(0, ip, bound));
    return new SipPhone(socket, await PhoneAudio.open(ip), { ip, hz });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** In a call, as far as it knows. */
  get talks(): boolean {
    return this.#dialog !== null;
  }

  /** A key by SIP INFO. */
  info(key: string): void {
    this.#request('INFO', 'Content-Type: application/dtmf-relay\r\n', `Signal=${key}\r\nDuration=100\r\n`);
  }

  hangUp(): void {
    this.#request('BYE', '', '');
    this.#dialog = null;
  }

  close(): void {
    this.audio.close();
    this.#socket.close();
  }

  #take(text: string, from: { readonly address: string; readonly port: number }): void {
    const method = /^([A-Z]+) sip/.exec(text)?.[1];
    if (method === undefined) return;
    this.received.push(method);
    if (method === 'ACK') return;
    if (method !== 'INVITE') {
      if (method === 'BYE') this.#dialog = null;
      this.#respond(text, from, { status: '200 OK' });
      return;
    }
    this.shown = header(text, 'From');
    if (this.answers === 'busy') this.#respond(text, from, { status: '486 Busy Here' });
    else this.#respond(text, from, { status: '180 Ringing' });
    if (this.answers === 'yes') this.#answer(text, from);
  }

  #answer(text: string, from: { readonly address: string; readonly port: number }): void {
    const sdp = `v=0\r\no=phone 1 1 IN IP4 ${this.ip}\r\ns=-\r\nc=IN IP4 ${this.ip}\r\nt=0 0\r\nm=audio ${this.audio.port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n`;
    this.#respond(text, from, { status: '200 OK', sdp });
    this.#dialog = {
      target: /<([^>]+)>/.exec(header(text, 'Contact'))?.[1] ?? '', host: from.address, port: from.port,
      from: `${header(text, 'To')};tag=${LOCAL_TAG}`, to: header(text, 'From'), callId: header(text, 'Call-ID'),
    };
    this.audio.speak(text, this.#hz);
  }

  #respond(request: string, to: { readonly address: string; readonly port: number }, { status, sdp = '' }: { readonly status: string; readonly sdp?: string }): void {
    const vias = [...request.matchAll(/^Via:.*$/gim)].map(([line]) => line);
    const toHeader = header(request, 'To');
    const lines = [
      `SIP/2.0 ${status}`, ...vias, `From: ${header(request, 'From')}`, `To: ${toHeader.includes(';tag=') ? toHeader : `${toHeader};tag=${LOCAL_TAG}`}`, `Call-ID: ${header(request, 'Call-ID')}`,
      `CSeq: ${header(request, 'CSeq')}`, `Contact: <sip:phone@${this.ip}:${this.port}>`, ...(sdp === '' ? [] : ['Content-Type: application/sdp']), `Content-Length: ${sdp.length}`, '', sdp,
    ];
    this.#socket.send(lines.join('\r\n'), to.port, to.address);
  }

  #request(method: string, headers: string, body: string): void {
    const dialog = this.#dialog;
    if (dialog === null) throw new Error(`The phone is in no call: ${method} has no sense.`);
    this.#cseq += 1;
    const text = `${method} ${dialog.target} SIP/2.0\r\nVia: SIP/2.0/UDP ${this.ip}:${this.port};branch=z9hG4bK-${this.port}-${this.#cseq};rport\r\nMax-Forwards: 70\r\nFrom: ${dialog.from}\r\nTo: ${dialog.to}\r\n`
      + `Call-ID: ${dialog.callId}\r\nCSeq: ${this.#cseq} ${method}\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
    this.#socket.send(text, dialog.port, dialog.host);
  }
}
