-- The arguments travel as one JSON array of texts, beside them bytes that are kept as they are; put in front of each script
-- of this folder. A fence (a key, and what must stand there) keeps out a daemon that leads no more.
local MEMO = ARGV[2]
if ARGV[3] and ARGV[3] ~= '' and redis.call('GET', ARGV[3]) ~= ARGV[4] then return redis.error_reply('FENCED another daemon leads this Asterisk') end
local EVENTS, EVENT = ARGV[5], ARGV[6]
local ARGV = cjson.decode(ARGV[1])

-- Tells other programs what became of a call; EVENTS: so many entries stay, nil: nothing is told. Fields are flat, and those that
-- came with the arguments unless others are given.
local function tell(call, event, fields)
  if EVENTS then redis.call('XADD', 'tollgate:events', 'MAXLEN', '~', EVENTS, '*', 'call', call, 'event', event, unpack(fields or cjson.decode(EVENT))) end
end

-- The provider that has the call, by the counters of its way.
local function with_provider(fields, counters)
  for _, key in ipairs(counters) do
    local id = string.match(key, '^tollgate:calls:provider:(%d+)$')
    if id then
      fields[#fields + 1] = 'providerId'
      fields[#fields + 1] = id
    end
  end
  return fields
end
