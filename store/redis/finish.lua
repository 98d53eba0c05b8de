-- Ends a call: counters and money on hold are given back, what is owed becomes pending, the CDRs are queued.
-- A second time, and for as long as the mark of the first lives, it changes nothing.
-- KEYS  1 tollgate:call:<id>, 2 tollgate:live, 3 tollgate:done:<id>, 4 tollgate:cdr, then counters of flash calls
-- ARGV  1 call id, 2 life of the mark (s; 0: no mark, the call only gives back what it holds), 3 owed: "user amount user amount", 4 life of the counters of flash calls (s),
--       then field and value of the entry for the settler (none: nothing to settle)
-- Returns 0 when the call had been finished before; otherwise 1 and each counter of flash calls
local call, live, done, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if ARGV[2] ~= '0' and not redis.call('SET', done, '1', 'NX', 'EX', ARGV[2]) then return {0} end
local held = redis.call('HMGET', call, '_held', '_way_held', '_payers')
for key in string.gmatch((held[1] or '') .. ' ' .. (held[2] or ''), '%S+') do give_back(key) end
for user in string.gmatch(held[3] or '', '%S+') do
  local payer = 'tollgate:payer:' .. user
  local hold = redis.call('HGET', call, '_hold:' .. user)
  local reserved = redis.call('HGET', payer, 'reserved')
  if hold and reserved then redis.call('HSET', payer, 'reserved', text(minus(money(reserved), money(hold)))) end
end
for user, amount in string.gmatch(ARGV[3], '(%S+) (%S+)') do
  local payer = 'tollgate:payer:' .. user
  local pending = redis.call('HGET', payer, 'pending') or '0'
  redis.call('HSET', payer, 'pending', text(plus(money(pending), money(amount))))
end
redis.call('DEL', call)
redis.call('ZREM', live, ARGV[1])
if #ARGV > 4 then redis.call('XADD', stream, '*', unpack(ARGV, 5)) end
local answer = {1}
for i = 5, #KEYS do
  answer[#answer + 1] = redis.call('INCR', KEYS[i])
  redis.call('EXPIRE', KEYS[i], ARGV[4])
end
return answer
