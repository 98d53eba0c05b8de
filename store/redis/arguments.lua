-- The arguments travel as one JSON array of texts, beside them bytes that are kept as they are; put in front of each script
-- of this folder. A fence (a key, and what must stand there) keeps out a daemon that leads no more.
local MEMO = ARGV[2]
if ARGV[3] and redis.call('GET', ARGV[3]) ~= ARGV[4] then return redis.error_reply('FENCED another daemon leads this Asterisk') end
local ARGV = cjson.decode(ARGV[1])
