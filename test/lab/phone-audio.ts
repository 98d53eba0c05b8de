/** The audio of one phone: it speaks a steady tone and listens to what Asterisk sends it (RTP, G.711 µ-law). */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';

const FRAME_MS = 20;
const SAMPLES = 160;
const RATE = 8000;
const HEADER = 12;
/** Where a tone has so much of a frame's energy it is heard. Two at once have a half each. */
const HEARD = 0.15;
/** A key (RFC 4733): packets while it is pressed, and those that tell its end. */
const KEY = { pressed: 5, end: 3, payload: 101, codes: '0123456789*#' } as const;

function toMuLaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const size = Math.min(Math.abs(sample), 32_635) + 132;
  const exponent = Math.max(0, Math.floor(Math.log2(size)) - 7);
  return ~(sign | (exponent << 4) | ((size >> (exponent + 3)) & 15)) & 255;
}

function fromMuLaw(byte: number): number {
  const value = ~byte & 255;
  const size = ((((value & 15) << 3) + 132) << ((value >> 4) & 7)) - 132;
  return (value & 0x80) === 0 ? size : -size;
}

/** How much of the energy lies at this frequency, 0 to 1; 0 in silence. */
function share(samples: readonly number[], hz: number): number {
  let real = 0;
  let imaginary = 0;
  let energy = 0;
  for (const [index, sample] of samples.entries()) {
    const angle = (2 * Math.PI * hz * index) / RATE;
    real += sample * Math.cos(angle);
    imaginary += sample * Math.sin(angle);
    energy += sample * sample;
  }
  return energy < samples.length * 100 ? 0 : (2 * (real * real + imaginary * imaginary)) / (samples.length * energy);
}

export class PhoneAudio {
  readonly port: number;
  readonly #socket: Socket;
  /** Frames heard, oldest first. */
  readonly #frames: (readonly number[])[] = [];
  #speaking: NodeJS.Timeout | undefined;
  /** Keys that wait, or are being pressed. */
  readonly #keys: string[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (packet) => {
      // Keys that are pressed come as packets of another kind.
      if (((packet[1] ?? 0) & 127) === 0) this.#frames.push([...packet.subarray(HEADER)].map(fromMuLaw));
    });
  }

  static async open(ip: string): Promise<PhoneAudio> {
    const socket = createSocket('udp4');
    await new Promise<void>((bound) => socket.bind(0, ip, bound));
    return new PhoneAudio(socket);
  }

  /** Speaks to the address that an SDP names, until it is closed. */
  speak(sdp: string, hz: number): void {
    const host = /^c=IN IP4 (\S+)/m.exec(sdp)?.[1] ?? '127.0.0.1';
    const port = Number(/^m=audio (\d+)/m.exec(sdp)?.[1] ?? 0);
    let sent = 0;
    let keyAt: number | null = null;
    clearInterval(this.#speaking);
    this.#speaking = setInterval(() => {
      const packet = Buffer.alloc(HEADER + SAMPLES);
      packet[0] = 0x80;
      packet.writeUInt16BE(sent & 0xffff, 2);
      packet.writeUInt32BE((sent * SAMPLES) >>> 0, 4);
      packet.writeUInt32BE(this.port, 8);
      const [key] = this.#keys;
      if (key !== undefined) {
        keyAt ??= sent;
        const step = sent - keyAt;
        const last = step === KEY.pressed + KEY.end - 1;
        packet[1] = KEY.payload | (step === 0 ? 0x80 : 0);
        packet.writeUInt32BE((keyAt * SAMPLES) >>> 0, 4);
        packet[HEADER] = KEY.codes.indexOf(key);
        packet[HEADER + 1] = 10 | (step >= KEY.pressed ? 0x80 : 0);
        packet.writeUInt16BE(Math.min(step + 1, KEY.pressed) * SAMPLES, HEADER + 2);
        sent += 1;
        this.#socket.send(packet.subarray(0, HEADER + 4), port, host);
        if (last) {
          this.#keys.shift();
          keyAt = null;
        }
        return;
      }
      for (let index = 0; index < SAMPLES; index += 1) packet[HEADER + index] = toMuLaw(Math.round(4000 * Math.sin((2 * Math.PI * hz * (sent * SAMPLES + index)) / RATE)));
      sent += 1;
      this.#socket.send(packet, port, host);
    }, FRAME_MS);
  }

  /** Presses a key while it speaks. */
  press(key: string): void {
    this.#keys.push(key);
  }

  /** Mean size of what was heard. */
  level(): number {
    const samples = this.#frames.flat();
    return samples.length === 0 ? 0 : Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }

  /** Forgets what was heard so far. */
  listenAnew(): void {
    this.#frames.length = 0;
  }

  /** Milliseconds in which this tone was heard. */
  heardMs(hz: number): number {
    return this.#frames.filter((frame) => share(frame, hz) > HEARD).length * FRAME_MS;
  }

  close(): void {
    clearInterval(this.#speaking);
    this.#socket.close();
  }
}
