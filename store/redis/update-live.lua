-- Shows new fields of running calls; a call that is over is not brought back by late news.
-- KEYS  tollgate:call:<id> of each call
-- ARGV  of each call: number of fields, then field, value, …
-- Returns how many of the calls are here
local arg, shown = 1, 0
for i = 1, #KEYS do
  local last = arg + 2 * tonumber(ARGV[arg])
  if redis.call('EXISTS', KEYS[i]) == 1 then
    redis.call('HSET', KEYS[i], unpack(ARGV, arg + 1, last))
    shown = shown + 1
    if EVENTS then
      local fields, event = {unpack(ARGV, arg + 1, last)}, 'changed'
      for f = 1, #fields, 2 do if fields[f] == 'state' then event = fields[f + 1] end end
      tell(string.sub(KEYS[i], 15), event, fields)
    end
  end
  arg = last + 1
end
return shown
