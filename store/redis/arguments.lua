-- The arguments travel as one JSON array of texts, beside them bytes that are kept as they are; put in front of each script
-- of this folder.
local MEMO = ARGV[2]
local ARGV = cjson.decode(ARGV[1])
