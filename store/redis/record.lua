-- Queues the CDRs of a call that held nothing, once for as long as the mark lives.
-- KEYS  1 tollgate:refused:<id>, 2 tollgate:cdr
-- ARGV  1 life of the mark (s), then field and value of the entry for the settler
-- Returns 0 when it had been done before, otherwise 1
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[1]) then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
tell(string.sub(KEYS[1], 18), 'refused')
return 1
