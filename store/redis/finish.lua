-- Ends a call: counters and money on hold are given back, what is owed becomes pending, the CDRs are queued.
-- A second time, and for as long as the mark of the first lives, it changes nothing.
-- KEYS  1 tollgate:call:<id>, 2 tollgate:live, 3 tollgate:done:<id>, 4 tollgate:cdr, then counters of flash calls
-- ARGV  1 call id, 2 life of the mark (s; 0: no mark, the call only gives back what it holds), 3 owed: "user amount user amount", 4 life of the counters of flash calls (s),
--       then field and value of the entry for the settler (none: nothing to settle)
-- Returns 0 when the call had been finished before; otherwise 1 and each counter of flash calls
local call, live, done, stream = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
if ARGV[2] ~= '0' and not redis.call('SET', done, '1', 'NX', 'EX', ARGV[2]) then return {0} end
local held = redis.call('HMGET', call, '_held', '_way_held', '_payers')
give_back((held[1] or '') .. ' ' .. (held[2] or ''))
-- Of each payer: what the call held, and what he owes for it.
local users, fields, owes = {}, {}, {}
for user in string.gmatch(held[3] or '', '%S+') do
  users[#users + 1] = user
  fields[#fields + 1] = '_hold:' .. user
end
local holds = #users > 0 and redis.call('HMGET', call, unpack(fields)) or {}
local paying = {}
for _, user in ipairs(users) do paying[user] = true end
for user, amount in string.gmatch(ARGV[3], '(%S+) (%S+)') do
  owes[user] = money(amount)
  if not paying[user] then users[#users + 1] = user end
end
for i, user in ipairs(users) do
  local payer = 'tollgate:payer:' .. user
  local now, changes = redis.call('HMGET', payer, 'reserved', 'pending'), {}
  if holds[i] and now[1] then changes = {'reserved', text(minus(money(now[1]), money(holds[i])))} end
  if owes[user] then
    changes[#changes + 1] = 'pending'
    changes[#changes + 1] = text(plus(money(now[2] or '0'), owes[user]))
  end
  if #changes > 0 then redis.call('HSET', payer, unpack(changes)) end
end
redis.call('DEL', call)
redis.call('ZREM', live, ARGV[1])
if #ARGV > 4 then redis.call('XADD', stream, '*', unpack(ARGV, 5)) end
if ARGV[2] ~= '0' then tell(ARGV[1], 'over') elseif held[1] then tell(ARGV[1], 'released', {}) end
local answer = {1}
for i = 5, #KEYS do
  answer[#answer + 1] = redis.call('INCR', KEYS[i])
  redis.call('EXPIRE', KEYS[i], ARGV[4])
end
return answer
