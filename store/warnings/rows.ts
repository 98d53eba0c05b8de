/** What warnings of low balances are decided by, and what came of them. */
import type { Money } from '../../rating/money.ts';

/** A user who wants to be warned, and is below his threshold or was warned before. */
export interface WarnedUser {
  readonly id: number;
  readonly balance: Money;
  /** Of the balance. */
  readonly version: number;
  readonly threshold: Money;
  readonly mode: 'once' | 'daily';
  /** Of his day. */
  readonly hour: number;
  readonly timeZone: string;
  /** Addresses apart by semicolons, '' none; the first is the warning's own. */
  readonly warningEmail: string;
  readonly email: string;
  /** '': none. */
  readonly webhook: string;
  readonly ownerId: number;
  readonly ownerEmail: string;
  readonly adminEmail: string;
  readonly accountantEmail: string;
  readonly state: WarningState;
  /** The balance was not below the threshold at some time since `state`. */
  readonly rose: boolean;
}

export interface WarningState {
  /** Warnings of mode `once` so far. */
  readonly arming: number;
  readonly warned: boolean;
  readonly version: number;
}

export type Recipient = 'user' | 'admin' | 'accountant' | 'reseller' | 'webhook';

export interface Delivery {
  readonly channel: 'mail' | 'webhook';
  readonly recipient: Recipient;
  /** A mail address, or a URL. */
  readonly address: string;
}

export interface DecidedWarning {
  readonly mode: 'once' | 'daily';
  /** Number of the arming, or the day. */
  readonly occasion: string;
  readonly deliveries: readonly Delivery[];
}

export interface Decided {
  readonly user: WarnedUser;
  readonly warning: DecidedWarning | null;
  /** null: as it was. */
  readonly state: WarningState | null;
}

/** The moments between which a sweep looks for what fell due: after `lastMs`, up to `nowMs`. */
export interface Span {
  readonly lastMs: number;
  readonly nowMs: number;
}

export type TemplateName = 'warning_balance_email' | 'warning_balance_email_local';

export interface Template {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** One mail or request that is to be sent, with all that stands in it. */
export interface OpenDelivery extends Delivery {
  readonly id: string;
  readonly userId: number;
  readonly username: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly currency: string;
  readonly timeZone: string;
  readonly balance: Money;
  readonly threshold: Money;
  /** When the warning was decided. */
  readonly atMs: number;
  readonly attempts: number;
  readonly template: Template;
}
