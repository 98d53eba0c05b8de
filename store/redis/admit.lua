-- Admits a call: places in counters, calls per second, money of every payer, the first way out with room. All or nothing.
-- KEYS  1 tollgate:call:<id>, 2 tollgate:live, 3 tollgate:done:<id>,
--       then the counters, the windows of calls per second, the payers, the claims of all ways, each in the order asked
-- ARGV  1 call id, 2 now (ms), 3 number of counters, 4 of windows, 5 of payers, 6 of ways,
--       then limit and cause of each counter and window; of each payer: user id, want, least, and the causes
--       too low, simultaneous, under one second; of each way: number of claims, then the limit of each;
--       then field and value of what the live view shows
-- MEMO  what a takeover needs to know of the call
-- Returns {'admitted', way (from 0; -1: none was asked), what each payer has on hold, what each could spend beside it ('inf': without limit)} | {'refused', cause}
--       | {'noWay'} | {'dailyLimit'} | {'unknown', user ids that have no balance here yet} | {'finished'}: the call is over already
local call, live, done = KEYS[1], KEYS[2], KEYS[3]
local counters, windows, payers, ways = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local before = redis.call('HGET', call, '_answer')
if before then
  local answer = {'admitted'}
  for word in string.gmatch(before, '%S+') do answer[#answer + 1] = word end
  return answer
end
-- Over, or refused; its arrival may be told once more after that.
if redis.call('EXISTS', done, 'tollgate:refused:' .. ARGV[1]) > 0 then return {'finished'} end

-- Sums of what is there and what this call takes, so that two claims on one key see each other.
local there, taken, order = {}, {}, {}
local function look(first, last)
  if last < first then return end
  for i, value in ipairs(redis.call('MGET', unpack(KEYS, first, last))) do there[KEYS[first + i - 1]] = tonumber(value or '0') end
end
local function room(key, limit)
  return limit == 0 or there[key] + (taken[key] or 0) < limit
end
local function claim(key, places)
  if not taken[key] then taken[key] = 0; order[#order + 1] = key end
  taken[key] = taken[key] + places
end

local arg = 7
local held = {}
look(4, 3 + counters + windows)
for i = 1, counters + windows do
  local key = KEYS[3 + i]
  if not room(key, tonumber(ARGV[arg])) then return {'refused', ARGV[arg + 1]} end
  claim(key, 1)
  if i <= counters then held[i] = key end
  arg = arg + 2
end

local purses, unknown = {}, {'unknown'}
for i = 1, payers do
  local key = KEYS[3 + counters + windows + i]
  if not purses[key] then
    local fields = redis.call('HMGET', key, 'balance', 'credit', 'reserved', 'pending', 'day')
    if fields[1] then
      local left, today = spendable(fields, ARGV[2])
      purses[key] = {left = left, today = today, reserved = money(fields[3] or '0')}
    else
      unknown[#unknown + 1] = ARGV[arg + (i - 1) * 6]
    end
  end
end
if #unknown > 1 then return unknown end

local granted = {}
for i = 1, payers do
  local purse = purses[KEYS[3 + counters + windows + i]]
  local want, least = money(ARGV[arg + 1]), money(ARGV[arg + 2])
  local grant = want
  if purse.left and less(purse.left, want) then
    grant = less(ZERO, purse.left) and purse.left or ZERO
    if less(grant, least) then
      if purse.today and less(purse.today, least) then return {'dailyLimit'} end
      -- Nothing there; not even one second; enough for one, but other calls hold it.
      local total = plus(purse.left, purse.reserved)
      local cause = less(ZERO, total) and (less(total, least) and 5 or 4) or 3
      return {'refused', ARGV[arg + cause]}
    end
  end
  if purse.left then purse.left = minus(purse.left, grant) end
  if purse.today then purse.today = minus(purse.today, grant) end
  purse.reserved = plus(purse.reserved, grant)
  purse.grant = plus(purse.grant or ZERO, grant)
  purse.user = ARGV[arg]
  granted[i] = text(grant)
  arg = arg + 6
end

local way, way_held = -1, {}
local key_at = 3 + counters + windows + payers
for w = 1, ways do
  local claims = tonumber(ARGV[arg])
  if way < 0 then
    local fits, tried = true, {}
    look(key_at + 1, key_at + claims)
    for c = 1, claims do
      local key = KEYS[key_at + c]
      if not room(key, tonumber(ARGV[arg + c])) then fits = false; break end
      claim(key, 1)
      tried[c] = key
    end
    if fits then
      way = w - 1
      for _, key in ipairs(tried) do
        if not is_window(key) then way_held[#way_held + 1] = key end
      end
    else
      for _, key in ipairs(tried) do claim(key, -1) end
    end
  end
  key_at, arg = key_at + claims, arg + 1 + claims
end
if ways > 0 and way < 0 then return {'noWay'} end

-- Everything fits: only now is anything written.
local sums = {}
for _, key in ipairs(order) do
  if taken[key] > 0 then
    if not is_window(key) then
      sums[#sums + 1] = key
      sums[#sums + 1] = there[key] + taken[key]
    elseif there[key] > 0 then
      redis.call('INCRBY', key, taken[key])
    else
      redis.call('SET', key, taken[key], 'PX', 2000)
    end
  end
end
if #sums > 0 then redis.call('MSET', unpack(sums)) end
local shown, names = #ARGV, {}
local function keep(field, value)
  ARGV[#ARGV + 1] = field
  ARGV[#ARGV + 1] = value
end
for key, purse in pairs(purses) do
  redis.call('HSET', key, 'reserved', text(purse.reserved))
  keep('_hold:' .. purse.user, text(purse.grant))
  names[#names + 1] = purse.user
end
keep('_started', ARGV[2])
keep('_way', way)
if MEMO and MEMO ~= '' then keep('_memo', MEMO) end
for i = 1, payers do
  local left = purses[KEYS[3 + counters + windows + i]].left
  granted[payers + i] = left and text(left) or 'inf'
end
keep('_answer', way .. ' ' .. table.concat(granted, ' '))
keep('_held', table.concat(held, ' '))
keep('_way_held', table.concat(way_held, ' '))
keep('_payers', table.concat(names, ' '))
redis.call('HSET', call, unpack(ARGV, arg))
redis.call('ZADD', live, ARGV[2], ARGV[1])
if EVENTS then tell(ARGV[1], 'admitted', with_provider({unpack(ARGV, arg, shown)}, way_held)) end
local answer = {'admitted', tostring(way)}
for i = 1, 2 * payers do answer[2 + i] = granted[i] end
return answer
