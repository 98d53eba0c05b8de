-- A number of a pool is known by the form in which it is compared, and its change is told alone: ten million others
-- need not be read again.

-- Of numbers that compare equal one stays: the plain one before the one with a +.
delete from numbers a using numbers b
  where a.pool_id = b.pool_id and lower(ltrim(a.number, '+') collate "C") = lower(ltrim(b.number, '+') collate "C") and a.number collate "C" < b.number collate "C";
alter table numbers add column folded text not null generated always as (lower(ltrim(number, '+') collate "C")) stored;
alter table numbers drop constraint numbers_pkey;
alter table numbers add primary key (pool_id, folded);

-- Topic number_pools: key 7 is the pool's own row, 7: all of its numbers, 7:370% one of them.
-- A counter that moved is no change of the pool.
create function note_numbers() returns trigger language plpgsql as $$
declare
  source text := case tg_op
    when 'INSERT' then 'select pool_id, folded from new_rows'
    when 'DELETE' then 'select pool_id, folded from old_rows'
    else '(select pool_id, folded, number from new_rows except select pool_id, folded, number from old_rows)
      union (select pool_id, folded, number from old_rows except select pool_id, folded, number from new_rows)' end;
  keys text[];
begin
  -- Many are read together with the whole pool; one more than that is enough to know that there are too many.
  execute 'select array_agg(distinct pool_id || '':'' || folded) from (select distinct pool_id, folded from (' || source || ') c limit 1001) s' into keys;
  if cardinality(keys) > 1000 then
    execute 'select array_agg(distinct pool_id || '':'') from (' || source || ') c' into keys;
  end if;
  perform note_changed('number_pools', coalesce(keys, '{}'));
  return null;
end $$;

drop trigger follow_insert on numbers;
drop trigger follow_update on numbers;
drop trigger follow_delete on numbers;
create trigger follow_insert after insert on numbers referencing new table as new_rows for each statement execute function note_numbers();
create trigger follow_update after update on numbers referencing old table as old_rows new table as new_rows for each statement execute function note_numbers();
create trigger follow_delete after delete on numbers referencing old table as old_rows for each statement execute function note_numbers();
