/**
 * Which DID a dialled number belongs to: an exact DID before a wildcard, the longest wildcard first
 * (DID Management, "DID Wildcard").
 */
import type { Did } from './catalog.ts';

export interface DidIndex {
  readonly exact: ReadonlyMap<string, Did>;
  /** Wildcards by what stands before their `*`. */
  readonly wildcards: ReadonlyMap<string, Did>;
  /** Lengths that occur in `wildcards`, longest first. */
  readonly lengths: readonly number[];
  readonly byId: ReadonlyMap<number, Did>;
}

/** Digits, then digits or letters; a wildcard ends in one `*`. */
const FORM = /^[0-9][0-9A-Za-z]*\*?$/;

/** Somebody else's server as the target of a DID: `SIP/number@host` or `SIP/number@host:port`. */
export const EXTERNAL_TARGET = /^SIP\/([0-9A-Za-z+*#._-]{1,40})@([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?(?::[0-9]{1,5})?)$/;

/** Why this text cannot be a DID, or null. */
export function didProblem(text: string): string | null {
  if (text.length > 40) return 'a DID has at most 40 characters';
  if (FORM.test(text)) return null;
  if (/^[A-Za-z]/.test(text)) return 'a DID begins with a digit';
  if (text.includes('*')) return 'a wildcard `*` stands once, at the end';
  return 'a DID holds only 0-9, a-z, A-Z';
}

export function buildDidIndex(dids: Iterable<Did>): DidIndex {
  const exact = new Map<string, Did>();
  const wildcards = new Map<string, Did>();
  const byId = new Map<number, Did>();
  const lengths = new Set<number>();
  for (const did of dids) {
    byId.set(did.id, did);
    // A terminated DID is kept for history only; its number may be bought again.
    if (did.status === 'terminated') continue;
    if (did.did.endsWith('*')) {
      const stem = did.did.slice(0, -1);
      wildcards.set(stem, did);
      lengths.add(stem.length);
    } else {
      exact.set(did.did, did);
    }
  }
  return { exact, wildcards, byId, lengths: [...lengths].sort((a, b) => b - a) };
}

/** Outside its active period a DID does not exist. */
function inForce(did: Did | undefined, atMs: number): did is Did {
  if (did === undefined) return false;
  if (did.activeFromMs !== null && atMs < did.activeFromMs) return false;
  return did.activeTillMs === null || atMs < did.activeTillMs;
}

export function findDid(index: DidIndex, number: string, atMs: number): Did | undefined {
  const exact = index.exact.get(number);
  if (inForce(exact, atMs)) return exact;
  for (const length of index.lengths) {
    // A wildcard stands for at least one character.
    if (length >= number.length) continue;
    const did = index.wildcards.get(number.slice(0, length));
    if (inForce(did, atMs)) return did;
  }
  return undefined;
}
