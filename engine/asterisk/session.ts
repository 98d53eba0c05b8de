/** One connection to Asterisk, from its handshake to its end. `connect.ts` opens the next one. */
import type { AriRequest, LinkOptions } from './contract.ts';

export interface Session {
  request(request: AriRequest): Promise<unknown>;
  inOrder(requests: readonly AriRequest[]): Promise<readonly unknown[]>;
  /** Says goodbye with a close frame (Asterisk warns in its log otherwise); resolves when the socket is gone. */
  close(): Promise<void>;
}

export interface SessionHooks {
  /** Each event as Asterisk's JSON, decoded; nothing is known of its shape. */
  readonly onEvent: (raw: unknown) => void;
  /** A message that is not JSON. */
  readonly onMalformed: (reason: string) => void;
  /** Exactly once, after the session had been opened; all its requests have failed before. */
  readonly onClosed: (reason: string) => void;
}

/** The options with every setting filled in. */
export type SessionOptions = Required<LinkOptions>;

/** Resolves once the event socket is open; rejects when it cannot be opened in time. */
export type OpenSession = (options: SessionOptions, hooks: SessionHooks) => Promise<Session>;
