-- Puts a stream entry that cannot be settled aside, with its reason. What it owes stays pending: its money is not settled.
-- KEYS  1 tollgate:cdr, 2 tollgate:cdr:refused
-- ARGV  1 stream id, 2 reason
-- Returns 1, or 0 when the entry is gone
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local fields = found[1][2]
fields[#fields + 1] = 'reason'
fields[#fields + 1] = ARGV[2]
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
