-- Providers that Asterisk asks by OPTIONS whether they are there; who does not answer is passed over.
alter table providers
  add column periodic_check boolean not null default false,
  add column periodic_check_s integer not null default 30 constraint periodic_check_within_an_hour check (periodic_check_s between 1 and 3600);
