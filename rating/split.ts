// The split rule: which steps are in force from when on, while a call lasts.

import type { Split, Span } from './rate.ts';
import type { Step } from './step.ts';
import type { TariffTerms } from './tariff-meta.ts';
import { nextEdge } from './window.ts';
import type { TimeWindow } from './window.ts';
import { zoneOf } from './zone.ts';

/** Windows are looked up for two days ahead; whoever talks longer keeps the last one. */
const HORIZON_MS = 172_800_000;
/** Two days cut into more pieces would make a call's record large and no tariff clearer. */
const MAX_SPANS = 64;

export interface SplitSource<Row> {
  readonly terms: TariffTerms;
  readonly windows: readonly TimeWindow[];
  /** The row in force at a moment; null where there is none: then the one before goes on, a call is not cut by a gap. */
  readonly rowAt: (ms: number) => Row | null;
  readonly stepsOf: (row: Row) => readonly Step[];
}

/** null when the price never changes within the horizon. */
export function splitFrom<Row>(source: SplitSource<Row>, first: Row, atMs: number): Split | null {
  const zone = zoneOf(source.terms.timeZone);
  const spans: Span[] = [{ fromMs: atMs, steps: source.stepsOf(first) }];
  let row = first;
  let edgeMs = nextEdge(zone, source.windows, atMs);
  while (edgeMs < atMs + HORIZON_MS && spans.length < MAX_SPANS) {
    const next = source.rowAt(edgeMs);
    if (next !== null && next !== row) {
      row = next;
      spans.push({ fromMs: edgeMs, steps: source.stepsOf(row) });
    }
    edgeMs = nextEdge(zone, source.windows, edgeMs);
  }
  return spans.length === 1 ? null : { startMs: atMs, spans };
}
