-- Takes balances as Postgres last said; news that are not newer change nothing.
-- KEYS  tollgate:payer:<user id> of each payer
-- ARGV  of each payer: balance, credit ('inf': without limit), version, day ("limit spent until"; '': no limit)
-- Returns how many were taken
local taken = 0
for i = 1, #KEYS do
  local at = (i - 1) * 4
  local version = redis.call('HGET', KEYS[i], 'version')
  if not version or tonumber(version) < tonumber(ARGV[at + 3]) then
    redis.call('HSET', KEYS[i], 'balance', ARGV[at + 1], 'credit', ARGV[at + 2], 'version', ARGV[at + 3], 'day', ARGV[at + 4])
    taken = taken + 1
  end
end
return taken
