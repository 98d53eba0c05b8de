-- One row an attempt. Partitioned by month of the call date; what falls outside goes to the default partition.

create table calls (
  uniqueid text not null check (length(uniqueid) between 1 and 150),
  attempt smallint not null check (attempt >= 1),
  calldate timestamptz not null,
  final boolean not null,
  answer_time timestamptz,
  end_time timestamptz not null,
  direction text not null check (direction in ('outbound', 'inbound', 'local')),
  server_id integer not null,
  clid text not null default '',
  src text not null default '',
  dst text not null default '',
  localized_dst text not null default '',
  -- No foreign keys: a CDR outlives whom it names, and costs no look-ups when it is written.
  user_id integer,
  reseller_id integer,
  partner_id integer,
  device_id integer,
  dst_user_id integer,
  dst_device_id integer,
  provider_id integer,
  did_provider_id integer,
  did_id integer,
  prefix text not null default '',
  destination_id integer,
  disposition text not null check (disposition in ('ANSWERED', 'NO ANSWER', 'BUSY', 'FAILED')),
  hangup_cause smallint not null check (hangup_cause between 0 and 999),
  sip_code smallint check (sip_code between 100 and 999),
  duration_ms integer not null check (duration_ms >= 0),
  bill_ms integer not null check (bill_ms >= 0),
  billsec integer not null check (billsec >= 0),
  pdd_ms integer check (pdd_ms >= 0),
  terminated_by text not null check (terminated_by in ('originator', 'terminator', 'system')),
  end_source text not null check (end_source in ('event', 'witness', 'estimate')),
  flash_call boolean not null default false,
  originator_codec text not null default '',
  terminator_codec text not null default '',
  originator_call_id text not null default '',
  terminator_call_id text not null default '',
  originator_ip text not null default '',
  catalog_version bigint not null default 0,
  provider_rate money_amount,
  provider_billsec integer,
  provider_price money_amount,
  partner_rate money_amount,
  partner_billsec integer,
  partner_price money_amount,
  reseller_rate money_amount,
  reseller_billsec integer,
  reseller_price money_amount,
  user_rate money_amount,
  user_billsec integer,
  user_price money_amount,
  did_rate money_amount,
  did_billsec integer,
  did_price money_amount,
  did_inc_rate money_amount,
  did_inc_billsec integer,
  did_inc_price money_amount,
  did_prov_rate money_amount,
  did_prov_billsec integer,
  did_prov_price money_amount,
  -- Per level: tariff, prefix and the whole captured rate, enough to price the call again.
  captured jsonb,
  user_currency text,
  user_exchange_rate numeric(24,15),
  -- Caller asked to stay unknown.
  privacy smallint not null default 0,
  -- Number shown to the terminator.
  tp_src text not null default '',
  userfield text not null default '',
  callback_uniqueid text,
  settled_at timestamptz not null default now(),
  primary key (uniqueid, attempt, calldate)
) partition by range (calldate);
create index calls_calldate on calls (calldate);
create index calls_user on calls (user_id, calldate);

create table calls_default partition of calls default;

-- Makes the month's partition; rows of that month that had to wait in the default partition move into it.
create function make_call_partition(month date) returns boolean language plpgsql as $$
declare
  first_day timestamp := date_trunc('month', month::timestamp);
  from_at timestamptz := first_day at time zone 'UTC';
  till_at timestamptz := (first_day + interval '1 month') at time zone 'UTC';
  part text := 'calls_' || to_char(first_day, 'YYYY_MM');
begin
  -- Two makers at once would both find it missing.
  perform pg_advisory_xact_lock(hashtext('tollgate'), hashtext('call partitions'));
  if to_regclass(part) is not null then return false; end if;
  execute format('create table %I (like calls including defaults including constraints)', part);
  execute format('with moved as (delete from calls_default where calldate >= %L and calldate < %L returning *) insert into %I select * from moved', from_at, till_at, part);
  execute format('alter table calls attach partition %I for values from (%L) to (%L)', part, from_at, till_at);
  return true;
end $$;
