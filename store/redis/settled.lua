-- After the settling transaction: takes the new balances and removes what is no longer pending with the stream entries.
-- An entry that is gone already takes nothing with it, and raises no score, so a repetition changes nothing.
-- KEYS  1 tollgate:cdr
-- ARGV  1 rules of the dynamic blacklist as JSON (store/redis/score-feed.ts; '': off), 2 number of balances; of each: user id, balance, credit ('inf': without limit), version, day ("limit spent until"; '': no limit);
--       then of each entry: stream id, owed as in finish, its call for the rules as JSON ('': none)
-- Returns the number of entries removed
local rules = ARGV[1] ~= '' and cjson.decode(ARGV[1])
local balances = tonumber(ARGV[2])
local arg = 3
for _ = 1, balances do
  local payer = 'tollgate:payer:' .. ARGV[arg]
  local version = redis.call('HGET', payer, 'version')
  if not version or tonumber(version) < tonumber(ARGV[arg + 3]) then
    redis.call('HSET', payer, 'balance', ARGV[arg + 1], 'credit', ARGV[arg + 2], 'version', ARGV[arg + 3], 'day', ARGV[arg + 4])
  end
  arg = arg + 5
end
local removed, calls = 0, {}
for i = arg, #ARGV, 3 do
  if redis.call('XDEL', KEYS[1], ARGV[i]) == 1 then
    removed = removed + 1
    if rules and ARGV[i + 2] ~= '' then calls[#calls + 1] = ARGV[i + 2] end
    for user, amount in string.gmatch(ARGV[i + 1], '(%S+) (%S+)') do
      local payer = 'tollgate:payer:' .. user
      local pending = redis.call('HGET', payer, 'pending')
      if pending then redis.call('HSET', payer, 'pending', text(minus(money(pending), money(amount)))) end
    end
  end
end
-- Money comes first.
for _, call in ipairs(calls) do feed(cjson.decode(call), rules) end
if #calls > 0 then trim(rules) end
return removed
