-- Talk of providers by day, of all of them: a limit that is set in the middle of the month knows what was talked before.
-- Counted in the settling transaction, with the rows of `calls` that it stands for.
alter table providers
  add column monthly_minutes integer not null default 0 constraint monthly_minutes_are_not_negative check (monthly_minutes >= 0),
  add column daily_minutes integer not null default 0 constraint daily_minutes_are_not_negative check (daily_minutes >= 0),
  -- Whose days and months these are.
  add column time_zone time_zone not null default 'UTC';

create table provider_talk (
  provider_id integer not null references providers on delete cascade,
  -- In the provider's zone; a call belongs to the day on which it began.
  day date not null,
  seconds bigint not null check (seconds >= 0),
  primary key (provider_id, day)
);

insert into provider_talk (provider_id, day, seconds)
  select c.provider_id, (c.calldate at time zone 'UTC')::date, sum(c.billsec)
  from calls c join providers p on p.id = c.provider_id
  where c.billsec > 0 and c.calldate >= now() - interval '62 days' group by 1, 2;
