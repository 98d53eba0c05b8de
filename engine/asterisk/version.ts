/** Which Asterisk can answer REST requests on the event WebSocket. Pure. */

/** First release of each branch with REST over WebSocket; branches from 23 on have it from their start. */
const FIRST_WITH_REST: ReadonlyMap<number, number> = new Map([
  [20, 14],
  [21, 9],
  [22, 4],
]);

/** The release out of what Asterisk tells, e.g. `22.10.1+dfsg` or `certified-20.7-cert3`; '' when there is none (`GIT-master-…`). */
export function releaseOf(version: string): string {
  return /\d+\.\d+(\.\d+)?/.exec(version)?.[0] ?? '';
}

export function hasRestOverWebSocket(version: string): boolean {
  const [major, minor] = releaseOf(version).split('.').map(Number);
  // Built from a working copy: newer than any release it does not name.
  if (major === undefined || minor === undefined) return true;
  const first = FIRST_WITH_REST.get(major);
  return first === undefined ? major >= 23 : minor >= first;
}
