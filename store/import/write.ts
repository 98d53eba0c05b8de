/** A read tenant into Postgres, inside the caller's transaction. */
import type { Client } from 'pg';
import { loadRates } from './load-rates.ts';
import type { RatesContext } from './load-rates.ts';
import { didYouMean, shown } from './problem.ts';
import type { Problems } from './problem.ts';
import type { Entry, Ref, Row, Tenant } from './read.ts';
import { overlaps } from './overlap.ts';
import { Dependent, rowReason } from './row-reason.ts';
import { CHILD_TABLES, destinationGroups, findIds, insertRow, pruneChildren, replaceClis, replaceFurtherDevices, replaceNumbers, someNames, updateRow, upsertChild } from './rows-sql.ts';
import type { Cells, ChildTable, Id, Outcome } from './rows-sql.ts';
import { SECTION_NAMES } from './sections.ts';
import type { SectionName } from './sections.ts';

/** `removed` is told of a price list only: a tenant file removes no row. */
export type Counts = Record<Outcome, number> & { removed?: number };
/** Rows by section; rates of all tariffs together. */
export type Report = Partial<Record<SectionName | 'rates', Counts>>;

export interface WriteContext extends RatesContext {
  readonly client: Client;
  readonly file: string;
  readonly problems: Problems;
  /** Ask each row with a safety net, so that all broken rows are found; slower, hence only after one was found. */
  readonly careful: boolean;
  /** Numbers of the files that pools name, by the entry's path. */
  readonly poolFiles: ReadonlyMap<string, readonly string[]>;
}

type Ids = Map<SectionName, Map<string, Id>>;

interface Work {
  readonly ids: Ids;
  readonly outcomes: Map<Entry, Outcome>;
  readonly rates: Counts;
}

/** LCRs come before providers only as names: their providers and the failover follow when all are there. */
const LATER: Partial<Record<SectionName, readonly string[]>> = { lcrs: ['failover_provider_id'] };
const USER_RANK: Readonly<Record<string, number>> = { accountant: 0, partner: 0, reseller: 1 };

export async function writeTenant(context: WriteContext, tenant: Tenant): Promise<Report> {
  const ids = await knownIds(context, tenant);
  await checkRefs(context, tenant, ids);
  checkLcrs(context, tenant, ids);
  context.problems.throwIfAny();
  const work: Work = { ids, outcomes: new Map(), rates: { added: 0, changed: 0, unchanged: 0 } };
  for (const section of SECTION_NAMES) {
    for (const entry of inOrder(section, tenant.get(section) ?? [])) {
      const outcome = await guarded(context, entry, async () => writeEntry(context, entry, work));
      if (outcome !== null) work.outcomes.set(entry, outcome);
    }
    if (section === 'providers') await writeLater(context, tenant.get('lcrs') ?? [], work, writeMembers);
  }
  await writeLater(context, tenant.get('locations') ?? [], work, writeLocationRules);
  return reportOf(work);
}

function reportOf({ outcomes, rates }: Work): Report {
  const report: Report = {};
  for (const [entry, outcome] of outcomes) {
    const counts = (report[entry.section] ??= { added: 0, changed: 0, unchanged: 0 });
    counts[outcome] += 1;
  }
  if (rates.added + rates.changed + rates.unchanged > 0) report.rates = rates;
  return report;
}

function rank(entry: Entry): number {
  return USER_RANK[String(entry.columns.get('type')?.value)] ?? 2;
}

/** Owners before those they own. */
function inOrder(section: SectionName, entries: readonly Entry[]): readonly Entry[] {
  if (section !== 'users') return entries;
  return [...entries].sort((a, b) => rank(a) - rank(b));
}

function refsOf(entry: Entry): Ref[] {
  return [...(entry.devices ?? []), ...[entry, ...(entry.rules ?? []), ...(entry.members ?? []), ...(entry.destinations ?? []), ...(entry.thresholds ?? [])].flatMap((row) => [...row.refs.values()])];
}

async function knownIds({ client }: WriteContext, tenant: Tenant): Promise<Ids> {
  const names = new Map<SectionName, Set<string>>(SECTION_NAMES.map((section) => [section, new Set((tenant.get(section) ?? []).map((entry) => entry.name))]));
  for (const entries of tenant.values()) for (const entry of entries) for (const ref of refsOf(entry)) names.get(ref.section)?.add(ref.name);
  const ids: Ids = new Map();
  for (const section of SECTION_NAMES) ids.set(section, await findIds(client, section, [...(names.get(section) ?? [])]));
  return ids;
}

async function checkRefs({ client, file, problems }: WriteContext, tenant: Tenant, ids: Ids): Promise<void> {
  const inFile = new Map<SectionName, Set<string>>(SECTION_NAMES.map((section) => [section, new Set((tenant.get(section) ?? []).map((entry) => entry.name))]));
  for (const ref of [...tenant.values()].flat().flatMap((entry) => refsOf(entry))) {
    if (inFile.get(ref.section)?.has(ref.name) === true || ids.get(ref.section)?.has(ref.name) === true) continue;
    const near = didYouMean(ref.name, [...(inFile.get(ref.section) ?? []), ...(await someNames(client, ref.section))]);
    problems.add({ file, line: ref.line, path: ref.path, reason: `there is no ${shown(ref.name)} among the ${ref.section}, neither in the file nor in the database.${near}` });
  }
}

/** An LCR without providers refuses every call, which is a way to block, but not one to fall into. */
function checkLcrs({ file, problems }: WriteContext, tenant: Tenant, ids: Ids): void {
  for (const { name, members, refs, line, path } of tenant.get('lcrs') ?? []) {
    if (members !== null || refs.has('failover_provider_id') || ids.get('lcrs')?.has(name) === true) continue;
    problems.add({ file, line, path, reason: '`providers` is missing. An LCR without any refuses every call with 204; write `providers: []` if that is what it is for.' });
  }
}

/** null: Postgres refused the row, and the problem is kept. Not careful, the error passes and ends the transaction. */
async function guarded<Result>({ client, careful, file, problems }: WriteContext, row: Row, work: () => Promise<Result>): Promise<Result | null> {
  if (!careful) return work();
  await client.query('savepoint one_row');
  try {
    const result = await work();
    await client.query('release savepoint one_row');
    return result;
  } catch (error) {
    const reason = rowReason(error);
    if (reason === null) throw error;
    await client.query('rollback to savepoint one_row');
    problems.add({ file, line: row.line, path: row.path, reason });
    return null;
  }
}

async function writeEntry(context: WriteContext, entry: Entry, work: Work): Promise<Outcome> {
  const { client } = context;
  const { ids } = work;
  const { section, name } = entry;
  const known = ids.get(section)?.get(name);
  const later = LATER[section] ?? [];
  const own = await rowCells(client, entry, ids, (column, createOnly) => !later.includes(column) && (known === undefined || !createOnly));
  const devices = entry.devices?.map((ref) => idOf(ref, ids)) ?? null;
  const cells = devices === null ? own : { ...own, device_id: devices[0] ?? null };
  let outcome: Outcome = 'added';
  let id = known;
  if (id === undefined) {
    id = await insertRow(client, section, { ...newRowCells(entry), ...cells });
    ids.get(section)?.set(name, id);
  } else {
    outcome = (await updateRow(client, section, id, cells)) ? 'changed' : 'unchanged';
  }
  const further = devices !== null && (await replaceFurtherDevices(client, id, devices.slice(1)));
  if (((await writeChildren(context, entry, id, work)) || further) && outcome === 'unchanged') return 'changed';
  return outcome;
}

/** What follows from other keys of a new row. */
function newRowCells({ section, columns, refs, devices }: Entry): Cells {
  if (section === 'devices' && columns.has('ip') && !columns.has('secret')) return { auth: 'ip' };
  if (section === 'dids' && refs.has('user_id')) return { status: (devices ?? []).length > 0 || columns.has('external') ? 'active' : 'reserved' };
  return {};
}

/** What it refers to was refused itself: one problem is enough. */
function idOf({ section, name }: Ref, ids: Ids): Id {
  const id = ids.get(section)?.get(name);
  if (id === undefined) throw new Dependent(name, section);
  return id;
}

async function rowCells(client: Client, row: Row, ids: Ids, wanted: (column: string, createOnly: boolean) => boolean): Promise<Cells> {
  const cells: Record<string, Cells[string]> = {};
  for (const [column, { value, createOnly }] of row.columns) if (wanted(column, createOnly)) cells[column] = value;
  for (const [column, ref] of row.refs) {
    if (!wanted(column, false)) continue;
    cells[column] = idOf(ref, ids);
  }
  const group = cells['group_id'];
  if (typeof group === 'string') cells['group_id'] = (await destinationGroups(client, [group])).get(group) ?? null;
  return cells;
}

/** True: something beside the row itself changed. */
async function writeChildren(context: WriteContext, entry: Entry, id: Id, work: Work): Promise<boolean> {
  const { client } = context;
  let changed = false;
  if (entry.rules !== null && (entry.section === 'providers' || entry.section === 'devices')) {
    changed = await replaceChildren(context, CHILD_TABLES[entry.section], entry.rules, { id, ids: work.ids, defaults: () => RULE_DEFAULTS });
  }
  if (entry.thresholds !== null) changed = await replaceChildren(context, CHILD_TABLES.thresholds, entry.thresholds, { id, ids: work.ids, defaults: () => ({}) });
  if (entry.section === 'devices' && entry.numbers !== null) changed = (await replaceClis(client, id, [...new Set(entry.numbers.map(({ number }) => number))])) || changed;
  if (entry.section === 'pools' && (entry.numbers !== null || entry.file !== null)) {
    const numbers = new Set([...(entry.numbers ?? []).map(({ number }) => number), ...(context.poolFiles.get(entry.path) ?? [])]);
    changed = await replaceNumbers(client, id, [...numbers]);
  }
  if (entry.section === 'tariffs' && (entry.rates !== null || entry.file !== null)) {
    const merged = await loadRates(context, entry, Number(id));
    for (const outcome of ['added', 'changed', 'unchanged'] as const) work.rates[outcome] += merged[outcome];
  }
  return changed;
}

const RULE_DEFAULTS: Cells = { applies: 'destination', cut: '', add: '', min_length: 1, max_length: 99, suffix: '', enabled: true };
const LOCATION_RULE_DEFAULTS: Cells = { ...RULE_DEFAULTS, source_cut: '', source_add: '', source_min_length: 1, source_max_length: 99, tariff_id: null, lcr_id: null, did_id: null, device_id: null };

async function replaceChildren(context: WriteContext, table: ChildTable, rows: readonly Row[], parent: { readonly id: Id; readonly ids: Ids; readonly defaults: (index: number) => Cells }): Promise<boolean> {
  const all: RuleRow[] = [];
  for (const [index, row] of rows.entries()) all.push({ row, cells: { ...parent.defaults(index), ...(await rowCells(context.client, row, parent.ids, () => true)) } });
  let changed = await pruneChildren(context.client, table, parent.id, all.map(({ cells }) => cells));
  const seen = new Map<string, RuleRow>();
  for (const { row, cells } of all) {
    const key = JSON.stringify(table.key.map(([column]) => cells[column]));
    const before = seen.get(key);
    if (before === undefined) seen.set(key, { row, cells });
    else context.problems.add({ file: context.file, line: row.line, path: row.path, reason: `is the same as in line ${before.row.line}.` });
    if (await upsertChild(context.client, table, parent.id, cells)) changed = true;
  }
  checkOverlaps(context, [...seen.values()]);
  return changed;
}

interface RuleRow {
  readonly row: Row;
  readonly cells: Cells;
}

function checkOverlaps({ file, problems }: WriteContext, rules: readonly RuleRow[]): void {
  for (const { rule: { row }, before } of overlaps(rules)) {
    problems.add({ file, line: row.line, path: row.path, reason: `asks for numbers that the rule in line ${before.row.line} asks for too: the same cut, and lengths that overlap. Let \`minLength\` and \`maxLength\` keep them apart, or take one away.` });
  }
}

/** In the order of the list unless the file says otherwise. */
function memberDefaults(index: number): Cells {
  return { priority: index + 1, percent: 0, active: true };
}

/** What refers to rows that are written after it. True: something changed. */
type Later = (context: WriteContext, entry: Entry, id: Id, ids: Ids) => Promise<boolean>;

async function writeLater(context: WriteContext, entries: readonly Entry[], { ids, outcomes }: Work, write: Later): Promise<void> {
  for (const entry of entries) {
    const id = ids.get(entry.section)?.get(entry.name);
    if (id === undefined) continue;
    const changed = await guarded(context, entry, async () => write(context, entry, id, ids));
    if (changed === true && outcomes.get(entry) === 'unchanged') outcomes.set(entry, 'changed');
  }
}

const DESTINATION_DEFAULTS: Cells = { prefix: '', name_pattern: '', group_name: '' };

/** Providers of an LCR, its failover, and the destinations that it leaves to others. */
async function writeMembers(context: WriteContext, entry: Entry, id: Id, ids: Ids): Promise<boolean> {
  const cells = await rowCells(context.client, entry, ids, (column) => column === 'failover_provider_id');
  const updated = await updateRow(context.client, 'lcrs', id, cells);
  const replaced = entry.members !== null && (await replaceChildren(context, CHILD_TABLES.lcrs, entry.members, { id, ids, defaults: memberDefaults }));
  const left = entry.destinations !== null && (await replaceChildren(context, CHILD_TABLES.lcrDestinations, entry.destinations, { id, ids, defaults: () => DESTINATION_DEFAULTS }));
  return updated || replaced || left;
}

/** They may send calls to devices and DIDs, which refer to locations. */
async function writeLocationRules(context: WriteContext, entry: Entry, id: Id, ids: Ids): Promise<boolean> {
  return entry.rules !== null && replaceChildren(context, CHILD_TABLES.locations, entry.rules, { id, ids, defaults: () => LOCATION_RULE_DEFAULTS });
}
