-- Every change of a balance has a row with its cause; a balance without one cannot come to be.
--
--   insert into balance_ledger ──▶ ledger_applied() moves the balances, one update an account and statement
--   update users set balance   ──▶ guard_balance() counts the version up and writes the missing row
--
-- Triggers that guard plain updates do not fire for those of ledger_applied() (their trigger depth is above 0): a batch
-- of hundreds of debits must not pay for a check of each row that ledger_applied() has made for all of them at once.
-- Hence no other trigger may update a balance; it inserts into the ledger.

create table balance_ledger (
  account text not null check (account in ('user', 'provider')),
  account_id integer not null,
  -- Of the account's balance after this change.
  version bigint not null check (version >= 1),
  amount money_amount not null check (amount <> 0),
  balance_after money_amount not null,
  cause text not null check (cause in ('call', 'did', 'flash_call', 'payment', 'opening', 'adjustment', 'import', 'subscription', 'fee', 'correction')),
  -- What it is for: the call's unique id, the payment's number.
  reference label not null default '',
  at timestamptz not null default now(),
  note label not null default '',
  primary key (account, account_id, version)
);
-- A payment sent twice with one reference is one payment.
create unique index balance_ledger_once on balance_ledger (account, account_id, cause, reference)
  where reference <> '' and cause not in ('call', 'did', 'flash_call');
create index balance_ledger_at on balance_ledger using brin (at);

create function ledger_stays() returns trigger language plpgsql as $$
begin
  raise check_violation using message = 'rows of the ledger are never changed; write a correcting row';
end $$;
create trigger ledger_stays before update or delete or truncate on balance_ledger for each statement execute function ledger_stays();

-- Applies one account kind's new rows; returns how many accounts took them.
create function ledger_apply_users(accounts integer[], totals numeric[], lows bigint[], highs bigint[], counts bigint[], lasts numeric[]) returns bigint language sql as $$
  with moved as (
    update users u set balance = s.last, balance_version = s.high
    from unnest(accounts, totals, lows, highs, counts, lasts) s (id, total, low, high, n, last)
    where u.id = s.id and s.low = u.balance_version + 1 and s.n = s.high - s.low + 1 and s.last = u.balance + s.total
    returning 1)
  select count(*) from moved
$$;
create function ledger_apply_providers(accounts integer[], totals numeric[], lows bigint[], highs bigint[], counts bigint[], lasts numeric[]) returns bigint language sql as $$
  with moved as (
    update providers u set balance = s.last, balance_version = s.high
    from unnest(accounts, totals, lows, highs, counts, lasts) s (id, total, low, high, n, last)
    where u.id = s.id and s.low = u.balance_version + 1 and s.n = s.high - s.low + 1 and s.last = u.balance + s.total
    returning 1)
  select count(*) from moved
$$;

create function ledger_applied() returns trigger language plpgsql as $$
declare
  s record;
  moved bigint;
begin
  -- Written for a balance that has moved already.
  if pg_trigger_depth() > 1 then return null; end if;
  for s in
    select account, array_agg(account_id) ids, array_agg(total) totals, array_agg(low) lows, array_agg(high) highs, array_agg(n) counts, array_agg(last) lasts
    from (select account, account_id, sum(amount) total, min(version) low, max(version) high, count(*) n,
            (array_agg(balance_after order by version desc))[1] last
          from new_rows group by account, account_id) a
    group by account
  loop
    if s.account = 'user' then moved := ledger_apply_users(s.ids, s.totals, s.lows, s.highs, s.counts, s.lasts);
    else moved := ledger_apply_providers(s.ids, s.totals, s.lows, s.highs, s.counts, s.lasts);
    end if;
    if moved <> cardinality(s.ids) then
      raise check_violation using message = format('ledger rows do not continue the balance of every %s of %s', s.account, s.ids);
    end if;
  end loop;
  return null;
end $$;
create trigger ledger_applied after insert on balance_ledger referencing new table as new_rows for each statement execute function ledger_applied();

-- The cause of a plain update is taken from the settings tollgate.cause and tollgate.reference of the transaction.
create function write_ledger_row(kind text, id integer, at_version bigint, change numeric, after numeric, usual_cause text) returns void language sql as $$
  insert into balance_ledger (account, account_id, version, amount, balance_after, cause, reference)
  values (kind, id, at_version, change, after, coalesce(nullif(current_setting('tollgate.cause', true), ''), usual_cause), coalesce(current_setting('tollgate.reference', true), ''))
$$;

create function guard_balance() returns trigger language plpgsql as $$
begin
  if new.id <> old.id then raise check_violation using message = 'the id of an account with a ledger stays'; end if;
  if new.balance_version <> old.balance_version then raise check_violation using message = 'balance_version is counted by the ledger'; end if;
  new.balance_version := old.balance_version + 1;
  if new.balance <> old.balance then
    perform write_ledger_row(tg_argv[0], new.id, new.balance_version, new.balance - old.balance, new.balance, 'adjustment');
  end if;
  return new;
end $$;

create function first_balance_version() returns trigger language plpgsql as $$
begin
  new.balance_version := case when new.balance = 0 then 0 else 1 end;
  return new;
end $$;

create function opening_row() returns trigger language plpgsql as $$
begin
  perform write_ledger_row(tg_argv[0], new.id, 1, new.balance, new.balance, 'opening');
  return null;
end $$;

create function keep_ledger_account() returns trigger language plpgsql as $$
begin
  if exists (select from balance_ledger where account = tg_argv[0] and account_id = old.id) then
    raise foreign_key_violation using message = format('%s %s has ledger rows; block or hide it instead of deleting it', tg_argv[0], old.id);
  end if;
  return old;
end $$;

create trigger first_version before insert on users for each row execute function first_balance_version();
create trigger opening_row after insert on users for each row when (new.balance <> 0) execute function opening_row('user');
-- What may be spent follows from the credit too, so a change of it is a new version without a ledger row.
create trigger guard_balance before update on users for each row
  when (pg_trigger_depth() = 0 and (old.balance <> new.balance or old.balance_version <> new.balance_version or old.id <> new.id
    or old.credit is distinct from new.credit or old.postpaid <> new.postpaid)) execute function guard_balance('user');
create trigger keep_ledger before delete on users for each row execute function keep_ledger_account('user');

create trigger first_version before insert on providers for each row execute function first_balance_version();
create trigger opening_row after insert on providers for each row when (new.balance <> 0) execute function opening_row('provider');
create trigger guard_balance before update on providers for each row
  when (pg_trigger_depth() = 0 and (old.balance <> new.balance or old.balance_version <> new.balance_version or old.id <> new.id)) execute function guard_balance('provider');
create trigger keep_ledger before delete on providers for each row execute function keep_ledger_account('provider');

-- One change by hand: a payment, a correction. With a reference it happens once; the row says what came of it.
create function change_balance(kind text, id integer, change numeric, why text, ref text default '', remark text default '') returns balance_ledger language plpgsql as $$
declare
  result balance_ledger;
  held record;
begin
  if kind = 'user' then select u.balance, u.balance_version into held from users u where u.id = change_balance.id for no key update;
  else select p.balance, p.balance_version into held from providers p where p.id = change_balance.id for no key update;
  end if;
  if held is null then raise foreign_key_violation using message = format('there is no %s %s', kind, id); end if;
  if ref <> '' then
    select l.* into result from balance_ledger l where l.account = kind and l.account_id = id and l.cause = why and l.reference = ref;
    if found then return result; end if;
  end if;
  insert into balance_ledger (account, account_id, version, amount, balance_after, cause, reference, note)
  values (kind, id, held.balance_version + 1, change, held.balance + change, why, ref, remark) returning * into result;
  return result;
end $$;

-- Users and providers are followed under two topics: what a call needs of them, and what they may spend.
create function users_differ(o users, n users) returns boolean language plpgsql immutable as $$
begin
  n.balance := o.balance;
  n.balance_version := o.balance_version;
  return n is distinct from o;
end $$;
create function note_users_update() returns trigger language plpgsql as $$
declare
  spend text[];
  other text[];
begin
  select array_agg(n.id::text) filter (where n.balance_version <> o.balance_version), array_agg(n.id::text) filter (where users_differ(o, n))
    into spend, other from old_rows o join new_rows n using (id);
  perform note_changed('balances', coalesce(spend, '{}'));
  perform note_changed('users', coalesce(other, '{}'));
  return null;
end $$;
create function note_balances_update() returns trigger language plpgsql as $$
begin
  perform note_changed('balances', coalesce((select array_agg(id::text) from new_rows), '{}'));
  return null;
end $$;
create trigger follow_insert after insert on users referencing new table as new_rows for each statement execute function note_change('users', 'id');
create trigger follow_insert_balances after insert on users referencing new table as new_rows for each statement execute function note_change('balances', 'id');
create trigger follow_update after update on users referencing old table as old_rows new table as new_rows for each statement
  when (pg_trigger_depth() = 0) execute function note_users_update();
-- The ledger changes balances only.
create trigger follow_ledger after update on users referencing new table as new_rows for each statement
  when (pg_trigger_depth() > 0) execute function note_balances_update();
create trigger follow_delete after delete on users referencing old table as old_rows for each statement execute function note_change('users', 'id');
create trigger follow_delete_balances after delete on users referencing old table as old_rows for each statement execute function note_change('balances', 'id');

create function providers_differ(o providers, n providers) returns boolean language plpgsql immutable as $$
begin
  n.balance := o.balance;
  n.balance_version := o.balance_version;
  return n is distinct from o;
end $$;
create function note_providers_update() returns trigger language plpgsql as $$
declare
  other text[];
begin
  select array_agg(n.id::text) filter (where providers_differ(o, n)) into other from old_rows o join new_rows n using (id);
  perform note_changed('providers', coalesce(other, '{}'));
  return null;
end $$;
create trigger follow_insert after insert on providers referencing new table as new_rows for each statement execute function note_change('providers', 'id');
create trigger follow_update after update on providers referencing old table as old_rows new table as new_rows for each statement
  when (pg_trigger_depth() = 0) execute function note_providers_update();
create trigger follow_delete after delete on providers referencing old table as old_rows for each statement execute function note_change('providers', 'id');
