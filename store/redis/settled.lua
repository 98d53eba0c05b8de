-- After the settling transaction: takes the new balances and removes what is no longer pending with the stream entries.
-- An entry that is gone already takes nothing with it, so a repetition changes nothing.
-- KEYS  1 tollgate:cdr
-- ARGV  1 number of balances; of each: user id, balance, credit ('inf': without limit), version;
--       then of each entry: stream id, owed as in finish
-- Returns the number of entries removed
local balances = tonumber(ARGV[1])
local arg = 2
for _ = 1, balances do
  local payer = 'tollgate:payer:' .. ARGV[arg]
  local version = redis.call('HGET', payer, 'version')
  if not version or tonumber(version) < tonumber(ARGV[arg + 3]) then
    redis.call('HSET', payer, 'balance', ARGV[arg + 1], 'credit', ARGV[arg + 2], 'version', ARGV[arg + 3])
  end
  arg = arg + 4
end
local removed = 0
for i = arg, #ARGV, 2 do
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then
    removed = removed + 1
    for user, amount in string.gmatch(ARGV[i + 1], '(%S+) (%S+)') do
      local payer = 'tollgate:payer:' .. user
      local pending = redis.call('HGET', payer, 'pending')
      if pending then redis.call('HSET', payer, 'pending', text(minus(money(pending), money(amount)))) end
    end
  end
end
return removed
