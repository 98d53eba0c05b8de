/** The one question asked before a transport is chosen: is this Asterisk, may we in, and how old is it? */
import { parseBody, refusalText } from './answer.ts';
import { AriError, type AriRequest, type LinkOptions } from './contract.ts';

const INFO: AriRequest = { method: 'GET', path: '/asterisk/info', query: { only: 'system' } };

export function basicAuthorization(options: Pick<LinkOptions, 'username' | 'password'>): string {
  return `Basic ${Buffer.from(`${options.username}:${options.password}`).toString('base64')}`;
}

/** Asterisk's version as it tells it, e.g. `22.10.1+dfsg`. Rejects with AriError. */
export async function askVersion(options: Pick<LinkOptions, 'url' | 'username' | 'password' | 'requestTimeoutMs'>): Promise<string> {
  const { status, body } = await get(options);
  const version = (body as { system?: { version?: unknown } } | undefined)?.system?.version;
  if (typeof version === 'string') return version;
  throw new AriError(status, status === 200 ? 'this is not Asterisk' : refusalText(body, status), INFO);
}

async function get(options: Pick<LinkOptions, 'url' | 'username' | 'password' | 'requestTimeoutMs'>): Promise<{ status: number; body: unknown }> {
  try {
    const response = await fetch(`${options.url}/ari${INFO.path}?only=system`, {
      headers: { authorization: basicAuthorization(options) },
      signal: AbortSignal.timeout(options.requestTimeoutMs),
    });
    return { status: response.status, body: parseBody(await response.text()) };
  } catch (error) {
    // fetch says "fetch failed" and keeps the reason (ECONNREFUSED …) in its cause.
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new AriError(0, cause instanceof Error ? cause.message : String(cause), INFO);
  }
}
