/**
 * Who stands above a user: his reseller, and above that a partner. Each level is priced by the tariff that its
 * own owner gave it.
 */
import { ADMIN_ID } from './catalog.ts';
import type { Catalog, User } from './catalog.ts';

export interface Chain {
  readonly user: User;
  readonly reseller: User | null;
  readonly partner: User | null;
}

function owner(catalog: Catalog, user: User): User | null {
  return user.ownerId === ADMIN_ID ? null : (catalog.users.get(user.ownerId) ?? null);
}

export function chainOf(catalog: Catalog, user: User): Chain {
  const above = owner(catalog, user);
  if (above === null) return { user, reseller: null, partner: null };
  if (above.type === 'partner') return { user, reseller: null, partner: above };
  const top = owner(catalog, above);
  return { user, reseller: above, partner: top !== null && top.type === 'partner' ? top : null };
}

/** The cause that refuses all calls of this chain, or 0. */
export function blockedCause(chain: Chain): number {
  if (chain.user.blocked) return 201;
  if (chain.reseller?.blocked === true) return 202;
  return chain.partner?.blocked === true ? 250 : 0;
}
