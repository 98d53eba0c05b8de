-- Queues refused entries again, after their reason was removed.
-- KEYS  1 tollgate:cdr, 2 tollgate:cdr:refused
-- ARGV  1 most entries to move
-- Returns how many were moved
local found = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', ARGV[1])
for _, entry in ipairs(found) do
  local fields = {}
  for i = 1, #entry[2], 2 do
    if entry[2][i] ~= 'reason' then
      fields[#fields + 1] = entry[2][i]
      fields[#fields + 1] = entry[2][i + 1]
    end
  end
  redis.call('XADD', KEYS[1], '*', unpack(fields))
  redis.call('XDEL', KEYS[2], entry[1])
end
return #found
