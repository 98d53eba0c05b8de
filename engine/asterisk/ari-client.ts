/**
 * The transport for Asterisk older than 20.14, 21.9 and 22.4: events over the WebSocket, each request over HTTP, both
 * through the package `ari-client` (see `ari-package.ts` for how it is kept in check).
 *
 * HTTP promises no order, so `inOrder` awaits one answer after the other. Requests run the package's operations one
 * layer below its public methods, as those turn a refusal into an Error without its HTTP status.
 */
import type { AriRequest } from './contract.ts';
import { loadClient, openEvents, type HttpResponse, type LoadedClient } from './ari-package.ts';
import { Operations } from './ari-operations.ts';
import { parseBody, refusalText } from './answer.ts';
import { watchSocket } from './event-socket.ts';
import { PendingRequests } from './pending-requests.ts';
import type { Session, SessionHooks, SessionOptions } from './session.ts';

export async function openAriClient(options: SessionOptions, hooks: SessionHooks): Promise<Session> {
  const client = await loadClient(options);
  // Only the global listener: those of single channels cost the package a scan for each event.
  client.on('*', hooks.onEvent);
  return new Promise((resolve, reject) => {
    openEvents(client, options, {
      onFail: reject,
      onBad: hooks.onMalformed,
      onOpen: (socket) => {
        const pending = new PendingRequests(options.requestTimeoutMs, options.maxRequests);
        const watched = watchSocket(socket, options, (reason) => {
          pending.close(reason);
          hooks.onClosed(reason);
        });
        resolve({ ...requestsOf(client, pending), close: () => watched.close() });
      },
    });
  });
}

function requestsOf(client: LoadedClient, pending: PendingRequests): Pick<Session, 'request' | 'inOrder'> {
  const operations = new Operations(client._swagger.apis);
  const send = (id: string, each: AriRequest): void => {
    const found = operations.find(each);
    if (found === undefined) return pending.refuse(id, 405, 'this Asterisk has no such operation');
    const body = each.body === undefined ? {} : { body: JSON.stringify(each.body) };
    const settle = (response: HttpResponse): void => settleRequest(pending, id, response);
    found.operation.do({ ...found.parameters, ...each.query, ...body }, settle, settle);
  };
  const request = (each: AriRequest): Promise<unknown> => pending.start(each, (id) => send(id, each));
  const inOrder = async (requests: readonly AriRequest[]): Promise<readonly unknown[]> => {
    const results: unknown[] = [];
    for (const each of requests) results.push(await request(each));
    return results;
  };
  return { request, inOrder };
}

function settleRequest(pending: PendingRequests, id: string, response: HttpResponse): void {
  // The package hands JSON over as the bytes that came.
  const body = parseBody(Buffer.isBuffer(response.data) ? response.data.toString('utf8') : response.data);
  if (response.status >= 200 && response.status < 300) pending.answer(id, body);
  else pending.refuse(id, response.status, refusalText(body, `HTTP ${response.status}`));
}
