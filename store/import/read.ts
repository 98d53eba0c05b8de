/** A tenant file as records: checked value by value, references still by name. */
import type { Node } from 'yaml';
import { newPoolNumberProblem } from '../../routing/number-pool.ts';
import { BadValue } from './field.ts';
import type { Scalar } from './field.ts';
import { didYouMean, shown } from './problem.ts';
import { RATE_COLUMNS, RETAIL_COLUMNS } from './rate-row.ts';
import { CSV_FIELDS, DESTINATION_FIELDS, DEVICE_RULE_FIELDS, LOCATION_RULE_FIELDS, MEMBER_FIELDS, PROVIDER_RULE_FIELDS, SECTION_NAMES, SECTIONS, THRESHOLD_FIELDS } from './sections.ts';
import type { FieldSpec, FieldSpecs, SectionName } from './sections.ts';
import type { Field, YamlFile } from './yaml-node.ts';

export interface ColumnValue {
  readonly value: Scalar | readonly Scalar[];
  readonly createOnly: boolean;
  readonly cast: string | null;
}

export interface Ref {
  readonly section: SectionName;
  readonly name: string;
  readonly line: number;
  readonly path: string;
}

export interface Row {
  readonly line: number;
  readonly path: string;
  readonly columns: Map<string, ColumnValue>;
  readonly refs: Map<string, Ref>;
}

/** Values of an inline rate by key. */
export interface RateValues {
  readonly line: number;
  readonly path: string;
  readonly values: Readonly<Record<string, string>>;
}

export interface Entry extends Row {
  readonly section: SectionName;
  readonly name: string;
  /** Lists that replace what was there; null: not in the file. */
  readonly rules: readonly Row[] | null;
  readonly members: readonly Row[] | null;
  readonly destinations: readonly Row[] | null;
  readonly thresholds: readonly Row[] | null;
  readonly numbers: readonly { readonly number: string; readonly line: number; readonly path: string }[] | null;
  readonly rates: readonly RateValues[] | null;
  readonly file: { readonly name: string; readonly line: number; readonly path: string } | null;
  readonly csv: Row | null;
  /** Devices of a DID, in their order. */
  readonly devices: readonly Ref[] | null;
}

export type Tenant = ReadonlyMap<SectionName, readonly Entry[]>;

export function readTenant(file: YamlFile): Tenant {
  const tenant = new Map<SectionName, Entry[]>(SECTION_NAMES.map((section) => [section, []]));
  if (file.root === null) file.failAt(0, '', 'the file is empty.');
  for (const field of file.root === null ? [] : (file.fields(file.root, '') ?? [])) {
    const section = SECTION_NAMES.find((name) => name === field.name);
    if (section === undefined) file.failAt(field.line, '', `there is no section \`${field.name}\`.${didYouMean(field.name, SECTION_NAMES)}`);
    else tenant.set(section, readSection(file, section, field.node));
  }
  return tenant;
}

function readSection(file: YamlFile, section: SectionName, node: Node | null): Entry[] {
  const entries: Entry[] = [];
  const lines = new Map<string, number>();
  for (const item of file.items(node, section) ?? []) {
    const entry = readEntry(file, section, item);
    if (entry === null) continue;
    const before = lines.get(entry.name);
    if (before === undefined) entries.push(entry);
    else file.failAt(entry.line, entry.path, `${shown(entry.name)} is already in line ${before}.`);
    lines.set(entry.name, before ?? entry.line);
  }
  return entries;
}

const RULES: Partial<Record<SectionName, FieldSpecs>> = { locations: LOCATION_RULE_FIELDS, providers: PROVIDER_RULE_FIELDS, devices: DEVICE_RULE_FIELDS };

function readEntry(file: YamlFile, section: SectionName, item: { node: Node | null; path: string }): Entry | null {
  const spec = SECTIONS[section];
  const fields = file.fields(item.node, item.path);
  if (fields === null) return null;
  const own = fields.filter((field) => spec.children[field.name] === undefined);
  const row = readRow(file, own, { ...item, specs: spec.fields, more: Object.keys(spec.children) });
  const child = (kind: string): Field | null => fields.find((field) => spec.children[field.name] === kind) ?? null;
  const rates = child('rates');
  const named = child('file');
  const csv = child('csv');
  return {
    ...row, section, name: nameOf(file, fields.find((field) => field.name === spec.key), row.columns.get(spec.key)),
    rules: rows(file, child('rules'), RULES[section] ?? {}),
    members: members(file, child('members')),
    destinations: rows(file, child('destinations'), DESTINATION_FIELDS),
    thresholds: rows(file, child('thresholds'), THRESHOLD_FIELDS),
    numbers: numbers(file, child('numbers')),
    rates: rates === null ? null : readRates(file, rates, row.columns.get('purpose')?.value === 'user_retail'),
    file: named === null ? null : { name: file.text(named.node, named.path) ?? '', line: named.line, path: named.path },
    devices: devices(file, fields.filter((field) => spec.children[field.name] === 'devices')),
    csv: csv === null ? null : readRow(file, file.fields(csv.node, csv.path) ?? [], { node: csv.node, path: csv.path, specs: CSV_FIELDS, more: [] }),
  };
}

/** As Postgres will have it, where it could be read. */
function nameOf(file: YamlFile, key: Field | undefined, read: ColumnValue | undefined): string {
  if (typeof read?.value === 'string') return read.value;
  return key === undefined || key.node === null || !file.isScalar(key.node) ? '' : (file.text(key.node, key.path) ?? '');
}

interface Place {
  readonly node: Node | null;
  readonly path: string;
  readonly specs: FieldSpecs;
  /** Keys that are read elsewhere. */
  readonly more: readonly string[];
}

function readRow(file: YamlFile, fields: readonly Field[], place: Place): Row {
  const row: Row = { line: file.line(place.node), path: place.path, columns: new Map(), refs: new Map() };
  for (const field of fields) {
    const spec = Object.hasOwn(place.specs, field.name) ? place.specs[field.name] : undefined;
    if (spec === undefined) {
      file.failAt(field.line, field.path, `there is no key \`${field.name}\` here.${didYouMean(field.name, [...Object.keys(place.specs), ...place.more])}`);
    } else if ('group' in spec) {
      for (const inner of file.fields(field.node, field.path) ?? []) {
        const innerSpec = Object.hasOwn(spec.group, inner.name) ? spec.group[inner.name] : undefined;
        if (innerSpec === undefined) file.failAt(inner.line, inner.path, `there is no key \`${inner.name}\` here.${didYouMean(inner.name, Object.keys(spec.group))}`);
        else readField(file, inner, innerSpec, row);
      }
    } else {
      readField(file, field, spec, row);
    }
  }
  for (const [name, spec] of Object.entries(place.specs)) {
    if (!('group' in spec) && spec.required === true && !fields.some((field) => field.name === name)) file.fail(place.node, place.path, `\`${name}\` is missing.`);
  }
  return row;
}

function readField(file: YamlFile, field: Field, spec: FieldSpec, row: Row): void {
  const keep = (value: Scalar | readonly Scalar[]): void => {
    row.columns.set(spec.column, { value, createOnly: spec.createOnly === true, cast: spec.cast ?? null });
  };
  if (spec.list === true) {
    const items = file.items(field.node, field.path);
    if (items !== null) keep(items.map((item) => scalar(file, item, spec)).filter((value) => value !== undefined));
    return;
  }
  const text = file.text(field.node, field.path);
  if (text === undefined) return;
  if (text === null) {
    if (spec.required === true) file.failAt(field.line, field.path, 'is empty.');
    else keep(null);
    return;
  }
  if (spec.ref !== undefined) row.refs.set(spec.column, { section: spec.ref, name: text, line: field.line, path: field.path });
  const value = spec.parse === undefined ? undefined : scalar(file, field, spec);
  if (value !== undefined) keep(value);
}

/** undefined: wrong, and said so. */
function scalar(file: YamlFile, at: { readonly node: Node | null; readonly path: string }, spec: FieldSpec): Scalar | undefined {
  const text = file.text(at.node, at.path);
  if (text === undefined) return undefined;
  try {
    return spec.parse?.(text ?? '') ?? null;
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    file.fail(at.node, at.path, error.message);
    return undefined;
  }
}

function rows(file: YamlFile, field: Field | null, specs: FieldSpecs): readonly Row[] | null {
  if (field === null) return null;
  return (file.items(field.node, field.path) ?? []).flatMap((item) => {
    const fields = file.fields(item.node, item.path);
    return fields === null ? [] : [readRow(file, fields, { ...item, specs, more: [] })];
  });
}

/** `providers` of an LCR: a name alone, or a map. */
function members(file: YamlFile, field: Field | null): readonly Row[] | null {
  if (field === null) return null;
  if (file.isScalar(field.node) && file.text(field.node, field.path) === null) {
    file.failAt(field.line, field.path, 'is empty: name the providers, or write `[]` for an LCR that refuses every call with 204.');
    return [];
  }
  return (file.items(field.node, field.path) ?? []).flatMap((item): Row[] => {
    const name = file.isScalar(item.node) ? file.text(item.node, item.path) : null;
    if (typeof name === 'string') {
      const line = file.line(item.node);
      return [{ line, path: item.path, columns: new Map(), refs: new Map([['provider_id', { section: 'providers', name, line, path: item.path }]]) }];
    }
    const fields = file.fields(item.node, item.path);
    return fields === null ? [] : [readRow(file, fields, { ...item, specs: MEMBER_FIELDS, more: [] })];
  });
}

/** Most that one DID leads to. */
const MOST_DEVICES = 10;

/** `device` of a DID, or `devices`. */
function devices(file: YamlFile, [field, second]: readonly Field[]): Entry['devices'] {
  if (field === undefined) return null;
  if (second !== undefined) file.failAt(second.line, second.path, 'is there beside the other of the two: name one device in `device`, or several in `devices`.');
  const items = field.name === 'device' ? [field] : (file.items(field.node, field.path) ?? []);
  if (items.length > MOST_DEVICES) file.failAt(field.line, field.path, `names ${items.length} devices: a DID leads to ${MOST_DEVICES} at most.`);
  const found = new Map<string, Ref>();
  for (const item of items) {
    const name = file.text(item.node, item.path);
    if (name === null && field.name === 'devices') file.fail(item.node, item.path, 'is empty.');
    if (typeof name !== 'string') continue;
    if (found.has(name)) file.fail(item.node, item.path, `${shown(name)} is in the list already.`);
    found.set(name, { section: 'devices', name, line: field.name === 'device' ? field.line : file.line(item.node), path: item.path });
  }
  return [...found.values()];
}

function numbers(file: YamlFile, field: Field | null): Entry['numbers'] {
  if (field === null) return null;
  return (file.items(field.node, field.path) ?? []).flatMap((item) => {
    const number = file.text(item.node, item.path);
    if (number === undefined) return [];
    const problem = newPoolNumberProblem(number ?? '');
    if (problem !== null) file.fail(item.node, item.path, `${shown(number ?? '')}: ${problem}.`);
    return [{ number: number ?? '', line: file.line(item.node), path: item.path }];
  });
}

function readRates(file: YamlFile, field: Field, retail: boolean): readonly RateValues[] {
  const known: readonly string[] = retail ? RETAIL_COLUMNS : RATE_COLUMNS;
  return (file.items(field.node, field.path) ?? []).flatMap((item): RateValues[] => {
    const values: Record<string, string> = {};
    const fields = file.fields(item.node, item.path);
    for (const inner of fields ?? []) {
      if (!known.includes(inner.name)) file.failAt(inner.line, inner.path, `there is no key \`${inner.name}\` here.${/^\d/.test(inner.name) ? ' Inside { } a comma begins a new key.' : didYouMean(inner.name, known)}`);
      const text = file.text(inner.node, inner.path);
      if (typeof text === 'string') values[inner.name] = text;
    }
    return fields === null ? [] : [{ line: file.line(item.node), path: item.path, values }];
  });
}
