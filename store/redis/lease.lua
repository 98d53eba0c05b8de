-- Who leads an Asterisk: one daemon at a time, for as long as it says so again and again.
-- KEYS  1 tollgate:lead:<server>: "<token> <daemon>" with a life, or "0 released"; 2 tollgate:lead:<server>:token, the last token
-- ARGV  1 the daemon, 2 life of the lease (ms), 3 the last token it had (0: none), 4 'claim', or 'look': leave a lease that
--       has vanished alone, 5 a daemon that is known to be dead ('': none)
-- Returns {'lead', token} | {'other', daemon} | {'free', 1 if the Asterisk was ever led, else 0}
local is = redis.call('GET', KEYS[1])
local token, owner = string.match(is or '', '^(%d+) (.+)$')
if owner == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {'lead', token}
end
local left = owner == 'released' or (owner ~= nil and owner == ARGV[5])
if is and not left then return {'other', owner} end
local last = redis.call('GET', KEYS[2])
if ARGV[4] == 'look' and not left then return {'free', last and 1 or 0} end
-- A Redis that came back empty has forgotten the last token; whoever led knows it.
local next = math.max(tonumber(last or '0'), tonumber(ARGV[3])) + 1
redis.call('SET', KEYS[2], next)
redis.call('SET', KEYS[1], next .. ' ' .. ARGV[1], 'PX', ARGV[2])
return {'lead', tostring(next)}
