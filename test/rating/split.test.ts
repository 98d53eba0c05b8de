import t from 'tap';
import { minuteStep } from '../../rating/step.ts';
import type { Step } from '../../rating/step.ts';
import { splitFrom } from '../../rating/split.ts';
import type { SplitSource } from '../../rating/split.ts';
import { tariffTerms } from '../../rating/tariff-meta.ts';
import { timeWindow } from '../../rating/window.ts';

const HOUR_MS = 3_600_000;
const MIDNIGHT = Date.UTC(2026, 6, 15);
const stepsOf = (row: number): readonly Step[] => [minuteStep(0, null, { rate: BigInt(row) })];

/** A row for each moment; windows begin and end at every full hour that is named. */
function source(hours: readonly number[], rowAt: (hour: number) => number | null): SplitSource<number> {
  const windows = hours.map((hour) => timeWindow({ startTime: `${String(hour).padStart(2, '0')}:00` }));
  return { terms: tariffTerms({ tariffId: 1 }), windows, rowAt: (ms) => rowAt((ms - MIDNIGHT) / HOUR_MS), stepsOf };
}

function spans(from: SplitSource<number>, first: number, hour: number): [hour: number, rate: number][] {
  return (splitFrom(from, first, MIDNIGHT + hour * HOUR_MS)?.spans ?? []).map(({ fromMs, steps }) => [(fromMs - MIDNIGHT) / HOUR_MS, Number(steps[0]?.rate)]);
}

t.test('each change of the row within two days begins a span, the end of them not included', (t) => {
  t.strictSame(spans(source([8, 20], (hour) => (hour % 24 >= 8 && hour % 24 < 20 ? 1 : 2)), 1, 12), [[12, 1], [20, 2], [32, 1], [44, 2], [56, 1]]);
  t.strictSame(spans(source([12], (hour) => Math.floor(hour / 12)), 0, 0), [[0, 0], [12, 1], [24, 2], [36, 3]], 'hour 48 is no longer looked at');
  t.end();
});

t.test('an edge without another row begins nothing, and a moment without a row leaves the one before', (t) => {
  t.equal(splitFrom(source([8, 20], () => 5), 5, MIDNIGHT), null);
  t.equal(splitFrom(source([8, 20], () => null), 5, MIDNIGHT), null);
  t.strictSame(spans(source([8, 20], (hour) => (hour < 20 ? null : hour < 30 ? 7 : null)), 5, 0), [[0, 5], [20, 7]]);
  t.strictSame(spans(source([8, 20], (hour) => (hour === 8 ? null : 7)), 7, 0), [], 'the same row again behind the gap');
  t.end();
});

t.test('the call begins in the first span', (t) => {
  t.match(splitFrom(source([8], (hour) => hour), 0, MIDNIGHT), { startMs: MIDNIGHT, spans: [{ fromMs: MIDNIGHT }, { fromMs: MIDNIGHT + 8 * HOUR_MS }] });
  t.end();
});

t.test('a call is cut into 64 pieces at most', (t) => {
  const quarters = Array.from({ length: 96 }, (_, n) => timeWindow({ startTime: `${String(Math.floor(n / 4)).padStart(2, '0')}:${String((n % 4) * 15).padStart(2, '0')}` }));
  const many: SplitSource<number> = { terms: tariffTerms({ tariffId: 1 }), windows: quarters, rowAt: (ms) => ms, stepsOf: (row) => stepsOf(row % 1000) };
  t.equal(splitFrom(many, 0, MIDNIGHT)?.spans.length, 64);
  t.end();
});
