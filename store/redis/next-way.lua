-- Gives the places of the present way back and takes the first of the given ways with room.
-- KEYS  1 tollgate:call:<id>, then the claims of all ways in the order asked
-- ARGV  1 number of ways; of each way: number of claims, then the limit of each; then the number that the first of these
--       ways has in the call, and field and value for the live view
-- MEMO  rows of the failed attempts so far
-- Returns the way taken (from 0), -1: none has room, -2: the call is not here
local call, ways = KEYS[1], tonumber(ARGV[1])
local present = redis.call('HGET', call, '_way_held')
if not present then return -2 end
give_back(present)

local way, way_held = -1, {}
local arg, key_at = 2, 1
for w = 1, ways do
  local claims = tonumber(ARGV[arg])
  if way < 0 then
    local taken, fits = {}, true
    for c = 1, claims do
      local key, limit = KEYS[key_at + c], tonumber(ARGV[arg + c])
      if limit > 0 and tonumber(redis.call('GET', key) or '0') + (taken[key] or 0) >= limit then fits = false; break end
      taken[key] = (taken[key] or 0) + 1
    end
    if fits then
      way = w - 1
      for key, places in pairs(taken) do
        take(key, places)
        for _ = 1, is_window(key) and 0 or places do way_held[#way_held + 1] = key end
      end
    end
  end
  key_at, arg = key_at + claims, arg + 1 + claims
end
redis.call('HSET', call, '_way_held', table.concat(way_held, ' '), '_way', way < 0 and -1 or way + tonumber(ARGV[arg]), unpack(ARGV, arg + 1))
if MEMO and MEMO ~= '' then redis.call('HSET', call, '_past', MEMO) end
if EVENTS and way >= 0 then tell(string.sub(call, 15), 'failover', with_provider({unpack(ARGV, arg + 1)}, way_held)) end
return way
