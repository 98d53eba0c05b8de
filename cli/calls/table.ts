/** Tables of live calls, and of their counts, that fit the terminal. */
import Table from 'cli-table3';
import { formatMoney } from '../../rating/money.ts';
import type { Money } from '../../rating/money.ts';
import type { Count } from './choose.ts';
import type { CallRow } from './row.ts';

export interface Screen {
  readonly columns: number;
  /** Lines that there is room for. */
  readonly rows: number;
  readonly colours: boolean;
}

interface Column<Row> {
  readonly head: string;
  readonly text: (row: Row) => string;
  /** Numbers and texts of a fixed length are shown whole, others may be cut to this width. */
  readonly least?: number;
  readonly right?: true;
  /** Columns leave in this order, 1 first, where there is no room; without it they stay. */
  readonly leaves?: number;
}

/** Between two columns. */
const GAP = 2;

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function lasting(ms: number): string {
  const total = Math.floor(ms / 1000);
  return `${two(Math.floor(total / 3600))}:${two(Math.floor(total / 60) % 60)}:${two(total % 60)}`;
}

function priceText(price: Money | null): string {
  return price === null ? '?' : formatMoney(price, 4);
}

const CALL_COLUMNS: readonly Column<CallRow>[] = [
  { head: 'since', text: ({ sinceMs }) => lasting(sinceMs) },
  { head: 'state', text: ({ state }) => state },
  { head: 'user', text: ({ user }) => user, least: 8 },
  { head: 'from', text: ({ from }) => from, least: 12, leaves: 5 },
  { head: 'to', text: ({ to }) => to, least: 12 },
  { head: 'DID', text: ({ did }) => did, least: 8, leaves: 3 },
  { head: 'provider', text: ({ provider, device }) => (device === '' ? provider : `(${device})`), least: 8, leaves: 4 },
  { head: 'price', text: ({ price }) => priceText(price), right: true },
  { head: 'server', text: ({ server }) => server, right: true, leaves: 2 },
  { head: 'call', text: ({ callId }) => callId, leaves: 1 },
];

/** Names come from outside: nothing in them may steer the terminal. */
function harmless(text: string): string {
  return text.replaceAll(/\p{C}/gu, '·');
}

interface Laid<Row> {
  readonly column: Column<Row>;
  readonly width: number;
}

const together = (widths: readonly number[]): number => widths.reduce((total, width) => total + width + GAP, -GAP);

/** Columns that are empty go; then those that may leave, until the rest fits at its least; what is too wide then is cut, the widest first. */
function layOut<Row>(columns: readonly Column<Row>[], texts: ReadonlyMap<Column<Row>, readonly string[]>, room: number): readonly Laid<Row>[] {
  const natural = (column: Column<Row>): number => (texts.get(column) ?? []).reduce((most, text) => Math.max(most, text.length), column.head.length);
  let laid: Laid<Row>[] = columns.filter((column) => column.leaves === undefined || (texts.get(column) ?? []).some((text) => text !== '')).map((column) => ({ column, width: natural(column) }));
  const least = (): number => together(laid.map(({ column, width }) => Math.min(width, column.least ?? width)));
  while (least() > room) {
    const [next] = laid.filter(({ column }) => column.leaves !== undefined).sort((a, b) => (a.column.leaves ?? 0) - (b.column.leaves ?? 0));
    if (next === undefined) break;
    laid = laid.filter((one) => one !== next);
  }
  for (let over = together(laid.map(({ width }) => width)) - room; over > 0; over -= 1) {
    const [widest] = laid.filter(({ column, width }) => column.least !== undefined && width > column.least).sort((a, b) => b.width - a.width);
    if (widest === undefined) break;
    laid = laid.map((one) => (one === widest ? { ...one, width: one.width - 1 } : one));
  }
  return laid;
}

const NO_LINES = Object.fromEntries(['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'].map((name) => [name, '']));

function drawn<Row>(columns: readonly Column<Row>[], rows: readonly Row[], screen: Screen): string {
  const texts = new Map(columns.map((column) => [column, rows.map((row) => harmless(column.text(row)))]));
  const laid = layOut(columns, texts, screen.columns);
  const table = new Table({
    head: laid.map(({ column, width }) => cell(column.head, width, column.right)), chars: NO_LINES,
    style: { 'padding-left': 0, 'padding-right': 0, head: screen.colours ? ['bold'] : [], border: [] },
    colWidths: laid.map(({ width }, index) => width + (index === laid.length - 1 ? 0 : GAP)),
    colAligns: laid.map(() => 'left'),
  });
  for (const [index] of rows.entries()) table.push(laid.map(({ column, width }) => cell(texts.get(column)?.[index] ?? '', width, column.right)));
  return table.toString().split('\n').map((line) => line.trimEnd()).join('\n');
}

function cell(text: string, width: number, right?: true): string {
  const fits = text.length > width ? `${text.slice(0, width - 1)}…` : text;
  return right === true ? fits.padStart(width) : fits;
}

/** Head and the two lines below. */
const LINES_AROUND = 3;

/** As many as fit, in their order; below, how many there are. `all`: calls that are up, chosen or not. */
export function callsTable(rows: readonly CallRow[], all: number, screen: Screen): string {
  const shown = rows.slice(0, Math.max(1, screen.rows - LINES_AROUND));
  const table = shown.length === 0 ? '' : `${drawn(CALL_COLUMNS, shown, screen)}\n`;
  return `${table}${summary(rows, all, rows.length - shown.length)}`;
}

function summary(rows: readonly CallRow[], all: number, hidden: number): string {
  const states = new Map<string, number>();
  for (const { state } of rows) states.set(state, (states.get(state) ?? 0) + 1);
  const parts = [...states].sort(([a], [b]) => (a < b ? -1 : 1)).map(([state, calls]) => `${calls} ${harmless(state)}`);
  const of = all === rows.length ? '' : ` of ${all}`;
  const how = parts.length === 0 ? '' : `: ${parts.join(', ')}`;
  return `${rows.length}${of} ${(all === rows.length ? rows.length : all) === 1 ? 'call' : 'calls'}${how}${hidden > 0 ? ` (${hidden} not shown)` : ''}`;
}

/** `what`: what they are counted by. */
export function countsTable(counts: readonly Count[], what: string, screen: Screen): string {
  const columns: readonly Column<Count>[] = [
    { head: what, text: ({ name }) => (name === '' ? '-' : name), least: 8 },
    { head: 'calls', text: ({ calls }) => String(calls), right: true },
    { head: 'dialling', text: ({ dialling }) => String(dialling), right: true, leaves: 2 },
    { head: 'ringing', text: ({ ringing }) => String(ringing), right: true, leaves: 1 },
    { head: 'answered', text: ({ answered }) => String(answered), right: true, leaves: 3 },
    { head: 'price', text: ({ price }) => priceText(price), right: true },
  ];
  const shown = counts.slice(0, Math.max(1, screen.rows - LINES_AROUND));
  const calls = counts.reduce((total, count) => total + count.calls, 0);
  const table = shown.length === 0 ? '' : `${drawn(columns, shown, screen)}\n`;
  const hidden = counts.length - shown.length;
  return `${table}${calls} ${calls === 1 ? 'call' : 'calls'}${hidden > 0 ? ` (${hidden} lines not shown)` : ''}`;
}
