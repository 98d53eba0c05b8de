-- A DID that leads to several devices: dids.device_id is the first of them, these rows are the further ones.
alter table dids
  -- One after the other, or all at the same time.
  add column ring text not null default 'in_turn' check (ring in ('in_turn', 'at_once')),
  add constraint dids_id_user_id_key unique (id, user_id);

create table did_devices (
  did_id integer not null,
  device_id integer not null,
  -- That of the DID; filled in.
  user_id integer not null,
  -- The first device has 1; a DID has ten at most.
  position smallint not null,
  primary key (did_id, position),
  constraint device_once_in_a_did unique (did_id, device_id),
  constraint did_has_ten_devices_at_most check (position between 2 and 10),
  constraint further_devices_need_the_user_of_the_did foreign key (did_id, user_id) references dids (id, user_id) on delete cascade,
  constraint further_device_belongs_to_the_user_of_the_did foreign key (device_id, user_id) references devices (id, user_id)
);
create index did_devices_device on did_devices (device_id);

create function check_did_device() returns trigger language plpgsql as $$
declare
  first integer;
begin
  -- Locked, so that the first device does not change at the same time.
  select d.user_id, d.device_id into new.user_id, first from dids d where d.id = new.did_id for share;
  if first is null then
    raise check_violation using message = format('DID %s has no first device, and so no further one', new.did_id);
  end if;
  if first = new.device_id then
    raise check_violation using message = format('device %s is the first one of DID %s already', new.device_id, new.did_id);
  end if;
  return new;
end $$;
create trigger check_device before insert or update on did_devices for each row execute function check_did_device();

-- They go where the first one goes, with the user, and when the DID takes no more calls.
create function drop_did_devices() returns trigger language plpgsql as $$
begin
  delete from did_devices where did_id = new.id;
  if new.status = 'free' and old.status <> 'free' then new.ring := 'in_turn'; end if;
  return new;
end $$;
create trigger drop_devices before update on dids for each row
  when (new.device_id is null or old.user_id is distinct from new.user_id
    or (old.status is distinct from new.status and new.status in ('free', 'closed', 'terminated')))
  execute function drop_did_devices();

-- A further device that becomes the first one is no further one.
create function drop_first_did_device() returns trigger language plpgsql as $$
begin
  delete from did_devices where did_id = new.id and device_id = new.device_id;
  return new;
end $$;
create trigger drop_first_device before update on dids for each row
  when (old.device_id is distinct from new.device_id and new.device_id is not null)
  execute function drop_first_did_device();

select follow_table('did_devices', 'dids', 'did_id');
