/** Who may listen to which call, with which device, and whose side it is. Pure. */
import type { Catalog, Device, User } from './catalog.ts';
import { ADMIN_ID } from './catalog.ts';
import type { Parties } from './plan.ts';

export type SpySide = 'caller' | 'callee';

export interface SpyWish {
  /** User name of whoever wants to listen; '': the admin. */
  readonly as: string;
  /** Endpoint of the device that is to ring. */
  readonly device: string;
  /** The side that hears a whisper; null: that of the asker's own people. */
  readonly side: SpySide | null;
  readonly parties: Parties;
}

export type SpyVerdict =
  | { readonly may: true; readonly asker: User; readonly device: Device; readonly side: SpySide }
  | { readonly may: false; readonly reason: string };

const no = (reason: string): SpyVerdict => ({ may: false, reason });

/** Admin and accountants see everybody; the others themselves and those who belong to them, at whatever depth. */
function sees(catalog: Catalog, asker: User, userId: number | null): boolean {
  if (asker.type === 'admin' || asker.type === 'accountant') return true;
  let at = userId === null ? undefined : catalog.users.get(userId);
  while (at !== undefined && at.id !== ADMIN_ID) {
    if (at.id === asker.id) return true;
    at = catalog.users.get(at.ownerId);
  }
  return false;
}

export function decideSpy(catalog: Catalog, { as, device: endpoint, side, parties }: SpyWish): SpyVerdict {
  const asker = as === '' ? catalog.users.get(ADMIN_ID) : [...catalog.users.values()].find(({ username }) => username === as);
  if (asker === undefined) return no(`There is no user ${as}.`);
  if (asker.blocked) return no(`The user ${as} is blocked.`);
  if (asker.type !== 'admin' && !asker.maySpy) return no(`The user ${as} may not spy on calls: his maySpy is off.`);
  const device = catalog.devicesByEndpoint.get(endpoint);
  if (device === undefined) return no(`There is no device ${endpoint}.`);
  if (device.blocked) return no(`The device ${endpoint} is blocked.`);
  if (!sees(catalog, asker, device.userId)) return no(`The device ${endpoint} is not one of ${as}.`);
  const own = { caller: sees(catalog, asker, parties.userId), callee: sees(catalog, asker, parties.dstUserId) };
  if (!own.caller && !own.callee) return no(`The call is none of ${as}, nor of those who belong to him.`);
  // A caller without a user is a provider's: the side of our own people is the other one.
  const ours: SpySide = own.caller && (parties.userId !== null || parties.dstUserId === null) ? 'caller' : 'callee';
  return { may: true, asker, device, side: side ?? ours };
}
