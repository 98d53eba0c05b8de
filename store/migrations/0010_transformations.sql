-- Numbers of devices and providers by the old form, add|-cut+add, or the new one, /match/replacement/flags. Whether the
-- text is one of them the engine tells, which names a row that it cannot use.
create domain transformation as text check (length(value) <= 255 and value !~ '[[:cntrl:]]');
alter table devices
  add column destination_transformation transformation not null default '',
  add column source_transformation transformation not null default '';
alter table providers
  add column destination_transformation transformation not null default '',
  add column source_transformation transformation not null default '';
