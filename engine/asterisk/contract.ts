/**
 * The seam to Asterisk: one contract, two transports (`websocket.ts`, `ari-client.ts`).
 * Raw ARI JSON goes in, these typed events come out; requests go back.
 * Nothing beyond this folder knows how ARI spells anything.
 */

/** What the engine uses of a channel's snapshot. */
export interface Channel {
  readonly id: string;
  /** `PJSIP/<endpoint>-<number>`. */
  readonly name: string;
  readonly endpoint: string;
  readonly state: string;
  readonly callerNumber: string;
  readonly callerName: string;
  /** The account code given to the endpoint when it was pushed. */
  readonly accountCode: string;
  /** What the caller dialled. */
  readonly extension: string;
  readonly context: string;
  /** Stasis application that the channel is in, '' when in none. */
  readonly application: string;
  /** SIP Call-ID, where Asterisk tells it. */
  readonly sipCallId: string;
  /** First codec of the channel, which is the one in use once it is up; '' when `ari.conf` does not tell it. */
  readonly codec: string;
}

interface At {
  /** Asterisk's own timestamp of the event, epoch milliseconds. */
  readonly at: number;
  readonly channelId: string;
}

export type AsteriskEvent =
  | (At & { readonly type: 'stasisStart'; readonly channel: Channel; readonly args: readonly string[] })
  | (At & { readonly type: 'stasisEnd' })
  /** `status` '' is the INVITE going out; then RINGING, PROGRESS, ANSWER. channelId is the dialled leg. */
  | (At & { readonly type: 'dial'; readonly status: string; readonly codec: string })
  | (At & { readonly type: 'stateChange'; readonly state: string; readonly codec: string })
  | (At & { readonly type: 'destroyed'; readonly cause: number; readonly techCause: number | null; readonly state: string })
  | (At & { readonly type: 'dtmf'; readonly digit: string })
  /** channelId is '' when the prompt was played to a bridge. */
  | (At & { readonly type: 'playbackFinished'; readonly playbackId: string; readonly failed: boolean });

/** One REST request; path without `/ari`, already encoded, e.g. `/channels/x/dial`. */
export interface AriRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: unknown;
}

/**
 * A request that brought nothing: refused by Asterisk (its HTTP status), or without an answer (`status` 0: not
 * connected, connection lost, timed out, or too many requests under way). With 0 it may have been carried out.
 */
export class AriError extends Error {
  readonly status: number;
  readonly #request: AriRequest;
  constructor(status: number, message: string, request: AriRequest) {
    super(`${request.method} ${request.path}: ${status} ${message}`);
    this.name = 'AriError';
    this.status = status;
    this.#request = request;
  }

  /** Not a field of its own: a logger writes an error's fields, and a request's body may hold a device's password. */
  get request(): AriRequest {
    return this.#request;
  }
}

export interface AsteriskLink {
  /** The transport in use; before the first connection of an `auto` link: websocket. */
  readonly transport: 'websocket' | 'ari-client';
  /** Asterisk's version, known after the first connection, e.g. `22.10.1`. */
  readonly version: string;
  /** True while the application is registered, filtered, and requests are answered. */
  readonly connected: boolean;
  /** Rejects with AriError; every request ends, by an answer, a timeout or the loss of the connection. */
  request(request: AriRequest): Promise<unknown>;
  /** Carried out one after the other, in this order; a failed one rejects and the later ones are not waited for. The transport may send them all at once where it promises the order. */
  inOrder(requests: readonly AriRequest[]): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

export interface LinkOptions {
  /** `http://host:port`, without `/ari`. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Name of the Stasis application. */
  readonly app: string;
  readonly transport: 'auto' | 'websocket' | 'ari-client';
  readonly requestTimeoutMs: number;
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** How often Asterisk is pinged; a frozen or unreachable one is noticed within interval + timeout. */
  readonly healthIntervalMs?: number;
  /** How long Asterisk may send nothing at all while a ping is unanswered. */
  readonly healthTimeoutMs?: number;
  /** Requests under way at once; the next one fails at once with status 0. */
  readonly maxRequests?: number;
  readonly onEvent: (event: AsteriskEvent) => void;
  /** After every (re)connection, once the event filter is in force. */
  readonly onConnected: () => void;
  readonly onDisconnected: (reason: string) => void;
  readonly log: LinkLog;
}

/** The two levels the seam needs of a pino logger: a sentence and fields. */
export interface LinkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What holds where LinkOptions leaves a setting out. */
export const LINK_DEFAULTS = { healthIntervalMs: 5000, healthTimeoutMs: 5000, maxRequests: 10_000 } as const;
