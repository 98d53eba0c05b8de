-- Takes balances as Postgres last said; news that are not newer change nothing.
-- A lower balance may be that after calls which are still pending here: it would count them twice, and cut calls that can be
-- paid. The settler brings it together with them (settled.lua), so that whoever is patient lets it wait.
-- KEYS  tollgate:payer:<user id> of each payer
-- ARGV  1 'wait', or 'now', then of each payer: balance, credit ('inf': without limit), version, day ("limit spent until"; '': no limit)
-- Returns how many were taken, and the numbers (from 1) of those that wait
local answer = {0}
for i = 1, #KEYS do
  local at = (i - 1) * 4 + 1
  local known = redis.call('HMGET', KEYS[i], 'version', 'balance', 'pending')
  if not known[1] or tonumber(known[1]) < tonumber(ARGV[at + 3]) then
    if ARGV[1] == 'wait' and known[1] and less(ZERO, money(known[3] or '0')) and less(money(ARGV[at + 1]), money(known[2])) then
      answer[#answer + 1] = i
    else
      redis.call('HSET', KEYS[i], 'balance', ARGV[at + 1], 'credit', ARGV[at + 2], 'version', ARGV[at + 3], 'day', ARGV[at + 4])
      answer[1] = answer[1] + 1
    end
  end
end
return answer
