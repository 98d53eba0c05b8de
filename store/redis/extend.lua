-- Raises what payers have on hold for a running call to the wanted amounts, or as near as their money goes.
-- KEYS  1 tollgate:call:<id>, then tollgate:payer:<user id> of each payer
-- ARGV  1 now (ms), then user id and wanted hold (in all, not in addition: a repetition changes nothing) of each payer
-- Returns {'held', what each payer has on hold, what each could spend beside it ('inf': without limit)} | {'unknown', user ids} | {'gone'}: the call is not here
local call = KEYS[1]
if redis.call('EXISTS', call) == 0 then return {'gone'} end
local purses, unknown = {}, {'unknown'}
for i = 2, #KEYS do
  purses[i] = redis.call('HMGET', KEYS[i], 'balance', 'credit', 'reserved', 'pending', 'day')
  if not purses[i][1] then unknown[#unknown + 1] = ARGV[(i - 1) * 2] end
end
if #unknown > 1 then return unknown end

local answer, raised = {'held'}, {}
for i = 2, #KEYS do
  local user, want = ARGV[(i - 1) * 2], money(ARGV[(i - 1) * 2 + 1])
  local hold = redis.call('HGET', call, '_hold:' .. user)
  local held = money(hold or '0')
  local more, left = minus(want, held), (spendable(purses[i], ARGV[1]))
  if left and less(left, more) then more = left end
  if less(ZERO, more) then
    held = plus(held, more)
    if left then left = minus(left, more) end
    redis.call('HSET', KEYS[i], 'reserved', text(plus(money(purses[i][3] or '0'), more)))
    redis.call('HSET', call, '_hold:' .. user, text(held))
    raised[#raised + 1] = user .. ' ' .. text(held)
    if not hold then
      redis.call('HSET', call, '_payers', (redis.call('HGET', call, '_payers') or '') .. ' ' .. user)
    end
  end
  answer[i] = text(held)
  answer[#KEYS + i - 1] = left and text(left) or 'inf'
end
if #raised > 0 then tell(string.sub(call, 15), 'extended', {'held', table.concat(raised, ' ')}) end
return answer
