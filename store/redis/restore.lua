-- A call that is up and of which Redis lost what it knew (flushed, or back with the data of a while ago) is written down
-- again: its places, its holds, its fields. What is known is left alone.
-- KEYS  1 tollgate:call:<id>, 2 tollgate:live, 3 tollgate:done:<id>, then the counters it has a place in, then its payers
-- ARGV  1 call id, 2 its start (ms), 3 index of its way, 4 number of counters, 5 how many of them are the way's (the last),
--       6 number of payers; of each payer: user id and hold; then field and value of what the live view shows
-- MEMO  what a takeover needs to know of the call
-- Returns 1 when it was missing
local call, live, done = KEYS[1], KEYS[2], KEYS[3]
if redis.call('EXISTS', call, done) > 0 then return 0 end
local counters, of_way, payers = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local held, way_held = {}, {}
for i = 1, counters do
  local key = KEYS[3 + i]
  redis.call('INCR', key)
  if i <= counters - of_way then held[#held + 1] = key else way_held[#way_held + 1] = key end
end

local names, arg = {}, 7
for i = 1, payers do
  local key, user, hold = KEYS[3 + counters + i], ARGV[arg], ARGV[arg + 1]
  redis.call('HSET', key, 'reserved', text(plus(money(redis.call('HGET', key, 'reserved') or '0'), money(hold))))
  redis.call('HSET', call, '_hold:' .. user, hold)
  names[i] = user
  arg = arg + 2
end
redis.call('HSET', call, '_started', ARGV[2], '_way', ARGV[3], '_held', table.concat(held, ' '), '_way_held', table.concat(way_held, ' '),
  '_payers', table.concat(names, ' '), '_memo', MEMO, unpack(ARGV, arg))
redis.call('ZADD', live, ARGV[2], ARGV[1])
return 1
