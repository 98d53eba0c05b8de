/** What really happened, as the scripted Asterisk alone knows it. Moments are its stamps, whole ms. */

export type EndedBy = 'far end' | 'order' | 'limit' | 'death';

export interface LegTruth {
  readonly id: string;
  /** Of a provider or of a device. */
  readonly endpoint: string;
  dialledMs: number | null;
  rangMs: number | null;
  answeredMs: number | null;
  endedMs: number | null;
  endedBy: EndedBy | null;
}

export interface CallTruth {
  /** As the product names it: server and channel. */
  readonly id: string;
  readonly endpoint: string;
  readonly dialled: string;
  readonly arrivedMs: number;
  answeredMs: number | null;
  endedMs: number | null;
  endedBy: EndedBy | null;
  readonly legs: LegTruth[];
  /** Something failed while it lasted, or nobody can say that nothing did. */
  disturbed: boolean;
  /** The event log has lost a line of it. */
  unwitnessed: boolean;
}
