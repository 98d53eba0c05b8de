/**
 * Who is warned that his balance is low, when, and by what. Pure: the same users and the same span give the same warnings, and
 * each has an occasion that the store takes once.
 */
import { lastDue } from './due.ts';
import type { Decided, DecidedWarning, Delivery, Recipient, Span, WarnedUser, WarningState } from '../store/warnings/rows.ts';

const ADMIN_ID = 0;

function addressesOf(list: string): readonly string[] {
  return list.split(';').map((address) => address.trim()).filter((address) => address !== '');
}

/** Each address once, for the first reason it is there. */
export function deliveriesOf(user: WarnedUser, mail: boolean): readonly Delivery[] {
  const found: Delivery[] = [];
  const add = (recipient: Recipient, list: string): void => {
    for (const address of addressesOf(list)) {
      if (found.some((one) => one.address.toLowerCase() === address.toLowerCase())) continue;
      found.push({ channel: 'mail', recipient, address });
    }
  };
  if (mail) {
    add('user', user.warningEmail === '' ? user.email : user.warningEmail);
    if (user.ownerId === ADMIN_ID) {
      add('admin', user.adminEmail);
      add('accountant', user.accountantEmail);
    } else add('reseller', user.ownerEmail);
  }
  return user.webhook === '' ? found : [...found, { channel: 'webhook', recipient: 'webhook', address: user.webhook }];
}

function same(a: WarningState, b: WarningState): boolean {
  return a.arming === b.arming && a.warned === b.warned && a.version === b.version;
}

/** Once when the balance drops below; armed again when it was above, if only for a moment. */
function decideOnce(user: WarnedUser, deliveries: readonly Delivery[]): Decided {
  const { state, version } = user;
  const below = user.balance < user.threshold;
  const armed = !state.warned || user.rose;
  // Nobody is there to be told: whoever is added later will be.
  const warns = below && armed && deliveries.length > 0;
  const next: WarningState = { arming: warns ? state.arming + 1 : state.arming, warned: warns || (below && !armed), version };
  const warning: DecidedWarning | null = warns ? { mode: 'once', occasion: String(next.arming), deliveries } : null;
  // Who is neither warned nor was needs no state.
  return { user, warning, state: same(state, next) || (!state.warned && !next.warned) ? null : next };
}

/** Every day at the user's hour, while the balance is below. */
function decideDaily(user: WarnedUser, deliveries: readonly Delivery[], { lastMs, nowMs }: Span): Decided {
  const { day, atMs } = lastDue(user.timeZone, user.hour, nowMs);
  const warns = user.balance < user.threshold && atMs > lastMs && deliveries.length > 0;
  return { user, warning: warns ? { mode: 'daily', occasion: day, deliveries } : null, state: user.state.warned ? { ...user.state, warned: false } : null };
}

/** `mail` false: no mail server is set, webhooks alone are served. */
export function decideWarnings(users: readonly WarnedUser[], span: Span, mail: boolean): readonly Decided[] {
  return users.map((user) => {
    const deliveries = deliveriesOf(user, mail);
    return user.mode === 'once' ? decideOnce(user, deliveries) : decideDaily(user, deliveries, span);
  });
}
