/** A link that carries nothing while this daemon may not act. */
import { AriError } from './contract.ts';
import type { AriRequest, AsteriskLink } from './contract.ts';

function refused(request: AriRequest): Promise<never> {
  return Promise.reject(new AriError(0, 'this daemon does not lead', request));
}

export function guarded(link: AsteriskLink, mayAct: () => boolean): AsteriskLink {
  return {
    get transport() {
      return link.transport;
    },
    get version() {
      return link.version;
    },
    get connected() {
      return link.connected;
    },
    request: (request) => (mayAct() ? link.request(request) : refused(request)),
    inOrder: (requests) => {
      const [first] = requests;
      return first === undefined || mayAct() ? link.inOrder(requests) : refused(first);
    },
    close: () => link.close(),
  };
}
