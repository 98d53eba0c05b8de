-- A call that is up, as its daemon knows it after Redis was away. If Redis lost it (flushed, or back with the data of a
-- while ago) it is written down again: its places, its holds, its fields. Of one that is known, holds are raised to what
-- the daemon gave meanwhile, and the places are those of the way that it took.
-- KEYS  1 tollgate:call:<id>, 2 tollgate:live, 3 tollgate:done:<id>, then the counters it has a place in, then its payers
-- ARGV  1 call id, 2 its start (ms), 3 index of its way, 4 number of counters, 5 how many of them are the way's (the last),
--       6 number of payers; of each payer: user id and hold; then field and value of what the live view shows
-- MEMO  what a takeover needs to know of the call, its failed attempts among it
-- Returns 1 when it was missing
local call, live, done = KEYS[1], KEYS[2], KEYS[3]
if redis.call('EXISTS', done) == 1 then return 0 end
local counters, of_way, payers = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local known = redis.call('HMGET', call, '_way', '_way_held', '_payers')
local missing = not known[1]

local held, way_held = {}, {}
local way_changed = known[1] ~= ARGV[3]
if way_changed then
  give_back(known[2] or '')
end
for i = 1, counters do
  local key, is_way = KEYS[3 + i], i > counters - of_way
  if missing or (is_way and way_changed) then redis.call('INCR', key) end
  if is_way then way_held[#way_held + 1] = key else held[#held + 1] = key end
end

local names, arg = known[3] or '', 7
for i = 1, payers do
  local key, user, hold = KEYS[3 + counters + i], ARGV[arg], ARGV[arg + 1]
  local before = redis.call('HGET', call, '_hold:' .. user)
  local more = minus(money(hold), money(before or '0'))
  if less(ZERO, more) then
    redis.call('HSET', key, 'reserved', text(plus(money(redis.call('HGET', key, 'reserved') or '0'), more)))
  end
  if less(ZERO, more) or not before then redis.call('HSET', call, '_hold:' .. user, hold) end
  if not before then names = names == '' and user or names .. ' ' .. user end
  arg = arg + 2
end
if missing then
  redis.call('HSET', call, '_started', ARGV[2], '_held', table.concat(held, ' '), unpack(ARGV, arg))
  redis.call('ZADD', live, ARGV[2], ARGV[1])
end
if missing or way_changed then
  redis.call('HSET', call, '_memo', MEMO)
  redis.call('HDEL', call, '_past')
end
redis.call('HSET', call, '_way', ARGV[3], '_way_held', table.concat(way_held, ' '), '_payers', names)
return missing and 1 or 0
