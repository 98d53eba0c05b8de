/** Statements that read the catalog's tables, whole or by key, and give values; broken rows are named, not thrown. */
import type { ClientBase } from 'pg';
import type { Device, Did, Lcr, Location, Provider, SipAccount, User } from '../../routing/catalog.ts';
import { text, whole } from './field.ts';
import type { Row } from './field.ts';
import { parseDevice, parseDid, parseLcr, parseLocation, parseProvider, parseUser } from './parse.ts';
import { parseSipDevice, parseSipProvider } from './sip.ts';

/** null: all of them. */
export type Keys = readonly number[] | null;

export interface Broken {
  readonly table: string;
  readonly key: string;
  readonly reason: string;
}

export interface Loaded<Value> {
  readonly found: Map<number, Value>;
  /** By the id of the value that cannot be built. */
  readonly broken: Map<number, Broken>;
}

type Reader = Pick<ClientBase, 'query'>;

async function rowsOf(reader: Reader, sql: string, keys: Keys): Promise<Row[]> {
  return (await reader.query<Row>(sql, [keys])).rows;
}

function collect<Value>(table: string, rows: readonly Row[], parse: (row: Row) => Value): Loaded<Value> {
  const loaded: Loaded<Value> = { found: new Map(), broken: new Map() };
  for (const row of rows) {
    const id = whole(row, 'id');
    try {
      loaded.found.set(id, parse(row));
    } catch (error) {
      loaded.broken.set(id, { table, key: String(id), reason: error instanceof Error ? error.message : String(error) });
    }
  }
  return loaded;
}

function groupBy(rows: readonly Row[], column: string): Map<number, Row[]> {
  const groups = new Map<number, Row[]>();
  for (const row of rows) {
    const key = whole(row, column);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

export async function loadUsers(reader: Reader, keys: Keys): Promise<Loaded<User>> {
  const thresholds = groupBy(await rowsOf(reader, 'select * from blacklist_lcrs where $1::int[] is null or user_id = any ($1) order by threshold desc', keys), 'user_id');
  return collect('users', await rowsOf(reader, 'select * from users where $1::int[] is null or id = any ($1)', keys), (row) => parseUser(row, thresholds.get(whole(row, 'id')) ?? []));
}

export async function loadDevices(reader: Reader, keys: Keys): Promise<Loaded<{ device: Device; sip: SipAccount }>> {
  const rows = await rowsOf(reader, 'select *, ip::text as address, host(ip) as host_address from devices where $1::int[] is null or id = any ($1)', keys);
  const rules = groupBy(await rowsOf(reader, `select *, '' as suffix from device_rules where enabled and ($1::int[] is null or device_id = any ($1)) order by id`, keys), 'device_id');
  const clis = groupBy(await rowsOf(reader, 'select * from device_clis where $1::int[] is null or device_id = any ($1) order by cli', keys), 'device_id');
  return collect('devices', rows, (row) => {
    const id = whole(row, 'id');
    return { device: parseDevice(row, rules.get(id) ?? [], (clis.get(id) ?? []).map((one) => text(one, 'cli'))), sip: parseSipDevice(row) };
  });
}

export async function loadProviders(reader: Reader, keys: Keys): Promise<Loaded<{ provider: Provider; sip: SipAccount }>> {
  const rows = await rowsOf(reader, 'select *, source_ips::text[] as addresses from providers where $1::int[] is null or id = any ($1)', keys);
  const rules = groupBy(await rowsOf(reader, 'select * from provider_rules where enabled and ($1::int[] is null or provider_id = any ($1)) order by id', keys), 'provider_id');
  return collect('providers', rows, (row) => ({ provider: parseProvider(row, rules.get(whole(row, 'id')) ?? []), sip: parseSipProvider(row) }));
}

export async function loadLcrs(reader: Reader, keys: Keys): Promise<Loaded<Lcr>> {
  const rows = await rowsOf(reader, 'select * from lcrs where $1::int[] is null or id = any ($1)', keys);
  const members = groupBy(await rowsOf(reader, 'select * from lcr_providers where $1::int[] is null or lcr_id = any ($1) order by priority, provider_id', keys), 'lcr_id');
  const destinations = groupBy(await rowsOf(reader, `select d.*, g.id as group_id from lcr_destinations d left join destination_groups g on g.name = d.group_ref
    where $1::int[] is null or d.lcr_id = any ($1) order by d.id`, keys), 'lcr_id');
  return collect('lcrs', rows, (row) => parseLcr(row, { members: members.get(whole(row, 'id')) ?? [], destinations: destinations.get(whole(row, 'id')) ?? [] }));
}

export async function loadLocations(reader: Reader, keys: Keys): Promise<Loaded<Location>> {
  const rows = await rowsOf(reader, 'select * from locations where $1::int[] is null or id = any ($1)', keys);
  const rules = groupBy(await rowsOf(reader, 'select * from location_rules where enabled and ($1::int[] is null or location_id = any ($1)) order by id', keys), 'location_id');
  return collect('locations', rows, (row) => parseLocation(row, rules.get(whole(row, 'id')) ?? []));
}

export async function loadDids(reader: Reader, keys: Keys): Promise<Loaded<Did>> {
  const rows = await rowsOf(reader, 'select * from dids where $1::int[] is null or id = any ($1)', keys);
  const further = groupBy(await rowsOf(reader, 'select did_id, device_id from did_devices where $1::int[] is null or did_id = any ($1) order by position', keys), 'did_id');
  return collect('dids', rows, (row) => parseDid(row, further.get(whole(row, 'id')) ?? []));
}

export interface Destination {
  readonly id: number;
  readonly prefix: string;
  readonly name: string;
  readonly groupId: number | null;
}

export async function loadDestinations(reader: Reader): Promise<Map<number, Destination>> {
  const { rows } = await reader.query<Destination>('select id, prefix, name, group_id as "groupId" from destinations');
  return new Map(rows.map((row) => [row.id, row]));
}

/** Exchange rates by currency. */
export async function loadCurrencies(reader: Reader): Promise<Map<string, string>> {
  // trim_scale: 1 must read as 1, which needs no division.
  const { rows } = await reader.query<{ code: string; rate: string }>('select code, trim_scale(exchange_rate)::text as rate from currencies');
  return new Map(rows.map((row) => [row.code, row.rate]));
}
