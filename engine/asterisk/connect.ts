/**
 * The link to one Asterisk: connects in the background, for ever. One session at a time; when it ends, the next
 * one is opened after a back-off.
 */
import { openAriClient } from './ari-client.ts';
import { backOffMs } from './back-off.ts';
import { monotonicMs, sleep, wallMs } from './clock.ts';
import { AriError, LINK_DEFAULTS, type AriRequest, type AsteriskLink, type LinkOptions } from './contract.ts';
import { putEventFilter } from './event-filter.ts';
import { isKnownUnused, isReplaced, parseEvent } from './events.ts';
import { askVersion } from './http.ts';
import { limitedWarn, type Warn } from './log-limit.ts';
import type { OpenSession, Session, SessionOptions } from './session.ts';
import { hasRestOverWebSocket, releaseOf } from './version.ts';
import { openWebSocket } from './websocket.ts';

/** Why a session ended that another one of the same application took the place of. */
export const REPLACED = 'another engine has taken over this application';

/** Events that come between the handshake and the filter wait for onConnected; more of them end the session. */
const MAX_HELD_EVENTS = 10_000;

/** Returns at once. Nothing it does ever rejects or throws later on its own: all is told through the callbacks. */
export function connectAsterisk(options: LinkOptions): AsteriskLink {
  return new Link({ ...LINK_DEFAULTS, ...options });
}

class Link implements AsteriskLink {
  transport: 'websocket' | 'ari-client';
  version = '';
  connected = false;
  readonly #options: SessionOptions;
  readonly #warnBadEvent: Warn;
  readonly #warnListener: Warn;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #session: Session | undefined;
  /** Why this side ends the session; undefined while it does not. */
  #leavingBecause: string | undefined;
  #connectedAtMs: number | undefined;
  /** Events that wait for onConnected. */
  #held: unknown[] | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.transport = options.transport === 'auto' ? 'websocket' : options.transport;
    const limit = { log: options.log, lines: 10, windowMs: 60_000, now: monotonicMs };
    this.#warnBadEvent = limitedWarn(limit);
    this.#warnListener = limitedWarn(limit);
    this.#ended = this.#run();
  }

  request(request: AriRequest): Promise<unknown> {
    return this.#session?.request(request) ?? Promise.reject(notConnected(request));
  }

  inOrder(requests: readonly AriRequest[]): Promise<readonly unknown[]> {
    const [first] = requests;
    if (first === undefined) return Promise.resolve([]);
    return this.#session?.inOrder(requests) ?? Promise.reject(notConnected(first));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#session?.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      this.#connectedAtMs = undefined;
      const reason = await this.#connectOnce().catch(reasonOf);
      if (signal.aborted) return;
      // A connection that lasted is no failed try. One that did not (refused, or taken over at once by another
      // engine of the same application) keeps the back-off growing, so that two engines do not fight at full speed.
      if (this.#connectedAtMs !== undefined && monotonicMs() - this.#connectedAtMs > this.#options.reconnectMaxMs) attempt = 0;
      const waitMs = backOffMs({ minMs: this.#options.reconnectMinMs, maxMs: this.#options.reconnectMaxMs }, attempt, Math.random());
      this.#options.log.warn({ url: this.#options.url, reason, attempt, waitMs }, 'asterisk is not connected, next try after a pause');
      await sleep(waitMs, signal);
    }
  }

  /** One session from its opening to its end; the result is why it ended. */
  async #connectOnce(): Promise<string> {
    const open = await this.#chooseTransport();
    this.#leavingBecause = undefined;
    this.#held = [];
    let entered: Promise<void> = Promise.resolve();
    const reason = await new Promise<string>((resolve, reject) => {
      open(this.#options, {
        onEvent: (raw) => this.#receive(raw),
        onMalformed: (problem) => this.#warnBadEvent({ problem }, 'a message of asterisk is not JSON'),
        onClosed: resolve,
      }).then((session) => (entered = this.#enter(session)), reject);
    });
    this.#session = undefined;
    await entered;
    if (this.connected) {
      this.connected = false;
      this.#tell(() => this.#options.onDisconnected(this.#leavingBecause ?? reason));
    }
    return this.#leavingBecause ?? reason;
  }

  async #chooseTransport(): Promise<OpenSession> {
    const version = await askVersion(this.#options);
    this.version = releaseOf(version) || version;
    const wanted = this.#options.transport;
    this.transport = wanted !== 'auto' ? wanted : hasRestOverWebSocket(version) ? 'websocket' : 'ari-client';
    return this.transport === 'websocket' ? openWebSocket : openAriClient;
  }

  /** From an open session to a usable one: filter, then the owner is told, then the events that waited. */
  async #enter(session: Session): Promise<void> {
    this.#session = session;
    try {
      await session.request(putEventFilter(this.#options.app));
    } catch (error) {
      await this.#leave(reasonOf(error));
    }
    if (this.#closing.signal.aborted) await this.#leave('closed by us');
    // Both may have happened meanwhile: the end of the session, or a reason to leave it.
    if (this.#session !== session || this.#leavingBecause !== undefined) return;
    this.connected = true;
    this.#connectedAtMs = monotonicMs();
    this.#options.log.info({ url: this.#options.url, version: this.version, transport: this.transport }, 'asterisk is connected');
    this.#tell(() => this.#options.onConnected());
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const raw of held) this.#deliver(raw);
  }

  async #leave(reason: string): Promise<void> {
    this.#leavingBecause ??= reason;
    await this.#session?.close();
  }

  #receive(raw: unknown): void {
    if (isReplaced(raw, this.#options.app)) {
      this.#options.log.warn({ app: this.#options.app }, 'another engine has taken over this application');
      void this.#leave(REPLACED);
    } else if (this.#held === undefined) {
      this.#deliver(raw);
    } else if (this.#held.length < MAX_HELD_EVENTS) {
      this.#held.push(raw);
    } else {
      void this.#leave(`more than ${MAX_HELD_EVENTS} events before the filter was in force`);
    }
  }

  #deliver(raw: unknown): void {
    const event = parseEvent(raw, wallMs());
    if (event === undefined) {
      if (!isKnownUnused(raw)) this.#warnBadEvent({ event: shortOf(raw) }, 'an event of asterisk is unknown or malformed, left out');
      return;
    }
    this.#tell(() => this.#options.onEvent(event));
  }

  /** A listener's fault is logged and ends nothing, even if the listener turned out to be asynchronous. */
  #tell(listener: () => unknown): void {
    const onFault = (error: unknown): void => this.#warnListener({ err: error }, 'a listener of the asterisk link failed');
    try {
      const result = listener();
      if (result instanceof Promise) result.catch(onFault);
    } catch (error) {
      onFault(error);
    }
  }
}

function notConnected(request: AriRequest): AriError {
  return new AriError(0, 'asterisk is not connected', request);
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Enough of a bad event to recognise it, not enough to flood the log. */
function shortOf(raw: unknown): string {
  return (JSON.stringify(raw) ?? '').slice(0, 200);
}
