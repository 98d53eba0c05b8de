-- The daemon that leads an Asterisk lets go of it: the next one need not wait.
-- KEYS  1 tollgate:lead:<server>
-- ARGV  1 the daemon, 2 life of the word that it is free (ms)
-- Returns 1 when it led
local owner = string.match(redis.call('GET', KEYS[1]) or '', '^%d+ (.+)$')
if owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '0 released', 'PX', ARGV[2])
return 1
