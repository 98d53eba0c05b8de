-- What changed, for those who keep it in memory.
-- A row of `changes` is the truth; the notification only wakes the reader, so a lost one costs a poll, not a change.

create table changes (
  id bigint generated always as identity primary key,
  -- Readers ask for rows not older than the oldest transaction that ran when they last looked:
  -- ids are handed out before commit, so an id alone would skip late committers.
  xid xid8 not null default pg_current_xact_id(),
  topic text not null,
  -- null: too many to name, read the whole topic again
  keys text[],
  at timestamptz not null default clock_timestamp()
);
create index changes_xid on changes (xid);

create function note_changed(topic text, keys text[]) returns void language plpgsql as $$
declare
  named text[] := case when cardinality(keys) <= 5000 then keys end;
  payload text := topic || ':' || array_to_string(keys, ',');
begin
  if cardinality(keys) = 0 then return; end if;
  insert into changes (topic, keys) values (topic, named);
  -- A payload holds 8,000 bytes at most.
  if cardinality(keys) > 100 or octet_length(payload) > 7000 then payload := topic || ':*'; end if;
  perform pg_notify('tollgate_change', payload);
end $$;

-- Statement trigger; arguments: topic, key column. Transition tables are named old_rows and new_rows.
create function note_change() returns trigger language plpgsql as $$
declare
  source text := case tg_op
    when 'INSERT' then 'select %1$I as k from new_rows'
    when 'DELETE' then 'select %1$I as k from old_rows'
    else 'select %1$I as k from new_rows union all select %1$I from old_rows' end;
  keys text[];
begin
  execute 'select array_agg(distinct k::text) from (' || format(source, tg_argv[1]) || ') s where k is not null' into keys;
  perform note_changed(tg_argv[0], coalesce(keys, '{}'));
  return null;
end $$;

create function note_truncate() returns trigger language plpgsql as $$
begin
  insert into changes (topic, keys) values (tg_argv[0], null);
  perform pg_notify('tollgate_change', tg_argv[0] || ':*');
  return null;
end $$;

-- Statement triggers that report every change of a table under a topic.
create function follow_table(followed regclass, topic text, key text) returns void language plpgsql as $$
begin
  execute format('create trigger follow_insert after insert on %s referencing new table as new_rows for each statement execute function note_change(%L, %L)', followed, topic, key);
  execute format('create trigger follow_update after update on %s referencing old table as old_rows new table as new_rows for each statement execute function note_change(%L, %L)', followed, topic, key);
  execute format('create trigger follow_delete after delete on %s referencing old table as old_rows for each statement execute function note_change(%L, %L)', followed, topic, key);
  execute format('create trigger follow_truncate after truncate on %s for each statement execute function note_truncate(%L)', followed, topic);
end $$;

create table settings (
  key text primary key check (key ~ '^[A-Za-z][A-Za-z0-9_.]{0,99}$'),
  value text not null
);
select follow_table('settings', 'settings', 'key');
