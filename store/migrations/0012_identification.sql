-- Who is calling: several devices behind one address told apart by port and tech prefix, and callers behind a trunk by their number.
alter table devices
  -- What its calls begin with; cut before the number is looked at.
  add column tech_prefix number_part not null default '',
  -- A trunk whose callers are looked up among the CLIs of all devices.
  add column trunk_ani boolean not null default false,
  add constraint tech_prefix_is_of_ip_devices check (tech_prefix = '' or auth = 'ip'),
  add constraint only_a_trunk_has_ani check (not trunk_ani or trunk);
drop index devices_address;
create unique index devices_address on devices (ip, coalesce(port, 0), tech_prefix) where auth = 'ip';

create table device_clis (
  cli text primary key check (cli ~ '^[0-9A-Za-z+*#._-]{1,40}$'),
  device_id integer not null references devices on delete cascade
);
create index device_clis_device on device_clis (device_id);
select follow_table('device_clis', 'devices', 'device_id');
