/** One price that changes: what stands in the CDR and the ledger now, and what will. */
import type { CdrPrice, PriceLevel } from '../../engine/call/admission.ts';
import type { Money } from '../../rating/money.ts';
import type { CallKey, RecordedCall, RecordedLevel } from './rows.ts';

export interface Change {
  readonly key: CallKey;
  readonly level: PriceLevel;
  readonly accountId: number;
  readonly before: RecordedLevel;
  readonly after: CdrPrice;
  /** Where the call went, for whoever reads the differences. */
  readonly destination: string;
}

export function difference({ before, after }: Pick<Change, 'before' | 'after'>): Money {
  return after.price - before.price;
}

/** Destination by name and prefix; of a DID's leg, whose prefix is the caller's, the DID. */
export function destinationOf(call: RecordedCall, after: CdrPrice, isDid: boolean, names: ReadonlyMap<number, { readonly name: string }>): string {
  if (isDid) return `DID ${call.prefix}`;
  const { destinationId } = after.captured as { destinationId?: number };
  const name = destinationId === undefined ? undefined : names.get(destinationId)?.name;
  if (name === undefined) return after.prefix === '' ? 'any number' : after.prefix;
  return `${name} (${after.prefix})`;
}
