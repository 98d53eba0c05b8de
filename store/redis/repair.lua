-- Adds one sum up anew over all calls that are up, and sets it right. All calls are read at once, so only what looked wrong
-- for a while is brought here.
-- KEYS  1 a counter of calls, or the hash of a payer, 2 tollgate:live
-- ARGV  1 the payer's id ('': a counter)
-- Returns {1, what it was, what it is} when it was wrong, else {0}
local user, sum, places = ARGV[1], ZERO, 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local call = 'tollgate:call:' .. id
  if user ~= '' then
    local hold = redis.call('HGET', call, '_hold:' .. user)
    if hold then sum = plus(sum, money(hold)) end
  else
    local held = redis.call('HMGET', call, '_held', '_way_held')
    for key in string.gmatch((held[1] or '') .. ' ' .. (held[2] or ''), '%S+') do
      if key == KEYS[1] then places = places + 1 end
    end
  end
end
local is, must
if user ~= '' then
  is, must = redis.call('HGET', KEYS[1], 'reserved') or '0', text(sum)
  if is == must then return {0} end
  redis.call('HSET', KEYS[1], 'reserved', must)
else
  is, must = redis.call('GET', KEYS[1]) or '0', tostring(places)
  if is == must then return {0} end
  if places == 0 then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], must) end
end
return {1, is, must}
