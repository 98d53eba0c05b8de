-- Daily Balance Limit: what a user's calls may cost within a day of his time zone. A call counts when it is booked.
alter table users
  -- 0: none.
  add column daily_limit money_amount not null default 0 constraint daily_limit_is_not_negative check (daily_limit >= 0),
  -- Of all users, so that a limit that is set in the middle of a day knows what was spent before. Worth nothing from `spent_until` on.
  add column spent money_amount not null default 0 constraint spent_is_not_negative check (spent >= 0),
  add column spent_until timestamptz not null default '-infinity';

create function end_of_day(zone text) returns timestamptz language sql stable as $$
  select (date_trunc('day', now() at time zone zone) + interval '1 day') at time zone zone
$$;

drop function ledger_apply_users(integer[], numeric[], bigint[], bigint[], bigint[], numeric[]);
create function ledger_apply_users(accounts integer[], totals numeric[], charges numeric[], lows bigint[], highs bigint[], counts bigint[], lasts numeric[]) returns bigint language sql as $$
  with moved as (
    update users u set balance = s.last, balance_version = s.high,
      spent = case when now() < u.spent_until then u.spent + s.charge else s.charge end,
      spent_until = end_of_day(u.time_zone)
    from unnest(accounts, totals, charges, lows, highs, counts, lasts) s (id, total, charge, low, high, n, last)
    where u.id = s.id and s.low = u.balance_version + 1 and s.n = s.high - s.low + 1 and s.last = u.balance + s.total
    returning 1)
  select count(*) from moved
$$;

create or replace function ledger_applied() returns trigger language plpgsql as $$
declare
  s record;
  moved bigint;
begin
  -- Written for a balance that has moved already.
  if pg_trigger_depth() > 1 then return null; end if;
  for s in
    select account, array_agg(account_id) ids, array_agg(total) totals, array_agg(charge) charges, array_agg(low) lows, array_agg(high) highs, array_agg(n) counts, array_agg(last) lasts
    from (select account, account_id, sum(amount) total, min(version) low, max(version) high, count(*) n,
            coalesce(sum(-amount) filter (where amount < 0 and cause in ('call', 'did', 'flash_call')), 0) charge,
            (array_agg(balance_after order by version desc))[1] last
          from new_rows group by account, account_id) a
    group by account
  loop
    if s.account = 'user' then moved := ledger_apply_users(s.ids, s.totals, s.charges, s.lows, s.highs, s.counts, s.lasts);
    else moved := ledger_apply_providers(s.ids, s.totals, s.lows, s.highs, s.counts, s.lasts);
    end if;
    if moved <> cardinality(s.ids) then
      raise check_violation using message = format('ledger rows do not continue the balance of every %s of %s', s.account, s.ids);
    end if;
  end loop;
  return null;
end $$;

-- Whatever changes what may be spent is a new version.
drop trigger guard_balance on users;
create trigger guard_balance before update on users for each row
  when (pg_trigger_depth() = 0 and (old.balance <> new.balance or old.balance_version <> new.balance_version or old.id <> new.id or old.credit is distinct from new.credit or old.postpaid <> new.postpaid
    or old.daily_limit <> new.daily_limit or old.spent <> new.spent or old.spent_until <> new.spent_until))
  execute function guard_balance('user');

create or replace function users_differ(o users, n users) returns boolean language plpgsql immutable as $$
begin
  n.balance := o.balance;
  n.balance_version := o.balance_version;
  n.spent := o.spent;
  n.spent_until := o.spent_until;
  return n is distinct from o;
end $$;
