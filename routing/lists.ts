/**
 * Static black and white lists over number pools (User Details, "Blacklists / Whitelists"). The lists of the admin's own
 * account are the global ones: everybody is his.
 */
import { ADMIN_ID, BANNED_POOL_ID } from './catalog.ts';
import type { Catalog, Did, NumberList, User } from './catalog.ts';
import type { Explain } from './explain.ts';
import { hangupCause } from './hangup-causes.ts';
import { isInPool, matchPool } from './number-pool.ts';
import type { NumberPool } from './number-pool.ts';

export interface ListCauses {
  readonly blacklisted: number;
  readonly notWhitelisted: number;
}

export interface ListContext {
  readonly catalog: Pick<Catalog, 'pools' | 'users'>;
  readonly explain: Explain;
}

const USER_SOURCE: ListCauses = { blacklisted: 262, notWhitelisted: 263 };
const USER_DESTINATION: ListCauses = { blacklisted: 255, notWhitelisted: 256 };
const GLOBAL_SOURCE: ListCauses = { blacklisted: 277, notWhitelisted: 278 };
const GLOBAL_DESTINATION: ListCauses = { blacklisted: 279, notWhitelisted: 280 };
const BANNED_LIST: NumberList = { mode: 'blacklist', poolId: BANNED_POOL_ID };
const BANNED: ListCauses = { blacklisted: 225, notWhitelisted: 225 };
const DID_SOURCE: ListCauses = { blacklisted: 283, notWhitelisted: 283 };
const PROVIDER_DESTINATION: ListCauses = { blacklisted: 281, notWhitelisted: 282 };

function tell(explain: Explain, pool: NumberPool | undefined, number: string, cause: number): void {
  if (explain === null) return;
  const entry = pool === undefined ? undefined : matchPool(pool, number);
  const where = pool === undefined ? 'its pool is lost' : `${number} is ${entry === undefined ? 'not in' : `${entry} of`} pool ${pool.name}`;
  explain(cause === 0 ? { check: 'list', outcome: 'passed', detail: where } : { check: 'list', outcome: 'refused', detail: `${where}: ${hangupCause(cause).sentence}`, cause });
}

/** The hangup cause that the list raises for this number; 0: it passes. A list whose pool is missing refuses: a lost whitelist must not open the door. */
export function listRefusal({ catalog, explain }: ListContext, list: NumberList, number: string, causes: ListCauses): number {
  if (list.mode === 'no') return 0;
  const pool = list.poolId === null ? undefined : catalog.pools.get(list.poolId);
  const isRefused = pool === undefined || isInPool(pool, number) === (list.mode === 'blacklist');
  const cause = list.mode === 'blacklist' ? causes.blacklisted : causes.notWhitelisted;
  tell(explain, pool, number, isRefused ? cause : 0);
  return isRefused ? cause : 0;
}

/** What refuses a call between any two numbers: a banned caller, and the global lists. */
export function globalRefusal(context: ListContext, src: string, number: string): number {
  const { users, pools } = context.catalog;
  const banned = pools.has(BANNED_POOL_ID) ? listRefusal(context, BANNED_LIST, src, BANNED) : 0;
  const admin = users.get(ADMIN_ID);
  if (banned !== 0 || admin === undefined) return banned;
  return listRefusal(context, admin.sourceList, src, GLOBAL_SOURCE) || listRefusal(context, admin.destinationList, number, GLOBAL_DESTINATION);
}

/** What the user may send from and call to. A source whitelist only limits what he receives. */
export function senderRefusal(context: ListContext, user: User, src: string, number: string): number {
  const asSender = user.sourceList.mode === 'blacklist' ? listRefusal(context, user.sourceList, src, USER_SOURCE) : 0;
  return asSender || listRefusal(context, user.destinationList, number, USER_DESTINATION);
}

/** From whom the user may be called. */
export function receiverRefusal(context: ListContext, user: User, src: string): number {
  return listRefusal(context, user.sourceList, src, USER_SOURCE);
}

/** From whom the DID may be called. */
export function didRefusal(context: ListContext, did: Did, src: string): number {
  return listRefusal(context, { mode: did.sourcePoolId === null ? 'no' : 'blacklist', poolId: did.sourcePoolId }, src, DID_SOURCE);
}

/** Why a provider is passed over for this number. Told by whoever passes over. */
export function providerRefusal(catalog: ListContext['catalog'], list: NumberList, number: string): number {
  return listRefusal({ catalog, explain: null }, list, number, PROVIDER_DESTINATION);
}
