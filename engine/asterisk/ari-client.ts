/** Skeleton; the transport for older Asterisk follows. */
import type { Session, SessionHooks, SessionOptions } from './session.ts';

export function openAriClient(_options: SessionOptions, _hooks: SessionHooks): Promise<Session> {
  return Promise.reject(new Error('not yet'));
}
