/**
 * Asks an Asterisk over plain HTTP, without registering the application, which would take the calls from an engine that is
 * running: for `doctor`, and for what must not wait behind the orders of calls.
 */
import { parseBody, refusalText } from './answer.ts';
import { basicAuthorization } from './http.ts';
import { releaseOf } from './version.ts';

export interface AsteriskAddress {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly timeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Rejects with the network's reason when there is no answer. */
async function ask(address: AsteriskAddress, method: string, path: string, body?: unknown): Promise<Answer> {
  try {
    const response = await fetch(`${address.url}/ari${path}`, {
      method,
      headers: { authorization: basicAuthorization(address), 'content-type': 'application/json' },
      signal: AbortSignal.timeout(address.timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const parsed = parseBody(await response.text());
    return { status: response.status, body: typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {} };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw cause instanceof Error ? cause : new Error(String(cause), { cause: error });
  }
}

/** Version, or why it is not told: `status` 401 means wrong user or password. */
export async function askInfo(address: AsteriskAddress): Promise<{ readonly version: string } | { readonly status: number; readonly reason: string }> {
  const { status, body } = await ask(address, 'GET', '/asterisk/info?only=system');
  const version = (body['system'] as { version?: unknown } | undefined)?.version;
  return typeof version === 'string' ? { version: releaseOf(version) } : { status, reason: refusalText(body, status) };
}

/** A global variable or function; '' when it has no value. */
export async function globalVariable(address: AsteriskAddress, name: string): Promise<string> {
  const { body } = await ask(address, 'GET', `/asterisk/variable?variable=${encodeURIComponent(name)}`);
  return typeof body['value'] === 'string' ? body['value'] : '';
}

/** For all channels to come, until Asterisk restarts. Rejects when it was not set. */
export async function setGlobalVariable(address: AsteriskAddress, name: string, value: number): Promise<void> {
  const { status, body } = await ask(address, 'POST', `/asterisk/variable?variable=${encodeURIComponent(name)}&value=${value}`);
  if (status >= 300) throw new Error(`${name} was not set: ${refusalText(body, status)}`);
}

/** Names of the modules that are not running among those asked for. */
export async function missingModules(address: AsteriskAddress, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map(async (name) => ({ name, answer: await ask(address, 'GET', `/asterisk/modules/${encodeURIComponent(name)}`) })));
  return found.filter(({ answer }) => answer.status !== 200 || answer.body['status'] !== 'Running').map(({ name }) => name);
}

/** Endpoints that Asterisk does not know among those asked for. */
export async function missingEndpoints(address: AsteriskAddress, names: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(names.map(async (name) => ({ name, answer: await ask(address, 'GET', `/endpoints/PJSIP/${encodeURIComponent(name)}`) })));
  return found.filter(({ answer }) => answer.status !== 200).map(({ name }) => name);
}

/** True while an engine is attached under this application's name. */
export async function isAttended(address: AsteriskAddress, app: string): Promise<boolean> {
  return (await ask(address, 'GET', `/applications/${encodeURIComponent(app)}`)).status === 200;
}

const PROBE = '/asterisk/config/dynamic/res_pjsip/aor/tollgate-doctor';

/** Pushes a harmless object and takes it back; '' when that works, else Asterisk's reason. */
export async function pushProblem(address: AsteriskAddress): Promise<string> {
  const put = await ask(address, 'PUT', PROBE, { fields: [{ attribute: 'max_contacts', value: '1' }] });
  if (put.status !== 200) return refusalText(put.body, put.status);
  const taken = await ask(address, 'DELETE', PROBE);
  return taken.status < 300 ? '' : refusalText(taken.body, taken.status);
}
