-- Shows new fields of a running call; a call that is over is not brought back by late news.
-- KEYS  1 tollgate:call:<id>
-- ARGV  field, value, …
-- Returns 1, or 0 when the call is not here
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
