-- Re-rating: prices of calls computed again, with what they were before, so that it can be continued and undone.

alter table balance_ledger drop constraint balance_ledger_cause_check;
alter table balance_ledger add constraint balance_ledger_cause_check
  check (cause in ('call', 'did', 'flash_call', 'payment', 'opening', 'adjustment', 'import', 'subscription', 'fee', 'correction', 'rerate'));
-- A call may be rated again more than once; that each time counts once is the business of rerate_changes.
drop index balance_ledger_once;
create unique index balance_ledger_once on balance_ledger (account, account_id, cause, reference)
  where reference <> '' and cause not in ('call', 'did', 'flash_call', 'rerate');

create table rerates (
  id integer generated always as identity primary key,
  kind text not null check (kind in ('user', 'provider', 'tariff')),
  of_id integer not null,
  -- As it was called then.
  name label not null,
  from_at timestamptz not null,
  till_at timestamptz not null,
  -- running and undoing are unfinished: interrupted, or at work.
  state text not null default 'running' check (state in ('running', 'applied', 'undoing', 'undone')),
  started_at timestamptz not null default now(),
  started_by label not null,
  applied_at timestamptz,
  undone_at timestamptz,
  undone_by label,
  -- Calls up to this one are done.
  past_calldate timestamptz,
  past_uniqueid text,
  changes bigint not null default 0,
  -- What the balances of users and of providers changed by, when it was applied.
  users_change money_amount not null default 0,
  providers_change money_amount not null default 0,
  constraint period_is_not_empty check (from_at < till_at)
);
create unique index rerates_one_unfinished on rerates ((true)) where state in ('running', 'undoing');

create table rerate_changes (
  rerate_id integer not null references rerates,
  uniqueid text not null,
  attempt smallint not null,
  calldate timestamptz not null,
  level text not null check (level in ('provider', 'partner', 'reseller', 'user', 'did', 'didIncoming', 'didProvider')),
  account text not null check (account in ('user', 'provider')),
  account_id integer not null,
  old_rate money_amount,
  old_billsec integer,
  old_price money_amount not null,
  -- This level's part of calls.captured.
  old_captured jsonb not null,
  new_price money_amount not null,
  undone boolean not null default false,
  primary key (rerate_id, uniqueid, attempt, calldate, level)
);
create index rerate_changes_call on rerate_changes (uniqueid, level);
