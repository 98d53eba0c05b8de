/** Rows of a tenant file into Postgres: added if their name is new, changed where they differ, else left alone. */
import type { Client } from 'pg';
import type { Scalar } from './field.ts';
import { SECTIONS } from './sections.ts';
import type { SectionName } from './sections.ts';

export type Outcome = 'added' | 'changed' | 'unchanged';
export type Id = number | string;

/** What an entry is in Postgres, by column. */
export interface Cells {
  readonly [column: string]: Scalar | readonly Scalar[];
}

/** Column types, so that values can be compared as what they are: 10 equals 10.0000000000. */
const types = new WeakMap<Client, Map<string, Map<string, string>>>();

async function columnTypes(client: Client, table: string): Promise<ReadonlyMap<string, string>> {
  const tables = types.get(client) ?? new Map<string, Map<string, string>>();
  types.set(client, tables);
  const known = tables.get(table);
  if (known !== undefined) return known;
  const { rows } = await client.query<{ name: string; type: string }>(`select attname as name, format_type(atttypid, atttypmod) as type
    from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`, [table]);
  const found = new Map(rows.map((row) => [row.name, row.type]));
  tables.set(table, found);
  return found;
}

const idColumn = (section: SectionName): string => (section === 'currencies' ? 'code' : section === 'emailTemplates' ? 'name' : 'id');

/** Ids of rows by name. */
export async function findIds(client: Client, section: SectionName, names: readonly string[]): Promise<Map<string, Id>> {
  const { table, key } = SECTIONS[section];
  const column = SECTIONS[section].fields[key];
  const keyColumn = column !== undefined && 'column' in column ? column.column : key;
  // A terminated DID is history: its number may be in use again.
  const alive = section === 'dids' ? `and status <> 'terminated'` : '';
  const { rows } = await client.query<{ name: string; id: Id }>(`select ${keyColumn} as name, ${idColumn(section)} as id from ${table} where ${keyColumn} = any ($1) ${alive}`, [names]);
  return new Map(rows.map((row) => [row.name, row.id]));
}

/** Names that a reference may have meant. */
export async function someNames(client: Client, section: SectionName): Promise<readonly string[]> {
  const { table, key } = SECTIONS[section];
  const { rows } = await client.query<{ name: string }>(`select ${key} as name from ${table} order by 1 limit 1000`);
  return rows.map((row) => row.name);
}

export async function insertRow(client: Client, section: SectionName, cells: Cells): Promise<Id> {
  const { table } = SECTIONS[section];
  const typed = await columnTypes(client, table);
  const columns = Object.keys(cells);
  const places = columns.map((column, index) => `$${index + 1}::${typed.get(column)}`);
  const { rows } = await client.query<{ id: Id }>(`insert into ${table} (${columns.join(', ')}) values (${places.join(', ')}) returning ${idColumn(section)} as id`, columns.map((column) => cells[column]));
  return rows[0]?.id ?? 0;
}

/** False: it was so already. */
export async function updateRow(client: Client, section: SectionName, id: Id, cells: Cells): Promise<boolean> {
  const columns = Object.keys(cells);
  if (columns.length === 0) return false;
  const { table } = SECTIONS[section];
  const typed = await columnTypes(client, table);
  const places = columns.map((column, index) => `$${index + 2}::${typed.get(column)}`);
  const result = await client.query(`update ${table} set ${columns.map((column, index) => `${column} = ${places[index]}`).join(', ')}
    where ${idColumn(section)} = $1 and row(${columns.join(', ')}) is distinct from row(${places.join(', ')})`, [id, ...columns.map((column) => cells[column])]);
  return (result.rowCount ?? 0) > 0;
}

export interface ChildTable {
  readonly table: 'location_rules' | 'provider_rules' | 'device_rules' | 'lcr_destinations' | 'lcr_providers' | 'blacklist_lcrs';
  readonly parent: string;
  /** What makes a child row the same row beside its parent, with types. */
  readonly key: readonly (readonly [column: string, type: string])[];
  readonly values: readonly string[];
}

const RULE_KEY = [['applies', 'text'], ['cut', 'text'], ['min_length', 'smallint'], ['max_length', 'smallint']] as const;
export const CHILD_TABLES = {
  locations: { table: 'location_rules', parent: 'location_id', key: [...RULE_KEY, ['source_cut', 'text'], ['source_min_length', 'smallint'], ['source_max_length', 'smallint']], values: ['name', 'add', 'source_add', 'enabled', 'tariff_id', 'lcr_id', 'did_id', 'device_id'] },
  providers: { table: 'provider_rules', parent: 'provider_id', key: RULE_KEY, values: ['name', 'add', 'suffix', 'enabled'] },
  devices: { table: 'device_rules', parent: 'device_id', key: RULE_KEY, values: ['name', 'add', 'enabled'] },
  lcrs: { table: 'lcr_providers', parent: 'lcr_id', key: [['provider_id', 'integer']], values: ['priority', 'percent', 'active'] },
  lcrDestinations: { table: 'lcr_destinations', parent: 'lcr_id', key: [['prefix', 'text'], ['name_pattern', 'text'], ['group_name', 'text']], values: ['to_lcr_id'] },
  thresholds: { table: 'blacklist_lcrs', parent: 'user_id', key: [['threshold', 'integer']], values: ['lcr_id'] },
} as const satisfies Record<string, ChildTable>;

/** Children that are not in the list go. True: something went. */
export async function pruneChildren(client: Client, children: ChildTable, parentId: Id, kept: readonly Cells[]): Promise<boolean> {
  const { table, parent, key } = children;
  const arrays = key.map(([column]) => kept.map((cells) => cells[column]));
  const result = await client.query(`delete from ${table} where ${parent} = $1 and (${key.map(([column]) => column).join(', ')})
    not in (select * from unnest(${key.map(([, type], index) => `$${index + 2}::${type}[]`).join(', ')}))`, [parentId, ...arrays]);
  return (result.rowCount ?? 0) > 0;
}

/** False: it was so already. */
export async function upsertChild(client: Client, children: ChildTable, parentId: Id, cells: Cells): Promise<boolean> {
  const { table, parent, key, values } = children;
  const typed = await columnTypes(client, table);
  const keys = [parent, ...key.map(([column]) => column)];
  const columns = [...keys, ...values];
  const places = columns.map((column, index) => `$${index + 1}::${typed.get(column)}`);
  const result = await client.query(`insert into ${table} (${columns.join(', ')}) values (${places.join(', ')})
    on conflict (${keys.join(', ')}) do update set ${values.map((column) => `${column} = excluded.${column}`).join(', ')}
    where row(${values.map((column) => `${table}.${column}`).join(', ')}) is distinct from row(${values.map((column) => `excluded.${column}`).join(', ')})`,
  [parentId, ...columns.slice(1).map((column) => cells[column])]);
  return (result.rowCount ?? 0) > 0;
}

/** The device's CLIs become these; one that another device has is refused. True: something changed. */
export async function replaceClis(client: Client, deviceId: Id, clis: readonly string[]): Promise<boolean> {
  const gone = await client.query('delete from device_clis where device_id = $1 and not (cli = any ($2))', [deviceId, clis]);
  const come = await client.query(
    'insert into device_clis (device_id, cli) select $1, n.cli from unnest($2::text[]) n (cli) where not exists (select from device_clis d where d.cli = n.cli and d.device_id = $1)',
    [deviceId, clis],
  );
  return (gone.rowCount ?? 0) + (come.rowCount ?? 0) > 0;
}

/** The devices of a DID behind its first one become these, in this order. True: something changed. */
export async function replaceFurtherDevices(client: Client, didId: Id, devices: readonly Id[]): Promise<boolean> {
  const { rows } = await client.query<{ devices: readonly number[] }>(`select coalesce(array_agg(device_id order by position), '{}') as devices from did_devices where did_id = $1`, [didId]);
  if (JSON.stringify(rows[0]?.devices) === JSON.stringify(devices)) return false;
  await client.query('delete from did_devices where did_id = $1', [didId]);
  await client.query('insert into did_devices (did_id, device_id, position) select $1, device_id, 1 + place from unnest($2::int[]) with ordinality n (device_id, place)', [didId, devices]);
  return true;
}

/** The pool's numbers become these. True: something changed. */
export async function replaceNumbers(client: Client, poolId: Id, numbers: readonly string[]): Promise<boolean> {
  const gone = await client.query('delete from numbers where pool_id = $1 and not (number = any ($2))', [poolId, numbers]);
  const come = await client.query('insert into numbers (pool_id, number) select $1, * from unnest($2::text[]) on conflict do nothing', [poolId, numbers]);
  return (gone.rowCount ?? 0) + (come.rowCount ?? 0) > 0;
}

/** Ids of destination groups, made where they are missing. */
export async function destinationGroups(client: Client, names: readonly string[]): Promise<Map<string, number>> {
  await client.query('insert into destination_groups (name) select * from unnest($1::text[]) on conflict do nothing', [names]);
  const { rows } = await client.query<{ name: string; id: number }>('select name, id from destination_groups where name = any ($1)', [names]);
  return new Map(rows.map((row) => [row.name, row.id]));
}

export interface RetailCells {
  readonly groupId: number;
  readonly dayType: string;
  readonly startTime: string;
  readonly endTime: string;
  readonly fromS: number;
  readonly durationS: number | null;
  readonly type: string;
  readonly roundByS: number;
  readonly rate: string;
}

/** The retail tariff's rates become these: its rows only mean something together. */
export async function replaceRetailRates(client: Client, tariffId: Id, rates: readonly RetailCells[]): Promise<Outcome> {
  const list = JSON.stringify(rates.map((rate) => ({
    group_id: rate.groupId, day_type: rate.dayType, start_time: rate.startTime, end_time: rate.endTime, from_s: rate.fromS, duration_s: rate.durationS, type: rate.type, round_by_s: rate.roundByS, rate: rate.rate,
  })));
  const columns = 'group_id, day_type, start_time, end_time, from_s, duration_s, type, round_by_s, rate';
  const asked = `select ${columns} from json_to_recordset($2::json) as r (group_id integer, day_type text, start_time time(0), end_time time(0), from_s integer, duration_s integer, type text, round_by_s integer, rate numeric(24,10))`;
  const there = `select ${columns} from retail_rates where tariff_id = $1`;
  const same = await client.query<{ same: boolean }>(`select not exists (((${there}) except (${asked})) union all ((${asked}) except (${there}))) as same`, [tariffId, list]);
  if (same.rows[0]?.same === true) return 'unchanged';
  const gone = await client.query('delete from retail_rates where tariff_id = $1', [tariffId]);
  await client.query(`insert into retail_rates (tariff_id, ${columns}) select $1, * from (${asked}) asked`, [tariffId, list]);
  return gone.rowCount === 0 ? 'added' : 'changed';
}
