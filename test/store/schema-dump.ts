/**
 * The schema of a database as text: what store/schema.sql holds. Run by itself, it writes that file anew.
 * Asked of the server's own catalog, so that no version of pg_dump makes a difference; monthly partitions are left out.
 */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Client } from 'pg';
import { closeServers, connect, freshDatabase } from './servers.ts';

const OURS = `n.nspname = 'public' and c.relname !~ '^calls_[0-9]{4}_[0-9]{2}' and c.relname <> 'migrations'`;

const DOMAINS = `select 'create domain ' || t.typname || ' as ' || format_type(t.typbasetype, t.typtypmod)
    || coalesce((select string_agg(' ' || pg_get_constraintdef(k.oid), '' order by k.conname) from pg_constraint k where k.contypid = t.oid), '') || ';' as line
  from pg_type t join pg_namespace n on n.oid = t.typnamespace where n.nspname = 'public' and t.typtype = 'd' order by t.typname`;

const TABLES = `select c.oid::int as oid, c.relname as name,
    case when c.relispartition then ' partition of calls ' || pg_get_expr(c.relpartbound, c.oid) when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end as partitioning
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and ${OURS} order by c.relname`;

const COLUMNS = `select '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attidentity <> '' then ' generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity' else '' end
    || coalesce(case when a.attgenerated = 's' then ' generated always as (' || pg_get_expr(d.adbin, d.adrelid) || ') stored' else ' default ' || pg_get_expr(d.adbin, d.adrelid) end, '') || case when a.attnotnull then ' not null' else '' end as line
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`;

const CONSTRAINTS = `select '  constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
  where conrelid = $1 and conparentid = 0 and contype <> 't' order by contype = 'c', conname`;

const INDEXES = `select pg_get_indexdef(i.indexrelid) || ';' as line from pg_index i
  where i.indrelid = $1 and not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by 1`;

const TRIGGERS = `select pg_get_triggerdef(oid) || ';' as line from pg_trigger where tgrelid = $1 and not tgisinternal and tgparentid = 0 order by tgname`;

const FUNCTIONS = `select trim(pg_get_functiondef(p.oid)) || ';' as line from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname = 'public' order by p.proname, p.oid::regprocedure::text`;

async function lines(client: Client, sql: string, values: readonly unknown[] = []): Promise<string[]> {
  return (await client.query<{ line: string }>(sql, [...values])).rows.map((row) => row.line);
}

export async function dumpSchema(url: string): Promise<string> {
  const client = await connect(url);
  const text = [...(await lines(client, DOMAINS))];
  const tables = await client.query<{ oid: number; name: string; partitioning: string }>(TABLES);
  for (const { oid, name, partitioning } of tables.rows) {
    const inside = [...(await lines(client, COLUMNS, [oid])), ...(await lines(client, CONSTRAINTS, [oid]))];
    const outside = [...(await lines(client, INDEXES, [oid])), ...(await lines(client, TRIGGERS, [oid]))];
    text.push('', partitioning.startsWith(' partition of') ? `create table ${name}${partitioning};` : `create table ${name} (\n${inside.join(',\n')}\n)${partitioning};`, ...outside);
  }
  text.push(...(await lines(client, FUNCTIONS)).map((line) => `\n${line}`));
  return `-- Written by test/store/schema-dump.ts from the migrations; a test compares.\n\n${text.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeFile(new URL('../../store/schema.sql', import.meta.url), await dumpSchema(await freshDatabase()));
  await closeServers();
}
