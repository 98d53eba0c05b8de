-- CallerIDs that may not call: pool 0, there from the start.
update number_pools set name = left(name, 90) || ' (before)' where name = 'Banned CallerIDs';
insert into number_pools (id, name) values (0, 'Banned CallerIDs');

create function keep_banned_callers() returns trigger language plpgsql as $$
begin
  raise exception 'the pool of banned CallerIDs (id 0) stays: delete its numbers instead' using errcode = 'check_violation';
end $$;
create trigger keep_banned_callers before delete on number_pools for each row when (old.id = 0) execute function keep_banned_callers();
create trigger keep_banned_id before update on number_pools for each row when (old.id = 0 and new.id <> 0) execute function keep_banned_callers();

-- So many calls at once from one CallerID of the device ban it; 0: never. One call alone is no reason.
alter table devices add column ban_at_calls call_limit not null default 0;
alter table devices add constraint ban_needs_two_calls check (ban_at_calls <> 1);
