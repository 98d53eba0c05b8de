/** Whose money each price of a call is, and which part of the call it is for: as the engine debits it at the call's end. */
import type { PriceLevel } from '../../engine/call/admission.ts';

export type AccountKind = 'user' | 'provider';

export type PartyColumn = 'user_id' | 'reseller_id' | 'partner_id' | 'provider_id' | 'dst_user_id' | 'did_provider_id';

export interface LevelRule {
  readonly account: AccountKind;
  /** Column of `calls` that names the account. */
  readonly party: PartyColumn;
  /** A provider's account grows by what we owe it; all others pay. */
  readonly balance: 'falls' | 'grows';
  /** A DID's leg is priced by the caller's number, and from the arrival at the switch. */
  readonly leg: 'normal' | 'did';
}

export const LEVEL_RULES: Readonly<Record<PriceLevel, LevelRule>> = {
  user: { account: 'user', party: 'user_id', balance: 'falls', leg: 'normal' },
  reseller: { account: 'user', party: 'reseller_id', balance: 'falls', leg: 'normal' },
  partner: { account: 'user', party: 'partner_id', balance: 'falls', leg: 'normal' },
  provider: { account: 'provider', party: 'provider_id', balance: 'grows', leg: 'normal' },
  did: { account: 'user', party: 'dst_user_id', balance: 'falls', leg: 'did' },
  didIncoming: { account: 'user', party: 'user_id', balance: 'falls', leg: 'did' },
  didProvider: { account: 'provider', party: 'did_provider_id', balance: 'falls', leg: 'did' },
};

/** What the account's balance changes by when a price of the level grows by `difference`. */
export function balanceChange(level: PriceLevel, difference: bigint): bigint {
  return LEVEL_RULES[level].balance === 'falls' ? -difference : difference;
}
