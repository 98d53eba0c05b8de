/** What the engine tells whoever measures it. Durations are milliseconds. */
import type { Cdr } from './call/admission.ts';

export interface Meter {
  /** The engine attached to an Asterisk. */
  attached(serverId: number): void;
  /** A caller came. */
  arrived(serverId: number): void;
  /** From his coming to his refusal, or to the question whether he may be admitted. */
  decided(tookMs: number): void;
  /** The store has answered that question. */
  admitted(tookMs: number): void;
  /** All rows of a call, when it is over. */
  ended(cdrs: readonly Cdr[]): void;
}

function nothing(): void {
  // Nobody measures.
}

export const NO_METER: Meter = { attached: nothing, arrived: nothing, decided: nothing, admitted: nothing, ended: nothing };

/** Where a call stands, in the words of operators. */
export type LiveState = 'admitting' | 'announcing' | 'dialling' | 'ringing' | 'answered';

/** Of the calls that a daemon leads on one Asterisk. */
export interface CallFigures {
  readonly serverId: number;
  /** `dialplan`: those that come by FastAGI, which Asterisk dials itself. */
  readonly calls: Readonly<Record<LiveState | 'dialplan', number>>;
  /** Holds of money: one of each payer of each call, those of the dialplan apart. */
  readonly reservations: number;
}
