/** Which LCR serves a call: the user's or that of a localization rule, in its place that of the dynamic blacklist; then by destination. */
import { blacklistLcrId } from '../blacklist.ts';
import type { BlacklistContext, ScoredCall } from '../blacklist.ts';
import type { Catalog, Lcr, User } from '../catalog.ts';
import { lcrForDestination } from './destination.ts';

export interface LcrContext extends Omit<BlacklistContext, 'catalog'> {
  readonly catalog: Catalog;
}

/** An LCR that blocks goes on doing so: bad scores open no door. */
function serves(lcr: Lcr | undefined): boolean {
  return lcr !== undefined && (lcr.providers.length > 0 || lcr.failoverProviderId !== null);
}

/** undefined: none. `lcrId`: the one that he would call by without the blacklist. */
export function chooseLcr(context: LcrContext, user: User, call: ScoredCall, lcrId: number | null): Lcr | undefined {
  const { catalog, explain, scores } = context;
  const base = lcrId === null ? undefined : catalog.lcrs.get(lcrId);
  if (base === undefined) return undefined;
  const mayChange = scores !== null && serves(lcrForDestination(catalog, base, call.number, null));
  const worseId = mayChange ? blacklistLcrId(context, user, call) : null;
  const from = worseId === null ? base : catalog.lcrs.get(worseId);
  return from === undefined ? undefined : lcrForDestination(catalog, from, call.number, explain);
}
