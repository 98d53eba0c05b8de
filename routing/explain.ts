/**
 * What `route` shows: one step for each check, in the order made. On a real call nobody asks,
 * `explain` is null and no text is built.
 */
export interface Step {
  readonly check: string;
  readonly outcome: 'passed' | 'chosen' | 'skipped' | 'refused';
  readonly detail: string;
  /** Hangup cause of a refusal or a passed-over way. */
  readonly cause?: number;
}

export type Explain = ((step: Step) => void) | null;
