-- As before, but the last row of an account is found without sorting all rows of the batch (2.4 of 80 µs a call).
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
            -- Arrays are compared by their first elements first: that of the highest version.
            (max(array[version::numeric, balance_after]))[2] last
          from new_rows group by account_id, account) a
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
