/**
 * The `ari-client` package made safe to live with. The package loads Asterisk's API description, opens the event
 * socket and promises to look after both; what follows takes back what it cannot be trusted with:
 *
 * - Its HTTP client (swagger-client) keeps one password for the whole process, the one given last: with two Asterisk
 *   servers one gets the other's. Here each origin gets its own.
 * - When the description cannot be read (a wrong password, an Asterisk that is going down, text that is no JSON),
 *   swagger-client throws from a socket handler, which ends the process. Here its handlers run inside a guard.
 * - A request whose connection breaks is never settled. Here it fails, with status 0.
 * - It gives up after ten tries to reconnect, and a try once planned cannot be called off: an old client would come
 *   back and take the application away from the new one. Here its handlers of the socket's end are removed, so that
 *   it never plans one; `connect.ts` reconnects.
 * - An event that its API description does not know throws from the socket handler, and so does text that is no JSON,
 *   and a listener's own fault. Here its handler runs inside a guard.
 */
import { Agent } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'ari-client';
import type { WebSocket } from 'ws';
import { later } from './clock.ts';
import { basicAuthorization } from './http.ts';
import type { SessionOptions } from './session.ts';

/** What is used of the loaded client, below the package's types: those hide where the HTTP status is still known. */
export interface LoadedClient {
  on(event: '*', listener: (event: unknown) => void): void;
  start(app: string): PromiseLike<void>;
  readonly _ws: WebSocket;
  readonly _swagger: { readonly apis: Readonly<Record<string, { readonly operations: Readonly<Record<string, Operation>> }>> };
}

export interface Operation {
  readonly method: string;
  /** e.g. `/channels/{channelId}/dial`. */
  readonly path: string;
  /** `parameters` may be changed by the call. */
  do(parameters: Record<string, unknown>, onResponse: (response: HttpResponse) => void, onError: (response: HttpResponse) => void): void;
}

export interface HttpResponse {
  readonly status: number;
  readonly data: unknown;
}

type Handlers = Record<string, (response: never) => void>;

interface HttpRequest {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly on: Handlers & { readonly error: (response: HttpResponse) => void };
  agent?: Agent;
}

interface HttpClient {
  readonly shred: { request(request: HttpRequest): unknown };
  execute: (this: HttpClient, request: HttpRequest) => unknown;
}

interface Swagger {
  readonly authorizations: { apply(request: HttpRequest): boolean };
  readonly SwaggerApi: { readonly prototype: { fail(message: string): void; failure?(message: string): void } };
  readonly ShredHttpClient: { readonly prototype: HttpClient };
}

/** As many requests at once as keep a busy Asterisk's HTTP server well below its `sessionlimit` of 100. */
const MAX_CONNECTIONS = 32;

const authorizationOf = new Map<string, string>();
let agent: Agent | undefined;

/** The API description is a dozen documents. */
const LOAD_REQUESTS = 12;

/** Loads the API description. Rejects in time, whatever the package does. */
export function loadClient(options: SessionOptions): Promise<LoadedClient> {
  prepare();
  authorizationOf.set(new URL(options.url).origin, basicAuthorization(options));
  return new Promise((resolve, reject) => {
    const timeoutMs = LOAD_REQUESTS * options.requestTimeoutMs;
    const cancel = later(timeoutMs, () => reject(new Error(`no API description within ${timeoutMs} ms`)));
    connect(options.url, options.username, options.password)
      .then((client) => resolve(client as unknown as LoadedClient), reject)
      .finally(cancel);
  });
}

export interface SocketHooks {
  readonly onOpen: (socket: WebSocket) => void;
  readonly onFail: (error: Error) => void;
  /** What the guard caught. */
  readonly onBad: (reason: string) => void;
}

/** Opens the event socket: `onOpen` or `onFail` is called, once and in time. */
export function openEvents(client: LoadedClient, options: SessionOptions, hooks: SocketHooks): void {
  // Settles on the first connection only, and not even then where our own handlers below took its place.
  client.start(options.app).then(undefined, () => {});
  const socket = client._ws;
  const cancel = later(options.requestTimeoutMs, () => socket.terminate());
  const [onMessage] = socket.listeners('message') as ((data: Buffer) => void)[];
  for (const event of ['message', 'error', 'close'] as const) socket.removeAllListeners(event);
  socket.on('error', hooks.onFail);
  socket.on('message', (data: Buffer) => {
    try {
      onMessage?.call(socket, data);
    } catch (error) {
      hooks.onBad(String(error));
    }
  });
  socket.once('open', () => {
    cancel();
    socket.removeListener('error', hooks.onFail);
    hooks.onOpen(socket);
  });
}

/** Once for the process: swagger-client's state is process-wide too. */
function prepare(): void {
  if (agent !== undefined) return;
  const shared = new Agent({ keepAlive: true, maxSockets: MAX_CONNECTIONS, timeout: 10_000 });
  agent = shared;
  // The copy that ari-client itself loads.
  const require = createRequire(createRequire(import.meta.url).resolve('ari-client'));
  const swagger = require('swagger-client') as Swagger;
  guardHttp(swagger.ShredHttpClient.prototype);
  // It makes a global function of this name, which writes to stdout, where the daemon's log goes.
  (globalThis as { log?: unknown }).log = () => {};
  swagger.authorizations.apply = (request) => {
    const authorization = authorizationOf.get(new URL(request.url).origin);
    if (authorization !== undefined) request.headers['Authorization'] = authorization;
    if (request.url.startsWith('http:')) request.agent = shared;
    return true;
  };
  swagger.SwaggerApi.prototype.fail = function (message) {
    this.failure?.(message);
  };
}

/** Between swagger-client, which throws in its handlers of answers, and the HTTP client below it, which calls them from the socket. */
function guardHttp(prototype: HttpClient): void {
  const execute = prototype.execute;
  prototype.execute = function (this: HttpClient, request) {
    const fail = request.on.error;
    const send = this.shred.request.bind(this.shred);
    this.shred.request = (made) => send(Object.assign(made, { on: guarded(made.on, (error) => fail({ status: 0, data: error.message })) }));
    return execute.call(this, request);
  };
}

function guarded(handlers: Handlers, onError: (error: Error) => void): Handlers {
  const safe: Record<string, (response: never) => void> = { request_error: onError };
  for (const [event, handler] of Object.entries(handlers)) {
    safe[event] = (response) => {
      try {
        handler(response);
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
      }
    };
  }
  return safe;
}
