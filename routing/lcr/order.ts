/** A provider that may be used for this call, with the place it has in its LCR. */
import type { LcrProvider, Provider } from '../catalog.ts';
import type { Money } from '../../rating/money.ts';
import type { Rate } from '../../rating/rate.ts';

export interface Candidate {
  readonly provider: Provider;
  readonly place: LcrProvider;
  readonly rate: Rate;
  readonly perMinute: Money;
  /** In the provider's form. */
  readonly dialled: string;
}
