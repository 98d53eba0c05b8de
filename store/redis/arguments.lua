-- The arguments travel as one JSON array of texts; put in front of each script of this folder.
local ARGV = cjson.decode(ARGV[1])
