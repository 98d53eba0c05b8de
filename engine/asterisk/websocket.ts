/**
 * REST over the event WebSocket (Asterisk >= 20.14, 21.9, 22.4): one connection carries events, requests and
 * answers. Asterisk carries out the requests of one socket strictly in order, so `inOrder` sends all at once.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { AriRequest } from './contract.ts';
import { parseBody, refusalText } from './answer.ts';
import { watchSocket } from './event-socket.ts';
import { basicAuthorization } from './http.ts';
import { PendingRequests } from './pending-requests.ts';
import type { Session, SessionHooks, SessionOptions } from './session.ts';

/** A list of some ten thousand channels fits; the package's own limit of 100 MiB would let one message eat the process. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

export function openWebSocket(options: SessionOptions, hooks: SessionHooks): Promise<Session> {
  const frames = new Frames();
  const socket = new WebSocket(`${options.url.replace(/^http/, 'ws')}/ari/events?app=${encodeURIComponent(options.app)}`, {
    headers: { authorization: basicAuthorization(options) },
    handshakeTimeout: options.requestTimeoutMs,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    // An invalid byte in a caller's name must not cost the connection; it becomes a replacement character.
    skipUTF8Validation: true,
  });
  socket.once('upgrade', (response) => frames.over(response.socket));
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('open', () => {
      socket.removeListener('error', reject);
      // In this very turn: the first events may already wait behind the handshake.
      resolve(startSession({ socket, frames }, options, hooks));
    });
  });
}

/**
 * What is sent in one turn of the event loop leaves in one system call: two orders of a call usually go together, and
 * the calls were a fifth of the engine's CPU.
 */
class Frames {
  #tcp: Socket | undefined;
  #gathering = false;

  /** The connection that the frames go over. */
  over(tcp: Socket): void {
    this.#tcp = tcp;
  }

  gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#tcp?.cork();
    process.nextTick(() => {
      this.#gathering = false;
      this.#tcp?.uncork();
    });
  }
}

function startSession({ socket, frames }: { readonly socket: WebSocket; readonly frames: Frames }, options: SessionOptions, hooks: SessionHooks): Session {
  const pending = new PendingRequests(options.requestTimeoutMs, options.maxRequests);
  socket.on('message', (data: Buffer) => {
    const message = decode(data, hooks.onMalformed);
    if (message !== undefined && !settle(pending, message)) hooks.onEvent(message);
  });
  const watched = watchSocket(socket, options, (reason) => {
    pending.close(reason);
    hooks.onClosed(reason);
  });
  const request = (each: AriRequest): Promise<unknown> => pending.start(each, (id) => {
    frames.gather();
    socket.send(restRequest(id, each));
  });
  return { request, inOrder: (requests) => Promise.all(requests.map(request)), close: () => watched.close() };
}

function restRequest(id: string, request: AriRequest): string {
  return JSON.stringify({
    type: 'RESTRequest',
    request_id: id,
    method: request.method,
    // Asterisk wants no leading slash, and takes query values as they are: nothing to encode, nothing to break out of.
    uri: request.path.slice(1),
    query_strings: request.query && Object.entries(request.query).map(([name, value]) => ({ name, value: String(value) })),
    ...(request.body !== undefined && { content_type: 'application/json', message_body: JSON.stringify(request.body) }),
  });
}

/** True when the message was an answer. */
function settle(pending: PendingRequests, message: unknown): boolean {
  if (typeof message !== 'object' || message === null) return false;
  const answer = message as Record<string, unknown>;
  if (answer['type'] !== 'RESTResponse') return false;
  const id = String(answer['request_id']);
  const status = Number(answer['status_code']);
  const body = parseBody(answer['message_body']);
  if (status >= 200 && status < 300) pending.answer(id, body);
  else pending.refuse(id, status, refusalText(body, answer['reason_phrase']));
  return true;
}

function decode(data: Buffer, onMalformed: (reason: string) => void): unknown {
  try {
    return JSON.parse(data.toString('utf8'));
  } catch (error) {
    onMalformed(String(error));
    return undefined;
  }
}
