-- A reference stands for one amount: sent twice it is booked once, with another amount it is refused. An amount that money
-- cannot hold to the digit is refused, not rounded.
create or replace function change_balance(kind text, id integer, change numeric, why text, ref text default '', remark text default '') returns balance_ledger language plpgsql as $$
declare
  result balance_ledger;
  held record;
begin
  if change is null or change = 'NaN' or abs(change) >= 1000000000000 then raise check_violation using message = format('%s is no amount of money', coalesce(change::text, 'nothing')); end if;
  if change <> round(change, 10) then raise check_violation using message = format('%s has more than ten decimals', change); end if;
  if kind = 'user' then select u.balance, u.balance_version into held from users u where u.id = change_balance.id for no key update;
  else select p.balance, p.balance_version into held from providers p where p.id = change_balance.id for no key update;
  end if;
  if held is null then raise foreign_key_violation using message = format('there is no %s %s', kind, id); end if;
  if ref <> '' then
    select l.* into result from balance_ledger l where l.account = kind and l.account_id = id and l.cause = why and l.reference = ref;
    if found and result.amount <> change then
      raise unique_violation using message = format('reference "%s" was booked with %s on %s; %s is not booked', ref, trim_scale(result.amount), to_char(result.at, 'YYYY-MM-DD HH24:MI:SS TZ'), trim_scale(change));
    end if;
    if found then return result; end if;
  end if;
  insert into balance_ledger (account, account_id, version, amount, balance_after, cause, reference, note)
  values (kind, id, held.balance_version + 1, change, held.balance + change, why, ref, remark) returning * into result;
  return result;
end $$;
